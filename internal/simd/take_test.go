package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

var takeTwins = []twin{
	{"InRange", func(a *arena) {
		idx := input[int32](a, a.n)
		for _, n := range []int{0, 5, 1000, math.MaxInt32} {
			a.keep(InRange(idx, n))
		}
		a.keep(InRange(positions(a, 100), 100), InRange(positions(a, 101), 100))
	}},
	{"Take/8", func(a *arena) { takeRow[uint64](a) }},
	{"Take/4", func(a *arena) { takeRow[uint32](a) }},
	{"Take/1", func(a *arena) { takeRow[uint8](a) }},
	{"TakeBits", func(a *arena) {
		TakeBits(output[byte](a, (a.n+63)/64*8), bitmap(a, a.n+1), positions(a, a.n+1))
	}},
}

func takeRow[T element](a *arena) {
	Take(output[T](a, a.n), input[T](a, a.n+1), positions(a, a.n+1))
}

// positions are as many positions below limit as the run has rows.
func positions(a *arena, limit int) []int32 {
	idx := inout[int32](a, a.n)
	for i := range idx {
		idx[i] = int32(a.rng.IntN(limit))
	}
	return idx
}

// Every place of a position out of range is seen.
func TestInRange(t *testing.T) {
	for _, l := range Levels() {
		defer Use(Use(l))
		for n := range 140 {
			idx := make([]int32, n)
			for i := range idx {
				idx[i] = 9
			}
			if !InRange(idx, 10) {
				t.Errorf("level %s: %d positions 9 are not below 10", l, n)
			}
			for i := range idx {
				for _, bad := range []int32{-1, 10, math.MinInt32, math.MaxInt32} {
					idx[i] = bad
					if InRange(idx, 10) {
						t.Errorf("level %s: %d at %d of %d is below 10", l, bad, i, n)
					}
				}
				idx[i] = 0
			}
		}
	}
}

func TestTakeIsIndexing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 140 {
		src, bits, idx := make([]float32, 50), make([]byte, 7), make([]int32, n)
		for i := range src {
			src[i] = r.Float32()
			bits[i/8] |= byte(r.IntN(2)) << (i % 8)
		}
		for i := range idx {
			idx[i] = int32(r.IntN(50))
		}
		got, gotBits := make([]float32, n), make([]byte, (n+63)/64*8)
		Take(got, src, idx)
		TakeBits(gotBits, bits, idx)
		for i, j := range idx {
			if got[i] != src[j] || gotBits[i/8]>>(i%8)&1 != bits[j/8]>>(j%8)&1 {
				t.Fatalf("%d rows: row %d is not row %d of the source", n, i, j)
			}
		}
	}
}
