package kernels

import "math"

// Exp is e to the x with the same bits on every machine: math.Exp is assembly
// that differs by architecture. x = k*ln 2 + r with |r| <= ln 2 / 2; e to the r
// by its Taylor polynomial of degree 13, evaluated as a tree of fused
// operations. The relative error is below 1e-15.
func Exp(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 709.782712893384:
		return math.Inf(1)
	case x < -745.1332191019412:
		return 0
	}
	const (
		log2e = 1.44269504088896338700e+00
		ln2hi = 6.93147180369123816490e-01
		ln2lo = 1.90821492927058770002e-10
	)
	k := math.RoundToEven(x * log2e)
	r := math.FMA(-k, ln2lo, math.FMA(-k, ln2hi, x))
	r2 := r * r
	r4 := r2 * r2
	r8 := r4 * r4
	a := math.FMA(r, 1, 1)
	b := math.FMA(r, 1.0/6, 1.0/2)
	c := math.FMA(r, 1.0/120, 1.0/24)
	d := math.FMA(r, 1.0/5040, 1.0/720)
	e := math.FMA(r, 1.0/362880, 1.0/40320)
	f := math.FMA(r, 1.0/39916800, 1.0/3628800)
	g := math.FMA(r, 1.0/6227020800, 1.0/479001600)
	lo := math.FMA(r4, math.FMA(r2, d, c), math.FMA(r2, b, a))
	hi := math.FMA(r4, g, math.FMA(r2, f, e))
	y := math.FMA(r8, hi, lo)
	if k > -1000 && k < 1000 {
		return y * math.Float64frombits(uint64(int64(k)+1023)<<52)
	}
	return math.Ldexp(y, int(k))
}

// Sigmoid is 1/(1+e^-x) with the same bits on every machine.
func Sigmoid(x float64) float64 { return 1 / (1 + Exp(-x)) }
