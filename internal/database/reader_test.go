package database

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

var numbers = []Column{{Name: "a", SQL: "bigint", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", SQL: "bigint", Type: arrow.PrimitiveTypes.Int64}}

// TestReadAgain loses the connection before and after every row.
func TestReadAgain(t *testing.T) {
	for _, at := range []string{"CONNECT", "SELECT", "ROW 1", "ROW 2", "ROW 3", "ROW 5", "ROW 6"} {
		f := newFake(numbers...)
		f.table.Key = []string{"a"}
		r := &Reader{Table: "t", Columns: []string{"b"}}
		if err := r.Bind(Client{Server: f}); err != nil {
			t.Fatal(err)
		}
		parts, err := r.Open(t.Context(), iotest.Env(columnartest.Allocator(t), 2))
		if err != nil {
			t.Fatal(err)
		}
		f.fail[at] = errLost
		got, err := iotest.Rows(t.Context(), parts[0], 2)
		if err != nil {
			t.Fatal(err)
		}
		iotest.EqualRows(t, got, []string{"1", "2", "3", "4", "5"})
		if err := parts[0].Close(); err != nil || f.open != 0 || len(f.fail) != 0 {
			t.Errorf("%s: %v, %d connections are left", at, err, f.open)
		}
	}
	// Rows in no order are not gone on with.
	f := newFake(numbers...)
	r := &Reader{Table: "t"}
	if err := r.Bind(Client{Server: f}); err != nil {
		t.Fatal(err)
	}
	f.fail["ROW 3"] = errLost
	if _, err := iotest.Read(t, source{r}, 10); err == nil || err.Error() != "fake: read table t at host:1/db: connection lost [AS3001] (give the columns of a key with order.by, and reading goes on where it was)" {
		t.Error(err)
	}
}

// source makes a source of a reader.
type source struct{ *Reader }

func (s source) Bounded() bool                  { return true }
func (s source) Schema() (*arrow.Schema, error) { return nil, nil }

var _ arrowstream.Source = source{}

func TestQueries(t *testing.T) {
	for _, c := range []struct {
		r    Reader
		want []string
	}{
		{Reader{Table: "s.t"}, []string{`SELECT "a", "b" FROM "s"."t" ORDER BY "a"`}},
		{Reader{Table: "t", Columns: []string{"b"}}, []string{`SELECT "b", "a" FROM "t" ORDER BY "a"`}},
		{Reader{Table: "t", OrderBy: []string{"none"}}, []string{`SELECT "a", "b" FROM "t"`}},
		{Reader{Query: "SELECT 1; ", OrderBy: []string{"b", "a"}}, []string{`SELECT "a", "b" FROM (SELECT 1) AS "q" ORDER BY "b", "a"`}},
		{Reader{Table: "(SELECT (1)) AS x"}, []string{`SELECT "a", "b" FROM (SELECT (1)) AS "q"`}},
		{Reader{Table: "t", OrderBy: []string{"none"}, Partition: "b", Partitions: 3}, []string{
			`SELECT "a", "b" FROM "t" WHERE ("b" < 4 OR "b" IS NULL)`, `SELECT "a", "b" FROM "t" WHERE "b" >= 4 AND "b" < 7`, `SELECT "a", "b" FROM "t" WHERE "b" >= 7`,
		}},
		{Reader{Table: "t", OrderBy: []string{"none"}, Partition: "b", Partitions: 2, Lower: "-9223372036854775808", Upper: "9223372036854775807"}, []string{
			`SELECT "a", "b" FROM "t" WHERE ("b" < 0 OR "b" IS NULL)`, `SELECT "a", "b" FROM "t" WHERE "b" >= 0`,
		}},
		{Reader{Table: "t", OrderBy: []string{"none"}, Partition: "b", Partitions: 9, Lower: "5", Upper: "5"}, []string{`SELECT "a", "b" FROM "t"`}},
	} {
		f := newFake(numbers...)
		f.table.Key = []string{"a"}
		f.rows["SELECT min"] = []string{"1", "10"}
		if err := c.r.Bind(Client{Server: f}); err != nil {
			t.Fatal(err)
		}
		parts, err := c.r.Open(t.Context(), iotest.Env(columnartest.Allocator(t), 0))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range parts {
			if r, ok := p.(*replayable); ok {
				p = r.part
			}
			got = append(got, p.(*part).query(nil))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}
