package mlkernels_test

import (
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/mlkernels"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

const classMetrics = "rows_seen:int64! rows_scored:int64! rows_unscored:int64! rows_skipped:int64! accuracy:float64 precision:float64 recall:float64 f1:float64 log_loss:float64 auc:float64 kappa:float64 kappa_t:float64 kappa_m:float64 no_change_accuracy:float64 majority_accuracy:float64"

func TestEvaluateWindows(t *testing.T) {
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &mlkernels.Evaluate{Label: "y", Window: 10 * time.Microsecond} },
		Schema: "ts:timestamp[us,UTC]@ y:utf8 predicted_y:utf8",
		In: []stagetest.Step{
			stagetest.Rows(`
				1 no null
				2 yes yes
				12 yes no
				3 no no
				13 yes yes
				4 null yes`),
			stagetest.Advance(10),
			stagetest.Rows(`
				5 no no
				null no no
				14 no yes`),
			stagetest.Advance(15),
			stagetest.End(),
		},
		// No-change in the first window: row 2 after no, row 3 after yes, both
		// wrong; in the second: rows 12, 13 and 14 after yes, no and yes, one
		// right.
		Want: "window_start:timestamp[us,UTC]! window_end:timestamp[us,UTC]! window_time:timestamp[us,UTC]@! " + classMetrics + `
			0 10 9 4 2 1 1 1 1 1 1 null null 1 1 1 0 0
			10 20 19 3 3 0 0 0.3333333333333333 0.5 0.5 0.5 null null -0.5000000000000001 0 0 0.3333333333333333 0.3333333333333333`,
		Side: map[string]string{"classes": "window_start:timestamp[us,UTC]! window_end:timestamp[us,UTC]! window_time:timestamp[us,UTC]@! rows_seen:int64! class:utf8! support:float64! predicted:float64! correct:float64! precision:float64 recall:float64 f1:float64" + `
			0 10 9 4 no 1 1 1 1 1 1
			0 10 9 4 yes 1 1 1 1 1 1
			10 20 19 3 no 1 1 0 0 0 0
			10 20 19 3 yes 2 2 1 0.5 0.5 0.5`},
		Counts: &arrowstream.Counts{Late: 1, Unwindowed: 1, Skipped: 1},
	})
}

func TestEvaluateWhole(t *testing.T) {
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &mlkernels.Evaluate{Label: "y", Probability: "p", EveryRows: 2} },
		Schema: "y:int64 predicted_y:int64 p:float64",
		In: []stagetest.Step{
			stagetest.Rows(`
				0 0 0.25
				1 1 0.5
				1 0 0.25
				0 1 0.75`),
			stagetest.Idle(),
			stagetest.Rows(`1 1 0.75`),
			stagetest.End(),
		},
		Want: classMetrics + `
			2 2 0 0 1 1 1 1 0.4904146265058631 1 1 1 1 0 0
			4 4 0 0 0.5 0.5 0.5 0.5 0.9383544938128769 0.375 0 0.25 0.5 0.3333333333333333 0
			5 5 0 0 0.6 0.6666666666666666 0.6666666666666666 0.6666666666666666 0.8082200095406578 0.5 0.1666666666666666 0.4666666666666666 0.4666666666666666 0.25 0.25`,
		Side: map[string]string{"classes": `rows_seen:int64! class:utf8! support:float64! predicted:float64! correct:float64! precision:float64 recall:float64 f1:float64
			2 0 1 1 1 1 1 1
			2 1 1 1 1 1 1 1
			4 0 2 2 1 0.5 0.5 0.5
			4 1 2 2 1 0.5 0.5 0.5
			5 0 2 2 1 0.5 0.5 0.5
			5 1 3 3 2 0.6666666666666666 0.6666666666666666 0.6666666666666666`},
	})
}

func TestEvaluateRegression(t *testing.T) {
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &mlkernels.Evaluate{Label: "y"} },
		Schema: "y:float64 predicted_y:float64",
		In: []stagetest.Step{
			stagetest.Rows(`
				2 1
				2 2
				NaN 1`),
			stagetest.Idle(),
			stagetest.Rows(`
				5 3
				3 4
				3 null`),
			stagetest.End(),
		},
		Want: `rows_seen:int64! rows_scored:int64! rows_unscored:int64! rows_skipped:int64! mae:float64 rmse:float64 r2:float64 no_change_mae:float64 mean_mae:float64
			6 4 1 1 1 1.224744871391589 0 1.6666666666666667 1`,
		Counts: &arrowstream.Counts{Skipped: 1},
	})
}

func TestEvaluateProbabilities(t *testing.T) {
	stagetest.Run(t, stagetest.Case{
		New: func() arrowstream.Stage {
			return &mlkernels.Evaluate{Label: "y", Metrics: mlkernels.MetricsOptions{Last: 3}}
		},
		Schema: "y:utf8 predicted_y:utf8 predicted_y_probs:list<struct<label:utf8,prob:float64>>",
		In: []stagetest.Step{
			stagetest.Rows(`
				a a [{a,1},{b,0}]
				a a [{a,0.75},{b,0.25}]
				b a [{a,0.5},{b,0.5}]
				c b null
				c null null`),
			stagetest.Idle(),
			stagetest.Rows(`b b [{a,0.25},{b,0.5},{c,0.25}]`),
			stagetest.End(),
		},
		// The last three scored rows: b (given 0.5), c (no probability), b
		// (given 0.5). The curve is over the rows with two probabilities: b
		// has 0.5, the others 0 and 0.25.
		Want: classMetrics + `
			6 5 1 0 0.3333333333333333 0.16666666666666666 0.16666666666666666 0.16666666666666666 0.6931471805599453 1 -0.19999999999999998 0.3333333333333333 0.3333333333333333 0 0`,
		Side: map[string]string{"classes": `rows_seen:int64! class:utf8! support:float64! predicted:float64! correct:float64! precision:float64 recall:float64 f1:float64
			6 a 0 1 0 0 null 0
			6 b 2 2 1 0.5 0.5 0.5
			6 c 1 0 0 null 0 0`},
	})
}

func TestEvaluateErrors(t *testing.T) {
	for _, c := range []struct {
		schema, err string
		stage       mlkernels.Evaluate
	}{
		{"y:int64", `prediction "predicted_y": no such column`, mlkernels.Evaluate{Label: "y"}},
		{"y:int64 p:utf8", "both must be", mlkernels.Evaluate{Label: "y", Prediction: "p"}},
		{"y:int64 p:int64", "needs an event time", mlkernels.Evaluate{Label: "y", Prediction: "p", Window: time.Second}},
		{"y:int64 p:int64", "the label", mlkernels.Evaluate{}},
		{"y:int64 p:int64", `unknown value "clasification"`, mlkernels.Evaluate{Label: "y", Prediction: "p", Task: "clasification"}},
		{"y:int64 p:int64", "out of range", mlkernels.Evaluate{Label: "y", Prediction: "p", Metrics: mlkernels.MetricsOptions{Fading: 2}}},
	} {
		stagetest.Run(t, stagetest.Case{
			New:    func() arrowstream.Stage { s := c.stage; return &s },
			Schema: c.schema,
			In:     []stagetest.Step{stagetest.End()},
			Err:    c.err,
		})
	}
}
