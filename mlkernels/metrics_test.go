package mlkernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// naiveReport computes the metrics of the rows by their definitions.
func naiveReport(rows []Judged, classes int) ClassReport {
	var r ClassReport
	n := float64(len(rows))
	r.Rows = n
	var last, withLast, usual, withUsual, loss float64
	truth, pred, both := make([]float64, classes), make([]float64, classes), make([]float64, classes)
	var wins, pairs float64
	for _, j := range rows {
		truth[int(j.Truth)]++
		pred[int(j.Pred)]++
		if j.Pred == j.Truth {
			r.Accuracy += 1 / n
			both[int(j.Pred)]++
		}
		if !math.IsNaN(j.Last) {
			withLast++
			if j.Last == j.Truth {
				last++
			}
		}
		if !math.IsNaN(j.Usual) {
			withUsual++
			if j.Usual == j.Truth {
				usual++
			}
		}
		loss -= math.Log(j.Prob)
		for _, k := range rows {
			if j.Positive && !k.Positive {
				pairs++
				switch {
				case j.Score > k.Score:
					wins++
				case j.Score == k.Score:
					wins += 0.5
				}
			}
		}
	}
	chance := 0.0
	for k := range truth {
		chance += truth[k] / n * pred[k] / n
	}
	r.LogLoss, r.AUC = loss/n, wins/pairs
	r.NoChangeAccuracy, r.MajorityAccuracy = last/withLast, usual/withUsual
	r.Kappa = (r.Accuracy - chance) / (1 - chance)
	r.KappaT = (r.Accuracy - r.NoChangeAccuracy) / (1 - r.NoChangeAccuracy)
	r.KappaM = (r.Accuracy - r.MajorityAccuracy) / (1 - r.MajorityAccuracy)
	r.Precision, r.Recall = both[1]/pred[1], both[1]/truth[1]
	r.F1 = 2 * r.Precision * r.Recall / (r.Precision + r.Recall)
	return r
}

func TestClassMetrics(t *testing.T) {
	for _, opt := range []MetricsOptions{{}, {Last: 50, AUCRows: 50}, {AUCRows: 300}} {
		g := rand.New(rand.NewPCG(1, 2))
		m, base := NewClassMetrics(opt), NewBaselines(true)
		var rows []Judged
		for range 300 {
			truth := float64(g.IntN(2))
			score := math.Round(20*(0.7*truth+0.3*g.Float64()))/20*0.9 + 0.05
			j := Judged{Truth: truth, Score: score, Prob: score, Positive: truth == 1}
			if score > 0.5 {
				j.Pred = 1
			}
			if g.IntN(4) == 0 {
				j.Pred = 1 - j.Pred
			}
			if truth == 0 {
				j.Prob = 1 - score
			}
			j.Last, j.Usual = base.Predict()
			base.Learn(truth)
			m.Add(j)
			rows = append(rows, j)
		}
		if opt.Last > 0 {
			rows = rows[len(rows)-opt.Last:]
		}
		got, want := m.Report(1), naiveReport(rows, 2)
		if opt.AUCRows > 0 && opt.Last == 0 {
			want.AUC = naiveReport(rows[len(rows)-opt.AUCRows:], 2).AUC
		}
		got.Class = nil
		a := []float64{got.Rows, got.Accuracy, got.LogLoss, got.AUC, got.NoChangeAccuracy, got.MajorityAccuracy, got.Kappa, got.KappaT, got.KappaM, got.Precision, got.Recall, got.F1}
		b := []float64{want.Rows, want.Accuracy, want.LogLoss, want.AUC, want.NoChangeAccuracy, want.MajorityAccuracy, want.Kappa, want.KappaT, want.KappaM, want.Precision, want.Recall, want.F1}
		for i := range a {
			if math.Abs(a[i]-b[i]) > 1e-12 {
				t.Errorf("%+v, number %d:\n got %+v\nwant %+v", opt, i, got, want)
			}
		}
	}
}

// TestKappaT: the no-change predictor itself has Kappa-T 0.
func TestKappaT(t *testing.T) {
	g := rand.New(rand.NewPCG(3, 4))
	m, base := NewClassMetrics(MetricsOptions{}), NewBaselines(true)
	for range 200 {
		truth := float64(g.IntN(3))
		last, usual := base.Predict()
		base.Learn(truth)
		if last == last {
			m.Add(Judged{Truth: truth, Pred: last, Last: last, Usual: usual, Prob: nan, Score: nan})
		}
	}
	if r := m.Report(-1); r.KappaT != 0 || !math.IsNaN(r.LogLoss) || !math.IsNaN(r.AUC) {
		t.Errorf("report %+v", r)
	}
}

func TestFading(t *testing.T) {
	m := NewClassMetrics(MetricsOptions{Fading: 0.5})
	for _, right := range []float64{1, 0, 1} {
		m.Add(Judged{Truth: 1, Pred: right, Last: nan, Usual: nan, Prob: nan, Score: nan})
	}
	if r := m.Report(1); r.Accuracy != (1+0.25)/(1+0.5+0.25) {
		t.Errorf("accuracy %v", r.Accuracy)
	}
	e := NewRegressionMetrics(MetricsOptions{Fading: 0.5})
	for _, pred := range []float64{4, 2, 1} {
		e.Add(Judged{Pred: pred, Last: nan, Usual: nan})
	}
	if r := e.Report(); r.MAE != (1+1+1)/1.75 {
		t.Errorf("mae %v", r.MAE)
	}
}

func TestRegressionMetrics(t *testing.T) {
	m, base := NewRegressionMetrics(MetricsOptions{}), NewBaselines(false)
	pred, truth := []float64{1, 2, 3, 4}, []float64{2, 2, 5, 3}
	for i := range pred {
		last, usual := base.Predict()
		m.Add(Judged{Pred: pred[i], Truth: truth[i], Last: last, Usual: usual})
		base.Learn(truth[i])
	}
	got := fmt.Sprintf("%.12g", m.Report())
	if want := "{4 1 1.22474487139 0 1.66666666667 1}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMath(t *testing.T) {
	for _, c := range [][2]float64{{pow(81, 0.25), 3}, {pow(7, 0), 1}, {pow(5, 1), 5}, {powInt(3, 5), 243}, {powInt(0.5, 0), 1}} {
		if c[0] != c[1] {
			t.Errorf("%v, want %v", c[0], c[1])
		}
	}
	for n := range 45 {
		w, x := newRow(n), newRow(n)
		for i := range w {
			w[i], x[i] = float64(i), 1
		}
		if got := dot(w, x); got != float64(n*(n-1)/2) {
			t.Errorf("dot of %d: %v", n, got)
		}
	}
}
