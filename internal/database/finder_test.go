package database

import (
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// TestFind looks up by keys of one and of several columns, on one connection, and
// loses it on the way.
func TestFind(t *testing.T) {
	mem := columnartest.Allocator(t)
	f := newFake(append(numbers, Column{Name: "s", SQL: "text", Type: arrow.BinaryTypes.String}, Column{Name: "x", SQL: "double", Type: arrow.PrimitiveTypes.Float64})...)
	f.table.Key = []string{"b"}
	r := &Reader{Table: "t", Columns: []string{"a", "b"}}
	if err := r.Bind(Client{Server: f}); err != nil {
		t.Fatal(err)
	}
	find := func(l arrowstream.Lookup, keys string) (rows []string, err error) {
		t.Helper()
		batches, err := l.Find(t.Context(), columnartest.Batch(t, mem, keys))
		for _, b := range batches {
			rows = append(rows, columnartest.Rows(b)...)
			b.Release()
		}
		return rows, err
	}
	one, err := r.Search(t.Context(), []string{"a"}, arrowstream.Env{Allocator: mem})
	if err != nil {
		t.Fatal(err)
	}
	f.take()
	f.fail["ROW 3"] = errLost
	rows, err := find(one, "a:int64\n3\n-4")
	if got := strings.Join(rows, ";"); err != nil || got != "1 1;2 2;3 3;4 4;5 5" {
		t.Error(got, err)
	}
	const query = `SELECT "a", "b" FROM "t" WHERE "a" IN (3, -4) ORDER BY "b"`
	if got := f.take(); strings.Count(got, "CONNECT") != 2 || strings.Count(got, query) != 2 {
		t.Error(got)
	}
	var many strings.Builder
	for range 2 * keysPerQuery {
		many.WriteString("\n7")
	}
	if rows, err := find(one, "a:int64"+many.String()+"\n8"); err != nil || len(rows) != 15 {
		t.Error(len(rows), err)
	}
	if got := f.take(); strings.Contains(got, "CONNECT") || strings.Count(got, "SELECT") != 3 || !strings.Contains(got, "IN (8)") {
		t.Errorf("%d questions", strings.Count(got, "SELECT"))
	}
	f.fail["SELECT"] = errNo
	if rows, err := find(one, "a:int64\n3"); !errors.Is(err, errNo) || rows != nil {
		t.Error(rows, err)
	}
	if err := one.Close(); err != nil || f.open != 0 {
		t.Errorf("%v, %d connections are left", err, f.open)
	}

	r = &Reader{Table: "t", Columns: []string{"a", "b", "s"}, OrderBy: []string{"none"}}
	if err := r.Bind(Client{Server: f}); err != nil {
		t.Fatal(err)
	}
	both, err := r.Search(t.Context(), []string{"s", "a"}, arrowstream.Env{Allocator: mem})
	if err != nil {
		t.Fatal(err)
	}
	f.take()
	f.fail[`SELECT "a", "b", "s" FROM "t" WHERE ("s", "a") IN (('x', 1), ('', 2))`] = errNo // the fake has numbers only
	if _, err := find(both, "s:utf8 a:int64\nx 1\n\"\" 2"); !errors.Is(err, errNo) {
		t.Error(err, f.take())
	}
	if err := both.Close(); err != nil || f.open != 0 {
		t.Errorf("%v, %d connections are left", err, f.open)
	}
	for _, name := range []string{"x", "z"} {
		r := &Reader{Table: "t"}
		if err := r.Bind(Client{Server: f}); err != nil {
			t.Fatal(err)
		}
		var e *arrowstream.Error
		if _, err := r.Search(t.Context(), []string{name}, arrowstream.Env{}); !errors.As(err, &e) || e.Code != "AS1410" {
			t.Error(err)
		}
	}
}
