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

// dot is w·x in the fixed order. Both have room for padding; see newRow.
func dot(w, x []float64) float64 {
	if len(w) > simd.InOrder {
		return simd.RowDot(padded(w), padded(x))
	}
	p := 0.0
	for j, v := range x[:len(w)] {
		p = math.FMA(w[j], v, p)
	}
	return p
}

// newRow is a row of d zeros with room for the zeros that pad it to a multiple
// of eight; padded is the row with them.
func newRow(d int) []float64         { return make([]float64, stride(d))[:d] }
func padded(row []float64) []float64 { return row[:stride(len(row))] }
func stride(d int) int               { return (d + 7) &^ 7 }

// pick is a if ok, else b, without a branch.
func pick(ok bool, a, b float64) float64 {
	x, y := math.Float64bits(a), math.Float64bits(b)
	return math.Float64frombits(y ^ (x^y)&-oneIf(ok))
}

// finite reports whether x is neither NaN nor infinite.
func finite(x float64) bool { return x-x == 0 }
