package main

import (
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var elsewhere = regexp.MustCompile(`(?m)^CREATE TABLE (\w+) USING (?:flight|console)\b.*;$`)

// toFiles makes a script whose results go to out/NAME.csv of one that exports
// and shows them.
func toFiles(script string) string {
	return elsewhere.ReplaceAllString(script, `CREATE TABLE $1 USING csv OPTIONS (path = "out/$1.csv");`)
}

// contents maps every file below a folder to a hash of what it says: the rows
// of a Parquet file, the bytes of others.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if filepath.Ext(path) == ".parquet" {
			b = []byte(parquetText(t, path))
		}
		out[path] = fmt.Sprintf("%d bytes %x", len(b), sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestMainJobSameBits runs the main job with several batch sizes and numbers of
// workers and compares everything it leaves behind.
func TestMainJobSameBits(t *testing.T) {
	t.Chdir(t.TempDir())
	rows := 200_000
	if testing.Short() {
		rows = 50_000
	}
	clicks(t, rows)
	script := example(t)
	var want map[string]string
	for _, workers := range []string{"1", "2", "4"} {
		for _, batch := range []string{"100", "4096", "65536"} {
			succeed(t, "run", "-q", "-e", script, "--workers", workers, "--batch-rows", batch)
			got := contents(t, "out")
			if err := os.RemoveAll("out"); err != nil {
				t.Fatal(err)
			}
			if want == nil {
				if want = got; len(want) != 7 {
					t.Fatalf("results: %v; want scored rows, accuracy, centroids, three shown results and the model", want)
				}
			}
			for name := range want {
				if got[name] != want[name] {
					t.Errorf("%s with %s workers and batches of %s: %s, want %s", name, workers, batch, got[name], want[name])
				}
			}
			if len(got) != len(want) {
				t.Errorf("%s workers, batches of %s: %d files, want %d", workers, batch, len(got), len(want))
			}
		}
	}
}

// table reads a CSV file into its columns.
func table(t *testing.T, path string) map[string][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil || len(records) == 0 {
		t.Fatalf("%s: %d records, %v", path, len(records), err)
	}
	cols := map[string][]string{}
	for j, name := range records[0] {
		cols[name] = []string{}
		for _, r := range records[1:] {
			cols[name] = append(cols[name], r[j])
		}
	}
	return cols
}

func floats(t *testing.T, texts []string) []float64 {
	t.Helper()
	out := make([]float64, len(texts))
	for i, s := range texts {
		var err error
		if out[i], err = strconv.ParseFloat(s, 64); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// TestMainJobDrift checks the story that the example tells: the accuracy
// settles, falls when the weights change, and comes back.
func TestMainJobDrift(t *testing.T) {
	t.Chdir(t.TempDir())
	clicks(t, 400_000)
	succeed(t, "run", "-q", "-e", example(t))
	windows := table(t, "out/all_rows.csv")
	acc, starts := floats(t, windows["accuracy"]), windows["window_start"]
	if len(acc) != 60 || !slices.IsSorted(starts) || !strings.Contains(starts[30], "00:05:00") {
		t.Fatalf("%d windows, the 31st at %s; want 60 from 2024-01-01 00:00:00", len(acc), starts[30])
	}
	before, worst, after := mean(acc[20:30]), slices.Min(acc[30:34]), mean(acc[50:])
	t.Logf("before the drift %.4f, worst after it %.4f, at the end %.4f", before, worst, after)
	if before < 0.85 || worst > before-0.2 || after < before-0.02 {
		t.Errorf("accuracy %.4f before the drift, %.4f right after, %.4f at the end: it must fall by 0.2 and recover", before, worst, after)
	}
	for i, noChange := range floats(t, windows["no_change_accuracy"]) {
		if noChange < 0.55 || noChange > 0.65 {
			t.Errorf("window %s: accuracy of repeating the last label is %g, want about 0.6", starts[i], noChange)
		}
	}
	phases := table(t, "out/before_and_after.csv")
	p := floats(t, phases["accuracy"])
	if len(p) != 3 || p[1] > p[0]-0.15 || p[2] < p[1]+0.15 {
		t.Errorf("phases %v: accuracy %v; want a fall in the second", phases["phase"], p)
	}
	if n := mean(floats(t, phases["n"])); n*3 != 400_000 {
		t.Errorf("%v rows in the phases, want 400,000", n*3)
	}
}

// TestReplay checks that a replay of a span is the run on the rows of the span,
// at any speed.
func TestReplay(t *testing.T) {
	t.Chdir(t.TempDir())
	succeed(t, "generate", "clicks", "--rows", "200000", "--option", "interval=50us", "--out", "data")
	const source = "CREATE TABLE clicks (WATERMARK FOR ts AS ts - INTERVAL 2 SECOND) USING parquet OPTIONS (path = 'data/*.parquet');\n"
	const job = `CREATE MODEL m OPTIONS (model_type = 'LOGISTIC_REG', input_label_cols = ['label'], model_path = 'out/m.model') AS SELECT f1, f2, f3, label FROM %[1]s;
CREATE VIEW scored AS SELECT ts, user_id, label, predicted_label FROM ML_PREDICT(TABLE %[1]s, MODEL m);
INSERT INTO 'out/rows.csv' SELECT * FROM scored;
INSERT INTO 'out/windows.csv' SELECT window_start, label, count(*) AS n, avg(IF(predicted_label = label, 1, 0)) AS accuracy
  FROM TUMBLE(TABLE scored, DESCRIPTOR(ts), INTERVAL 1 SECOND) GROUP BY window_start, label;`
	filtered := source + `CREATE VIEW part AS SELECT * FROM clicks WHERE ts >= TIMESTAMP '2024-01-01 00:00:05' AND ts < TIMESTAMP '2024-01-01 00:00:07.5';` + "\n" + fmt.Sprintf(job, "part")
	succeed(t, "run", "-q", "-e", filtered)
	want := contents(t, "out")
	for _, speed := range []string{"max", "10x", "realtime"} {
		if err := os.RemoveAll("out"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		succeed(t, "replay", "-q", "-e", source+fmt.Sprintf(job, "clicks"), "--from", "2024-01-01T00:00:05Z", "--to", "2024-01-01 00:00:07.5", "--speed", speed)
		took := time.Since(began)
		if got := contents(t, "out"); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("speed %s: %v\nwant %v", speed, got, want)
		}
		if speed == "realtime" && took < time.Second {
			t.Errorf("2.5 s of event time took %s at real speed", took)
		}
	}
	if n := len(table(t, "out/rows.csv")["ts"]); n < 45_000 || n > 55_000 {
		t.Errorf("%d rows in 2.5 s of 20,000 rows per second", n)
	}
}
