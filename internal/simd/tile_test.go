package simd

import (
	"math/rand/v2"
	"testing"
)

var tileTwins = []twin{
	{"LoadTiles", func(a *arena) {
		d, from := a.n%9, a.n%5
		n := min(a.n, 5*TileRows+1)
		x := make([][]float64, d)
		for f := range x {
			x[f] = input[float64](a, from+n)
		}
		LoadTiles(output[float64](a, (n+TileRows-1)/TileRows*TileRows*d), x, from, n)
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

// TestLoadTiles: feature f of row r is at f*24 + r of its tile; rows that are
// missing are 0.
func TestLoadTiles(t *testing.T) {
	for _, n := range []int{0, 1, 23, 24, 25, 47, 48, 100} {
		for _, l := range Levels() {
			defer Use(Use(l))
			const d, from = 3, 5
			x := make([][]float64, d)
			for f := range x {
				for i := range from + n {
					x[f] = append(x[f], float64(1000*f+i+1))
				}
			}
			tiles := make([]float64, (n+TileRows-1)/TileRows*TileRows*d)
			for i := range tiles {
				tiles[i] = -1
			}
			LoadTiles(tiles, x, from, n)
			for i, v := range tiles {
				row, f, want := i/(TileRows*d)*TileRows+i%TileRows, i/TileRows%d, 0.0
				if row < n {
					want = x[f][from+row]
				}
				if v != want {
					t.Fatalf("%s, %d rows: number %d is %v, want %v", l, n, i, v, want)
				}
			}
		}
	}
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
