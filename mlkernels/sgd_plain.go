package mlkernels

import "github.com/arrowstream/arrowstream/internal/simd"

// plain reports whether stepPlain learns: the commonest case, a logistic
// regression of two classes, row by row, on numbers as they are.
func (s *sgd) plain(weight []float64) bool {
	return s.loss == LogLoss && s.task == Classification && !s.oneVsRest() && s.opt.UpdateMode == perRow &&
		s.l1 == 0 && s.scaler == nil && s.opt.Average == 0 && !s.l1Reset && !s.stale &&
		len(s.opt.ClassWeights) == 0 && weight == nil && s.shape.Width == 0
}

// rates are the step sizes of a run of updates and what the weights are
// multiplied by at each.
type rates struct {
	eta, etaB, shrink []float64
}

const longestRun = 256 // rows

// ratesFor fills s.rates for updates t to t+n-1.
func (s *sgd) ratesFor(t int64, n int) {
	r := &s.rates
	if r.eta == nil {
		r.eta, r.etaB, r.shrink = make([]float64, longestRun), make([]float64, longestRun), make([]float64, longestRun)
	} else if s.schedule.constant() {
		return
	}
	if s.schedule.constant() {
		n = longestRun
	}
	for i := range n {
		eta := s.schedule.at(t + int64(i))
		r.eta[i], r.etaB[i], r.shrink[i] = eta, -s.interceptStep(-eta, 1), s.shrink(eta)
	}
}

// stepPlain is Step with the bits of stepRows. Runs of rows that are usable and
// have a label are learned by one call: 30 to 45 ns per row of up to 100
// features, most of which a row waits for the row before, while memory fetches
// the next run.
func (s *sgd) stepPlain(x *Matrix, y []float64, out *Scores) {
	size := min(blockRows(len(x.Dense)), longestRun)
	for from := 0; from < x.Rows; from += size {
		to := min(from+size, x.Rows)
		for at := from; at < to; {
			run := at
			for s.failed == 0 && run < to && x.Usable(run) && y[run] == y[run] {
				run++
			}
			if run == at {
				s.stepRows(x, y, nil, at, at+1, out)
				at++
				continue
			}
			s.learnRun(x, y, at, run, out)
			at = run
		}
	}
}

// learnRun scores and learns rows [from, to), all of which can be learned.
func (s *sgd) learnRun(x *Matrix, y []float64, from, to int, out *Scores) {
	p, n := s.problems[0], to-from
	s.ratesFor(s.t, n)
	copy(p.next, p.w)
	value, r := out.Value[from:to], &s.rates
	b := p.b
	if len(p.w) <= simd.InOrder {
		b = simd.LogisticSteps(value, p.w, b, x.Dense, from, y[from:to], r.shrink[:n], r.eta[:n], r.etaB[:n])
	} else {
		s.scratch.block.load(x, from, n)
		b = simd.LogisticRows(value, padded(p.w), b, s.scratch.block.values, y[from:to], r.shrink[:n], r.eta[:n], r.etaB[:n], x.ahead(to, n))
	}
	if !finite(b) || !allFinite(p.w) {
		// What is not finite stays so: some row of the run was the first.
		copy(p.w, p.next)
		clear(value)
		s.stepRows(x, y, nil, from, to, out)
		return
	}
	p.b = b
	valid, class, version := out.Valid[from:to], out.Class[from:to], out.Version[from:to]
	first := s.t - 1
	for i, v := range value {
		valid[i], class[i], version[i] = true, int32(oneIf(v > 0.5)), first+int64(i)
	}
	if !s.ready() {
		valid[0], value[0], class[0] = false, 0, 0
	}
	s.t += int64(n)
	s.learned += int64(n)
}
