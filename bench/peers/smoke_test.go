package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/bench/peers/report"
	"github.com/arrowstream/arrowstream/columnar"
)

func smoke(t *testing.T) config {
	t.Helper()
	return config{
		data: t.TempDir(), rows: 300_000, codec: "zstd", pairs: 1, threads: []int{1, 2}, only: regexp.MustCompile(""),
		about: func(string, string) {},
	}
}

// TestQueriesAgree runs every query on a small file: we and DuckDB must find the
// same rows.
func TestQueriesAgree(t *testing.T) {
	n := 0
	err := compareQueries(t.Context(), smoke(t), func(row report.Row) {
		n++
		if !(row.Ours > 0 && row.Theirs > 0 && row.Min <= row.Ratio && row.Ratio <= row.Max && row.Pairs == 1) {
			t.Errorf("%+v", row)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 * len(queries); n != want {
		t.Errorf("%d rows, want %d", n, want)
	}
}

func TestKernelsAgree(t *testing.T) {
	n := 0
	if err := compareKernels(t.Context(), smoke(t), func(report.Row) { n++ }); err != nil {
		t.Fatal(err)
	}
	if n < 15 {
		t.Errorf("%d rows", n)
	}
}

// TestMissingPython is what happens without Python: a line that says so.
func TestMissingPython(t *testing.T) {
	c := smoke(t)
	c.python = filepath.Join(c.data, "none")
	for _, s := range suites[2:] {
		var rows []report.Row
		if err := s.run(t.Context(), c, func(row report.Row) { rows = append(rows, row) }); err != nil {
			t.Fatal(err)
		}
		if len(rows) != 1 || !strings.HasPrefix(rows[0].Note, "not measured") {
			t.Errorf("%s: %+v", s.Name, rows)
		}
	}
}

// TestDigest: the order of rows does not matter, every value does.
func TestDigest(t *testing.T) {
	block := func(ints []int64, floats []float64, words []string, valid byte) *Digest {
		d := &Digest{}
		d.Add(len(ints), []column{
			{ints: ints}, {floats: floats, valid: columnar.Bitmap{Bits: []byte{valid}, N: len(ints)}}, {text: func(i int) string { return words[i] }},
		})
		return d
	}
	right := block([]int64{1, 2}, []float64{10, 20}, []string{"a", "b"}, 3)
	if err := right.Differs(block([]int64{2, 1}, []float64{20, 10}, []string{"b", "a"}, 3)); err != nil {
		t.Errorf("other order: %v", err)
	}
	for name, wrong := range map[string]*Digest{
		"integer":  block([]int64{1, 3}, []float64{10, 20}, []string{"a", "b"}, 3),
		"float":    block([]int64{1, 2}, []float64{10, 20.001}, []string{"a", "b"}, 3),
		"swapped":  block([]int64{1, 2}, []float64{20, 10}, []string{"a", "b"}, 3),
		"word":     block([]int64{1, 2}, []float64{10, 20}, []string{"a", "c"}, 3),
		"null":     block([]int64{1, 2}, []float64{10, 20}, []string{"a", "b"}, 1),
		"rows":     block([]int64{1}, []float64{10}, []string{"a"}, 1),
		"swapped2": block([]int64{1, 2}, []float64{10, 20}, []string{"b", "a"}, 3),
	} {
		if right.Differs(wrong) == nil {
			t.Errorf("%s: no difference seen", name)
		}
	}
}
