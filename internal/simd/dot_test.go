package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

var dotTwins = []twin{
	{"Dot", func(a *arena) {
		var acc [32]float64
		Dot(&acc, input[float64](a, a.n), input[float64](a, a.n))
		a.keep(&acc)
	}},
	{"Axpy", func(a *arena) {
		Axpy(inout[float64](a, a.n), floatValue(a, specialFloat64s), input[float64](a, a.n))
	}},
}

// TestDotIsNaive takes one lane after another.
func TestDotIsNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	for _, n := range []int{0, 1, 31, 32, 33, 100, 70_000} {
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = rng.NormFloat64(), rng.NormFloat64()
		}
		var got, want [32]float64
		for i := range want {
			want[i] = float64(i)
		}
		got = want
		Dot(&got, x, y)
		for i := range x {
			want[i%32] = math.FMA(x[i], y[i], want[i%32])
		}
		if got != want {
			t.Errorf("%d rows: %v, want %v", n, got, want)
		}
	}
}

// TestDotOfCutsIsTheSame multiplies in pieces, the lanes rotated.
func TestDotOfCutsIsTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 7))
	x, y := make([]float64, 200_000), make([]float64, 200_000)
	for i := range x {
		x[i], y[i] = rng.NormFloat64(), rng.NormFloat64()
	}
	var whole [32]float64
	Dot(&whole, x, y)
	for _, l := range Levels() {
		defer Use(Use(l))
		var acc [32]float64
		cuts(rng, len(x), func(lo, hi int) {
			RotateLanes(&acc, lo)
			Dot(&acc, x[lo:hi], y[lo:hi])
			RotateLanes(&acc, -lo)
		})
		if acc != whole {
			t.Errorf("level %s: lanes differ from those of one call", l)
		}
	}
}

// TestPanicsNameTheFunction: a mismatch panics with the name.
func TestPanicsNameTheFunction(t *testing.T) {
	three, four := make([]float64, 3), make([]float64, 4)
	var acc [32]float64
	for want, f := range map[string]func(){
		"simd: Dot: lengths 3 and 4":                              func() { Dot(&acc, three, four) },
		"simd: Axpy: lengths 4 and 3":                             func() { Axpy(four, 1, three) },
		"simd: Exps: lengths 3 and 4":                             func() { Exps(three, four) },
		"simd: Sigmoids: lengths 4 and 3":                         func() { Sigmoids(four, three) },
		"simd: MatVec: lengths 2 and 3":                           func() { MatVec(four, [][]float64{four, four}, 0, three) },
		"simd: MatVecLanes: rows 1 to 5 of column 0, which has 4": func() { MatVecLanes(four, [][]float64{four}, 1, []float64{1}) },
		"simd: MatTVec: rows 0 to 4 of column 1, which has 3":     func() { MatTVec(make([][32]float64, 2), [][]float64{four, three}, 0, four) },
		"simd: MatVec: rows -1 to 2 of column 0, which has 4":     func() { MatVec(three, [][]float64{four}, -1, []float64{1}) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %q", got, want)
				}
			}()
			f()
		}()
	}
}
