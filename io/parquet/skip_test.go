package parquet

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func TestSkipRowGroups(t *testing.T) {
	mem := columnartest.Allocator(t)
	var sb strings.Builder
	sb.WriteString("ts:timestamp[us]! i:int64! x:float64! s:utf8! u:uint32! n:int64\n")
	for i := range 40 {
		x := []string{"1", "2", "NaN"}[min(i/10, 2)]
		null := "null"
		if i >= 10 {
			null = "5"
		}
		sb.WriteString(strings.Join([]string{num(i * 1000), num(i), x, "s" + num(i/10), num(i), null}, " ") + "\n")
	}
	path := filepath.Join(t.TempDir(), "a.parquet")
	write(t, mem, &Sink{Path: path, RowGroupRows: 10}, columnartest.Batch(t, mem, sb.String()))
	tests := []struct {
		preds  []Predicate
		groups int // row groups of ten rows that are read
		rows   int // and rows of them
	}{
		{nil, 4, 40},
		{[]Predicate{{Column: "i", Op: "=", Value: int64(15)}}, 1, 1},
		{[]Predicate{{Column: "i", Op: "=", Value: int64(99)}}, 0, 0},
		{[]Predicate{{Column: "i", Op: "<", Value: int64(10)}}, 1, 10},
		{[]Predicate{{Column: "i", Op: "<=", Value: int64(10)}}, 2, 11},
		{[]Predicate{{Column: "i", Op: ">", Value: int64(29)}}, 1, 10},
		{[]Predicate{{Column: "i", Op: ">=", Value: int64(29)}}, 2, 11},
		{[]Predicate{{Column: "i", Op: ">=", Value: 28.5}}, 2, 11},
		{[]Predicate{{Column: "i", Op: ">", Value: int64(9)}, {Column: "i", Op: "<", Value: int64(20)}}, 1, 10},
		{[]Predicate{{Column: "u", Op: "=", Value: int64(3)}}, 1, 1},
		// NaN is greater than every number and not in the statistics.
		{[]Predicate{{Column: "x", Op: ">", Value: 100.0}}, 4, 20},
		{[]Predicate{{Column: "x", Op: "<", Value: 2.0}}, 3, 10},
		{[]Predicate{{Column: "s", Op: "=", Value: "s2"}}, 1, 10},
		{[]Predicate{{Column: "s", Op: ">", Value: "s2"}}, 1, 10},
		{[]Predicate{{Column: "n", Op: "=", Value: int64(5)}}, 3, 30},
		{[]Predicate{{Column: "n", Op: "is not null", Value: nil}}, 3, 30},
		{[]Predicate{{Column: "i", Op: "is null", Value: nil}}, 0, 0},
		{[]Predicate{{Column: "ts", Op: "<", Value: time.UnixMicro(10_000)}}, 1, 10},
		{[]Predicate{{Column: "ts", Op: "<", Value: int64(10_001)}}, 2, 11},
		{[]Predicate{{Column: "ts", Op: "<", Value: "text"}}, 4, 40},
		{[]Predicate{{Column: "unknown", Op: "=", Value: int64(1)}}, 4, 40},
	}
	for _, tt := range tests {
		s := &Source{Path: path, Predicates: tt.preds}
		p, err := s.plan()
		if err != nil {
			t.Fatal(err)
		}
		f, err := openFile(nil, path)
		if err != nil {
			t.Fatal(err)
		}
		groups := 0
		for g := range f.meta.RowGroups {
			if p.wanted(f, g) {
				groups++
			}
		}
		if err := f.close(); err != nil {
			t.Fatal(err)
		}
		if rows := mustRead(t, s, testEnv(mem, 0, 2)); groups != tt.groups || len(rows) != tt.rows {
			t.Errorf("%v: %d rows in %d groups, want %d in %d", tt.preds, len(rows), groups, tt.rows, tt.groups)
		}
	}
	from, to := Instant{time.UnixMicro(5_000)}, Instant{time.UnixMicro(25_000)}
	for _, order := range []string{"name", "event-time", "file"} {
		rows := mustRead(t, &Source{Path: path, EventTime: "ts", From: from, To: to, Order: order, Columns: []string{"i"}}, testEnv(mem, 7, 1))
		if len(rows) != 20 || !strings.HasPrefix(rows[0], "5 ") || !strings.HasPrefix(rows[19], "24 ") {
			t.Errorf("%s: %d rows %q", order, len(rows), rows)
		}
	}
}
