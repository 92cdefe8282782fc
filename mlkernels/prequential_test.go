package mlkernels_test

import (
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/mlkernels"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func linearSpec() mlkernels.Spec {
	return mlkernels.Spec{Type: "linear_reg", Features: []string{"x"}, Label: "y", Options: map[string]string{"learn_rate": "0.5", "l2_reg": "0"}}
}

func TestPrequentialRegression(t *testing.T) {
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &mlkernels.Prequential{Spec: linearSpec(), Version: true} },
		Schema: "ts:timestamp[us]@ x:float64 y:float64",
		In: []stagetest.Step{
			stagetest.Rows(`
				10 1 2
				20 2 3
				30 null 3
				40 1 null`),
			stagetest.Advance(40),
			stagetest.Rows(`
				50 3 0
				60 1 NaN
				70 Inf 1`),
			stagetest.Advance(60),
			stagetest.Rows(`80 null null`),
			stagetest.End(),
		},
		Want: `ts:timestamp[us]@ x:float64 y:float64 predicted_y:float64 model_version:int64
			10 1 2 null null
			20 2 3 3 1
			30 null 3 null null
			40 1 null 2 2
			50 3 0 4 2
			60 1 NaN -6 3
			70 +Inf 1 null null
			80 null null null null`,
		Side: map[string]string{"model": `time:timestamp[us,UTC] model_version:int64! class:utf8 feature:utf8! weight:float64!
			40 2 null x 1
			40 2 null __INTERCEPT__ 1
			60 3 null x -5
			60 3 null __INTERCEPT__ -1`},
		Counts: &arrowstream.Counts{Skipped: 3},
	})
}

func TestPrequentialBinary(t *testing.T) {
	spec := mlkernels.Spec{Type: "LOGISTIC_REG", Features: []string{"x", "b"}, Label: "y", Options: map[string]string{"loss": "modified_huber", "learn_rate": "0.25", "penalty": "none"}}
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &mlkernels.Prequential{Spec: spec} },
		Schema: "x:int32 b:bool y:int64",
		In: []stagetest.Step{
			stagetest.Rows(`
				1 true 1
				1 false 1
				-4 false -1
				-4 true null`),
			stagetest.Idle(),
			stagetest.Rows(`0 false 1`),
			stagetest.End(),
		},
		// Before a row shows -1 the negative class is 0.
		Want: `x:int32 b:bool y:int64 predicted_y:int64 predicted_y_probs:list<struct<label:int64,prob:float64>>
			1 true 1 null null
			1 false 1 1 [{0,0},{1,1}]
			-4 false -1 0 [{0,1},{1,0}]
			-4 true null -1 [{-1,1},{1,0}]
			0 false 1 1 [{-1,0.25},{1,0.75}]`,
		Side: map[string]string{"model": `time:timestamp[us,UTC] model_version:int64! class:utf8 feature:utf8! weight:float64!
			null 3 1 x 0.5
			null 3 1 b 0.5
			null 3 1 __INTERCEPT__ 0.5
			null 4 1 x 0.5
			null 4 1 b 0.5
			null 4 1 __INTERCEPT__ 0.75`},
	})
}

func TestPrequentialOneVsRest(t *testing.T) {
	spec := mlkernels.Spec{Type: "LINEAR_SVM", Label: "y", Options: map[string]string{"learn_rate": "1", "penalty": "none", "fit_intercept": "false"}}
	stagetest.Run(t, stagetest.Case{
		New:    func() arrowstream.Stage { return &mlkernels.Prequential{Spec: spec} },
		Schema: "x:float64 z:float32 y:utf8",
		In: []stagetest.Step{
			stagetest.Rows(`
				1 0 red
				0 1 blue
				1 0 red
				0 1 null`),
			stagetest.Idle(),
			stagetest.Rows(`
				1 1 green
				1 0 green`),
			stagetest.End(),
		},
		Want: `x:float64 z:float32 y:utf8 predicted_y:utf8 predicted_y_score:float64
			1 0 red null null
			0 1 blue red 0
			1 0 red red 1
			0 1 null blue 1
			1 1 green red 1
			1 0 green green 1`,
		Side: map[string]string{"model": `time:timestamp[us,UTC] model_version:int64! class:utf8 feature:utf8! weight:float64!
			null 3 red x 2
			null 3 red z -1
			null 3 blue x -1
			null 3 blue z 1
			null 5 red x 0
			null 5 red z -2
			null 5 blue x -2
			null 5 blue z 0
			null 5 green x 2
			null 5 green z 1`},
	})
}

func TestPrequentialCategories(t *testing.T) {
	for _, encoding := range []string{"one_hot", "hash"} {
		spec := mlkernels.Spec{
			Type: "LINEAR_REG", Features: []string{"k", "x"}, Label: "y", Encoding: encoding, HashBuckets: 1 << 16,
			Options: map[string]string{"learn_rate": "0.5", "penalty": "none", "fit_intercept": "false"},
		}
		stagetest.Run(t, stagetest.Case{
			New:    func() arrowstream.Stage { return &mlkernels.Prequential{Spec: spec, TrainOnly: false} },
			Schema: "k:utf8 x:float64 y:float64",
			In: []stagetest.Step{
				stagetest.Rows(`
					a 0 4
					b 0 8
					a 0 2
					null 0 1
					"c d" 0 1`),
				stagetest.Idle(),
				stagetest.Rows(`
					b 0 null
					"c d" 0 null`),
				stagetest.End(),
			},
			Want: `k:utf8 x:float64 y:float64 predicted_y:float64
				a 0 4 null
				b 0 8 0
				a 0 2 2
				null 0 1 null
				"c d" 0 1 0
				b 0 null 4
				"c d" 0 null 0.5`,
			Side:   sideOf(encoding),
			Counts: &arrowstream.Counts{Skipped: 1},
		})
	}
}

func sideOf(encoding string) map[string]string {
	if encoding == "hash" {
		return map[string]string{"model": `time:timestamp[us,UTC] model_version:int64! class:utf8 feature:utf8! weight:float64!
			null 4 null x 0
			null 4 null hash:19999 2
			null 4 null hash:30806 0.5
			null 4 null hash:33855 4`}
	}
	return map[string]string{"model": `time:timestamp[us,UTC] model_version:int64! class:utf8 feature:utf8! weight:float64!
		null 4 null x 0
		null 4 null k=a 2
		null 4 null k=b 4
		null 4 null "k=c d" 0.5`}
}

func TestPrequentialVectors(t *testing.T) {
	for _, typ := range []string{"vector[2]", "list<float64>"} {
		stagetest.Run(t, stagetest.Case{
			New: func() arrowstream.Stage {
				return &mlkernels.Prequential{Spec: mlkernels.Spec{Type: "LINEAR_REG", Features: []string{"v"}, Label: "y", Policy: mlkernels.Zero, Options: map[string]string{"learn_rate": "0.5", "penalty": "none"}}}
			},
			Schema: "v:" + typ + " y:float64",
			In: []stagetest.Step{
				stagetest.Rows(`
					[1,0] 2
					[1,1] 2`),
				stagetest.Idle(),
				stagetest.Rows(`
					null 2
					[0,1] null`),
				stagetest.End(),
			},
			Want: "v:" + typ + ` y:float64 predicted_y:float64
				[1,0] 2 null
				[1,1] 2 2
				null 2 1
				[0,1] null 1.5`,
			Side: map[string]string{"model": `time:timestamp[us,UTC] model_version:int64! class:utf8 feature:utf8! weight:float64!
				null 2 null "v[1]" 1
				null 2 null "v[2]" 0
				null 2 null __INTERCEPT__ 1
				null 3 null "v[1]" 1
				null 3 null "v[2]" 0
				null 3 null __INTERCEPT__ 1.5`},
		})
	}
}

func TestPrequentialKMeans(t *testing.T) {
	stagetest.Run(t, stagetest.Case{
		New: func() arrowstream.Stage {
			return &mlkernels.Prequential{Spec: mlkernels.Spec{Type: "KMEANS", Options: map[string]string{"k": "2"}}}
		},
		Schema: "x:float64 y:float64",
		In: []stagetest.Step{
			stagetest.Rows(`
				0 0
				0 0
				8 0
				8 4`),
			stagetest.Idle(),
			stagetest.Rows(`
				null 1
				0 3`),
			stagetest.End(),
		},
		Want: `x:float64 y:float64 centroid_id:int64 nearest_centroid_distance:float64
			0 0 null null
			0 0 null null
			8 0 null null
			8 4 2 4
			null 1 null null
			0 3 1 3`,
		Side: map[string]string{"model": `time:timestamp[us,UTC] model_version:int64! centroid_id:int64! feature:utf8! value:float64! weight:float64!
			null 2 1 x 0 2
			null 2 1 y 0 2
			null 2 2 x 8 2
			null 2 2 y 2 2
			null 3 1 x 0 3
			null 3 1 y 1 3
			null 3 2 x 8 2
			null 3 2 y 2 2`},
		Counts: &arrowstream.Counts{Skipped: 1},
	})
}

func TestPrequentialErrors(t *testing.T) {
	for _, c := range []struct {
		name, schema, rows, err string
		spec                    mlkernels.Spec
	}{
		{
			"label outside the classes", "x:float64 y:utf8", "1 a\n2 c", `the label "c" is not one of the classes a, b`,
			mlkernels.Spec{Type: "LOGISTIC_REG", Label: "y", Classes: []string{"b", "a"}},
		},
		{
			"binary label", "x:float64 y:int64", "1 0\n1 2", "the label 2 is neither 0 and 1 nor -1 and 1",
			mlkernels.Spec{Type: "LOGISTIC_REG", Label: "y"},
		},
		{
			"mixed negatives", "x:float64 y:int64", "1 0\n1 -1", "the label -1 after 0",
			mlkernels.Spec{Type: "LOGISTIC_REG", Label: "y"},
		},
		{
			"NULL feature refused", "x:float64 y:int64", "1 0\nnull 1", `row 2: column "x"`,
			mlkernels.Spec{Type: "LOGISTIC_REG", Label: "y", Policy: mlkernels.Fail},
		},
		{
			"no such feature", "price:float64 y:int64", "1 0", `did you mean "price"`,
			mlkernels.Spec{Type: "LOGISTIC_REG", Label: "y", Features: []string{"prise"}},
		},
		{
			"timestamp as feature", "t:timestamp[us] y:int64", "1 0", "is not a number, a string or a vector",
			mlkernels.Spec{Type: "LOGISTIC_REG", Label: "y"},
		},
		{"strings in k-means", "x:utf8", "a", "string features have no distance", mlkernels.Spec{Type: "KMEANS"}},
		{
			"vector length", "v:list<float64> y:float64", "[1,2] 1\n[1] 2", "a vector of 1 numbers, want 2",
			mlkernels.Spec{Type: "LINEAR_REG", Label: "y"},
		},
		{"unknown type", "x:float64", "1", `did you mean "KMEANS"`, mlkernels.Spec{Type: "KMEAN"}},
		{"updating input", "x:float64 y:float64 __op:int8", "1 1 0", "takes rows back", mlkernels.Spec{Type: "LINEAR_REG", Label: "y"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stagetest.Run(t, stagetest.Case{
				New:    func() arrowstream.Stage { return &mlkernels.Prequential{Spec: c.spec} },
				Schema: c.schema,
				In:     []stagetest.Step{stagetest.Rows(c.rows), stagetest.End()},
				Err:    c.err,
			})
		})
	}
}
