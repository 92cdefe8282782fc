package simd

import (
	"fmt"
	"math"
)

// A matrix is a slice of columns; its rows [from, from+n) take part, where n is
// the length of the vector of rows.

// columnsHold panics unless there are d columns with n rows behind from.
func columnsHold(name string, x [][]float64, d, from, n int) {
	sameLength(name, len(x), d)
	for j, col := range x {
		if from < 0 || n > len(col)-from {
			panic(fmt.Sprintf("simd: %s: rows %d to %d of column %d, which has %d", name, from, from+n, j, len(col)))
		}
	}
}

// rowsPerCall is how many rows of d columns a kernel is given in one call.
func rowsPerCall(d int) int { return max(32, 16*maxRows/max(d, 1)&^31) }

// MatVec writes the products of rows with w to out: one fused sum per row, over
// the columns in order. Without columns it is 0. NaN and infinities propagate.
// Cost: the read bandwidth of the columns.
func MatVec(out []float64, x [][]float64, from int, w []float64) {
	columnsHold("MatVec", x, len(w), from, len(out))
	if len(w) == 0 {
		clear(out)
		return
	}
	for len(out) >= 8 {
		n := min(len(out)&^7, rowsPerCall(len(w)))
		matVec(out[:n], x, from, w)
		out, from = out[n:], from+n
	}
	matVecGo(out, x, from, w)
}

func matVecGo(out []float64, x [][]float64, from int, w []float64) {
	clear(out)
	j := 0
	for ; j+4 <= len(w); j += 4 {
		c0, c1, c2, c3 := x[j][from:][:len(out)], x[j+1][from:][:len(out)], x[j+2][from:][:len(out)], x[j+3][from:][:len(out)]
		w0, w1, w2, w3 := w[j], w[j+1], w[j+2], w[j+3]
		for i, p := range out {
			out[i] = math.FMA(w3, c3[i], math.FMA(w2, c2[i], math.FMA(w1, c1[i], math.FMA(w0, c0[i], p))))
		}
	}
	for ; j < len(w); j++ {
		axpyGo(out, w[j], x[j][from:][:len(out)])
	}
}

// MatVecLanes is MatVec in 32 lanes: column j adds to lane j mod 32; the lanes
// of a row are added as by [LanesValue]; zero is +0. These are the bits of
// [RowDot].
func MatVecLanes(out []float64, x [][]float64, from int, w []float64) {
	columnsHold("MatVecLanes", x, len(w), from, len(out))
	var waiting [3 * 16]float64
	for len(out) >= 8 {
		n := min(len(out)&^7, rowsPerCall(len(w)))
		matVecLanes(out[:n], x, from, w, &waiting)
		out, from = out[n:], from+n
	}
	matVecLanesGo(out, x, from, w, &waiting)
}

func matVecLanesGo(out []float64, x [][]float64, from int, w []float64, _ *[3 * 16]float64) {
	for i := range out {
		var lanes [32]float64
		for j, v := range w {
			lanes[j&31] = math.FMA(v, x[j][from+i], lanes[j&31])
		}
		out[i] = LanesValue(&lanes) + 0
	}
}

// MatTVec adds r[i]*x[j][from+i], fused, to acc[j][i mod 32] for every column
// j: with the residuals r that is the gradient of a linear model. See [Dot].
func MatTVec(acc [][32]float64, x [][]float64, from int, r []float64) {
	columnsHold("MatTVec", x, len(acc), from, len(r))
	for len(r) >= 32 && len(acc) > 0 {
		n := min(len(r)&^31, rowsPerCall(len(acc)))
		matTVec(acc, x, from, r[:n])
		r, from = r[n:], from+n
	}
	for j := range acc {
		for i, v := range r {
			acc[j][i] = math.FMA(v, x[j][from+i], acc[j][i])
		}
	}
}

func matTVecGo(acc [][32]float64, x [][]float64, from int, r []float64) {
	for j := range acc {
		dotGo(&acc[j], r, x[j][from:][:len(r)])
	}
}

// LanesValues writes [LanesValue] of every column's lanes to out.
func LanesValues(out []float64, lanes [][32]float64) {
	sameLength("LanesValues", len(out), len(lanes))
	if len(out) > 0 {
		lanesValues(out, lanes)
	}
}

func lanesValuesGo(out []float64, lanes [][32]float64) {
	for j := range lanes {
		out[j] = LanesValue(&lanes[j])
	}
}
