package simd

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

var filterTwins = []twin{
	{"Filter/8", func(a *arena) { filterRow[uint64](a) }},
	{"Filter/4", func(a *arena) { filterRow[uint32](a) }},
	{"Filter/2", func(a *arena) { filterRow[uint16](a) }},
	{"Filter/1", func(a *arena) { filterRow[uint8](a) }},
	{"FilterBits", func(a *arena) {
		keep := bitmap(a, a.n)
		dst := output[byte](a, 8*((ones(keep, a.n)+63)/64))
		a.keep(FilterBits(dst, bitmap(a, a.n), keep, a.n))
	}},
}

// filterRow has room for just what is kept, which is where writing too much
// would show.
func filterRow[T element](a *arena) {
	keep := bitmap(a, a.n)
	dst := output[T](a, ones(keep, a.n))
	a.keep(Filter(dst, input[T](a, a.n), keep))
}

func ones(b []byte, n int) int {
	count := 0
	for i := range n {
		count += int(b[i/8] >> (i % 8) & 1)
	}
	return count
}

// keepMix is a bitmap of n bits with words of every density in it, and the
// positions that are set.
func keepMix(r *rand.Rand, n int) (keep []byte, rows []int) {
	keep = make([]byte, bytesOf(n))
	percent := 0
	for i := range n {
		if i%64 == 0 {
			percent = []int{0, 2, 10, 20, 50, 90, 98, 100}[r.IntN(8)]
		}
		if r.IntN(100) < percent {
			keep[i/8] |= 1 << (i % 8)
			rows = append(rows, i)
		}
	}
	if n%8 != 0 {
		keep[n/8] |= 0xff << (n % 8) // bits behind the last row do not count
	}
	return keep, rows
}

func TestFilterKeepsWhatIsSet(t *testing.T) {
	testFilter(t, func(i int) uint8 { return uint8(i) })
	testFilter(t, func(i int) uint16 { return uint16(i) })
	testFilter(t, func(i int) uint32 { return uint32(i) })
	testFilter(t, func(i int) float64 { return float64(i) })
	testFilter(t, func(i int) [2]uint64 { return [2]uint64{uint64(i), ^uint64(i)} })
	testFilter(t, func(i int) [4]uint64 { return [4]uint64{3: uint64(i)} })
}

func testFilter[T comparable](t *testing.T, value func(i int) T) {
	for _, l := range Levels() {
		defer Use(Use(l))
		r := rand.New(rand.NewPCG(3, 4))
		for round := range 600 {
			n := r.IntN(700)
			if round == 0 {
				n = 150_000
			}
			if round%2 == 1 {
				n &^= 63 // the last word is whole, and there may be room for little more than it keeps
			}
			src := make([]T, n)
			for i := range src {
				src[i] = value(i + 1)
			}
			keep, rows := keepMix(r, n)
			want := make([]T, len(rows))
			for i, row := range rows {
				want[i] = src[row]
			}
			got := make([]T, len(rows), len(rows)+70)
			if k := Filter(got, src, keep); k != len(rows) || !slices.Equal(got, want) {
				t.Fatalf("level %s, round %d: %d of %d rows are wrong", l, round, k, n)
			}
			for i, v := range got[len(rows):cap(got)] {
				if v != *new(T) {
					t.Fatalf("level %s, round %d: wrote %d past the end", l, round, i)
				}
			}
			// In place: the rows stay ahead of where they go.
			if k := Filter(src, src, keep); !slices.Equal(src[:k], want) {
				t.Fatalf("level %s, round %d: wrong in place", l, round)
			}
		}
	}
}

func TestFilterBitsKeepsWhatIsSet(t *testing.T) {
	for _, l := range Levels() {
		defer Use(Use(l))
		r := rand.New(rand.NewPCG(5, 6))
		for round := range 400 {
			n := r.IntN(2000)
			keep, rows := keepMix(r, n)
			src, _ := keepMix(r, n)
			got := make([]byte, 8*((len(rows)+63)/64))
			for i := range got {
				got[i] = 0xaa
			}
			if k := FilterBits(got, src, keep, n); k != len(rows) {
				t.Fatalf("level %s, round %d: %d bits, want %d", l, round, k, len(rows))
			}
			want := make([]byte, len(got))
			for i, row := range rows {
				want[i/8] |= src[row/8] >> (row % 8) & 1 << (i % 8)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("level %s, round %d, %d rows:\n%x, want\n%x", l, round, n, got, want)
			}
		}
	}
}

// Too little room is a panic at every level, not memory overwritten.
func TestFilterNeedsRoom(t *testing.T) {
	keep := slices.Repeat([]byte{0xff}, 32)
	for _, l := range Levels() {
		defer Use(Use(l))
		for name, f := range map[string]func(){
			"Filter":     func() { Filter(make([]uint64, 100), make([]uint64, 256), keep) },
			"FilterBits": func() { FilterBits(make([]byte, 24), keep, keep, 256) },
			"keep":       func() { Filter(make([]uint32, 300), make([]uint32, 300), keep) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("level %s: %s did not panic", l, name)
					}
				}()
				f()
			}()
		}
	}
}

// TestFilterStaysInRoom keeps nearly all of the last 64 rows, with exactly the
// room for them and guards behind it: whole vectors must not be stored there.
func TestFilterStaysInRoom(t *testing.T) {
	stayInRoom[uint32](t)
	stayInRoom[uint64](t)
}

func stayInRoom[T uint32 | uint64](t *testing.T) {
	const guard = 99
	for _, l := range Levels() {
		defer Use(Use(l))
		src := make([]T, 128)
		for i := range src {
			src[i] = T(1000 + i)
		}
		for dropped := range 8 {
			for first := range 64 - dropped {
				keep := ^uint64(0) &^ ((1<<dropped - 1) << first)
				bits := binary.LittleEndian.AppendUint64(slices.Repeat([]byte{0xff}, 8), keep)
				kept := 128 - dropped
				memory := slices.Repeat([]T{guard}, kept+16)
				if n := Filter(memory[:kept:kept], src, bits); n != kept {
					t.Fatalf("level %s: %d values are kept, want %d", l, n, kept)
				}
				if behind := memory[kept:]; !slices.Equal(behind, slices.Repeat([]T{guard}, 16)) {
					t.Fatalf("level %s, %d bytes: %d dropped from row %d: wrote behind the room: %v", l, unsafe.Sizeof(src[0]), dropped, first, behind)
				}
			}
		}
	}
}
