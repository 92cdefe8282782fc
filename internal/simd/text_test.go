package simd

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// constants are texts of all the lengths that are compared differently, of
// which textColumn is made.
var constants = []string{"", "a", "ab", "aba", "abba", "abbab", "abababa", "abababab", "ababababab", "abababababababab", "ababababababababa", "ababababababababababababababababababab", "b", "bb"}

// textColumn is a column of n texts out of few letters, with bytes before the
// first and behind the last.
func textColumn(a *arena, n int) (off []int32, data []byte) {
	off = inout[int32](a, n+1)
	size := int32(3)
	for i := range off {
		off[i] = size
		if i < n {
			size += int32(a.rng.IntN(2) * a.rng.IntN(12))
			if a.rng.IntN(3) == 0 {
				size += int32(len(constants[a.rng.IntN(len(constants))]))
			}
		}
	}
	data = inout[byte](a, int(size))
	for i := range data {
		data[i] = 'a' + byte(i%2)
		if a.rng.IntN(12) == 0 {
			data[i] = 'a' + byte(a.rng.IntN(2))
		}
	}
	return off, data
}

var textTwins = []twin{
	{"EqualText", func(a *arena) { textRow(a, EqualText) }},
	{"HasPrefix", func(a *arena) { textRow(a, HasPrefix) }},
	{"HasSuffix", func(a *arena) { textRow(a, HasSuffix) }},
	{"ContainsText", func(a *arena) { textRow(a, ContainsText) }},
	{"EqualTexts", func(a *arena) {
		off, data := textColumn(a, a.n)
		off2, data2 := textColumn(a, a.n)
		EqualTexts(output[byte](a, (a.n+63)/64*8), off, data, off2, data2)
	}},
}

func textRow(a *arena, f func(out []byte, off []int32, data []byte, c string)) {
	off, data := textColumn(a, a.n)
	for range 3 {
		f(output[byte](a, (a.n+63)/64*8), off, data, constants[a.rng.IntN(len(constants))])
	}
}

// TestTextAgainstStrings compares with the functions of package strings.
func TestTextAgainstStrings(t *testing.T) {
	predicates := []struct {
		name string
		fill func(out []byte, off []int32, data []byte, c string)
		want func(s, c string) bool
	}{
		{"EqualText", EqualText, func(s, c string) bool { return s == c }},
		{"HasPrefix", HasPrefix, strings.HasPrefix},
		{"HasSuffix", HasSuffix, strings.HasSuffix},
		{"ContainsText", ContainsText, strings.Contains},
	}
	for _, l := range Levels() {
		defer Use(Use(l))
		a := newArena(t)
		for n := range 200 {
			a.reset(uint64(n), n*(1+20*(n%2)), 0, placement(n%3), 0)
			off, data := textColumn(a, a.n)
			out := make([]byte, (a.n+63)/64*8)
			for _, c := range constants {
				for _, p := range predicates {
					for i := range out {
						out[i] = 0xff
					}
					p.fill(out, off, data, c)
					for i := range 8 * len(out) {
						want := i < a.n && p.want(string(data[off[i]:off[i+1]]), c)
						if got := out[i/8]>>(i%8)&1 != 0; got != want {
							t.Fatalf("level %s: %s of row %d of %d and %q is %t", l, p.name, i, a.n, c, got)
						}
					}
				}
			}
		}
	}
}

func TestEqualTextsAgainstStrings(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 100 {
		var data [2][]byte
		off := [2][]int32{{0}, {0}}
		for range n {
			s := strings.Repeat("x", r.IntN(40))
			for k := range 2 {
				b := []byte(s)
				if len(b) > 0 && r.IntN(3) == 0 {
					b[r.IntN(len(b))] = 'y'
				}
				data[k] = append(data[k], b...)
				off[k] = append(off[k], int32(len(data[k])))
			}
		}
		out := make([]byte, (n+63)/64*8)
		EqualTexts(out, off[0], data[0], off[1], data[1])
		for i := range n {
			want := string(data[0][off[0][i]:off[0][i+1]]) == string(data[1][off[1][i]:off[1][i+1]])
			if got := out[i/8]>>(i%8)&1 != 0; got != want {
				t.Fatalf("row %d of %d is %t", i, n, got)
			}
		}
	}
}

// A column whose bytes are many times what is swept at once.
func TestContainsTextAcrossSweeps(t *testing.T) {
	var data []byte
	off := []int32{0}
	for i := range 5000 {
		data = fmt.Appendf(data, "row-%d", i)
		off = append(off, int32(len(data)))
	}
	out := make([]byte, (5000+63)/64*8)
	for _, l := range Levels() {
		defer Use(Use(l))
		ContainsText(out, off, data, "-77")
		for i := range 5000 {
			want := strings.HasPrefix(fmt.Sprint(i), "77")
			if got := out[i/8]>>(i%8)&1 != 0; got != want {
				t.Fatalf("level %s: row %d is %t", l, i, got)
			}
		}
	}
}

// What pairs finds is looked at again, so that finding too much would not show
// in ContainsText.
func TestPairsFindsNoMore(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	data := make([]byte, 64*5+3)
	for i := range data {
		data[i] = byte(r.IntN(3)) + 0x7f
	}
	for _, l := range Levels() {
		defer Use(Use(l))
		out := make([]byte, 8*5)
		pairs(out, data[:64*5], data[3:], 0x7f, 0x80)
		for i := range 64 * 5 {
			if want := data[i] == 0x7f && data[i+3] == 0x80; (out[i/8]>>(i%8)&1 != 0) != want {
				t.Fatalf("level %s: place %d is not %t", l, i, want)
			}
		}
	}
}
