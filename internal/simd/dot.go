package simd

import "math"

// InOrder is the length up to which a dot product of a row runs through its
// elements one after the other; longer ones are summed in 32 lanes. It is part
// of the definition of the results.
const InOrder = 16

// Dot adds x[i]*y[i], fused, to acc[i mod 32]: the dot product is
// [LanesValue], the sum of squares is that of x and x. As with [SumFloat64],
// lanes go on over later rows with [RotateLanes]. A lane can become -0 by
// underflow, so rows cannot be left out by adding zeros: x and y hold what is
// to be added and nothing else. NaN and infinities propagate. Cost: the read
// bandwidth of both.
func Dot(acc *[32]float64, x, y []float64) {
	sameLength("Dot", len(x), len(y))
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		dot(acc, x[:n], y[:n])
		x, y = x[n:], y[n:]
	}
	for i, v := range x {
		acc[i] = math.FMA(v, y[i], acc[i])
	}
}

func dotGo(acc *[32]float64, x, y []float64) {
	for len(x) > 0 {
		n := min(len(x), 1024)
		for q := 0; q < 32; q += 4 {
			dotQuartet((*[4]float64)(acc[q:]), x[q:n], y[q:n])
		}
		x, y = x[n:], y[n:]
	}
}

// dotQuartet multiplies rows 0 to 3 of every 32 rows into four lanes.
func dotQuartet(l *[4]float64, x, y []float64) {
	a, b, c, d := l[0], l[1], l[2], l[3]
	for len(x) >= 4 && len(y) >= 4 {
		v, w := (*[4]float64)(x), (*[4]float64)(y)
		a = math.FMA(v[0], w[0], a)
		b = math.FMA(v[1], w[1], b)
		c = math.FMA(v[2], w[2], c)
		d = math.FMA(v[3], w[3], d)
		x, y = x[min(32, len(x)):], y[min(32, len(y)):]
	}
	*l = [4]float64{a, b, c, d}
}

// Axpy adds a*x[i], fused, to y[i].
func Axpy(y []float64, a float64, x []float64) {
	sameLength("Axpy", len(y), len(x))
	for len(x) >= 8 {
		n := min(len(x)&^7, maxRows)
		axpy(y[:n], a, x[:n])
		x, y = x[n:], y[n:]
	}
	axpyGo(y, a, x)
}

func axpyGo(y []float64, a float64, x []float64) {
	for i, v := range x {
		y[i] = math.FMA(a, v, y[i])
	}
}
