package mlkernels

import (
	"math"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// plain reports whether stepPlain learns x: the commonest case, a logistic
// regression of two classes, row by row, on numbers as they are.
func (s *sgd) plain(x *Matrix, weight []float64) bool {
	return s.loss == LogLoss && s.task == Classification && !s.oneVsRest() && s.opt.UpdateMode == perRow &&
		s.l1 == 0 && s.scaler == nil && s.opt.Average == 0 && !s.l1Reset && !s.stale &&
		len(s.opt.ClassWeights) == 0 && len(x.Cats) == 0 && weight == nil && s.shape.Width == 0
}

// stepPlain is Step with the bits of scoreRow and learnRow, which it does in
// one loop: what one row waits for of the row before is one chain of the dot
// product, the sigmoid and the step, 35 ns for 10 features, and branches that
// depend on its result would make it wait twice.
func (s *sgd) stepPlain(x *Matrix, y []float64, out *Scores) {
	p := s.problems[0]
	size := blockRows(len(x.Dense))
	for from := 0; from < x.Rows; from += size {
		n := min(size, x.Rows-from)
		s.scratch.block.load(x, from, n)
		labels, version := y[from:from+n], out.Version[from:from+n]
		valid, value, class := out.Valid[from:from+n], out.Value[from:from+n], out.Class[from:from+n]
		for k, label := range labels {
			version[k] = s.t - 1
			if !x.Usable(from + k) {
				continue
			}
			row := s.scratch.block.row(k)
			prob, rest := simd.SigmoidPair(dot(p.w, row) + p.b)
			if s.ready() {
				valid[k], value[k], class[k] = true, prob, int32(oneIf(prob > 0.5))
			}
			if label == label && s.failed == 0 {
				s.learned++
				s.stepRow(p, row, pick(label == 1, -rest, prob))
			}
		}
	}
}

// pick is a if ok, else b, without a branch.
func pick(ok bool, a, b float64) float64 {
	x, y := math.Float64bits(a), math.Float64bits(b)
	return math.Float64frombits(y ^ (x^y)&-oneIf(ok))
}

// stepRow takes the step of a row for the gradient g, which is at most 1.
func (s *sgd) stepRow(p *problem, row []float64, g float64) {
	eta := s.schedule.at(s.t)
	shrink := 1.0
	if s.l2 > 0 {
		shrink = max(0, 1-float64(s.l2*eta))
	}
	if g != 0 || shrink != 1 {
		u := float64(-eta * g)
		if !p.add(row, nil, shrink, u, s.interceptStep(u, g)) {
			s.failed = s.learned
			return
		}
	}
	s.t++
}
