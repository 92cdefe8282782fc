package generator

import "math"

// The functions here give the same bits on every machine. Those of the
// standard library do not: they are written once more for each processor.

// Parts of ln 2 and log2 10; the first part of ln 2 has zeros at its end, so
// that its product with a small whole number is exact.
const (
	ln2Hi, ln2Lo     = 0x1.62e42fefa38p-1, 0x1.ef35793c7673p-45
	ln2, ln2Rest     = 0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56
	log2Of10, log2Lo = 0x1.a934f0979a371p+1, 0x1.7f2495fb7fa6dp-53
)

var inverse = [...]float64{0, 1, 1. / 2, 1. / 3, 1. / 4, 1. / 5, 1. / 6, 1. / 7, 1. / 8, 1. / 9, 1. / 10, 1. / 11, 1. / 12, 1. / 13}

// expSmall is e^x for |x| <= ln(2)/2: its Taylor series to the 13th power.
func expSmall(x float64) float64 {
	e := 1.0
	for i := len(inverse) - 1; i >= 1; i-- {
		e = math.FMA(e, float64(x*inverse[i]), 1)
	}
	return e
}

// pow10 is 10^y for 0 <= y <= 6: 2^k e^x with y log2(10) = k + x/ln 2 to about
// 100 bits.
func pow10(y float64) float64 {
	hi := float64(y * log2Of10)
	lo := math.FMA(y, log2Of10, -hi) + float64(y*log2Lo)
	k := math.Floor(hi + 0.5)
	r := hi - k + lo
	x := float64(r * ln2)
	rest := math.FMA(r, ln2, -x) + float64(r*ln2Rest) + float64((lo-(r-(hi-k)))*ln2)
	e := expSmall(x)
	return math.Ldexp(math.FMA(e, rest, e), int(k))
}

// logistic is 1/(1+exp(-z)).
func logistic(z float64) float64 {
	if z < -40 {
		return 0
	}
	if z > 40 {
		return 1
	}
	k := math.Floor(float64(-z*math.Log2E) + 0.5)
	x := float64(-z-float64(k*ln2Hi)) - float64(k*ln2Lo)
	return 1 / (1 + math.Ldexp(expSmall(x), int(k)))
}
