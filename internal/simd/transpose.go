package simd

// Transpose writes rows [from, from+n) of the columns x one after another:
// x[j][from+i] to out[i*stride+j]. What lies between the rows stays as it is.
// About 0.4 ns per value when out stays in the first-level cache.
func Transpose(out []float64, stride int, x [][]float64, from, n int) {
	d := len(x)
	columnsHold("Transpose", x, d, from, n)
	if n == 0 || d == 0 {
		return
	}
	if d > stride {
		sameLength("Transpose", stride, d)
	}
	_ = out[(n-1)*stride+d-1]
	if n < 4 || d < 4 {
		transposeGo(out, stride, x, from, n)
		return
	}
	// The last four rows or columns may come twice.
	rows := func(out []float64, from, n int) {
		transpose(out, stride, x[:d&^3], from, n)
		if d&3 != 0 {
			transpose(out[d-4:], stride, x[d-4:], from, n)
		}
	}
	rows(out, from, n&^3)
	if n&3 != 0 {
		rows(out[(n-4)*stride:], from+n-4, 4)
	}
}

func transposeGo(out []float64, stride int, x [][]float64, from, n int) {
	j := 0
	for ; j+4 <= len(x); j += 4 {
		c0, c1, c2, c3 := x[j][from:from+n], x[j+1][from:from+n], x[j+2][from:from+n], x[j+3][from:from+n]
		k := j
		for i := range c0 {
			o := out[k : k+4 : k+4]
			o[0], o[1], o[2], o[3] = c0[i], c1[i], c2[i], c3[i]
			k += stride
		}
	}
	for ; j < len(x); j++ {
		k := j
		for _, v := range x[j][from : from+n] {
			out[k] = v
			k += stride
		}
	}
}
