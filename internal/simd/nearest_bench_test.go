package simd_test

import (
	"fmt"
	"testing"

	"github.com/arrowstream/arrowstream/bench/limits"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// BenchmarkNearest is the assignment of 960 rows in columns, tile by tile,
// against as many fused multiplications with additions as there are features
// of rows times centers.
func BenchmarkNearest(b *testing.B) {
	const rows = 40 * simd.TileRows
	for _, c := range []struct{ d, k int }{{2, 8}, {10, 8}, {10, 64}, {16, 8}, {16, 64}, {50, 64}, {64, 64}, {64, 256}} {
		x, tile := make([][]float64, c.d), make([]float64, simd.TileRows*c.d)
		for f := range x {
			x[f] = limits.Column(rows)
		}
		panels := make([]float64, simd.PanelsLen(c.k, c.d))
		simd.ClearPanels(panels, c.d)
		center := make([]float64, c.d)
		for j := range c.k {
			for f := range center {
				center[f] = x[f][(37*j+f)%rows]
			}
			simd.PutCenter(panels, j, 0, center)
		}
		var class [simd.TileRows]int32
		var dist [simd.TileRows]float64
		for _, m := range []struct {
			name    string
			nearest func(class *[simd.TileRows]int32, dist *[simd.TileRows]float64, tile, panels []float64)
		}{{"squared", simd.NearestSquared}, {"manhattan", simd.NearestManhattan}, {"dot", simd.NearestDot}} {
			atLevels(b, fmt.Sprintf("metric=%s/d=%d/k=%d", m.name, c.d, c.k), func(b *testing.B) {
				limits.Against(b, rows, limits.FMA(rows*c.d*c.k), func() {
					for from := 0; from < rows; from += simd.TileRows {
						simd.LoadTiles(tile, x, from, simd.TileRows)
						m.nearest(&class, &dist, tile, panels)
					}
				})
			})
		}
	}
}

// BenchmarkAddTile is the addition of rows to the sums of their centers.
func BenchmarkAddTile(b *testing.B) {
	for _, c := range []struct{ d, k int }{{10, 8}, {16, 8}, {64, 64}} {
		tile, class, sums := limits.Column(simd.TileRows*c.d), make([]int32, simd.TileRows), make([]float64, c.k*c.d)
		for i := range class {
			class[i] = int32(i * 13 % c.k)
		}
		atLevels(b, fmt.Sprintf("d=%d/k=%d", c.d, c.k), func(b *testing.B) {
			limits.Against(b, simd.TileRows, nil, func() { simd.AddTile(sums, class, tile) })
		})
	}
}
