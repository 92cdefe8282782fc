package mlkernels

import "math"

// Constants of exp: log2(e), ln 2 in two parts, and the number that rounds a
// float64 to an integer when added and taken away again.
const (
	log2e = 1.44269504088896338700
	ln2hi = 6.93147180369123816490e-01
	ln2lo = 1.90821492927058770002e-10
	round = 3 << 51
)

// Exp is e to the power of x, clamped to [-708, 708], with the same bits on
// every CPU. x = k ln 2 + r; e^r is the Taylor polynomial of degree 13, summed
// as a tree. The relative error is below 1e-15.
func Exp(x float64) float64 {
	if !(x > -708) {
		if x != x {
			return x
		}
		x = -708
	} else if x > 708 {
		x = 708
	}
	shifted := float64(x*log2e) + round
	k := shifted - round
	r := math.FMA(k, -ln2lo, math.FMA(k, -ln2hi, x))
	r2 := r * r
	r4 := r2 * r2
	r8 := r4 * r4
	p01 := 1 + r
	p23 := math.FMA(r, 1.0/6, 1.0/2)
	p45 := math.FMA(r, 1.0/120, 1.0/24)
	p67 := math.FMA(r, 1.0/5040, 1.0/720)
	p89 := math.FMA(r, 1.0/362880, 1.0/40320)
	pab := math.FMA(r, 1.0/39916800, 1.0/3628800)
	pcd := math.FMA(r, 1.0/6227020800, 1.0/479001600)
	q0 := math.FMA(r2, p23, p01)
	q1 := math.FMA(r2, p67, p45)
	q2 := math.FMA(r2, pab, p89)
	s0 := math.FMA(r4, q1, q0)
	s1 := math.FMA(r4, pcd, q2)
	p := math.FMA(r8, s1, s0)
	return p * math.Float64frombits(uint64(int64(k)+1023)<<52)
}

// Log is the natural logarithm of x > 0 with the same bits on every CPU; it is
// -Inf at 0 and NaN below. The series of atanh is summed in (m-1)/(m+1) with m
// in [sqrt(1/2), sqrt(2)); the relative error is below 1e-15.
func Log(x float64) float64 {
	switch {
	case x != x || x > math.MaxFloat64:
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	if x < 0x1p-1022 {
		// A subnormal number: its logarithm is that of 2^54 times it less 54 ln 2.
		return logOf(x*0x1p54, -54)
	}
	return logOf(x, 0)
}

// logOf is log(x·2^e) for a normal, finite x > 0; its branches do not depend on
// x.
func logOf(x float64, e int64) float64 {
	// x is m·2^k with m in [sqrt(1/2), sqrt(2)).
	b := math.Float64bits(x)
	k := int64(b-math.Float64bits(math.Sqrt2/2)) >> 52
	m := math.Float64frombits(b - uint64(k)<<52)
	f := m - 1
	s := f / (m + 1)
	s2 := s * s
	p := math.FMA(1.0/21, s2, 1.0/19)
	p = math.FMA(p, s2, 1.0/17)
	p = math.FMA(p, s2, 1.0/15)
	p = math.FMA(p, s2, 1.0/13)
	p = math.FMA(p, s2, 1.0/11)
	p = math.FMA(p, s2, 1.0/9)
	p = math.FMA(p, s2, 1.0/7)
	p = math.FMA(p, s2, 1.0/5)
	p = math.FMA(p, s2, 1.0/3)
	// log m = 2s + 2s·s2·p, and 2s = f - s·f.
	tail := math.FMA(2*s*s2, p, -float64(s*f))
	n := float64(k + e)
	return math.FMA(n, ln2hi, f+math.FMA(n, ln2lo, tail))
}

// logs writes Log of every value of x, which are normal numbers > 0, to out.
// About 8 ns per value.
func logs(out, x []float64) {
	out = out[:len(x)]
	for i, v := range x {
		out[i] = logOf(v, 0)
	}
}

// Sigmoid is 1/(1+e^-z); it never overflows.
func Sigmoid(z float64) float64 {
	p, _ := sigmoids(z)
	return p
}

// sigmoids are Sigmoid(z) and Sigmoid(-z), both without cancellation.
func sigmoids(z float64) (p, q float64) {
	e := Exp(-math.Abs(z))
	r := 1 / (1 + e)
	// The two are swapped by their bits for z < 0: a branch on the sign of a
	// margin is mispredicted half the time.
	a, b := math.Float64bits(r), math.Float64bits(float64(e*r))
	swap := (a ^ b) & uint64(int64(math.Float64bits(z))>>63)
	return math.Float64frombits(a ^ swap), math.Float64frombits(b ^ swap)
}

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
	return Exp(y * Log(x))
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
