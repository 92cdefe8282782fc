package simd_test

import (
	"fmt"
	"testing"

	"github.com/arrowstream/arrowstream/bench/limits"
	"github.com/arrowstream/arrowstream/internal/simd"
)

func BenchmarkDot(b *testing.B) {
	for _, rows := range sizes {
		x, y := limits.Column(rows), limits.Column(rows)
		var acc [32]float64
		atLevels(b, fmt.Sprintf("type=float64/rows=%d", rows), func(b *testing.B) {
			limits.Against(b, rows, limits.Read(x, y), func() { simd.Dot(&acc, x, y) })
		})
	}
}

// matrix are d columns of so many rows.
func matrix(d, rows int) [][]float64 {
	x := make([][]float64, d)
	for j := range x {
		x[j] = limits.Column(rows)
	}
	return x
}

func BenchmarkMatVec(b *testing.B) {
	for _, d := range []int{10, 32, 100} {
		for _, rows := range []int{1024, 1 << 16} {
			x, w, out := matrix(d, rows), limits.Column(d), limits.Column(rows)
			for name, f := range map[string]func(out []float64, x [][]float64, from int, w []float64){"columns": simd.MatVec, "lanes": simd.MatVecLanes} {
				atLevels(b, fmt.Sprintf("order=%s/d=%d/rows=%d", name, d, rows), func(b *testing.B) {
					limits.Against(b, rows, limits.Read(x...), func() { f(out, x, 0, w) })
				})
			}
		}
	}
}

// BenchmarkMatTVec is about tiles of 64 rows, as gradients take them.
func BenchmarkMatTVec(b *testing.B) {
	const rows = 64
	for _, d := range []int{10, 32, 100} {
		x, r, acc := matrix(d, rows), limits.Column(rows), make([][32]float64, d)
		atLevels(b, fmt.Sprintf("d=%d/rows=%d", d, rows), func(b *testing.B) {
			limits.Against(b, rows, limits.Read(x...), func() { simd.MatTVec(acc, x, 0, r) })
		})
	}
}
