package parquet

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestEpochs(t *testing.T) {
	iotest.Epochs(t, iotest.EpochSink{
		Extension: ".parquet",
		New: func(path string, o iotest.EpochOptions) arrowstream.Concluder {
			return &Sink{Path: path, RollSize: o.RollSize, RollAge: o.RollAge, clock: o.Clock, before: o.Before}
		},
		Source: func(path string) arrowstream.Source { return &Source{Path: path} },
	})
}

const epochJob = "0123456789abcdef0123456789abcdef"

// process is a sink that goes on from a token.
func process(t *testing.T, s *Sink, schema *arrow.Schema, env arrowstream.Env, last arrowstream.Epoch, prepared []byte) *Sink {
	t.Helper()
	bind(t, s, schema, env)
	start := arrowstream.Start{ID: epochJob}
	if last > 0 {
		start.Last = &arrowstream.Commit{Epoch: last}
	}
	if err := s.Resume(t.Context(), start, prepared); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPartitionedEpochs writes k=v directories through a restart in every
// epoch; files roll by rows and event time meanwhile.
func TestPartitionedEpochs(t *testing.T) {
	mem := columnartest.Allocator(t)
	for _, roll := range []Sink{{}, {RollRows: 3}, {RollInterval: 10 * time.Second}, {MaxOpen: 2}, {RollSize: 1}} {
		dir := t.TempDir()
		var token []byte
		var want []string
		for e := arrowstream.Epoch(1); e <= 6; e++ {
			var sb strings.Builder
			sb.WriteString("ts:timestamp[us]@ k:int64! x:int64\n")
			for i := range 7 {
				x := int(e)*10 + i
				fmt.Fprintf(&sb, "%d %d %d\n", x*1_000_000, x%4, x)
				want = append(want, fmt.Sprintf("%d %d", x%4, x))
			}
			b := columnartest.Batch(t, mem, sb.String())
			s := roll
			s.Path, s.Partition = dir, []string{"k"}
			process(t, &s, b.Schema(), arrowstream.Env{Allocator: mem, Name: "out"}, e-1, token)
			if err := s.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if e == 6 {
				if err := s.Conclude(t.Context(), true); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if token, err = s.Prepare(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			if err := s.Commit(t.Context(), e, token); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		got := mustRead(t, &Source{Path: dir, Hive: true, Columns: []string{"k", "x"}}, testEnv(mem, 0, 1))
		slices.Sort(got)
		slices.Sort(want)
		equalRows(t, got, want)
		for _, f := range filesIn(t, dir) {
			if strings.Contains(f, "inprogress") {
				t.Errorf("left behind: %s", f)
			}
		}
		if roll.RollInterval > 0 {
			if n := len(filesIn(t, filepath.Join(dir, "k=1"))); n < 5 {
				t.Errorf("rows of a minute stand in %d files of 10 seconds", n)
			}
		}
	}
}

// TestOverwriteByEpochs replaces what is there with the first files.
func TestOverwriteByEpochs(t *testing.T) {
	mem := columnartest.Allocator(t)
	env := arrowstream.Env{Allocator: mem, Name: "out"}
	dir := t.TempDir()
	writeFile(t, mem, filepath.Join(dir, "old.parquet"), "x:int64\n9\n")
	b := columnartest.Batch(t, mem, "x:int64\n1\n")
	visible := func(want ...string) {
		t.Helper()
		equalRows(t, mustRead(t, &Source{Path: dir}, testEnv(mem, 0, 1)), want)
	}
	var token []byte
	for e := arrowstream.Epoch(1); e <= 4; e++ {
		s := process(t, &Sink{Path: dir, Overwrite: true, RollAge: 1}, b.Schema(), env, e-1, token)
		if e > 1 {
			if err := s.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if token, err = s.Prepare(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Commit(t.Context(), e, token); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		switch e {
		case 1:
			visible("9")
		case 2:
			visible("1")
			writeFile(t, mem, filepath.Join(dir, "a-later.parquet"), "x:int64\n8\n")
		case 4:
			visible("8", "1", "1", "1")
		}
	}
}

// TestOneFileByEpochs refuses to replace a file unasked.
func TestOneFileByEpochs(t *testing.T) {
	mem := columnartest.Allocator(t)
	env := arrowstream.Env{Allocator: mem, Name: "out"}
	path := writeFile(t, mem, filepath.Join(t.TempDir(), "a.parquet"), "x:int64\n9\n")
	s := bind(t, &Sink{Path: path}, schema(t, "x:int64"), env)
	wantError(t, s.Resume(t.Context(), arrowstream.Start{ID: epochJob}, nil), "exists", "AS2001")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = process(t, &Sink{Path: path, Overwrite: true}, schema(t, "x:int64"), env, 0, nil)
	if err := s.Write(t.Context(), columnartest.Batch(t, mem, "x:int64\n1\n")); err != nil {
		t.Fatal(err)
	}
	for e := arrowstream.Epoch(1); e <= 2; e++ {
		if e == 2 {
			if err := s.Conclude(t.Context(), true); err != nil {
				t.Fatal(err)
			}
		}
		token, err := s.Prepare(t.Context(), e)
		if err == nil {
			err = s.Commit(t.Context(), e, token)
		}
		if err != nil {
			t.Fatal(err)
		}
		equalRows(t, mustRead(t, &Source{Path: path}, testEnv(mem, 0, 1)), []string{map[arrowstream.Epoch]string{1: "9", 2: "1"}[e]})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := filesIn(t, filepath.Dir(path)); len(got) != 1 {
		t.Errorf("files %q", got)
	}
}

// TestOtherReadersByEpochs reads a directory with hidden files, and a file with
// notes between its row groups, with the readers of others.
func TestOtherReadersByEpochs(t *testing.T) {
	python := os.Getenv("ARROWSTREAM_PYTHON")
	if python == "" {
		t.Skip("ARROWSTREAM_PYTHON names no Python with duckdb, polars and pyarrow")
	}
	mem := columnartest.Allocator(t)
	env := arrowstream.Env{Allocator: mem, Name: "out"}
	dir := t.TempDir()
	rows := 0
	var token []byte
	for e := arrowstream.Epoch(1); e <= 5; e++ {
		b := columnartest.Batch(t, mem, fmt.Sprintf("x:int64 s:dict\n%d a\n%d null\n", e, 10*e))
		s := process(t, &Sink{Path: dir, RollRows: 7}, b.Schema(), env, e-1, token)
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		var err error
		if token, err = s.Prepare(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), e, token); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if rows = 0; e >= 4 {
			rows = 7
		}
		if rows == 0 {
			continue
		}
		script := `
import sys, glob, json, duckdb, polars, pyarrow.parquet as pq
d = sys.argv[1]
print(json.dumps([
    duckdb.sql(f"select count(*), sum(x) from '{d}/*.parquet'").fetchall()[0][0],
    polars.read_parquet(d + "/*.parquet").height,
    sum(pq.read_table(f).num_rows for f in glob.glob(d + "/*.parquet")),
    sum(pq.ParquetFile(f).metadata.num_row_groups for f in glob.glob(d + "/*.parquet")),
]))`
		out, err := exec.Command(python, "-c", script, dir).CombinedOutput()
		var got []int
		if err == nil {
			err = json.Unmarshal(out, &got)
		}
		if err != nil || !slices.Equal(got, []int{rows, rows, rows, 4}) {
			t.Fatalf("epoch %d: %s %v", e, out, err)
		}
	}
}
