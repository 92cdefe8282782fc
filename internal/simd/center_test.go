package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var centerTwins = []twin{
	{"NearestRow", func(a *arena) {
		d, k := a.n%41, 1+a.rng.IntN(90)
		best, dist := NearestRow(input[float64](a, d), input[float64](a, PanelsLen(k, d)))
		a.keep(best, dist)
	}},
	{"FollowRows", func(a *arena) {
		d, k, n := 1+a.rng.IntN(20), 1+a.rng.IntN(8*(1+a.n%4)), a.n%37
		x, panels, weights := input[float64](a, n*d), inout[float64](a, PanelsLen(k, d)), inout[float64](a, (k+7)/8*8)
		class, dist, undo := output[int32](a, n), output[float64](a, n), output[float64](a, (k+7)/8*8*(d+2))
		soon := Ahead{}
		if a.off&1 != 0 {
			soon = Ahead{[][]float64{input[float64](a, 9), input[float64](a, 9)}, 1, a.n % 9}
		}
		done, ok := FollowRows(class, dist, x, panels, weights, 1-0.5*float64(a.n%2), undo, soon)
		clear(undo)
		a.keep(done, ok)
	}},
}

// TestNearestRowIsNearestSquared: a row alone has the bits of a row in a tile.
func TestNearestRowIsNearestSquared(t *testing.T) {
	g := rand.New(rand.NewPCG(7, 1))
	for range 2000 {
		k, d := 1+g.IntN(100), g.IntN(30)
		centers, biases, panels := randomCenters(g, k, d)
		x := make([]float64, d)
		for f := range x {
			x[f] = coordinate(g)
		}
		best, least := naive(x, centers, biases, nearestAdds[0].add)
		for _, l := range Levels() {
			defer Use(Use(l))
			if b, v := NearestRow(x, panels); b != int(best) || v != least {
				t.Fatalf("%s, k=%d d=%d: center %d at %v, want %d at %v", l, k, d, b, v, best, least)
			}
		}
	}
}

// follow is FollowRows by its definition.
func follow(class []int32, dist, x []float64, centers [][]float64, weights []float64, decay float64) (done int, ok bool) {
	d := len(centers[0])
	for r := range class {
		row := x[r*d : (r+1)*d]
		class[r], dist[r] = naive(row, centers, make([]float64, len(centers)), nearestAdds[0].add)
		c, next := centers[class[r]], make([]float64, d)
		rate := 1 / (float64(weights[class[r]]*decay) + 1)
		for f := range c {
			next[f] = math.FMA(rate, row[f], float64((1-rate)*c[f]))
			if next[f]-next[f] != 0 {
				return r, false
			}
		}
		copy(c, next)
		for j := range weights {
			weights[j] *= decay
		}
		weights[class[r]]++
		if least := slices.Min(weights); least != 0 && least < 1e-8*slices.Max(weights) {
			return r + 1, true
		}
	}
	return len(class), true
}

// TestFollowRows: rows that go out of the numbers, clusters that die, weights
// of 0, at every level against the definition.
func TestFollowRows(t *testing.T) {
	g := rand.New(rand.NewPCG(7, 2))
	dead, failed := 0, 0
	for range 1000 {
		k, d, n := 1+g.IntN(8*(1+g.IntN(4))), 1+g.IntN(20), g.IntN(60)
		decay := []float64{1, 0.99, 0.5, 0.01, 1.5}[g.IntN(5)]
		rows, centers, weights := make([]float64, n*d), make([][]float64, k), make([]float64, k)
		for i := range rows {
			if rows[i] = g.NormFloat64(); g.IntN(2000) == 0 {
				rows[i] = []float64{math.Inf(1), math.NaN(), 1e300}[g.IntN(3)]
			}
		}
		for j := range centers {
			centers[j], weights[j] = make([]float64, d), float64(g.IntN(2)*g.IntN(10))
			for f := range d {
				centers[j][f] = g.NormFloat64()
			}
		}
		panels, padded := make([]float64, PanelsLen(k, d)), make([]float64, (k+7)/8*8)
		type result struct {
			panels, weights, dist []float64
			class                 []int32
			done                  int
			ok                    bool
		}
		pack := func(centers [][]float64, weights []float64) {
			ClearPanels(panels, d)
			for i := range padded {
				padded[i] = math.NaN()
			}
			copy(padded, weights)
			for j, c := range centers {
				PutCenter(panels, j, 0, c)
			}
		}
		var got []result
		for _, l := range Levels() {
			defer Use(Use(l))
			pack(centers, weights)
			class, dist := make([]int32, n), make([]float64, n)
			done, ok := FollowRows(class, dist, rows, panels, padded, decay, make([]float64, len(panels)+len(padded)), Ahead{})
			got = append(got, result{slices.Clone(panels), slices.Clone(padded[:k]), dist, class, done, ok})
		}
		class, dist := make([]int32, n), make([]float64, n)
		done, ok := follow(class, dist, rows, centers, weights, decay)
		pack(centers, weights)
		for i, r := range got {
			if r.done != done || r.ok != ok || !slices.Equal(r.panels, panels) || !slices.Equal(r.weights, weights) || !slices.Equal(r.class, class) || !slices.Equal(r.dist, dist) {
				t.Fatalf("%s, k=%d d=%d n=%d decay=%v: %d rows, %v; want %d, %v", Levels()[i], k, d, n, decay, r.done, r.ok, done, ok)
			}
		}
		if !ok {
			failed++
		} else if done < n {
			dead++
		}
	}
	if dead < 20 || failed < 20 {
		t.Errorf("only %d clusters died, %d rows failed", dead, failed)
	}
}
