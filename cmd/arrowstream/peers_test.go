package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// python runs a script of testdata with the Python that ARROWSTREAM_PYTHON
// names, which has pyarrow and duckdb.
func python(t *testing.T, script string, args ...string) string {
	t.Helper()
	program := os.Getenv("ARROWSTREAM_PYTHON")
	if program == "" {
		t.Skip("ARROWSTREAM_PYTHON is not set: the path of a python with pyarrow and duckdb")
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), program, append([]string{filepath.Join(repo(t), "cmd", "arrowstream", "testdata", script)}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return string(out)
}

// TestDuckDBReadsScoredRows checks that DuckDB and a query of ours get the same
// counts, sums and accuracy from the files of the main job.
func TestDuckDBReadsScoredRows(t *testing.T) {
	if os.Getenv("ARROWSTREAM_PYTHON") == "" {
		python(t, "")
	}
	t.Chdir(t.TempDir())
	clicks(t, 100_000)
	succeed(t, "run", "-q", "-e", example(t))
	succeed(t, "run", "-q", "-e", `INSERT INTO 'own.csv' SELECT count(*) AS n, count(predicted_label) AS scored, sum(label) AS labels, sum(predicted_label) AS predicted,
		sum(user_id) AS users, avg(IF(predicted_label = label, 1e0, 0e0)) AS accuracy, count(DISTINCT category) AS categories, min(ts) AS first, max(ts) AS last,
		2 * count(predicted_label) AS probs, sum(centroid_id) AS centroids FROM 'out/scored/*.parquet'`)
	var theirs []float64
	if err := json.Unmarshal([]byte(python(t, "read_parquet.py", "out/scored/*.parquet")), &theirs); err != nil {
		t.Fatal(err)
	}
	ours := table(t, "own.csv")
	for i, name := range []string{"n", "scored", "labels", "predicted", "users", "accuracy", "categories", "first", "last", "probs", "centroids"} {
		text := ours[name][0]
		if name == "first" || name == "last" {
			text = strconv.FormatInt(instant(t, text), 10)
		}
		got, err := strconv.ParseFloat(text, 64)
		// Sums of integers are exact; the mean of 0 and 1 may differ in the last bit.
		if err != nil || got != theirs[i] && (name != "accuracy" || got < theirs[i]-1e-15 || got > theirs[i]+1e-15) {
			t.Errorf("%s: %s (%v), DuckDB has %v", name, text, err, theirs[i])
		}
	}
	if n := ours["n"][0]; n != "100000" {
		t.Errorf("%s rows", n)
	}
}

// TestPyarrowReadsStreams reads what a running main job exports and compares it
// with what the same job writes to files.
func TestPyarrowReadsStreams(t *testing.T) {
	if os.Getenv("ARROWSTREAM_PYTHON") == "" {
		python(t, "")
	}
	t.Chdir(t.TempDir())
	clicks(t, 100_000)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	text, err := os.ReadFile(filepath.Join(repo(t), "examples", "clicks", "clicks.sql"))
	if err != nil {
		t.Fatal(err)
	}
	script := strings.ReplaceAll(string(text), "127.0.0.1:8815", address)
	cmd, said := start(t, "run", "--progress", "json", "--param", "HOLD=1h", "-e", script)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the job said %.2000s", said.String())
		}
	})
	got := python(t, "read_flight.py", "grpc://"+address, "accuracy", "centroids")
	send(t, cmd, syscall.SIGINT)
	waitFor(t, said, "draining")
	send(t, cmd, syscall.SIGINT)
	if code := codeOf(cmd.Wait()); code != exitOK && code != exitSIGINT {
		t.Errorf("exit %d\n%s", code, said.String())
	}

	if err := os.RemoveAll("out"); err != nil {
		t.Fatal(err)
	}
	succeed(t, "run", "-q", "-e", example(t))
	accuracy, centroids := table(t, "out/accuracy.csv"), table(t, "out/centroids.csv")
	var want strings.Builder
	fmt.Fprintf(&want, "accuracy %d\n", len(accuracy["n"]))
	for i := range accuracy["n"] {
		fmt.Fprintf(&want, "%s,%s,%s,%s\n", accuracy["window_start"][i], accuracy["label"][i], accuracy["n"][i], accuracy["accuracy"][i])
	}
	head, tail, ok := strings.Cut(got, "centroids ")
	if lines(head) != lines(want.String()) {
		t.Errorf("accuracy: pyarrow has\n%.600s\nwant\n%.600s", head, want.String())
	}
	if first, _, _ := strings.Cut(tail, "\n"); !ok || first != strconv.Itoa(len(centroids["centroid_id"])) || first == "0" {
		t.Errorf("pyarrow has %s centroids, want %d", first, len(centroids["centroid_id"]))
	}
}

// lines makes texts comparable that write whole numbers as 1 and 1.0.
func lines(text string) string {
	return strings.ReplaceAll(text+"\n", ".0\n", "\n")
}
