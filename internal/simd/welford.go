package simd

import "math"

// Welford adds one value to the running statistics of every feature (Welford
// 1962): count, mean, sum of squared deviations m2, and inv, the reciprocal of
// the population deviation, or 1 for a feature that is constant up to rounding.
// NaN is left out; an infinity makes the mean one and the sum NaN. Per eight
// features about 20 ns.
func Welford(count, mean, m2, inv, x []float64) {
	for _, v := range [][]float64{count, mean, m2, inv} {
		sameLength("Welford", len(v), len(x))
	}
	if n := len(x) &^ 7; n > 0 {
		welford(count[:n], mean[:n], m2[:n], inv[:n], x[:n])
		count, mean, m2, inv, x = count[n:], mean[n:], m2[n:], inv[n:], x[n:]
	}
	welfordGo(count, mean, m2, inv, x)
}

func welfordGo(count, mean, m2, inv, x []float64) {
	for j, v := range x {
		if v != v {
			continue
		}
		n := count[j] + 1
		delta := v - mean[j]
		count[j] = n
		mean[j] += delta / n
		m2[j] = math.FMA(delta, v-mean[j], m2[j])
		inv[j] = InverseDeviation(n, mean[j], m2[j])
	}
}

// InverseDeviation is 1/√(m2/n), or 1 when the variance m2/n is no more than
// rounding makes it: n·ε·variance + (n·mean·ε)², as in scikit-learn.
func InverseDeviation(n, mean, m2 float64) float64 {
	const eps = 0x1p-52
	variance := m2 / n
	slack := n * mean * eps
	if !(variance > float64(n*eps*variance)+float64(slack*slack)) {
		return 1
	}
	return 1 / math.Sqrt(variance)
}

// Standardize writes (x[i]-mean[i])*inv[i] to out[i]; out may be x. NaN stays
// NaN.
func Standardize(out, x, mean, inv []float64) {
	for _, v := range [][]float64{out, mean, inv} {
		sameLength("Standardize", len(v), len(x))
	}
	if n := len(x) &^ 7; n > 0 {
		standardize(out[:n], x[:n], mean[:n], inv[:n])
		out, x, mean, inv = out[n:], x[n:], mean[n:], inv[n:]
	}
	standardizeGo(out, x, mean, inv)
}

func standardizeGo(out, x, mean, inv []float64) {
	for j, v := range x {
		out[j] = (v - mean[j]) * inv[j]
	}
}
