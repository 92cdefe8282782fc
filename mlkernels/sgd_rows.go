package mlkernels

import "github.com/arrowstream/arrowstream/internal/simd"

// stepRows is Step for rows [from, to), one after another: for all models.
func (s *sgd) stepRows(x *Matrix, y, weight []float64, from, to int, out *Scores) {
	size := blockRows(len(x.Dense))
	for ; from < to; from += size {
		n := min(size, to-from)
		s.scratch.block.load(x, from, n)
		for k := range n {
			i := from + k
			out.Version[i] = s.t - 1
			if !x.Usable(i) {
				out.endRow(i)
				continue
			}
			s.gatherCats(x, i)
			row := s.scratch.block.row(k)
			scored := s.scoreRow(row, out, i)
			if s.failed == 0 && y[i] == y[i] && (weight == nil || weight[i] == weight[i]) {
				sw := 1.0
				if weight != nil {
					sw = weight[i]
				}
				s.learnRow(row, y[i], sw, scored)
			}
		}
	}
}

func (s *sgd) gatherCats(x *Matrix, i int) {
	s.cats = s.cats[:0]
	for _, c := range x.Cats {
		s.cats = append(s.cats, c[i])
	}
}

// scoreRow predicts row i and reports whether s.margins now holds the margins
// of the plain weights for the features as learnRow will see them.
func (s *sgd) scoreRow(row []float64, out *Scores, i int) bool {
	if !s.ready() {
		out.endRow(i)
		return false
	}
	features, reusable := row, true
	if s.scaler != nil {
		s.scaler.Transform(s.z, row)
		features, reusable = s.z, false
	}
	if s.averaging() {
		reusable = false
		for k, p := range s.problems {
			s.margins[k] = p.averaged(features, s.cats)
		}
	} else {
		for k, p := range s.problems {
			s.margins[k] = p.margin(features, s.cats)
		}
	}
	s.rest = s.predict(s.margins, out, i)
	s.prob = out.Value[i]
	out.endRow(i)
	return reusable
}

// predict turns the margins of row i into its prediction. For a binary
// log_loss, rest is the probability of the first class.
func (s *sgd) predict(margins []float64, out *Scores, i int) (rest float64) {
	if len(margins) == 0 {
		return 0
	}
	out.Valid[i] = true
	switch {
	case s.task == Regression:
		out.Value[i] = margins[0]
	case s.loss == LogLoss && !s.oneVsRest():
		out.Value[i], rest = simd.SigmoidPair(margins[0])
		out.Class[i] = int32(oneIf(out.Value[i] > 0.5))
	case !s.oneVsRest():
		p := s.loss.probability(margins[0])
		out.Value[i] = p
		if s.loss.HasProbability() && p > 0.5 || !s.loss.HasProbability() && p > 0 {
			out.Class[i] = 1
		}
	default:
		at := len(out.PerClass)
		sum := 0.0
		for _, m := range margins {
			m = s.loss.probability(m)
			sum += m
			out.PerClass = append(out.PerClass, m)
		}
		if !s.loss.HasProbability() {
			return 0
		}
		for k := range margins {
			if sum == 0 {
				out.PerClass[at+k] = 1 / float64(len(margins))
			} else {
				out.PerClass[at+k] /= sum
			}
		}
	}
	return rest
}

// learnRow learns a row whose label y is known.
func (s *sgd) learnRow(row []float64, y, sw float64, scored bool) {
	if s.oneVsRest() && int(y) >= len(s.problems) {
		s.growTo(int(y) + 1)
		scored = false
	}
	if s.scaler != nil {
		s.scaler.Update(row)
		s.scaler.Transform(s.z, row)
		row = s.z
	}
	if len(s.opt.ClassWeights) > 0 {
		sw *= s.opt.ClassWeights[int(y)]
	}
	s.learned++
	switch s.opt.UpdateMode {
	case fullBatch:
		s.buffer.add(row, s.cats, y, sw)
		s.grow(1)
	case miniBatch:
		s.accumulate(row, y, sw, scored)
		s.grow(1)
	default:
		s.update(row, y, sw, scored)
	}
}

// target is the label as problem k sees it.
func (s *sgd) target(y float64, k int) float64 {
	switch {
	case s.task == Regression:
		return y
	case s.oneVsRest() && int(y) == k, !s.oneVsRest() && y == 1:
		return 1
	}
	return -1
}

// update is one step of per_row.
func (s *sgd) update(row []float64, y, sw float64, scored bool) {
	if (s.l1Reset || s.stale) && (s.learned-1)%int64(s.opt.BatchRows) == 0 {
		s.beginCall()
	}
	eta := s.schedule.at(s.t)
	shrink := s.shrink(eta)
	averages := s.opt.Average > 0 && int64(s.opt.Average) <= s.t
	for k, p := range s.problems {
		g := float64(clip(s.gradientAt(p, k, row, y, scored)) * sw)
		if g != 0 || shrink != 1 {
			u := float64(-eta * g)
			if !p.add(row, s.cats, shrink, u, s.interceptStep(u, g)) {
				s.failed = s.learned
				return
			}
		}
		if s.l1 > 0 {
			p.truncate(s.cats, float64(s.l1*eta))
		}
		if averages {
			p.average(float64(s.t - int64(s.opt.Average) + 1))
		}
	}
	s.t++
}

// shrink is what the L2 penalty multiplies the weights by at step size eta.
func (s *sgd) shrink(eta float64) float64 {
	if s.l2 == 0 {
		return 1
	}
	return max(0, 1-float64(s.l2*eta))
}

// gradientAt is the gradient of problem k at a row; what scoreRow computed is
// used again if scored.
func (s *sgd) gradientAt(p *problem, k int, row []float64, y float64, scored bool) float64 {
	switch {
	case !scored:
		return s.loss.gradient(p.margin(row, s.cats), s.target(y, k), s.opt.Epsilon)
	case s.loss != LogLoss || s.oneVsRest():
		return s.loss.gradient(s.margins[k], s.target(y, k), s.opt.Epsilon)
	case y == 1:
		return -s.rest
	}
	return s.prob
}

// interceptStep is the step of the intercept for the gradient g when that of
// the weights is u.
func (s *sgd) interceptStep(u, g float64) float64 {
	switch {
	case !s.opt.FitIntercept:
		return 0
	case s.opt.InterceptRate > 0:
		return float64(-s.opt.InterceptRate * g)
	}
	return u
}

// beginCall emulates what sklearn forgets between two calls of partial_fit.
func (s *sgd) beginCall() {
	for _, p := range s.problems {
		if s.l1Reset {
			p.u = 0
			clear(p.q)
			clear(p.catQ)
		}
		if s.stale && s.opt.Average > 0 {
			if int64(s.opt.Average) > s.t-1 {
				p.staleB = p.b
			}
			p.b = p.staleB
		}
	}
}
