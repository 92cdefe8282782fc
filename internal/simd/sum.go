package simd

// maxRows is the most rows a kernel is given in one call: assembly cannot be
// preempted, and 64K rows take some 10 µs.
const maxRows = 1 << 16

// SumFloat64 adds x[i] to acc[i mod 32]. A lane that starts as +0 never
// becomes -0. With [RotateLanes] the lanes go on over later rows, so that the
// bits of the sum, [LanesValue], depend on no cut. NaN and infinities propagate.
// Cost: the read bandwidth of the level of memory x is in.
func SumFloat64(acc *[32]float64, x []float64) {
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		sumFloat64(acc, x[:n])
		x = x[n:]
	}
	for i, v := range x {
		acc[i] += v
	}
}

// sumFloat64Go goes over pieces that stay in the first-level cache once per
// eight lanes: so many fit the registers.
func sumFloat64Go(acc *[32]float64, x []float64) {
	for len(x) > 0 {
		piece := x[:min(len(x), 1024)]
		for q := 0; q < 32; q += 8 {
			addOctet((*[8]float64)(acc[q:]), piece[q:])
		}
		x = x[len(piece):]
	}
}

// addOctet adds rows 0 to 7 of every 32 rows to eight lanes.
func addOctet(l *[8]float64, x []float64) {
	a, b, c, d, e, f, g, h := l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7]
	for len(x) >= 8 {
		v := (*[8]float64)(x)
		a += v[0]
		b += v[1]
		c += v[2]
		d += v[3]
		e += v[4]
		f += v[5]
		g += v[6]
		h += v[7]
		x = x[min(32, len(x)):]
	}
	*l = [8]float64{a, b, c, d, e, f, g, h}
}

// RotateLanes moves lane (i + row) mod 32 to lane i, so that a kernel can go on
// with row number row of the stream as its first; -row turns them back.
func RotateLanes(lanes *[32]float64, row int) {
	old := *lanes
	for i := range lanes {
		lanes[i] = old[(i+row)&31]
	}
}

// LanesValue adds the lanes at distance 16, 8, 4, 2 and 1.
func LanesValue(lanes *[32]float64) float64 {
	v := *lanes
	for d := 16; d > 0; d /= 2 {
		for i := range d {
			v[i] += v[i+d]
		}
	}
	return v[0]
}
