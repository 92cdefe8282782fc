package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var someRows = []Row{
	{Suite: "queries", Name: "sum", Threads: 1, Peer: "DuckDB", Ours: 50, Theirs: 100, Unit: "ms", Ratio: 0.5, Min: 0.4, Max: 0.625, CPU: 0.48, Pairs: 11, Goal: 1},
	{Suite: "queries", Name: "group", Threads: 2, Peer: "DuckDB", Ours: 1500, Theirs: 1000, Unit: "ms", Ratio: 1.5, Min: 1.25, Max: 2, Pairs: 11, Goal: 1, Note: "cold"},
	{Suite: "learn", Name: "all", Threads: 1, Peer: "scikit-learn", Note: "not measured"},
}

const someTable = `# Title

Text.

![ratios](some.svg)

- CPU: abacus

## Whole queries

What it is.

| | threads | peer | ours | theirs | unit | ratio | min..max | cpu ratio | pairs | |
|---|---:|---|---:|---:|---|---:|---|---:|---:|---|
| sum | 1 | DuckDB | 50.0 | 100 | ms | **0.500** | 0.400..0.625 | 0.480 | 11 | goal 1.00 met |
| group | 2 | DuckDB | 1500 | 1000 | ms | **1.50** | 1.25..2.00 |  | 11 | goal 1.00 missed by 50 %; cold |

## Learning

| | threads | peer | ours | theirs | unit | ratio | min..max | cpu ratio | pairs | |
|---|---:|---|---:|---:|---|---:|---|---:|---:|---|
| all | 1 | scikit-learn |  |  |  |  |  |  | 0 | not measured |
`

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "results")
	page := Page{Name: "some", Title: "Title", Text: "Text.", Suites: []Suite{
		{Name: "queries", Title: "Whole queries", Text: "What it is."}, {Name: "kernels", Title: "Kernels"}, {Name: "learn", Title: "Learning"},
	}}
	run := &Run{About: map[string]string{"CPU": "abacus"}}
	run.Merge(someRows...)
	for range 2 { // what was written is read and gives the same
		if err := run.Write(dir, page); err != nil {
			t.Fatal(err)
		}
		table, err := os.ReadFile(filepath.Join(dir, "some.md"))
		if err != nil {
			t.Fatal(err)
		}
		if string(table) != someTable {
			t.Errorf("got\n%s\nwant\n%s", table, someTable)
		}
		if run, err = Load(filepath.Join(dir, "some.json")); err != nil {
			t.Fatal(err)
		}
	}
	drawing, err := os.ReadFile(filepath.Join(dir, "some.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", "Whole queries", "group, DuckDB, 2 threads", "</svg>"} {
		if !strings.Contains(string(drawing), want) {
			t.Errorf("the plot lacks %q", want)
		}
	}
	if strings.Contains(string(drawing), "Learning") {
		t.Error("the plot has a part without figures")
	}
}

func TestMergeReplaces(t *testing.T) {
	run := &Run{}
	run.Merge(someRows...)
	again := someRows[0]
	again.Ratio = 0.25
	run.Merge(again)
	if len(run.Rows) != len(someRows) || run.Rows[0].Ratio != 0.25 {
		t.Errorf("got %+v", run.Rows)
	}
	again.Threads = 8
	run.Merge(again)
	if len(run.Rows) != len(someRows)+1 {
		t.Errorf("got %+v", run.Rows)
	}
}

func TestMergeDropsExcuses(t *testing.T) {
	run := &Run{}
	run.Merge(someRows...)
	run.Merge(Row{Suite: "learn", Name: "SGD", Threads: 1, Peer: "scikit-learn", Ratio: 1, Pairs: 11})
	for _, row := range run.Rows {
		if row.Suite == "learn" && row.Name != "SGD" {
			t.Errorf("%+v is still there", row)
		}
	}
}

func TestLoadOfNothing(t *testing.T) {
	run, err := Load(filepath.Join(t.TempDir(), "none.json"))
	if err != nil || len(run.Rows) != 0 || run.About == nil {
		t.Errorf("got %+v, %v", run, err)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		v    []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := Median(c.v); got != c.want {
			t.Errorf("Median(%v) = %v, want %v", c.v, got, c.want)
		}
	}
}
