package simd

import "math"

// Constants of exp and log: log2(e), ln 2 in two parts, and the number that
// rounds a float64 to an integer when added and taken away again.
const (
	log2e    = 1.44269504088896338700
	ln2hi    = 6.93147180369123816490e-01
	ln2lo    = 1.90821492927058770002e-10
	toNearby = 3 << 51
)

// Exp is e to the power of x, clamped to [-708, 708], with the same bits on
// every CPU: math.Exp is assembly that differs by architecture. The relative
// error is below 1e-15. NaN stays NaN.
func Exp(x float64) float64 {
	if !(x > -708) {
		if x != x {
			return x
		}
		x = -708
	} else if x > 708 {
		x = 708
	}
	return expOf(x, 1023)
}

// ExpUnclamped is [Exp] with its bits up to 708, and +Inf, subnormal numbers
// and 0 beyond.
func ExpUnclamped(x float64) float64 {
	switch {
	case x > 709.782712893384:
		return math.Inf(1)
	case x < -745.1332191019412:
		return 0
	case x > 708:
		return expOf(x, 1023-64) * 0x1p64
	case x < -708:
		return expOf(x, 1023+64) * 0x1p-64
	}
	return Exp(x)
}

// expOf is e^x·2^(bias-1023) for a result that is a normal number. x = k ln 2 + r;
// e^r is the Taylor polynomial of degree 13, summed as a tree.
func expOf(x float64, bias uint64) float64 {
	shifted := float64(x*log2e) + toNearby
	k := shifted - toNearby
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
	// The low bits of shifted are k: moved up they are the exponent of 2^k.
	return float64(p * math.Float64frombits(math.Float64bits(shifted)<<52+bias<<52))
}

// Log is the natural logarithm with the same bits on every CPU: -Inf at 0, NaN
// below and of NaN, +Inf of +Inf. The series of atanh is summed in (m-1)/(m+1)
// with m in [sqrt(1/2), sqrt(2)); the relative error is below 1e-15.
func Log(x float64) float64 {
	switch {
	case x != x || x > math.MaxFloat64:
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	case x < 0x1p-1022:
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

// Sigmoid is 1/(1+e^-z); it never overflows, and is 3.3e-308 below -708.
func Sigmoid(z float64) float64 {
	p, _ := SigmoidPair(z)
	return p
}

// SigmoidPair is Sigmoid(z) and Sigmoid(-z), both without cancellation.
func SigmoidPair(z float64) (p, q float64) {
	e := Exp(-math.Abs(z))
	r := 1 / (1 + e)
	// The two are swapped by their bits for z < 0: a branch on the sign of a
	// margin is mispredicted half the time.
	a, b := math.Float64bits(r), math.Float64bits(float64(e*r))
	swap := (a ^ b) & uint64(int64(math.Float64bits(z))>>63)
	return math.Float64frombits(a ^ swap), math.Float64frombits(b ^ swap)
}

// Exps writes [Exp] of every value of x to out, which may be x. About 0.9 ns
// per value with AVX2.
func Exps(out, x []float64) {
	sameLength("Exps", len(out), len(x))
	for len(x) >= 8 {
		n := min(len(x)&^7, maxRows)
		exps(out[:n], x[:n])
		out, x = out[n:], x[n:]
	}
	expsGo(out, x)
}

func expsGo(out, x []float64) {
	for i, v := range x {
		out[i] = Exp(v)
	}
}

// Logs writes [Log] of every value of x to out, which may be x. About 1.5 ns
// per value with AVX2.
func Logs(out, x []float64) {
	sameLength("Logs", len(out), len(x))
	for len(x) >= 8 {
		n := min(len(x)&^7, maxRows)
		logs(out[:n], x[:n])
		out, x = out[n:], x[n:]
	}
	logsGo(out, x)
}

func logsGo(out, x []float64) {
	for i, v := range x {
		out[i] = Log(v)
	}
}

// Sigmoids writes [Sigmoid] of every value of z to p, which may be z. About
// 1.2 ns per value with AVX2.
func Sigmoids(p, z []float64) {
	sameLength("Sigmoids", len(p), len(z))
	for len(z) >= 8 {
		n := min(len(z)&^7, maxRows)
		sigmoids(p[:n], z[:n])
		p, z = p[n:], z[n:]
	}
	sigmoidsGo(p, z)
}

func sigmoidsGo(p, z []float64) {
	for i, v := range z {
		p[i] = Sigmoid(v)
	}
}
