package simd

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

var sumTwins = []twin{
	{"SumFloat64", func(a *arena) {
		var acc [32]float64
		SumFloat64(&acc, input[float64](a, a.n))
		a.keep(&acc)
	}},
}

// TestSumIsNearTheExactSum adds with math/big: lanes lose no more than
// pairwise summation does.
func TestSumIsNearTheExactSum(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, 10_007)
	exact, size := new(big.Float).SetPrec(2000), 0.0
	for i := range x {
		x[i] = rng.NormFloat64() * math.Pow(10, float64(rng.IntN(12)))
		exact.Add(exact, big.NewFloat(x[i]))
		size += math.Abs(x[i])
	}
	var acc [32]float64
	SumFloat64(&acc, x)
	want, _ := exact.Float64()
	if got := LanesValue(&acc); math.Abs(got-want) > 1e-13*size {
		t.Errorf("sum is %v, exactly %v", got, want)
	}
}

// TestSumOfCutsIsTheSame adds rows in pieces, with the lanes rotated to where
// each piece begins.
func TestSumOfCutsIsTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	x := make([]float64, 200_000)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	var whole [32]float64
	SumFloat64(&whole, x)
	for _, l := range Levels() {
		defer Use(Use(l))
		var acc [32]float64
		cuts(rng, len(x), func(lo, hi int) {
			RotateLanes(&acc, lo)
			SumFloat64(&acc, x[lo:hi])
			RotateLanes(&acc, -lo)
		})
		if acc != whole {
			t.Errorf("level %s: lanes differ from those of one call", l)
		}
	}
}
