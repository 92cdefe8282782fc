package mlkernels

import (
	"fmt"
	"math"
	"slices"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// sgd is a linear model learned by stochastic gradient descent. Mode per_row
// is sklearn's _plain_sgd with shuffle off, full_batch is Spark's streaming
// gradient descent, mini_batch one mean gradient per group.
type sgd struct {
	opt      LinearOptions
	loss     Loss
	task     Task
	l2, l1   float64
	schedule schedule
	l1Reset  bool
	stale    bool

	shape    Shape
	problems []*problem
	t        int64 // number of the next update
	learned  int64 // rows learned
	failed   int64
	group    int // rows in the incomplete group
	scaler   *Scaler
	buffer   rowBuffer // rows of the incomplete group of full_batch
	steps    int       // iterations the last group of full_batch took

	scratch Scratch
	z       []float64
	cats    []int32
	margins []float64
	prob    float64 // of a binary log_loss: what scoreRow computed, and 1 - prob
	rest    float64
}

func newSGD(modelType string, options map[string]string) (Learner, error) {
	o, err := decodeLinear(modelType, options)
	if err != nil {
		return nil, err
	}
	s := &sgd{opt: o, task: Classification, t: 1}
	if modelType == "LINEAR_REG" {
		s.task = Regression
	}
	if s.loss, err = parseLoss(o.Loss, s.task == Classification); err != nil {
		return nil, err
	}
	s.l2, s.l1 = o.strengths()
	s.schedule = o.schedule(s.loss)
	s.l1Reset = slices.Contains(o.Compat, "l1_reset_per_call")
	s.stale = slices.Contains(o.Compat, "average_stale_intercept")
	return s, nil
}

// Task implements [Learner].
func (s *sgd) Task() Task { return s.task }

// Bind implements [Learner].
func (s *sgd) Bind(shape Shape) error {
	s.shape = shape
	if s.opt.Average > 0 && shape.Width > 4096 {
		return &arrowstream.Error{Code: "AS7004", Msg: "option \"average\": not with more than 4096 category weights", Hint: "leave average out, or lower max_categories"}
	}
	if n := len(s.opt.ClassWeights); n > 0 && (n != 2 || s.task != Classification || shape.Classes != 2) {
		return &arrowstream.Error{Code: "AS7004", Msg: fmt.Sprintf("option \"class_weights\": %d weights", n), Hint: "two weights, for a classifier of two classes"}
	}
	if n := len(s.opt.InitWeights); n > 0 && (n != shape.Dense || s.task == Classification && shape.Classes != 2) {
		return &arrowstream.Error{Code: "AS7004", Msg: fmt.Sprintf("option \"init_weights\": %d weights for %d numeric features", n, shape.Dense), Hint: "one weight per numeric feature, in the order of the features, for two classes"}
	}
	if s.opt.Standardize {
		s.scaler = NewScaler(shape.Dense)
	}
	s.z = make([]float64, shape.Dense)
	n := 1
	if s.task == Classification && shape.Classes != 2 {
		n = shape.Classes
	}
	s.growTo(n)
	if len(s.opt.InitWeights) > 0 {
		copy(s.problems[0].w, s.opt.InitWeights)
		s.problems[0].b = s.opt.InitIntercept
		s.problems[0].staleB = s.opt.InitIntercept
	}
	return nil
}

func (s *sgd) growTo(n int) {
	for len(s.problems) < n {
		s.problems = append(s.problems, newProblem(s.shape.Dense, s.shape.Width, &s.opt, s.l1))
	}
	s.margins = grow(s.margins, len(s.problems))
}

// oneVsRest reports whether there is one problem per class.
func (s *sgd) oneVsRest() bool { return s.task == Classification && s.shape.Classes != 2 }

func (s *sgd) ready() bool { return s.t > 1 || len(s.opt.InitWeights) > 0 }

// averaging reports whether predictions use the averages.
func (s *sgd) averaging() bool { return s.opt.Average > 0 && int64(s.opt.Average) <= s.t-1 }

// Step implements [Learner].
func (s *sgd) Step(x *Matrix, y, weight []float64, out *Scores) int {
	out.reset(x.Rows)
	before := s.learned
	if s.plain(x, weight) {
		s.stepPlain(x, y, out)
		return int(s.learned - before)
	}
	size := blockRows(len(x.Dense))
	for from := 0; from < x.Rows; from += size {
		n := min(size, x.Rows-from)
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
	return int(s.learned - before)
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
		if s.group++; s.group >= s.opt.BatchRows {
			s.EndGroup()
		}
	case miniBatch:
		s.accumulate(row, y, sw, scored)
		if s.group++; s.group >= s.opt.BatchRows {
			s.EndGroup()
		}
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
	shrink := 1.0
	if s.l2 > 0 {
		shrink = max(0, 1-float64(s.l2*eta))
	}
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

// accumulate adds a row to the sums of the group of mini_batch.
func (s *sgd) accumulate(row []float64, y, sw float64, scored bool) {
	for k, p := range s.problems {
		g := float64(clip(s.gradientAt(p, k, row, y, scored)) * sw)
		for j, v := range row {
			p.grad[j] = math.FMA(g, v, p.grad[j])
		}
		for _, c := range s.cats {
			if c >= 0 {
				p.gradCat[c] += g
				p.touched = append(p.touched, c)
			}
		}
		p.gradB += g
	}
}

// EndGroup implements [Learner].
func (s *sgd) EndGroup() {
	if s.group == 0 || s.failed > 0 {
		return
	}
	switch s.opt.UpdateMode {
	case miniBatch:
		s.applyGroup()
	case fullBatch:
		s.descend()
	}
	s.group = 0
}

// applyGroup is the update of mini_batch: the mean gradient of the group.
func (s *sgd) applyGroup() {
	eta := s.schedule.at(s.t)
	shrink := 1.0
	if s.l2 > 0 {
		shrink = max(0, 1-float64(s.l2*eta))
	}
	step := -eta / float64(s.group)
	for _, p := range s.problems {
		if !p.add(p.grad, nil, shrink, step, s.interceptStep(float64(step*p.gradB), p.gradB/float64(s.group))) {
			s.failed = s.learned
			return
		}
		for _, c := range p.touched {
			p.cats[c] += step * p.gradCat[c] / p.scale
			p.gradCat[c] = 0
		}
		p.touched, p.gradB = p.touched[:0], 0
		clear(p.grad)
		if s.l1 > 0 {
			p.soft(float64(s.l1 * eta))
		}
		if s.opt.Average > 0 && int64(s.opt.Average) <= s.t {
			p.average(float64(s.t - int64(s.opt.Average) + 1))
		}
	}
	s.t++
}

// Progress implements [Learner].
func (s *sgd) Progress() Progress {
	return Progress{Version: s.t - 1, Ready: s.ready(), Waiting: s.group, Failed: s.failed}
}
