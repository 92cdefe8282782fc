package mlkernels

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// LinearOptions are the options of the linear models. Names are those of
// BigQuery, aliases those of scikit-learn and Spark.
type LinearOptions struct {
	// Loss is log_loss, hinge, perceptron, squared_hinge or modified_huber for
	// classifiers; squared_error, huber, epsilon_insensitive or
	// squared_epsilon_insensitive for regression. The default is that of the
	// model type: squared_error, log_loss, hinge, perceptron.
	Loss string `option:"loss"`
	// Epsilon is the width of huber and the epsilon-insensitive losses; 0.1.
	Epsilon float64 `option:"epsilon"`
	// Penalty is none, l2, l1 or elasticnet; left out, L2 and L1 apply as given.
	// With elasticnet, l1_ratio of the strength L2 is the L1 part.
	Penalty string `option:"penalty"`
	// L2 and L1 are the strengths of the penalties; 0.0001 and 0, L2 is 0 for
	// full_batch and PERCEPTRON.
	L2 float64 `option:"l2_reg,l2,regparam,reg_param"`
	L1 float64 `option:"l1_reg,l1"`
	// L1Ratio is the L1 part with penalty elasticnet; 0.15.
	L1Ratio float64 `option:"l1_ratio,elasticnetparam"`
	// LearnRate is the step size eta0: 0.01; 0.1 for full_batch; 1 for
	// PERCEPTRON.
	LearnRate float64 `option:"learn_rate,eta0,step_size,stepsize"`
	// Strategy is the schedule of step sizes: constant (default), invscaling
	// (eta0/t^power_t), optimal (1/(alpha (t0+t-1))) or stepsize_sqrt (eta0/√i,
	// i the iteration, the only one of full_batch).
	Strategy string `option:"learn_rate_strategy,schedule"`
	// PowerT is the power of invscaling: 0.5 for classifiers, 0.25 else.
	PowerT float64 `option:"power_t"`
	// ScheduleAlpha is the alpha of the schedule optimal; the sum of the
	// penalties' strengths, or 0.0001 without any.
	ScheduleAlpha float64 `option:"schedule_alpha"`
	// FitIntercept learns an intercept; true (false with compat spark).
	FitIntercept bool `option:"fit_intercept"`
	// InterceptRate is a constant step size of the intercept alone; 0 steps it
	// like the weights.
	InterceptRate float64 `option:"intercept_lr"`
	// Average is the number of the update from which on weights are averaged;
	// 0 does not average, 1 averages all.
	Average int `option:"average"`
	// UpdateMode is per_row, mini_batch or full_batch.
	UpdateMode string `option:"update_mode"`
	// BatchRows is the number of labelled rows of a group: 32 for mini_batch,
	// 1,024 for full_batch.
	BatchRows int `option:"batch_rows,globalbatchsize"`
	// NumIterations and Tol bound the gradient-descent steps over a group of
	// full_batch: 50 and 0.001.
	NumIterations int     `option:"num_iterations,max_iterations,numiterations"`
	Tol           float64 `option:"tol,convergencetol"`
	// Standardize scales every dense feature by its running mean and deviation.
	Standardize bool `option:"standardize_features,standardize"`
	// InitWeights and InitIntercept are where learning starts; with them the
	// model scores from the first row on.
	InitWeights   []float64 `option:"init_weights"`
	InitIntercept float64   `option:"init_intercept"`
	// ClassWeights multiplies the sample weights by class, in class order; for
	// two classes.
	ClassWeights []float64 `option:"class_weights"`
	// Compat is a list of library behaviours: spark (full_batch without
	// intercept), l1_reset_per_call and average_stale_intercept, both with
	// batch_rows as the length of scikit-learn's calls.
	Compat []string `option:"compat"`
}

const (
	perRow    = "per_row"
	miniBatch = "mini_batch"
	fullBatch = "full_batch"
)

// linearDefaults are the options of a model type with an update mode.
func linearDefaults(modelType, mode string) LinearOptions {
	o := LinearOptions{
		Loss: LogLoss.String(), Epsilon: 0.1, L2: 1e-4, L1Ratio: 0.15, LearnRate: 0.01, Strategy: "constant",
		PowerT: 0.5, FitIntercept: true, UpdateMode: perRow, NumIterations: 50, Tol: 0.001,
	}
	switch modelType {
	case "LINEAR_REG":
		o.Loss, o.PowerT = SquaredError.String(), 0.25
	case "LINEAR_SVM":
		o.Loss = Hinge.String()
	case "PERCEPTRON":
		o.Loss, o.LearnRate, o.L2 = PerceptronLoss.String(), 1, 0
	}
	switch mode {
	case miniBatch:
		o.UpdateMode, o.BatchRows = mode, 32
	case fullBatch:
		o.UpdateMode, o.BatchRows, o.LearnRate, o.Strategy, o.L2 = mode, 1024, 0.1, "stepsize_sqrt", 0
	}
	return o
}

// decodeLinear reads options on top of the defaults that go with them.
func decodeLinear(modelType string, options map[string]string) (LinearOptions, error) {
	mode := strings.ToLower(options["update_mode"])
	spark := slices.Contains(strings.Split(options["compat"], ","), "spark")
	if mode == "" && spark {
		mode = fullBatch
	}
	o := linearDefaults(modelType, mode)
	o.FitIntercept = !spark
	if err := arrowstream.DecodeOptions(options, &o); err != nil {
		return o, err
	}
	o.UpdateMode = cmpOr(mode, perRow)
	o.Penalty, o.Strategy, o.Loss = strings.ToLower(o.Penalty), strings.ToLower(o.Strategy), strings.ToLower(o.Loss)
	return o, o.validate()
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (o *LinearOptions) validate() error {
	if err := oneOf("update_mode", o.UpdateMode, perRow, miniBatch, fullBatch); err != nil {
		return err
	}
	if err := oneOf("penalty", o.Penalty, "", "none", "null", "l2", "l1", "elasticnet"); err != nil {
		return err
	}
	strategies := []string{"constant", "invscaling", "optimal"}
	if o.UpdateMode == fullBatch {
		strategies = []string{"stepsize_sqrt", "constant"}
	}
	if err := oneOf("learn_rate_strategy", o.Strategy, strategies...); err != nil {
		return err
	}
	for _, c := range o.Compat {
		if err := oneOf("compat", c, "spark", "l1_reset_per_call", "average_stale_intercept"); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name string
		x    float64
	}{{"l2_reg", o.L2}, {"l1_reg", o.L1}, {"epsilon", o.Epsilon}, {"power_t", o.PowerT}, {"tol", o.Tol}, {"schedule_alpha", o.ScheduleAlpha}, {"learn_rate", o.LearnRate}, {"intercept_lr", o.InterceptRate}} {
		if f.x < 0 || !finite(f.x) {
			return optionError(f.name, fmt.Sprint(f.x), "a number >= 0")
		}
	}
	if o.L1Ratio < 0 || o.L1Ratio > 1 || o.L1Ratio != o.L1Ratio {
		return optionError("l1_ratio", fmt.Sprint(o.L1Ratio), "from 0 to 1")
	}
	if o.LearnRate == 0 && o.Strategy != "optimal" {
		return optionError("learn_rate", "0", "a number > 0")
	}
	if o.BatchRows < 0 || o.UpdateMode != perRow && o.BatchRows == 0 {
		return optionError("batch_rows", fmt.Sprint(o.BatchRows), "at least 1")
	}
	if len(o.Compat) > 0 && o.UpdateMode == perRow && o.BatchRows == 0 {
		return &arrowstream.Error{Code: "AS7003", Msg: "option \"compat\": the length of a call is not known", Hint: "set batch_rows to the number of rows per partial_fit call"}
	}
	if o.NumIterations < 1 {
		return optionError("num_iterations", fmt.Sprint(o.NumIterations), "at least 1")
	}
	if o.Average < 0 || o.Average > 0 && o.UpdateMode == fullBatch {
		return optionError("average", fmt.Sprint(o.Average), "0 or, unless update_mode is full_batch, the number of an update")
	}
	return nil
}

// strengths are the L2 and L1 strengths the options come to.
func (o *LinearOptions) strengths() (l2, l1 float64) {
	switch o.Penalty {
	case "none", "null":
		return 0, 0
	case "l2":
		return o.L2, 0
	case "l1":
		return 0, o.L1
	case "elasticnet":
		return (1 - o.L1Ratio) * o.L2, o.L1Ratio * o.L2
	}
	return o.L2, o.L1
}

// schedule gives the step size of every update.
type schedule struct {
	strategy  string
	rate      float64
	power     float64
	alpha, t0 float64
}

func (o *LinearOptions) schedule(loss Loss) schedule {
	s := schedule{strategy: o.Strategy, rate: o.LearnRate, power: o.PowerT, alpha: o.ScheduleAlpha}
	if s.alpha == 0 {
		l2, l1 := o.strengths()
		if s.alpha = l2 + l1; s.alpha == 0 {
			s.alpha = 1e-4
		}
	}
	typical := math.Sqrt(1 / math.Sqrt(s.alpha))
	first := typical / max(1, loss.gradient(-typical, 1, o.Epsilon))
	s.t0 = 1 / (first * s.alpha)
	return s
}

// constant reports whether all step sizes are the same.
func (s *schedule) constant() bool { return s.strategy == "constant" }

// at is the step size of update t, counted from 1.
func (s *schedule) at(t int64) float64 {
	switch s.strategy {
	case "invscaling":
		return s.rate / pow(float64(t), s.power)
	case "optimal":
		return 1 / (s.alpha * (s.t0 + float64(t) - 1))
	case "stepsize_sqrt":
		return s.rate / math.Sqrt(float64(t))
	}
	return s.rate
}
