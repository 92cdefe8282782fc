package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var nearestTwins = []twin{
	{"NearestSquared", nearestTwin(NearestSquared)},
	{"NearestManhattan", nearestTwin(NearestManhattan)},
	{"NearestDot", nearestTwin(NearestDot)},
}

type nearestFunc = func(class *[TileRows]int32, dist *[TileRows]float64, tile, panels []float64)

// nearestTwin gives a tile and panels, whose biases are values, too.
func nearestTwin(f nearestFunc) func(a *arena) {
	return func(a *arena) {
		d, k := a.n%41, 1+a.n%50
		class, dist := output[int32](a, TileRows), output[float64](a, TileRows)
		f((*[TileRows]int32)(class), (*[TileRows]float64)(dist), input[float64](a, TileRows*d), input[float64](a, PanelsLen(k, d)))
	}
}

// naive is the nearest of k centers of row x: the definition, row by row.
func naive(x []float64, centers [][]float64, biases []float64, add func(s, x, c float64) float64) (best int32, least float64) {
	least = math.Inf(1)
	for j, c := range centers {
		s := biases[j]
		for f, v := range x {
			s = add(s, v, c[f])
		}
		if s < least {
			best, least = int32(j), s
		}
	}
	return best, least
}

var nearestAdds = []struct {
	name string
	tile nearestFunc
	add  func(s, x, c float64) float64
}{
	{"NearestSquared", NearestSquared, func(s, x, c float64) float64 { return math.FMA(x-c, x-c, s) }},
	{"NearestManhattan", NearestManhattan, func(s, x, c float64) float64 { return s + math.Abs(x-c) }},
	{"NearestDot", NearestDot, func(s, x, c float64) float64 { return math.FMA(-x, c, s) }},
}

// TestNearestIsNaive: any number of centers and features, ties, rows and
// centers that are not finite, at every level.
func TestNearestIsNaive(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 3))
	for range 400 {
		k, d := 1+g.IntN(40), g.IntN(30)
		if g.IntN(100) == 0 {
			k, d = 1500, 90+g.IntN(20) // several calls
		}
		centers, biases, panels := randomCenters(g, k, d)
		x, tile := make([][]float64, d), make([]float64, d*TileRows)
		for f := range x {
			x[f] = make([]float64, 40)
			for i := range x[f] {
				x[f][i] = coordinate(g)
			}
		}
		from, n := g.IntN(10), 1+g.IntN(TileRows)
		for _, m := range nearestAdds {
			for _, l := range Levels() {
				defer Use(Use(l))
				LoadTiles(tile, x, from, n)
				var class [TileRows]int32
				var dist [TileRows]float64
				m.tile(&class, &dist, tile, panels)
				row := make([]float64, d)
				for r := range TileRows {
					for f := range row {
						if row[f] = 0; r < n {
							row[f] = x[f][from+r]
						}
					}
					if best, least := naive(row, centers, biases, m.add); class[r] != best || dist[r] != least {
						t.Fatalf("%s at %s, k=%d d=%d: row %d has center %d at %v, want %d at %v", m.name, l, k, d, r, class[r], dist[r], best, least)
					}
				}
			}
		}
	}
}

func coordinate(g *rand.Rand) float64 {
	if g.IntN(60) == 0 {
		return []float64{math.Inf(1), math.NaN(), math.Inf(-1), 1e200}[g.IntN(4)]
	}
	return float64(g.IntN(4)) + 0.1*float64(g.IntN(2))
}

func randomCenters(g *rand.Rand, k, d int) (centers [][]float64, biases, panels []float64) {
	panels = make([]float64, PanelsLen(k, d))
	ClearPanels(panels, d)
	for j := range k {
		c := make([]float64, d)
		for f := range c {
			c[f] = coordinate(g)
		}
		centers, biases = append(centers, c), append(biases, float64(g.IntN(2)))
		PutCenter(panels, j, biases[j], c)
	}
	return centers, biases, panels
}

// TestNearestLengths: lengths that do not belong together are an error of the
// programmer.
func TestNearestLengths(t *testing.T) {
	var class [TileRows]int32
	var dist [TileRows]float64
	for name, f := range map[string]func(){
		"simd: NearestSquared: lengths 48 and 25":               func() { NearestSquared(&class, &dist, make([]float64, 48), make([]float64, 25)) },
		"simd: NearestManhattan: lengths 47 and 24":             func() { NearestManhattan(&class, &dist, make([]float64, 47), make([]float64, 24)) },
		"simd: NearestDot: lengths 48 and 0":                    func() { NearestDot(&class, &dist, make([]float64, 48), nil) },
		"simd: LoadTiles: 25 rows of 1 columns for tiles of 24": func() { LoadTiles(make([]float64, 24), make([][]float64, 1), 0, 25) },
		"simd: LoadTiles: rows 2 to 5 of column 0, which has 4": func() { LoadTiles(make([]float64, 24), [][]float64{{1, 2, 3, 4}}, 2, 3) },
		"simd: AddTile: class 1 of sums of length 3":            func() { AddTile(make([]float64, 3), []int32{0, 1}, make([]float64, 48)) },
		"simd: AddTile: 1 rows of a tile of length 25":          func() { AddTile(make([]float64, 3), []int32{0}, make([]float64, 25)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); got != name {
					t.Errorf("panics with %q", got)
				}
			}()
			f()
		})
	}
}
