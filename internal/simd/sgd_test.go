package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var sgdTwins = []twin{
	{"LogisticResiduals", func(a *arena) {
		LogisticResiduals(output[float64](a, a.n), output[float64](a, a.n), exponents(a), labels(a))
	}},
	{"HingeResiduals", func(a *arena) {
		z := inout[float64](a, a.n)
		for i := range z {
			if a.rng.IntN(4) == 0 {
				z[i] = float64(a.rng.IntN(3) - 1)
			}
		}
		HingeResiduals(output[float64](a, a.n), z, labels(a))
	}},
	{"SquaredResiduals", func(a *arena) {
		SquaredResiduals(output[float64](a, a.n), input[float64](a, a.n), input[float64](a, a.n))
	}},
	{"Transpose", func(a *arena) {
		d := 1 + a.rng.IntN(13)
		x, from := columns(a, d)
		stride, n := d+a.rng.IntN(3), min(a.n, 500)
		out := output[float64](a, n*stride)
		clear(out)
		Transpose(out, stride, x, from, n)
	}},
	{"RowDot", func(a *arena) { a.keep(RowDot(row(a), row(a))) }},
	{"Step", func(a *arena) {
		w := inout[float64](a, a.n&^7)
		a.keep(Step(w, w, row(a), floatValue(a, specialFloat64s), floatValue(a, specialFloat64s)))
	}},
	{"LogisticSteps", func(a *arena) {
		x, from := columns(a, a.rng.IntN(18))
		w := inout[float64](a, len(x))
		eta := input[float64](a, a.n)
		if a.mix >= 2 { // numbers that do not run away at once
			for j := range w {
				w[j] = a.rng.NormFloat64()
			}
		}
		a.keep(LogisticSteps(output[float64](a, a.n), w, a.rng.NormFloat64(), x, from, labels(a), input[float64](a, a.n), eta, input[float64](a, a.n)))
	}},
	{"LogisticRows", func(a *arena) {
		d, n := 8*a.rng.IntN(12), min(a.n, 64)
		x, w := input[float64](a, n*d), inout[float64](a, d)
		if a.mix >= 2 {
			for j := range w {
				w[j] = a.rng.NormFloat64()
			}
		}
		rate := func() []float64 { return input[float64](a, n) }
		soon := Ahead{}
		if a.off&1 != 0 {
			soon = Ahead{[][]float64{input[float64](a, 9), input[float64](a, 9)}, 1, a.n % 9}
		}
		a.keep(LogisticRows(output[float64](a, n), w, a.rng.NormFloat64(), x, labels(a)[:n], rate(), rate(), rate(), soon))
	}},
}

// row is a row of weights or features, as the kernels take them.
func row(a *arena) []float64 { return input[float64](a, a.n&^7) }

// labels are 0, 1 and sometimes anything.
func labels(a *arena) []float64 {
	y := inout[float64](a, a.n)
	for i := range y {
		if a.rng.IntN(10) > 0 {
			y[i] = float64(a.rng.IntN(2))
		}
	}
	return y
}

// TestStepsAreNaive goes row by row over numbers as a model meets them, for
// every number of columns, and compares the two ways a row is added.
func TestStepsAreNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	for d := range 70 {
		const n, from = 41, 2
		stride := (d + 7) &^ 7
		x, w := make([][]float64, d), make([]float64, stride)
		for j := range x {
			w[j] = rng.NormFloat64()
			for range from + n {
				x[j] = append(x[j], rng.NormFloat64())
			}
		}
		rows := make([]float64, n*stride)
		Transpose(rows, stride, x, from, n)
		y, p, rate, shrink := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range y {
			y[i], rate[i], shrink[i] = float64(rng.IntN(2)), rng.Float64(), 1-0.1*rng.Float64()
		}
		got := slices.Clone(w)
		b := LogisticSteps(p, got[:d], 0.25, x, from, y, shrink, rate, rate)

		want, intercept := slices.Clone(w), 0.25
		for i := range n {
			z := 0.0
			for j := range d {
				if rows[i*stride+j] != x[j][from+i] {
					t.Fatalf("%d columns: row %d is %v", d, i, rows[i*stride:][:d])
				}
				z = math.FMA(want[j], x[j][from+i], z)
			}
			prob := Sigmoid(z + intercept)
			if prob != p[i] {
				t.Fatalf("%d columns, row %d: %v, want %v", d, i, p[i], prob)
			}
			g := prob
			if y[i] == 1 {
				g = -Sigmoid(-z - intercept)
			}
			for j := range d {
				want[j] = math.FMA(-(rate[i] * g), x[j][from+i], want[j]*shrink[i])
			}
			intercept -= float64(rate[i] * g)
		}
		for j := range want {
			if got[j] != want[j] {
				t.Fatalf("%d columns: weights %v, want %v", d, got, want)
			}
		}
		if b != intercept {
			t.Fatalf("%d columns: intercept %v, want %v", d, b, intercept)
		}

		rowwise, again := slices.Clone(w), slices.Clone(w)
		b = LogisticRows(p, rowwise, 0.25, rows, y, shrink, rate, rate, Ahead{})
		intercept = 0.25
		for i := range n {
			x := rows[i*stride : (i+1)*stride]
			yes, no := SigmoidPair(RowDot(again, x) + intercept)
			g := yes
			if y[i] == 1 {
				g = -no
			}
			if p[i] != yes || !Step(again, again, x, shrink[i], -(rate[i]*g)) {
				t.Fatalf("%d columns, row %d: %v, want %v", d, i, p[i], yes)
			}
			intercept -= float64(rate[i] * g)
		}
		if !slices.Equal(rowwise, again) || b != intercept {
			t.Fatalf("%d columns: weights %v and %v, want %v and %v", d, rowwise, b, again, intercept)
		}

		out := make([]float64, 1)
		if MatVecLanes(out, x, from+1, w[:d]); out[0] != RowDot(w, rows[stride:2*stride]) {
			t.Fatalf("%d columns: product %v, by columns %v", d, RowDot(w, rows[stride:2*stride]), out[0])
		}
	}
}

// TestStepReportsWhatIsNotFinite: one value among many decides.
func TestStepReportsWhatIsNotFinite(t *testing.T) {
	for n := 8; n <= 80; n += 8 {
		for j := range n {
			for _, v := range []float64{math.Inf(1), math.NaN(), 1e300} {
				w, x := make([]float64, n), make([]float64, n)
				x[j] = v
				if Step(w, w, x, 1, 1e10) || !Step(w, make([]float64, n), x, 1, 0) && v == 1e300 {
					t.Fatalf("%v at %d of %d", v, j, n)
				}
			}
		}
	}
}
