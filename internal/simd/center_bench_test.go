package simd_test

import (
	"fmt"
	"testing"

	"github.com/arrowstream/arrowstream/bench/limits"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// BenchmarkFollowRows is what learning row by row takes: each row waits for the
// one before.
func BenchmarkFollowRows(b *testing.B) {
	const rows = 256
	for _, c := range []struct{ d, k int }{{10, 8}, {10, 64}, {50, 8}, {50, 64}} {
		x, class, dist := limits.Column(rows*c.d), make([]int32, rows), make([]float64, rows)
		panels, undo, weights := make([]float64, simd.PanelsLen(c.k, c.d)), make([]float64, c.k*(c.d+2)), make([]float64, c.k)
		simd.ClearPanels(panels, c.d)
		for j := range c.k {
			simd.PutCenter(panels, j, 0, x[j*c.d:(j+1)*c.d])
			weights[j] = 1
		}
		atLevels(b, fmt.Sprintf("d=%d/k=%d", c.d, c.k), func(b *testing.B) {
			limits.Against(b, rows, limits.FMA(rows*c.d*c.k), func() { simd.FollowRows(class, dist, x, panels, weights, 1, undo, simd.Ahead{}) })
		})
	}
}
