package mlkernels

import (
	"math"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// TestPhishing compares with the scores of River's StandardScaler |
// LogisticRegression on its phishing data, where the scaler learns with the
// model.
func TestPhishing(t *testing.T) {
	x, y := readCSV(t, "river/phishing.csv", -1)
	for _, c := range []struct {
		rate             string
		accuracy, f1, ll float64
	}{{"0.1", 0.8896, 0.878521, 0.270594}, {"0.01", 0.8928, 0.879713, 0.330112}, {"0.005", 0.8872, 0.871233, 0.382930}} {
		l := mustNew(t, "LOGISTIC_REG", map[string]string{"learn_rate": c.rate, "intercept_lr": "0.01", "penalty": "none", "standardize_features": "true", "init_weights": "0,0,0,0,0,0,0,0,0"}, Shape{Dense: 9, Classes: 2})
		var out Scores
		l.Step(matrixOf(x), y, nil, &out)
		m := NewClassMetrics(MetricsOptions{})
		for i := range y {
			j := Judged{Truth: y[i], Pred: float64(out.Class[i]), Last: nan, Usual: nan, Prob: out.Value[i], Score: nan}
			if y[i] == 0 {
				j.Prob = 1 - j.Prob
			}
			m.Add(j)
		}
		r := m.Report(1)
		for _, p := range [][2]float64{{r.Accuracy, c.accuracy}, {r.F1, c.f1}, {r.LogLoss, c.ll}} {
			if math.Abs(p[0]-p[1]) > 5.1e-7 {
				t.Errorf("rate %s: %.6f, want %.6f", c.rate, p[0], p[1])
			}
		}
	}
}

// TestElectricity: a learner beats the majority class on drifting data.
func TestElectricity(t *testing.T) {
	x, y := readCSV(t, "capymoa/electricity.csv", -1)
	if len(y) != 45312 {
		t.Fatalf("%d rows", len(y))
	}
	l := mustNew(t, "LOGISTIC_REG", map[string]string{"learn_rate": "0.05", "standardize_features": "true"}, Shape{Dense: 6, Classes: 2})
	var out Scores
	l.Step(matrixOf(x), y, nil, &out)
	m, base := NewClassMetrics(MetricsOptions{}), NewBaselines(true)
	for i := range y {
		last, usual := base.Predict()
		base.Learn(y[i])
		if out.Valid[i] {
			m.Add(Judged{Truth: y[i], Pred: float64(out.Class[i]), Last: last, Usual: usual, Prob: nan, Score: nan})
		}
	}
	r := m.Report(1)
	if r.Accuracy < r.MajorityAccuracy+0.1 || r.Rows != 45311 || r.NoChangeAccuracy < 0.8 {
		t.Errorf("accuracy %.4f, majority %.4f, no change %.4f over %v rows", r.Accuracy, r.MajorityAccuracy, r.NoChangeAccuracy, r.Rows)
	}
}

// TestLabelForms: labels -1 and +1 give the weights of 0 and 1.
func TestLabelForms(t *testing.T) {
	var want []Weight
	for _, labels := range [][2]string{{"0", "1"}, {"-1", "1"}} {
		rows := "x:float64 y:int64\n1 P\n-2 N\n0.5 P\n3 N\n"
		rows = strings.NewReplacer("P", labels[1], "N", labels[0]).Replace(rows)
		got := trained(t, Spec{Type: "LOGISTIC_REG", Label: "y"}, rows).learner.Weights()
		if want == nil {
			want = got
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%v: %v, want %v", labels, got[i], want[i])
			}
		}
	}
}

func TestFailedTraining(t *testing.T) {
	m := trained(t, Spec{Type: "LINEAR_REG", Label: "y", Options: map[string]string{"learn_rate": "1e9", "penalty": "none"}},
		"x:float64 y:float64\n1 1\n1e300 1\n2 5\n3 null")
	if err := m.Err(); err == nil || !strings.Contains(err.Error(), "learned row 2") {
		t.Fatalf("error %v", err)
	}
	for _, w := range m.learner.Weights() {
		if w.Value != 1e9 {
			t.Errorf("weights %v", m.learner.Weights())
		}
	}
	if c := m.Counters(); c.Learned != 2 || c.Scored != 3 {
		t.Errorf("counters %+v", c)
	}
}

func TestEdges(t *testing.T) {
	mem := columnartest.Allocator(t)
	for name, spec := range everyModel() {
		t.Run(name, func(t *testing.T) {
			m, err := NewModel(spec)
			if err != nil {
				t.Fatal(err)
			}
			b := sampleRows(mem, 0)
			defer b.Release()
			if err := m.Bind(b.Schema()); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				cols, err := m.Step(mem, b, true)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range cols {
					if c.Len() != 0 {
						t.Errorf("column of %d rows", c.Len())
					}
				}
				releaseAll(cols)
			}
			m.Flush()
			if c := m.Counters(); c != (Counters{}) || m.Progress().Version != 0 {
				t.Errorf("counters %+v", c)
			}
		})
	}
	t.Run("one class", func(t *testing.T) {
		m := trained(t, Spec{Type: "LOGISTIC_REG", Label: "y"}, "x:float64 y:bool\n1 true\n1 true\n1 true")
		if c := m.Counters(); c.Learned != 3 || c.Scored != 2 || c.Unscored != 1 {
			t.Errorf("counters %+v", c)
		}
	})
	t.Run("constant feature", func(t *testing.T) {
		m := trained(t, Spec{Type: "LINEAR_REG", Label: "y", Options: map[string]string{"standardize": "true"}}, "x:float64 y:float64\n0.1 1\n0.1 2\n0.1 3")
		if w := m.learner.Weights(); math.Abs(w[0].Value) > 1e-12 {
			t.Errorf("weights %v", w)
		}
	})
	t.Run("more clusters than rows", func(t *testing.T) {
		m := trained(t, Spec{Type: "KMEANS", Options: map[string]string{"k": "5"}}, "x:float64\n1\n2\n1")
		if p := m.Progress(); p.Ready || p.Waiting != 3 {
			t.Errorf("%+v", p)
		}
	})
	t.Run("decay 0", func(t *testing.T) {
		l := mustNew(t, "KMEANS", map[string]string{"k": "2", "init_centers": "0,1", "update_mode": "full_batch", "decay_factor": "0"}, Shape{Dense: 1}).(*kmeans)
		l.Step(matrixOf([][]float64{{-0.5}, {0.6}, {0.8}}), nil, nil, &Scores{})
		l.EndGroup()
		if math.Abs(l.centers.rows()[0]+0.5) > 1e-15 || math.Abs(l.centers.rows()[1]-0.7) > 1e-15 {
			t.Errorf("centers %v", l.centers.rows())
		}
		l.EndGroup() // a group without rows decays
		if l.weights[0] != 0 || l.weights[1] != 0 {
			t.Errorf("weights %v", l.weights)
		}
	})
	t.Run("squares", func(t *testing.T) { // PySpark: points around the centers leave them where they are
		l := mustNew(t, "KMEANS", map[string]string{"k": "4", "init_centers": "1,1,-1,1,-1,-1,1,-1", "init_weights": "1", "update_mode": "full_batch", "batch_rows": "16"}, Shape{Dense: 2}).(*kmeans)
		var rows [][]float64
		for _, c := range [][2]float64{{1, 1}, {-1, 1}, {-1, -1}, {1, -1}} {
			for _, e := range [][2]float64{{0.1, 0}, {-0.1, 0}, {0, 0.1}, {0, -0.1}} {
				rows = append(rows, []float64{c[0] + e[0], c[1] + e[1]})
			}
		}
		l.Step(matrixOf(rows), nil, nil, &Scores{})
		if apart(l.centers.rows(), []float64{1, 1, -1, 1, -1, -1, 1, -1}) > 1e-15 || apart(l.weights, []float64{5, 5, 5, 5}) > 0 {
			t.Errorf("centers %v, weights %v", l.centers.rows(), l.weights)
		}
	})
}

// TestClassWeights: they multiply the sample weights.
func TestClassWeights(t *testing.T) {
	x, y := readCSV(t, "capymoa/electricity.csv", 200)
	weight := make([]float64, len(y))
	for i, v := range y {
		weight[i] = 0.5 + 1.5*v
	}
	a := mustNew(t, "LOGISTIC_REG", map[string]string{"class_weights": "0.5,2"}, Shape{Dense: 6, Classes: 2})
	b := mustNew(t, "LOGISTIC_REG", nil, Shape{Dense: 6, Classes: 2})
	a.Step(matrixOf(x), y, nil, &Scores{})
	b.Step(matrixOf(x), y, weight, &Scores{})
	for i, w := range a.Weights() {
		if w != b.Weights()[i] {
			t.Errorf("%v, want %v", w, b.Weights()[i])
		}
	}
	if l, err := New("LOGISTIC_REG", map[string]string{"class_weights": "1,2,3"}); err != nil || l.Bind(Shape{Dense: 6, Classes: 2}) == nil {
		t.Errorf("three weights for two classes: %v", err)
	}
}
