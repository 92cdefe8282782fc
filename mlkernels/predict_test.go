package mlkernels_test

import (
	"path/filepath"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/mlkernels"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

// trainedFile trains on a stream and returns the model file it leaves.
func trainedFile(t *testing.T, spec mlkernels.Spec, schema, rows string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model")
	stage := func() arrowstream.Stage {
		return &mlkernels.Prequential{Spec: spec, TrainOnly: true, SavePath: path}
	}
	stagetest.Play(t, stage, schema, stagetest.Rows(rows), stagetest.End())
	return path
}

func TestPredict(t *testing.T) {
	path := trainedFile(t, linearSpec(), "x:float64 y:float64", "1 2\n3 0")
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &mlkernels.Predict{Path: path, Version: true} },
		Schema: "predicted_y:utf8 x:int64",
		In: []stagetest.Step{
			stagetest.Rows("a 1\nb null\nc 2"),
			stagetest.Idle(),
			stagetest.Rows("d 0"),
			stagetest.End(),
		},
		Want: `predicted_y:utf8 x:int64 predicted_y0:float64 model_version:int64
			a 1 -6 2
			b null null null
			c 2 -11 2
			d 0 -1 2`,
		Counts: &arrowstream.Counts{Skipped: 1},
	})
	stagetest.Run(t, stagetest.Case{ // a changelog keeps its last column
		New:    func() arrowstream.Stage { return &mlkernels.Predict{Path: path} },
		Schema: "x:float64 __op:int8",
		In:     []stagetest.Step{stagetest.Rows("1 0\n1 3"), stagetest.End()},
		Want: `x:float64 predicted_y:float64 __op:int8
			1 -6 0
			1 -6 3`,
	})
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &mlkernels.Predict{Path: path} },
		Schema: "z:float64",
		In:     []stagetest.Step{stagetest.Rows("1"), stagetest.End()},
		Err:    `"x" (number) is missing`,
	})
}

func TestWarmStart(t *testing.T) {
	path := trainedFile(t, linearSpec(), "x:float64 y:float64", "1 2\n3 0")
	spec := linearSpec()
	spec.WarmStart = path
	spec.Options["learn_rate"] = "0.25"
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &mlkernels.Prequential{Spec: spec, Version: true} },
		Schema: "x:float64 y:float64",
		In:     []stagetest.Step{stagetest.Rows("1 -4\n1 null"), stagetest.End()},
		Want: `x:float64 y:float64 predicted_y:float64 model_version:int64
			1 -4 -6 2
			1 null -5 3`,
		Side: map[string]string{"model": `time:timestamp[us,UTC] model_version:int64! class:utf8 feature:utf8! weight:float64!
			null 3 null x -4.5
			null 3 null __INTERCEPT__ -0.5`},
	})
	spec.Options["standardize"] = "true"
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &mlkernels.Prequential{Spec: spec} },
		Schema: "x:float64 y:float64",
		In:     []stagetest.Step{stagetest.End()},
		Err:    "keep update_mode, average, l1_reg, standardize_features",
	})
}

// TestPublishEvery: a publication at the first Advance, then when a multiple of
// the period has been reached, and at the end.
func TestPublishEvery(t *testing.T) {
	spec := linearSpec()
	spec.PublishEvery = 100_000 // 100 µs
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &mlkernels.Prequential{Spec: spec, TrainOnly: true} },
		Schema: "ts:timestamp[us]@ x:float64 y:float64",
		In: []stagetest.Step{
			stagetest.Rows("10 0 2"), stagetest.Advance(10),
			stagetest.Rows("50 0 3"), stagetest.Advance(50),
			stagetest.Rows("120 0 2"), stagetest.Advance(120),
			stagetest.Advance(250),
			stagetest.Rows("260 0 4"), stagetest.End(),
		},
		Want: `time:timestamp[us,UTC] model_version:int64! class:utf8 feature:utf8! weight:float64!
			10 1 null x 0
			10 1 null __INTERCEPT__ 1
			120 3 null x 0
			120 3 null __INTERCEPT__ 2
			260 4 null x 0
			260 4 null __INTERCEPT__ 3`,
	})
}

func TestServe(t *testing.T) {
	stagetest.RunJoin(t, stagetest.JoinCase{
		New:     func() arrowstream.Join { return &mlkernels.Serve{Spec: linearSpec(), Version: true} },
		Schemas: []string{"x:float64 y:float64", "id:utf8 x:float64"},
		In: []stagetest.Step{
			stagetest.RowsOf(1, "early 1"),
			stagetest.Idle(),
			stagetest.RowsOf(0, "1 2"),
			stagetest.RowsOf(1, "a 1\nb 2"),
			stagetest.Idle(),
			stagetest.RowsOf(1, "c 3"),
			stagetest.RowsOf(0, "3 0"),
			stagetest.End(),
		},
		// In a tick labels come before questions.
		Want: `id:utf8 x:float64 predicted_y:float64 model_version:int64
			early 1 null null
			a 1 2 1
			b 2 3 1
			c 3 -16 2`,
	})
}
