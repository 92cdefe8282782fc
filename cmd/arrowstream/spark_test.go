package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/io/parquet"
)

// sparkScript is a script in Spark's spelling as such jobs are written.
const sparkScript = `CREATE TABLE IF NOT EXISTS dataset USING parquet OPTIONS (path = "data/*.parquet", ` + "`event.time`" + ` = "__time__");
CREATE FUNCTION Logistic_Regression AS 'logistic_regression';
SET streaming.query.name=lr_prediction;
SET spark.sql.streaming.query.outputMode.lr_prediction=update;
INSERT INTO result SELECT window.start, label, sum(if(tb.predict = tb.label, 1, 0)) / count(tb.label) as acc
  FROM (SELECT default.Logistic_Regression("model_path", features) as predict, label, __time__ as time FROM dataset) tb
  GROUP BY TUMBLING(tb.time, interval 10 second), tb.label;
`

// vectors writes n rows of __time__, label and features to the folder data.
func vectors(t *testing.T, n int) {
	t.Helper()
	var text strings.Builder
	text.WriteString("__time__:timestamp[us] label:int64 features:vector[3]\n")
	state := uint64(1)
	uniform := func() float64 {
		state = state*6364136223846793005 + 1442695040888963407
		return float64(state>>11)/(1<<52) - 1
	}
	for i := range n {
		a, b, c := uniform(), uniform(), uniform()
		label := 0
		if a-2*b+uniform() > 0 {
			label = 1
		}
		fmt.Fprintf(&text, "%d %d [%g,%g,%g]\n", 1_700_000_003_000_000+i*20_000, label, a, b, c)
	}
	mem := columnartest.Allocator(t)
	sink := &parquet.Sink{Path: "data"}
	if err := iotest.Write(t, sink, columnartest.Batch(t, mem, text.String())); err != nil {
		t.Fatal(err)
	}
}

// TestSparkScript runs the script against a model saved by CREATE MODEL, and
// counts its accuracies again, row at a time, from the scored Parquet.
func TestSparkScript(t *testing.T) {
	t.Chdir(t.TempDir())
	vectors(t, 5000)
	const dataset = `CREATE TABLE dataset USING parquet OPTIONS (path = "data/*.parquet", event.time = "__time__");` + "\n"
	succeed(t, "run", "-q", "-e", dataset+`CREATE MODEL lr OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], learn_rate = 0.05, model_path = 'model_path')
		AS SELECT features, label FROM dataset;`)
	succeed(t, "run", "-q", "-e", dataset+`CREATE MODEL lr OPTIONS (model_path = 'model_path');
		INSERT INTO 'scored.parquet' SELECT __time__ AS time, label, predicted_label FROM ML_PREDICT(TABLE dataset, MODEL lr, DESCRIPTOR(features));`)
	if err := os.WriteFile("spark.sql", []byte(sparkScript), 0o666); err != nil {
		t.Fatal(err)
	}
	got := succeed(t, "run", "-q", "--format", "csv", "spark.sql")

	type key struct{ window, label int64 }
	right, all := map[key]int64{}, map[key]int64{}
	for _, r := range scored(t, "scored.parquet") {
		k := key{r.time - r.time%10_000_000, r.label}
		all[k]++
		if r.predicted == r.label {
			right[k]++
		}
	}
	lines := strings.Split(strings.TrimSpace(got), "\n")
	header, lines := lines[0], lines[1:]
	if len(lines) != len(all) || len(all) != 22 {
		t.Fatalf("%d rows, want one for each of %d windows and labels:\n%s", len(lines), len(all), got)
	}
	if !strings.HasSuffix(header, ",label,acc") {
		t.Errorf("columns %s", header)
	}
	for _, line := range lines {
		cells := strings.Split(line, ",")
		start := instant(t, cells[0])
		label, err := strconv.ParseInt(cells[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		acc, err := strconv.ParseFloat(cells[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		k := key{start, label}
		if want := float64(right[k]) / float64(all[k]); acc != want || want < 0.6 {
			t.Errorf("%s: counted %d of %d = %g; want the same and at least 0.6", line, right[k], all[k], want)
		}
	}
}

// TestSparkCheckpoint runs the script with the state that checkpointLocation
// names: it is kept there, and a second run finds that all is done.
func TestSparkCheckpoint(t *testing.T) {
	t.Chdir(t.TempDir())
	vectors(t, 2000)
	succeed(t, "run", "-q", "-e", `CREATE TABLE dataset USING parquet OPTIONS (path = "data/*.parquet", event.time = "__time__");
		CREATE MODEL lr OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], learn_rate = 0.05, model_path = 'model_path') AS SELECT features, label FROM dataset;`)
	script := strings.Replace(sparkScript, "INSERT INTO", `SET spark.sql.streaming.checkpointLocation.lr_prediction=state/lr_prediction;
CREATE TABLE result USING csv OPTIONS (path = "out/");
INSERT INTO`, 1)
	if err := os.WriteFile("spark.sql", []byte(script), 0o666); err != nil {
		t.Fatal(err)
	}
	files := func() (out []string) {
		names, err := filepath.Glob("out/*.csv")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, name+": "+string(text))
		}
		return out
	}
	succeed(t, "run", "-q", "spark.sql")
	first := files()
	if len(first) != 1 || strings.Count(first[0], "\n") != 1+10 { // 40 seconds from second 3 on, two labels
		t.Errorf("the first run writes %q", first)
	}
	if entries, err := os.ReadDir("state/lr_prediction"); err != nil || len(entries) == 0 {
		t.Errorf("the state holds %v, %v", entries, err)
	}
	succeed(t, "run", "-q", "spark.sql")
	if second := files(); !slices.Equal(first, second) {
		t.Errorf("the second run leaves %q, the first %q", second, first)
	}
}

// scoredRow is a row of a scored file; predicted is -1 for NULL.
type scoredRow struct{ time, label, predicted int64 }

// scored reads the columns time or ts, label and predicted_label.
func scored(t *testing.T, path string) (rows []scoredRow) {
	t.Helper()
	mem := columnartest.Allocator(t)
	parts, err := (&parquet.Source{Path: path}).Open(t.Context(), iotest.Env(mem, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		for {
			b, err := p.Read(context.Background())
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, rowsOf(t, b)...)
			b.Release()
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

func rowsOf(t *testing.T, b arrowstream.Batch) (rows []scoredRow) {
	t.Helper()
	column := func(names ...string) int {
		for _, n := range names {
			if i := columnar.Index(b.Schema(), n); i >= 0 {
				return i
			}
		}
		t.Fatalf("no column %v in %v", names, b.Schema())
		return 0
	}
	times := b.Column(column("time", "ts")).(*array.Timestamp)
	labels := b.Column(column("label")).(*array.Int64)
	predicted := b.Column(column("predicted_label")).(*array.Int64)
	for i := range int(b.NumRows()) {
		r := scoredRow{time: int64(times.Value(i)), label: labels.Value(i), predicted: -1}
		if predicted.IsValid(i) {
			r.predicted = predicted.Value(i)
		}
		rows = append(rows, r)
	}
	return rows
}

// instant reads the times of CSV output.
func instant(t *testing.T, text string) int64 {
	t.Helper()
	at, err := parseTime("time", text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMicro()
}

// TestAccuracyIsThatOfTheScoredRows counts the accuracy of the main job again,
// row at a time, from the Parquet files it wrote.
func TestAccuracyIsThatOfTheScoredRows(t *testing.T) {
	t.Chdir(t.TempDir())
	clicks(t, 50_000)
	succeed(t, "run", "-q", "-e", example(t))
	type key struct {
		window int64
		label  string
	}
	right, all := map[key]float64{}, map[key]float64{}
	for _, r := range scored(t, "out/scored/*.parquet") {
		k := key{r.time - r.time%10_000_000, strconv.FormatInt(r.label, 10)}
		all[k]++
		if r.predicted == r.label {
			right[k]++
		}
	}
	got := table(t, "out/accuracy.csv")
	n, acc := floats(t, got["n"]), floats(t, got["accuracy"])
	if len(n) != len(all) || len(n) != 120 {
		t.Errorf("%d rows, want %d", len(n), len(all))
	}
	for i, start := range got["window_start"] {
		k := key{instant(t, start), got["label"][i]}
		if n[i] != all[k] || acc[i] != right[k]/all[k] {
			t.Errorf("window %s label %s: n %g, accuracy %g; counted %g, %g", start, k.label, n[i], acc[i], all[k], right[k]/all[k])
		}
	}
}
