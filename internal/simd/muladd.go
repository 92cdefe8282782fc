package simd

import "math"

// MulAdd sets out[i] to a[i]*b[i] + c[i], rounded after the product and after
// the sum, which is what SQL says of two operators. out may be one of the
// others.
// Cost: the bandwidth of three columns read and one written.
func MulAdd[T float32 | float64](out, a, b, c []T) {
	sameLength("MulAdd", len(out), len(a))
	sameLength("MulAdd", len(out), len(b))
	sameLength("MulAdd", len(out), len(c))
	for len(out) >= 32 {
		n := min(len(out)&^31, maxRows)
		mulAddBlocks(out[:n], a[:n], b[:n], c[:n])
		out, a, b, c = out[n:], a[n:], b[n:], c[n:]
	}
	for i, x := range a {
		p := T(x * b[i])
		out[i] = p + c[i]
	}
}

func mulAddBlocks[T float32 | float64](out, a, b, c []T) {
	switch out := any(out).(type) {
	case []float32:
		mulAddFloat32(out, any(a).([]float32), any(b).([]float32), any(c).([]float32))
	case []float64:
		mulAddFloat64(out, any(a).([]float64), any(b).([]float64), any(c).([]float64))
	}
}

// FMA sets out[i] to a[i]*b[i] + c[i], rounded once, as models do.
// Cost: that of [MulAdd].
func FMA(out, a, b, c []float64) {
	sameLength("FMA", len(out), len(a))
	sameLength("FMA", len(out), len(b))
	sameLength("FMA", len(out), len(c))
	for len(out) >= 32 {
		n := min(len(out)&^31, maxRows)
		fmaFloat64(out[:n], a[:n], b[:n], c[:n])
		out, a, b, c = out[n:], a[n:], b[n:], c[n:]
	}
	fmaFloat64Go(out, a, b, c)
}

// The conversions keep the compiler from fusing.

func mulAddFloat64Go(out, a, b, c []float64) {
	a, b, c = a[:len(out)], b[:len(out)], c[:len(out)]
	for i := range out {
		out[i] = float64(a[i]*b[i]) + c[i]
	}
}

func mulAddFloat32Go(out, a, b, c []float32) {
	a, b, c = a[:len(out)], b[:len(out)], c[:len(out)]
	for i := range out {
		out[i] = float32(a[i]*b[i]) + c[i]
	}
}

func fmaFloat64Go(out, a, b, c []float64) {
	a, b, c = a[:len(out)], b[:len(out)], c[:len(out)]
	for i := range out {
		out[i] = math.FMA(a[i], b[i], c[i])
	}
}
