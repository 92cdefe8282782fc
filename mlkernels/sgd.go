package mlkernels

import (
	"fmt"
	"slices"

	"github.com/arrowstream/arrowstream"
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
	buffer   columnBuffer // the incomplete group of full_batch
	steps    int          // iterations the last group of full_batch took

	scratch Scratch
	z       []float64 // a scaled row
	cats    []int32
	margins []float64
	prob    float64 // of a binary log_loss: what scoreRow computed, and 1 - prob
	rest    float64
	rates   rates
	tile    groupTile
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
	s.z = newRow(shape.Dense)
	n := 1
	if s.task == Classification && shape.Classes != 2 {
		n = shape.Classes
	}
	s.growTo(n)
	if len(s.opt.InitWeights) > 0 {
		copy(s.problems[0].w, s.opt.InitWeights)
		s.problems[0].b = s.opt.InitIntercept + 0 // not -0
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
	switch {
	case s.grouped():
		s.stepGroups(x, y, weight, out)
	case s.plain(weight):
		s.stepPlain(x, y, out)
	default:
		s.stepRows(x, y, weight, 0, x.Rows, out)
	}
	return int(s.learned - before)
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

// grow notes that the group has n more rows, which ends it if it is complete.
func (s *sgd) grow(n int) {
	if s.group += n; s.group >= s.opt.BatchRows {
		s.EndGroup()
	}
}

// Progress implements [Learner].
func (s *sgd) Progress() Progress {
	return Progress{Version: s.t - 1, Ready: s.ready(), Waiting: s.group, Failed: s.failed}
}
