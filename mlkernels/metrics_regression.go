package mlkernels

import "math"

// RegressionMetrics judge a regression.
type RegressionMetrics struct {
	opt  MetricsOptions
	sum  regressionSums
	ring []Judged
	at   int
}

type regressionSums struct {
	n, abs, squares  float64
	mean, m2         float64 // Welford over the labels
	withLast, last   float64
	withUsual, usual float64
}

// NewRegressionMetrics returns metrics of no rows.
func NewRegressionMetrics(opt MetricsOptions) *RegressionMetrics { return &RegressionMetrics{opt: opt} }

// Add judges one row.
func (m *RegressionMetrics) Add(j Judged) {
	if m.opt.Last > 0 {
		keepLast(&m.ring, &m.at, m.opt.Last, j)
		return
	}
	if f := m.opt.Fading; f > 0 && f != 1 {
		s := &m.sum
		for _, x := range []*float64{&s.n, &s.abs, &s.squares, &s.m2, &s.withLast, &s.last, &s.withUsual, &s.usual} {
			*x *= f
		}
	}
	m.sum.add(j)
}

func (s *regressionSums) add(j Judged) {
	e := j.Pred - j.Truth
	s.n++
	s.abs += math.Abs(e)
	s.squares = math.FMA(e, e, s.squares)
	delta := j.Truth - s.mean
	s.mean += delta / s.n
	s.m2 = math.FMA(delta, j.Truth-s.mean, s.m2)
	if j.Last == j.Last {
		s.withLast++
		s.last += math.Abs(j.Last - j.Truth)
	}
	if j.Usual == j.Usual {
		s.withUsual++
		s.usual += math.Abs(j.Usual - j.Truth)
	}
}

// RegressionReport are the metrics of a regression; NaN where a denominator is
// 0. NoChangeMAE and MeanMAE are the errors of the baselines.
type RegressionReport struct {
	Rows, MAE, RMSE, R2, NoChangeMAE, MeanMAE float64
}

// Report computes the metrics.
func (m *RegressionMetrics) Report() RegressionReport {
	s := &m.sum
	if m.opt.Last > 0 {
		s = &regressionSums{}
		for i := range m.ring {
			s.add(m.ring[(m.at+i)%len(m.ring)])
		}
	}
	return RegressionReport{
		Rows: s.n, MAE: ratio(s.abs, s.n), RMSE: math.Sqrt(ratio(s.squares, s.n)), R2: 1 - ratio(s.squares, s.m2),
		NoChangeMAE: ratio(s.last, s.withLast), MeanMAE: ratio(s.usual, s.withUsual),
	}
}

func (m *RegressionMetrics) save(w *stateWriter) {
	s := &m.sum
	w.floats([]float64{s.n, s.abs, s.squares, s.mean, s.m2, s.withLast, s.last, s.withUsual, s.usual})
	saveJudged(w, m.ring, m.at)
}

func (m *RegressionMetrics) load(r *stateReader) {
	s := &m.sum
	x := r.sized("metrics", 9)
	s.n, s.abs, s.squares, s.mean, s.m2, s.withLast, s.last, s.withUsual, s.usual = x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8]
	m.ring, m.at = loadJudged(r, m.opt.Last)
}
