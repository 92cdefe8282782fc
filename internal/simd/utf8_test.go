package simd

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// textBytes are n bytes of characters of one to four bytes, cut off anywhere.
func textBytes(r *rand.Rand, n int) []byte {
	var b []byte
	ascii := r.IntN(3)
	for len(b) < n {
		switch most := []int32{0x80, 0x800, 0x10000, 0x110000}; {
		case r.IntN(3) < ascii:
			b = append(b, strings.Repeat("a", r.IntN(100))...)
		default:
			b = utf8.AppendRune(b, r.Int32N(most[r.IntN(4)]))
		}
	}
	return b[:n]
}

var utf8Twins = []twin{
	{"ValidUTF8", func(a *arena) {
		b := inout[byte](a, a.n)
		copy(b, textBytes(a.rng, a.n))
		a.keep(ValidUTF8(b))
		if a.n > 0 {
			b[a.rng.IntN(a.n)] ^= 1 << a.rng.IntN(8)
			a.keep(ValidUTF8(b))
		}
	}},
}

// hardCases are characters at the borders of what is allowed and beyond.
var hardCases = []string{
	"a", "\x7f", "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2\x80", "\xdf\xbf", "\xdf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe0\xa0\x80", "\xe1\x80",
	"\xed\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xef\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
	"\xf0\x90\x80\x80", "\xf0\x90\x80", "\xf1\x80", "\xf3\xbf\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80",
	"\xfc", "\xfe", "\xff", "\xe2\x82\xac\x80", "\xc2\x80\x80", "\xf0\x9f\x98\x80\x80", "\xe2\x28\xa1", "\xf0\x28\x8c\xbc", "\xf0\x90\x28\xbc",
}

// TestValidUTF8AtEveryPlace puts each case at every place around the borders of
// vectors and blocks.
func TestValidUTF8AtEveryPlace(t *testing.T) {
	for _, l := range Levels() {
		defer Use(Use(l))
		for _, fill := range []string{"a", "é", "€", "😀"} {
			for _, c := range hardCases {
				for at := range 150 {
					b := []byte(strings.Repeat(fill, at/len(fill)) + strings.Repeat("a", at%len(fill)) + c + strings.Repeat(fill, 100))
					for _, end := range []int{len(b), at + len(c)} {
						if got, want := ValidUTF8(b[:end]), utf8.Valid(b[:end]); got != want {
							t.Fatalf("level %s: %q at %d of %d after %q is %t", l, c, at, end, fill, got)
						}
					}
				}
			}
		}
	}
}

// TestValidUTF8OfAllPairs tries all first three bytes.
func TestValidUTF8OfAllPairs(t *testing.T) {
	for _, l := range Levels() {
		defer Use(Use(l))
		b := bytes.Repeat([]byte("a"), 128)
		for x := 0x80; x < 0x100; x++ {
			for y := range 0x100 {
				for _, z := range []byte{'a', 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2} {
					b[40], b[41], b[42] = byte(x), byte(y), z
					for _, last := range []byte{'a', 0x80} {
						b[43] = last
						if got, want := ValidUTF8(b), utf8.Valid(b); got != want {
							t.Fatalf("level %s: % x is %t", l, b[40:44], got)
						}
					}
				}
			}
		}
	}
}

func TestValidUTF8OfLongTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		b := textBytes(r, r.IntN(200_000)>>r.IntN(8))
		if round%2 == 0 && len(b) > 0 {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
		want := utf8.Valid(b)
		for _, l := range Levels() {
			defer Use(Use(l))
			if got := ValidUTF8(b); got != want {
				t.Fatalf("level %s, round %d, %d bytes: %t", l, round, len(b), got)
			}
		}
	}
}

func FuzzValidUTF8(f *testing.F) {
	for _, c := range hardCases {
		f.Add([]byte(strings.Repeat("ab", 31)+c+strings.Repeat("é", 40)), 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, times int) {
		b = bytes.Repeat(b, 1+times&15)
		if got, want := ValidUTF8(b), utf8.Valid(b); got != want {
			t.Fatalf("% x is %t", b, got)
		}
	})
}
