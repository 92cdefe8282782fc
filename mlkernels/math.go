package mlkernels

import (
	"math"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// pow is x to the power of y for x > 0; the powers of usual schedules are roots.
func pow(x, y float64) float64 {
	switch y {
	case 0:
		return 1
	case 0.25:
		return math.Sqrt(math.Sqrt(x))
	case 0.5:
		return math.Sqrt(x)
	case 1:
		return x
	}
	return simd.Exp(y * simd.Log(x))
}

// powInt is x to the power of n by squaring.
func powInt(x float64, n int64) float64 {
	p := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			p *= x
		}
		x *= x
	}
	return p
}

// inOrder is the number of features up to which dot products run through the
// dimensions in order; above, 32 lanes are summed as a tree. It is part of the
// definition of the results.
const inOrder = 16

// dot is w·x in the fixed order. len(x) >= len(w). About 1 ns per dimension.
func dot(w, x []float64) float64 {
	x = x[:len(w)]
	if len(w) <= inOrder {
		p := 0.0
		for j, v := range w {
			p = math.FMA(v, x[j], p)
		}
		return p
	}
	var lane [32]float64
	for l := range min(32, len(w)) {
		lane[l] = float64(w[l] * x[l])
	}
	j := 32
	for ; j+32 <= len(w); j += 32 {
		a, b := w[j:j+32:j+32], x[j:j+32:j+32]
		for l := range lane {
			lane[l] = math.FMA(a[l], b[l], lane[l])
		}
	}
	for l := 0; j < len(w); l, j = l+1, j+1 {
		lane[l] = math.FMA(w[j], x[j], lane[l])
	}
	var s [8]float64
	for l := range s {
		s[l] = (lane[l] + lane[l+16]) + (lane[l+8] + lane[l+24])
	}
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

// finite reports whether x is neither NaN nor infinite.
func finite(x float64) bool { return x-x == 0 }
