package databasetest

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// Search looks rows up by keys of every type, on a connection that is lost on the
// way, and finds what has changed in between.
func (d Database) Search(t *testing.T) {
	mem := columnartest.Allocator(t)
	u, table := d.URL(t), d.Table(t)
	write := func(rows string) {
		t.Helper()
		b := columnartest.Batch(t, mem, "k:int64! s:utf8 d:date32 ts:timestamp[us] n:decimal(12,2) x:float64\n"+rows)
		if err := iotest.Write(t, d.Sink(u, table, "k"), b); err != nil {
			t.Fatal(err)
		}
	}
	write(`1 a 2024-02-29 2024-02-29T12:00:00.000001Z 1.50 0.5
2 "it's \\ \"b\"" 1969-12-31 1969-12-31T23:59:59Z -2.00 1.5
3 "🙂" null null null null
`)
	for key, c := range map[string]struct{ keys, want string }{
		"k":    {"k:int64\n3\n7\n1", "1 3"},
		"s":    {`s:utf8` + "\n" + `"it's \\ \"b\""` + "\n" + `"🙂"` + "\nz", "2 3"},
		"d":    {"d:date32\n1969-12-31", "2"},
		"ts":   {"ts:timestamp[us]\n2024-02-29T12:00:00.000001Z\n2024-02-29T12:00:00.000002Z", "1"},
		"n":    {"n:decimal(12,2)\n1.50\n-2", "1 2"},
		"s k":  {"s:utf8 k:int64\na 1\na 2", "1"},
		"k ts": {"k:int64 ts:timestamp[us]\n2 1969-12-31T23:59:59Z\n1 1969-12-31T23:59:59Z", "2"},
	} {
		l, err := d.Source(u, table).(arrowstream.Searchable).Search(t.Context(), strings.Fields(key), arrowstream.Env{Allocator: mem})
		if err != nil {
			t.Fatal(err)
		}
		find := func(want string) {
			t.Helper()
			batches, err := l.Find(t.Context(), columnartest.Batch(t, mem, c.keys))
			if err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			var got []string
			for _, b := range batches {
				got = append(got, first(b)...)
				b.Release()
			}
			if strings.Join(got, " ") != want {
				t.Errorf("by %s: rows %q, want %s", key, got, want)
			}
		}
		find(c.want)
		d.Kill(t, u)
		find(c.want)
		if key == "k" {
			write("7 new null null null null")
			find("1 3 7")
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// first are the values of the first column.
func first(b arrow.Record) (out []string) {
	for i := range int(b.NumRows()) {
		out = append(out, columnartest.Cell(b.Column(0), i))
	}
	return out
}
