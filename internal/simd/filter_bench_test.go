package simd_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/arrowstream/arrowstream/bench/limits"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// selectivities are the percentages of rows that benchmarks keep.
var selectivities = []int{1, 10, 25, 50, 90, 99, 100}

// chosen is a bitmap of rows bits of which percent are set, at random, and how
// many they are.
func chosen(rows, percent int) (keep []byte, n int) {
	r := rand.New(rand.NewPCG(1, uint64(percent)))
	keep = make([]byte, rows/8)
	for i := range rows {
		if r.IntN(100) < percent {
			keep[i/8] |= 1 << (i % 8)
			n++
		}
	}
	return keep, n
}

func BenchmarkFilter(b *testing.B) {
	for _, rows := range []int{32_768, 65_536} {
		for _, sel := range selectivities {
			keep, n := chosen(rows, sel)
			benchFilter[float64](b, "float64", keep, n)
			benchFilter[int32](b, "int32", keep, n)
			src, _ := chosen(rows, 50)
			dst := make([]byte, (n+63)/64*8)
			filterLevels(b, "bool", rows, sel, func() { simd.FilterBits(dst, src, keep, rows) })
		}
	}
}

func benchFilter[T any](b *testing.B, name string, keep []byte, n int) {
	rows := 8 * len(keep)
	src, dst := make([]T, rows), make([]T, n)
	filterLevels(b, name, rows, 100*n/rows, func() { simd.Filter(dst, src, keep) })
}

func filterLevels(b *testing.B, name string, rows, sel int, f func()) {
	atLevels(b, fmt.Sprintf("type=%s/rows=%d/sel=%d", name, rows, sel), func(b *testing.B) { limits.Against(b, rows, nil, f) })
}
