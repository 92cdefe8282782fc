package simd

import (
	"math/rand/v2"
	"testing"
)

var tileTwins = []twin{
	{"LoadTile", func(a *arena) {
		d, from := a.n%9, a.n%5
		x := make([][]float64, d)
		for f := range x {
			x[f] = input[float64](a, from+TileRows)
		}
		LoadTile(output[float64](a, TileRows*d), x, from, TileRows-a.off%2*(a.n%TileRows))
	}},
	{"AddTile", func(a *arena) {
		d, k := a.n%23, 1+a.n%4
		class := output[int32](a, a.n%(TileRows+1))
		for i := range class {
			class[i] = int32(a.rng.IntN(k))
		}
		AddTile(inout[float64](a, k*d), class, input[float64](a, TileRows*d))
	}},
}

// TestAddTileInOrder: the sums are those of one row after another.
func TestAddTileInOrder(t *testing.T) {
	g := rand.New(rand.NewPCG(2, 5))
	for range 200 {
		d, k, n := g.IntN(20), 1+g.IntN(5), g.IntN(TileRows+1)
		class, tile, want := make([]int32, n), make([]float64, TileRows*d), make([]float64, k*d)
		for i := range tile {
			tile[i] = g.NormFloat64()
		}
		for r := range class {
			class[r] = int32(g.IntN(k))
			for f := range d {
				want[int(class[r])*d+f] += tile[f*TileRows+r]
			}
		}
		for _, l := range Levels() {
			defer Use(Use(l))
			got := make([]float64, k*d)
			AddTile(got, class, tile)
			for i, v := range got {
				if v != want[i] {
					t.Fatalf("%s, d=%d k=%d, %d rows: sum %d is %v, want %v", l, d, k, n, i, v, want[i])
				}
			}
		}
	}
}
