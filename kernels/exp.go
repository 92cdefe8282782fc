package kernels

import "github.com/arrowstream/arrowstream/internal/simd"

// Exp is e to the x with the same bits on every machine.
func Exp(x float64) float64 { return simd.ExpUnclamped(x) }

// reach is how far from 0 [simd.Exps] goes.
const reach = 708

// exps is Exp of a column.
func exps(out, x []float64) {
	simd.Exps(out, x)
	for i, v := range x {
		if v < -reach || v > reach {
			out[i] = Exp(v)
		}
	}
}

// Sigmoid is 1/(1+e^-x) with the same bits on every machine.
func Sigmoid(x float64) float64 {
	if x < -reach {
		return Exp(x)
	}
	return simd.Sigmoid(x)
}

// sigmoids is Sigmoid of a column.
func sigmoids(out, x []float64) {
	simd.Sigmoids(out, x)
	for i, v := range x {
		if v < -reach {
			out[i] = Exp(v)
		}
	}
}
