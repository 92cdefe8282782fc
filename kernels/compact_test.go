package kernels

import (
	"math/rand/v2"
	"testing"

	"github.com/arrowstream/arrowstream/columnar"
)

// Every mix of words, widths and lengths keeps the right values and writes
// nothing behind them.
func TestCompact(t *testing.T) {
	testCompact(t, func(i int) uint8 { return uint8(i) })
	testCompact(t, func(i int) uint32 { return uint32(i) })
	testCompact(t, func(i int) uint64 { return uint64(i) })
	testCompact(t, func(i int) wide128 { return wide128{uint64(i), ^uint64(i)} })
	testCompact(t, func(i int) wide256 { return wide256{3: uint64(i)} })
}

func testCompact[T comparable](t *testing.T, value func(i int) T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 400 {
		n := r.IntN(500)
		src := make([]T, n)
		for i := range src {
			src[i] = value(i + 1)
		}
		keep := columnar.Bitmap{Bits: make([]byte, columnar.BitmapBytes(n+7)), Offset: r.IntN(8), N: n}
		var want []T
		percent := r.IntN(101)
		for i := range src {
			if i%64 == 0 && r.IntN(2) == 0 {
				percent = []int{0, 2, 20, 50, 90, 98, 100}[r.IntN(7)]
			}
			if r.IntN(100) < percent {
				keep.Set(i)
				want = append(want, src[i])
			}
		}
		got := make([]T, len(want)+9)
		compact(got[:len(want):len(want)], src, keep)
		for i, v := range want {
			if got[i] != v {
				t.Fatalf("round %d, %d rows: value %d is %v, want %v", round, n, i, got[i], v)
			}
		}
		for i, v := range got[len(want):] {
			if v != *new(T) {
				t.Fatalf("round %d, %d rows: wrote %d past the end", round, n, i)
			}
		}
	}
}
