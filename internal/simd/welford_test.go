package simd

import (
	"math"
	"math/rand/v2"
	"testing"
)

var welfordTwins = []twin{
	{"Welford", func(a *arena) {
		count := inout[float64](a, a.n)
		for i := range count {
			count[i] = float64(a.rng.IntN(4))
		}
		Welford(count, inout[float64](a, a.n), inout[float64](a, a.n), inout[float64](a, a.n), input[float64](a, a.n))
	}},
	{"Standardize", func(a *arena) {
		Standardize(output[float64](a, a.n), input[float64](a, a.n), input[float64](a, a.n), input[float64](a, a.n))
	}},
}

// TestWelfordIsNaive compares with the two-pass variance; feature 3 is
// constant, feature 5 has NaNs.
func TestWelfordIsNaive(t *testing.T) {
	const d, n = 11, 500
	rng := rand.New(rand.NewPCG(8, 8))
	var count, mean, m2, inv [d]float64
	cols := make([][]float64, d)
	for i := range n {
		var x [d]float64
		for j := range x {
			switch x[j] = 100 + float64(j)*rng.NormFloat64(); {
			case j == 3:
				x[j] = 0.1
			case j == 5 && i%3 == 0:
				x[j] = math.NaN()
			}
			if x[j] == x[j] {
				cols[j] = append(cols[j], x[j])
			}
		}
		Welford(count[:], mean[:], m2[:], inv[:], x[:])
	}
	for j, col := range cols {
		m, v := 0.0, 0.0
		for _, x := range col {
			m += x / float64(len(col))
		}
		for _, x := range col {
			v += (x - m) * (x - m) / float64(len(col))
		}
		want := 1 / math.Sqrt(v)
		if j == 0 || j == 3 {
			want = 1
		}
		if count[j] != float64(len(col)) || math.Abs(mean[j]-m) > 1e-12*m || math.Abs(inv[j]-want) > 1e-9*want {
			t.Errorf("feature %d: %v values, mean %v, inverse deviation %v, want %v, %v, %v", j, count[j], mean[j], inv[j], len(col), m, want)
		}
	}
}
