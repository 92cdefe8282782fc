package sql_test

import (
	"path/filepath"
	"strings"
	"testing"
)

const clicksModel = "CREATE TABLE clicks (WATERMARK FOR ts) WITH ('connector'='mem', 'data'='clicks'); CREATE MODEL m "

// TestModelColumns checks INPUT and OUTPUT of models that are trained.
func TestModelColumns(t *testing.T) {
	const options = " OPTIONS (model_type='LOGISTIC_REG', input_label_cols=['y'], learn_rate=0.5) AS SELECT a, b, y FROM clicks; "
	for clauses, want := range map[string]string{
		"INPUT (a DOUBLE, b DOUBLE) OUTPUT (label INT)" + options + "SELECT * FROM ML_PREDICT(TABLE clicks, MODEL m, DESCRIPTOR(a, b))":                     "y:int64 label:int32 predicted_y_probs:list<struct<label:int64,prob:float64>> model_version:int64",
		"OUTPUT (y BIGINT)" + options + "SELECT ts, y, y0 FROM ML_PREDICT(TABLE clicks, MODEL m) WHERE y0 IS NOT NULL LIMIT 1":                              "y:int64 y0:int64\n2000000 0 0",
		"INPUT (B DOUBLE)" + options + "SELECT count(predicted_y) AS n FROM ML_PREDICT(TABLE clicks, MODEL m, DESCRIPTOR(b))":                               "result: n:int64!\n5",
		"INPUT (a DOUBLE) OUTPUT (label INT)" + options + "SHOW CREATE MODEL m":                                                                             "CREATE MODEL m INPUT (a DOUBLE) OUTPUT (label INT)",
		"TRANSFORM (a + b AS x, y) INPUT (a DOUBLE, b DOUBLE)" + options + "SELECT count(*) AS n FROM ML_PREDICT(TABLE clicks, MODEL m)":                    "result: n:int64!\n6",
		"TRANSFORM (a + b AS x, y) INPUT (x DOUBLE)" + options + "SELECT 1":                                                                                 "AS7010",
		"TRANSFORM (a + b AS x, y) INPUT (b DOUBLE, a DOUBLE)" + options + "SELECT 1":                                                                       "declare INPUT with a, b",
		"INPUT (aa DOUBLE)" + options + "SELECT 1":                                                                                                          "columns: a, b, y",
		"INPUT (a BOOLEAN)" + options + "SELECT 1":                                                                                                          "column \"a\" of INPUT is BOOLEAN, the training query has DOUBLE",
		"INPUT (a DOUBLE, A DOUBLE)" + options + "SELECT 1":                                                                                                 "AS1501",
		"OUTPUT (label BOOLEAN)" + options + "SELECT 1":                                                                                                     "OUTPUT wants BOOLEAN",
		"OUTPUT (label BIGINT, p DOUBLE)" + options + "SELECT 1":                                                                                            "output \"predicted_y_probs\"",
		"OUTPUT (c INT, d DOUBLE, e INT) OPTIONS (model_type='KMEANS', num_clusters=2) AS SELECT a, b FROM clicks":                                          "has 2 outputs, OUTPUT names 3",
		"OUTPUT (c INT, d FLOAT) OPTIONS (model_type='KMEANS', num_clusters=2) AS SELECT a, b FROM clicks; SELECT * FROM ML_PREDICT(TABLE clicks, MODEL m)": "c:int32 d:float32",
	} {
		if got := newHarness(t).run(clicksModel + clauses); !strings.Contains(got, want) {
			t.Errorf("%s\ngot  %s\nwant %s", clauses, got, want)
		}
	}
}

// TestSavedTransform checks that a model that is loaded computes its features as it
// did when it learned.
func TestSavedTransform(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.model")
	train := clicksModel + "TRANSFORM (STANDARDIZE(a * 2 + `b`) AS s, STANDARDIZE(b) AS b, y) OPTIONS (model_type='LOGISTIC_REG', input_label_cols=['y'], model_path='" + path + "') AS SELECT a, b, y FROM clicks; "
	if got := newHarness(t).run(train); strings.Contains(got, "error") {
		t.Fatal(got)
	}
	load := clicksModel + "%s OPTIONS (model_path='" + path + "'); "
	score := "SELECT a, b, predicted_y, predicted_y_probs FROM ML_PREDICT(TABLE clicks, MODEL m, DESCRIPTOR(a, b))"
	got := newHarness(t).run(strings.Replace(load, "%s", "", 1) + score)
	if !strings.Contains(got, "predicted_y_probs:list") || strings.Contains(got, "null") {
		t.Errorf("got %s", got)
	}
	for clause, want := range map[string]string{
		"TRANSFORM (STANDARDIZE(a * 2 + b) AS s, STANDARDIZE(b) AS b, y)": got,
		"TRANSFORM (STANDARDIZE(a * 3 + b) AS s, STANDARDIZE(b) AS b, y)": "learned with another TRANSFORM: a * 2 + b AS s, b AS b",
		"INPUT (a DOUBLE, b DOUBLE)":                                      got,
		"INPUT (s DOUBLE, b DOUBLE)":                                      "declare INPUT with a, b",
		"OUTPUT (p BOOLEAN)":                                              "OUTPUT wants BOOLEAN",
	} {
		if other := newHarness(t).run(strings.Replace(load, "%s", clause, 1) + score); !strings.Contains(other, want) {
			t.Errorf("%s\ngot  %s\nwant %s", clause, other, want)
		}
	}
	if other := newHarness(t).run(strings.Replace(load, "%s", "", 1) + strings.Replace(score, "(a, b)", "(a)", 1)); !strings.Contains(other, "computed of 2 columns") {
		t.Errorf("got %s", other)
	}
	// The same, of columns that are called like its features.
	same := newHarness(t).run(strings.Replace(load, "%s", "", 1) + "SELECT p AS a, b, predicted_y, predicted_y_probs FROM ML_PREDICT(TABLE (SELECT a AS p, b, 0 AS s FROM clicks), MODEL m, DESCRIPTOR(p, b))")
	if same != got {
		t.Errorf("got %s\nwant %s", same, got)
	}
}
