package simd

import (
	"fmt"
	"math"
)

// Rows of weights and of features are padded with zeros to a multiple of eight
// values.

func padded(name string, w, x []float64) {
	sameLength(name, len(w), len(x))
	if len(w)&7 != 0 {
		panic(fmt.Sprintf("simd: %s: %d values are not padded", name, len(w)))
	}
}

// RowDot is w·x: product j is added, fused, to lane j mod 32, and the lanes as
// by [LanesValue]; zero is +0. NaN and infinities propagate.
func RowDot(w, x []float64) float64 {
	padded("RowDot", w, x)
	if len(w) == 0 {
		return 0
	}
	return rowDot(w, x)
}

func rowDotGo(w, x []float64) float64 {
	var lanes [32]float64
	for ; len(w) >= 32 && len(x) >= 32; w, x = w[32:], x[32:] {
		a, b := (*[32]float64)(w), (*[32]float64)(x)
		for l := range lanes {
			lanes[l] = math.FMA(a[l], b[l], lanes[l])
		}
	}
	for l, v := range w[:min(len(w), len(x))] {
		lanes[l&31] = math.FMA(v, x[l], lanes[l&31])
	}
	var s [8]float64
	for l := range s {
		s[l] = (lanes[l] + lanes[l+16]) + (lanes[l+8] + lanes[l+24])
	}
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])) + 0
}

// Step writes shrink*w + u*x to next, the first product rounded, the second
// one fused, and reports whether all of next is finite. next may be w.
func Step(next, w, x []float64, shrink, u float64) (finite bool) {
	padded("Step", w, x)
	padded("Step", w, next)
	if len(w) == 0 {
		return true
	}
	return step(next, w, x, shrink, u)
}

func stepGo(next, w, x []float64, shrink, u float64) (finite bool) {
	next, x = next[:len(w)], x[:len(w)]
	rest := 0.0 // stays 0 while the weights are finite, then is NaN
	for j, v := range w {
		v = math.FMA(u, x[j], float64(v*shrink))
		next[j] = v
		rest += v - v
	}
	return rest == 0
}
