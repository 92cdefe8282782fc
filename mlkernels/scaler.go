package mlkernels

import "github.com/arrowstream/arrowstream/internal/simd"

// Scaler keeps the running mean and variance of every feature (Welford 1962,
// population variance, as sklearn's StandardScaler) and scales by them. Values
// that are NaN are left out, feature by feature.
type Scaler struct {
	count, mean, m2 []float64
	inv             []float64
}

// NewScaler returns a scaler of d features.
func NewScaler(d int) *Scaler {
	s := &Scaler{count: newRow(d), mean: newRow(d), m2: newRow(d), inv: newRow(d)}
	for j := range s.inv {
		s.inv[j] = 1
	}
	return s
}

// Update absorbs one row.
func (s *Scaler) Update(x []float64) {
	d := len(x)
	if n := stride(d); n <= cap(x) {
		d = n // what stands in the padding is never looked at
	}
	simd.Welford(s.count[:d], s.mean[:d], s.m2[:d], s.inv[:d], x[:d])
}

// Transform writes the scaled row x to out; NaN stays NaN. Before the first
// value of a feature it stays as it is.
func (s *Scaler) Transform(out, x []float64) { simd.Standardize(out, x, s.mean, s.inv) }

// columns are rows [from, from+n) of x, scaled, in the memory of scratch.
func (s *Scaler) columns(x *Matrix, from, n int, scratch *Scratch) [][]float64 {
	d := len(x.Dense)
	scratch.scaled, scratch.columns = grow(scratch.scaled, d*n), scratch.columns[:0]
	for j, col := range x.Dense {
		out, mean, inv := scratch.scaled[j*n:(j+1)*n], s.mean[j], s.inv[j]
		for i, v := range col[from : from+n] {
			out[i] = (v - mean) * inv
		}
		scratch.columns = append(scratch.columns, out)
	}
	return scratch.columns
}

// Mean and Variance are the statistics so far, Count the number of values per
// feature.
func (s *Scaler) Mean() []float64  { return s.mean }
func (s *Scaler) Count() []float64 { return s.count }

// Variance is the population variance of every feature.
func (s *Scaler) Variance() []float64 {
	out := make([]float64, len(s.m2))
	for j := range out {
		if s.count[j] > 0 {
			out[j] = s.m2[j] / s.count[j]
		}
	}
	return out
}

func (s *Scaler) save(w *stateWriter) {
	w.floats(s.count)
	w.floats(s.mean)
	w.floats(s.m2)
}

func (s *Scaler) load(r *stateReader) {
	d := len(s.mean)
	for _, x := range [][]float64{s.count, s.mean, s.m2} {
		copy(x, r.sized("the scaler", d))
	}
	for j := range s.inv {
		s.inv[j] = 1
		if s.count[j] > 0 {
			s.inv[j] = simd.InverseDeviation(s.count[j], s.mean[j], s.m2[j])
		}
	}
}
