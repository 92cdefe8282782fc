package mlkernels

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

type sklearnCase struct {
	ID               int
	Model            string
	Data             string
	BatchSize        int `json:"batch_size"`
	Params           map[string]any
	Coef             []float64
	Intercept        any
	T                *float64
	Rtol             *float64
	Needs            []string
	ByClass          [][]float64 `json:"coef_by_class"`
	InterceptByClass []float64   `json:"intercept_by_class"`
	Proba            [][]float64 `json:"proba_rows_0_50_100"`
	Predict          []float64   `json:"predict_rows_0_50_100"`
	Mean, Var        []float64
	NSeen            []float64 `json:"n_samples_seen"`
	Steps            []struct {
		Centers [][]float64
		Counts  []float64
	}
}

// sgdOptions translates sklearn's constructor arguments.
func (c *sklearnCase) sgdOptions() (modelType string, options map[string]string) {
	options = map[string]string{}
	text := func(k string) string { return fmt.Sprint(c.Params[k]) }
	switch c.Model {
	case "SGDRegressor":
		modelType = "LINEAR_REG"
	case "Perceptron":
		modelType = "PERCEPTRON"
		options["penalty"], options["l2_reg"] = text("penalty"), text("alpha")
		return modelType, options
	default:
		modelType = "LOGISTIC_REG"
	}
	options["loss"] = text("loss")
	options["learn_rate_strategy"] = text("learning_rate")
	options["learn_rate"] = text("eta0")
	options["schedule_alpha"] = text("alpha")
	for _, k := range []string{"power_t", "l1_ratio", "epsilon"} {
		if c.Params[k] != nil {
			options[k] = text(k)
		}
	}
	options["penalty"] = "none"
	if p, ok := c.Params["penalty"].(string); ok {
		options["penalty"], options["l2_reg"], options["l1_reg"] = p, text("alpha"), text("alpha")
	}
	if a, ok := c.Params["average"].(float64); ok {
		options["average"] = fmt.Sprint(a)
	}
	if len(c.Needs) > 0 {
		options["compat"], options["batch_rows"] = strings.Join(c.Needs, ","), fmt.Sprint(c.BatchSize)
	}
	return modelType, options
}

func loadSklearn(t *testing.T) (cases []sklearnCase, x map[string][][]float64, y map[string][]float64) {
	var all struct{ Cases []json.RawMessage }
	readJSON(t, "sklearn_partial_fit.json", &all)
	for _, raw := range all.Cases {
		var c sklearnCase
		if err := json.Unmarshal(raw, &c); err == nil {
			cases = append(cases, c)
		}
	}
	x, y = map[string][][]float64{}, map[string][]float64{}
	x["elec"], y["elec"] = readCSV(t, "capymoa/electricity.csv", 400)
	x["fried"], y["fried"] = readCSV(t, "capymoa/fried.csv", 400)
	x["iris"], y["iris"] = readLibSVM(t, "spark/iris_libsvm.txt", 4)
	return cases, x, y
}

func mustNew(t testing.TB, modelType string, options map[string]string, shape Shape) Learner {
	t.Helper()
	l, err := New(modelType, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Bind(shape); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestSklearnSGD(t *testing.T) {
	cases, xs, ys := loadSklearn(t)
	ran := 0
	for _, c := range cases {
		switch c.Model {
		case "SGDClassifier", "SGDRegressor", "Perceptron":
		default:
			continue
		}
		ran++
		t.Run(fmt.Sprintf("%d/%s", c.ID, c.Model), func(t *testing.T) {
			modelType, options := c.sgdOptions()
			x, y := xs[c.Data], ys[c.Data]
			var weight []float64
			if c.Params["sample_weight"] != nil {
				for i := range y {
					weight = append(weight, float64(i%5+1)/3)
				}
			}
			shape := Shape{Dense: len(x[0]), Classes: 2}
			want := append(append([]float64{}, c.Coef...), interceptOf(c.Intercept))
			l := mustNew(t, modelType, options, shape)
			l.Step(matrixOf(x), y, weight, &Scores{})
			got := []float64{}
			for _, w := range l.Weights() {
				got = append(got, w.Value)
			}
			if c.Rtol == nil {
				for _, v := range got {
					if !finite(v) {
						t.Fatalf("weights %v", got)
					}
				}
				return
			}
			if d := apart(got[:len(c.Coef)], c.Coef); d > *c.Rtol {
				t.Errorf("coef differ by %.3g > %g (params %v, batch %d)\n got %v\nwant %v", d, *c.Rtol, c.Params, c.BatchSize, got, want)
			}
			if d := apart(got[len(c.Coef):], want[len(c.Coef):]); d > *c.Rtol && math.Abs(got[len(c.Coef)]-want[len(c.Coef)]) > *c.Rtol*1e-5 {
				t.Errorf("intercept %v, want %v", got[len(c.Coef)], want[len(c.Coef)])
			}
			if c.T != nil && float64(l.Progress().Version+1) != *c.T {
				t.Errorf("t = %d, want %v", l.Progress().Version+1, *c.T)
			}
			if len(c.Needs) == 0 {
				return
			}
			for _, k := range []string{"compat", "batch_rows"} {
				delete(options, k)
			}
			plain := mustNew(t, modelType, options, shape)
			plain.Step(matrixOf(x), y, weight, &Scores{})
			got = got[:0]
			for _, w := range plain.Weights() {
				got = append(got, w.Value)
			}
			if apart(got, want) <= *c.Rtol {
				t.Errorf("without %v the case must differ", c.Needs)
			}
		})
	}
	if ran != 216 {
		t.Errorf("%d cases, want 216", ran)
	}
}

func interceptOf(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case []any:
		return v[0].(float64)
	}
	return math.NaN()
}

func TestSklearnOneVsRest(t *testing.T) {
	cases, xs, ys := loadSklearn(t)
	ran := 0
	for _, c := range cases {
		if c.Model != "SGDClassifier_ovr" {
			continue
		}
		ran++
		modelType, options := c.sgdOptions()
		l := mustNew(t, modelType, options, Shape{Dense: 4, Classes: 3})
		l.Step(matrixOf(xs["iris"]), ys["iris"], nil, &Scores{})
		s := l.(*sgd)
		for k, p := range s.problems {
			if d := apart(p.w, c.ByClass[k]); d > *c.Rtol {
				t.Errorf("case %d class %d: %v, want %v", c.ID, k, p.w, c.ByClass[k])
			}
			if math.Abs(p.b-c.InterceptByClass[k]) > 1e-12 {
				t.Errorf("case %d class %d: intercept %v, want %v", c.ID, k, p.b, c.InterceptByClass[k])
			}
		}
		var out Scores
		l.Score(matrixOf([][]float64{xs["iris"][0], xs["iris"][50], xs["iris"][100]}), &Scratch{}, &out)
		for i := range 3 {
			row := out.PerClass[out.Offsets[i]:out.Offsets[i+1]]
			if c.Proba != nil && apart(row, c.Proba[i]) > *c.Rtol {
				t.Errorf("case %d: probabilities %v, want %v", c.ID, row, c.Proba[i])
			}
			best := 0
			for k, v := range row {
				if v > row[best] {
					best = k
				}
			}
			if float64(best) != c.Predict[i] {
				t.Errorf("case %d row %d: class %d, want %v", c.ID, i, best, c.Predict[i])
			}
		}
	}
	if ran != 2 {
		t.Errorf("%d cases, want 2", ran)
	}
}

func TestSklearnScaler(t *testing.T) {
	cases, xs, _ := loadSklearn(t)
	ran := 0
	for _, c := range cases {
		if c.Model != "StandardScaler" {
			continue
		}
		ran++
		s := NewScaler(6)
		for i, row := range xs["elec"] {
			row = append([]float64{}, row...)
			if c.Params["missing"] != nil && i%7 == 0 {
				row[2] = math.NaN()
			}
			s.Update(row)
		}
		if d := apart(s.Mean(), c.Mean); d > *c.Rtol {
			t.Errorf("case %d: mean %v, want %v", c.ID, s.Mean(), c.Mean)
		}
		if d := apart(s.Variance(), c.Var); d > *c.Rtol {
			t.Errorf("case %d: variance %v, want %v", c.ID, s.Variance(), c.Var)
		}
		if c.NSeen != nil && apart(s.Count(), c.NSeen) != 0 {
			t.Errorf("case %d: counts %v, want %v", c.ID, s.Count(), c.NSeen)
		}
	}
	if ran != 2 {
		t.Errorf("%d cases, want 2", ran)
	}
}

// TestSklearnMiniBatchKMeans: without forgetting and reassignment, the rule of
// Spark on groups of 40 rows is that of MiniBatchKMeans.partial_fit.
func TestSklearnMiniBatchKMeans(t *testing.T) {
	cases, xs, _ := loadSklearn(t)
	for _, c := range cases {
		if c.Model != "MiniBatchKMeans" {
			continue
		}
		x := xs["elec"]
		var init []string
		for _, i := range []int{0, 100, 200, 300} {
			for _, v := range x[i] {
				init = append(init, fmt.Sprintf("%.17g", v))
			}
		}
		l := mustNew(t, "KMEANS", map[string]string{"k": "4", "update_mode": "mini_batch", "batch_rows": "40", "init_centers": strings.Join(init, ",")}, Shape{Dense: 6})
		m := l.(*kmeans)
		for b, step := range c.Steps {
			l.Step(matrixOf(x[b*40:(b+1)*40]), nil, nil, &Scores{})
			var want []float64
			for _, center := range step.Centers {
				want = append(want, center...)
			}
			if d := apart(m.centers.rows(), want); d > *c.Rtol {
				t.Errorf("batch %d: centers %v, want %v", b, m.centers.rows(), want)
			}
			if d := apart(m.weights, step.Counts); d > *c.Rtol {
				t.Errorf("batch %d: counts %v, want %v", b, m.weights, step.Counts)
			}
		}
	}
}

func floatList(x []float64) string {
	var parts []string
	for _, v := range x {
		parts = append(parts, fmt.Sprintf("%.17g", v))
	}
	return strings.Join(parts, ",")
}

func TestSparkStreamingKMeans(t *testing.T) {
	var scenarios []struct {
		Name        string
		Decay       float64
		TimeUnit    string      `json:"time_unit"`
		TrueCenters [][]float64 `json:"true_centers"`
		InitCenters [][]float64 `json:"init_centers"`
		InitWeights []float64   `json:"init_weights"`
		Batches     []struct {
			Points, Centers [][]float64
			Weights         []float64
			Split           bool
		}
	}
	readJSON(t, "spark_streaming_kmeans.json", &scenarios)
	flat := func(rows [][]float64) (out []float64) {
		for _, r := range rows {
			out = append(out, r...)
		}
		return out
	}
	for _, s := range scenarios {
		d := len(s.InitCenters[0])
		m := mustNew(t, "KMEANS", map[string]string{
			"k": fmt.Sprint(len(s.InitCenters)), "update_mode": "full_batch", "batch_rows": "1000000", "decay_factor": fmt.Sprintf("%.17g", s.Decay),
			"time_unit": s.TimeUnit, "init_centers": floatList(flat(s.InitCenters)), "init_weights": floatList(s.InitWeights),
		}, Shape{Dense: d}).(*kmeans)
		for i, b := range s.Batches {
			m.Step(matrixOf(b.Points), nil, nil, &Scores{})
			m.EndGroup()
			if e := apart(m.centers.rows(), flat(b.Centers)); e > 1e-12 {
				t.Errorf("%s batch %d: centers %v, want %v", s.Name, i, m.centers.rows(), b.Centers)
			}
			if e := apart(m.weights, b.Weights); e > 1e-12 {
				t.Errorf("%s batch %d: weights %v, want %v", s.Name, i, m.weights, b.Weights)
			}
			if m.split != b.Split {
				t.Errorf("%s batch %d: split %v, want %v", s.Name, i, m.split, b.Split)
			}
		}
		// The assertions of Spark's own suite.
		switch s.Name {
		case "single_center_grand_average":
			sum, n := make([]float64, d), 0.0
			for _, b := range s.Batches {
				for _, p := range b.Points {
					n++
					for f, v := range p {
						sum[f] += v
					}
				}
			}
			for f := range sum {
				if math.Abs(m.centers.rows()[f]-sum[f]/n) > 1e-5 || math.Abs(m.centers.rows()[f]-s.TrueCenters[0][f]) > 0.1 {
					t.Errorf("%s: center %v is not the mean", s.Name, m.centers.rows())
				}
			}
		case "dying_cluster_halflife0.5_points":
			if m.centers.rows()[0]*m.centers.rows()[1] > 0 || math.Abs(math.Abs(m.centers.rows()[0])-0.8) > 0.6 || math.Abs(math.Abs(m.centers.rows()[1])-0.8) > 0.6 {
				t.Errorf("%s: centers %v", s.Name, m.centers.rows())
			}
		}
	}
}

func TestSparkStreamingLinear(t *testing.T) {
	var scenarios []struct {
		Name        string
		Model       string
		StepSize    float64   `json:"step_size"`
		Iterations  int       `json:"num_iterations"`
		Tol         float64   `json:"convergence_tol"`
		InitWeights []float64 `json:"init_weights"`
		Batches     []struct {
			X       [][]float64
			Y       []float64
			Weights []float64
			Used    int     `json:"iterations_used"`
			Before  float64 `json:"mae_before"`
			After   float64 `json:"mae_after"`
		}
	}
	readJSON(t, "spark_streaming_linear.json", &scenarios)
	for _, s := range scenarios {
		modelType, classes := "LINEAR_REG", 0
		if s.Model == "logistic" {
			modelType, classes = "LOGISTIC_REG", 2
		}
		l := mustNew(t, modelType, map[string]string{
			"compat": "spark", "batch_rows": "1000000", "stepSize": fmt.Sprint(s.StepSize), "numIterations": fmt.Sprint(s.Iterations),
			"convergenceTol": fmt.Sprint(s.Tol), "init_weights": floatList(s.InitWeights),
		}, Shape{Dense: len(s.InitWeights), Classes: classes}).(*sgd)
		var first, last float64
		for i, b := range s.Batches {
			var out Scores
			l.Step(matrixOf(b.X), b.Y, nil, &out)
			mae := 0.0
			for j, y := range b.Y {
				p := out.Value[j]
				if classes == 2 {
					p = float64(out.Class[j])
				}
				mae += math.Abs(p-y) / float64(len(b.Y))
			}
			if math.Abs(mae-b.Before) > 1e-12*max(1, b.Before) {
				t.Errorf("%s batch %d: error before %v, want %v", s.Name, i, mae, b.Before)
			}
			if i == 0 {
				first = mae
			}
			last = mae
			l.EndGroup()
			if e := apart(l.problems[0].w, b.Weights); e > 1e-12 {
				t.Errorf("%s batch %d: weights %v, want %v (apart %g)", s.Name, i, l.problems[0].w, b.Weights, e)
			}
			if l.steps != b.Used {
				t.Errorf("%s batch %d: %d iterations, want %d", s.Name, i, l.steps, b.Used)
			}
			l.EndGroup() // an empty group changes nothing
		}
		switch s.Name {
		case "linreg_parameter_accuracy":
			for _, w := range l.problems[0].w {
				if math.Abs(w-10) > 0.1 {
					t.Errorf("%s: weights %v", s.Name, l.problems[0].w)
				}
			}
		case "linreg_training_and_prediction":
			if first-last <= 2 {
				t.Errorf("%s: error %v to %v", s.Name, first, last)
			}
		case "logreg_parameter_accuracy":
			if w := l.problems[0].w[0]; math.Abs(w-1.5)/1.5 > 0.1 {
				t.Errorf("%s: weight %v", s.Name, w)
			}
		case "logreg_training_and_prediction":
			if first <= 0.8 || last >= 0.2 {
				t.Errorf("%s: error %v to %v", s.Name, first, last)
			}
		}
	}
}

func TestSparkGenerator(t *testing.T) {
	g := newXORShift(42)
	for i, want := range []float64{2.384479054241165, 0.1920934041293524, 0.7337336533286575, -0.5224480195716871, 2.060084179317831} {
		if got := g.gaussian(); math.Abs(got-want) > 1e-15*math.Abs(want)*4 {
			t.Errorf("number %d: %v, want %v", i, got, want)
		}
	}
}
