package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

var matvecTwins = []twin{
	{"MatVec", func(a *arena) {
		x, from := columns(a, a.rng.IntN(20))
		MatVec(output[float64](a, a.n), x, from, input[float64](a, len(x)))
	}},
	{"MatVecLanes", func(a *arena) {
		x, from := columns(a, a.rng.IntN(38))
		MatVecLanes(output[float64](a, a.n), x, from, input[float64](a, len(x)))
	}},
	{"MatVecLanes of many columns", func(a *arena) {
		// A column may stand in several places.
		some, from := columns(a, 5)
		x := make([][]float64, 60+a.rng.IntN(80))
		for j := range x {
			x[j] = some[j%5]
		}
		MatVecLanes(output[float64](a, a.n), x, from, input[float64](a, len(x)))
	}},
	{"MatTVec", func(a *arena) {
		x, from := columns(a, a.rng.IntN(5))
		acc := make([][32]float64, len(x))
		MatTVec(acc, x, from, input[float64](a, a.n))
		for j := range acc {
			a.keep(&acc[j])
		}
	}},
	{"LanesValues", func(a *arena) {
		lanes := make([][32]float64, a.n)
		for j := range lanes {
			for l := range lanes[j] {
				lanes[j][l] = value[float64](a)
			}
		}
		LanesValues(output[float64](a, a.n), lanes)
	}},
}

// columns are d columns of at least a.n rows behind from.
func columns(a *arena, d int) (x [][]float64, from int) {
	from = a.rng.IntN(3)
	for range d {
		x = append(x, input[float64](a, from+a.n+a.rng.IntN(2)))
	}
	return x, from
}

// TestMatVecIsNaive goes row by row and checks both orders of addition.
func TestMatVecIsNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 5))
	for _, d := range []int{0, 1, 5, 16, 17, 31, 32, 33, 64, 100} {
		const n, from = 77, 3
		x, w := make([][]float64, d), make([]float64, d)
		for j := range x {
			w[j] = rng.NormFloat64()
			for range from + n {
				x[j] = append(x[j], rng.NormFloat64())
			}
		}
		inOrder, lanes := make([]float64, n), make([]float64, n)
		MatVec(inOrder, x, from, w)
		MatVecLanes(lanes, x, from, w)
		acc, want := make([][32]float64, d), make([][32]float64, d)
		MatTVec(acc, x, from, inOrder)
		for i := range n {
			p, l := 0.0, [32]float64{}
			for j := range d {
				p = math.FMA(w[j], x[j][from+i], p)
				l[j%32] = math.FMA(w[j], x[j][from+i], l[j%32])
				want[j][i%32] = math.FMA(x[j][from+i], inOrder[i], want[j][i%32])
			}
			if inOrder[i] != p || lanes[i] != LanesValue(&l) {
				t.Errorf("%d columns, row %d: %v and %v, want %v and %v", d, i, inOrder[i], lanes[i], p, LanesValue(&l))
			}
		}
		for j := range acc {
			if acc[j] != want[j] {
				t.Errorf("%d columns: gradient of column %d differs", d, j)
			}
		}
	}
}
