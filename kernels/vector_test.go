package kernels

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestDotIsOfTheModels has the two definitions of a dot product, by length, at
// their border and around whole lanes.
func TestDotIsOfTheModels(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 16, 17, 31, 32, 33, 64, 100} {
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = rng.NormFloat64(), rng.NormFloat64()
		}
		lanes := 1
		if n > 16 {
			lanes = 32
		}
		sums := make([]float64, lanes)
		for i := range x {
			sums[i%lanes] = math.FMA(x[i], y[i], sums[i%lanes])
		}
		for d := lanes / 2; d > 0; d /= 2 {
			for i := range d {
				sums[i] += sums[i+d]
			}
		}
		if got := dotOf(x, y); got != sums[0] {
			t.Errorf("dot of %d elements is %v, want %v", n, got, sums[0])
		}
	}
}
