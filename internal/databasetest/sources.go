package databasetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// RoundTrip writes rows to a new table, reads them back as they were declared,
// and again as the database tells them. inferred are the columns then.
func (d Database) RoundTrip(t *testing.T, declare func(s arrowstream.Source, b arrowstream.Batch), rows, inferred string) {
	mem := columnartest.Allocator(t)
	table := d.Table(t)
	b := columnartest.Batch(t, mem, rows)
	first, rest := b.NewSlice(0, 1), b.NewSlice(1, b.NumRows())
	defer first.Release()
	defer rest.Release()
	if err := iotest.Write(t, d.Sink(d.URL(t), table, "k"), first, rest); err != nil {
		t.Fatal(err)
	}
	for _, batch := range []int{1, 2, 1000} {
		src := d.Source(d.URL(t), table)
		declare(src, b)
		want := strings.TrimRight(columnartest.Text(b), "\n")
		if got := strings.TrimRight(iotest.MustRead(t, src, batch), "\n"); got != want {
			t.Errorf("batches of %d: %s\n%s\nwant\n%s", batch, columnartest.Diff(got, want), got, want)
		}
	}
	got := iotest.MustRead(t, d.Source(d.URL(t), table), 0)
	head, _, _ := strings.Cut(got, "\n")
	if head != inferred {
		t.Errorf("inferred\n%s\nwant\n%s", head, inferred)
	}
}

// Sources tests what all sources have in common; set sets the options.
func (d Database) Sources(t *testing.T, set func(s arrowstream.Source, options map[string]string)) {
	mem := columnartest.Allocator(t)
	u, table := d.URL(t), d.Table(t)
	var sb strings.Builder
	sb.WriteString("a:int64 b:utf8 x:float64\n")
	for i := range 100 {
		fmt.Fprintf(&sb, "%d %c %d.5\n", (i*37)%50, 'a'+i/50, i)
	}
	if err := iotest.Write(t, d.Sink(u, table, "a", "b"), columnartest.Batch(t, mem, sb.String())); err != nil {
		t.Fatal(err)
	}
	open := func(options map[string]string) arrowstream.Source {
		s := d.Source(u, table)
		set(s, maps.Clone(options))
		return s
	}
	rows := func(options map[string]string) []string {
		return strings.Split(strings.TrimSpace(iotest.MustRead(t, open(options), 7)), "\n")
	}
	t.Run("Order", func(t *testing.T) {
		got := rows(nil)
		if len(got) != 101 || !strings.HasPrefix(got[1], "0 a ") || !strings.HasPrefix(got[2], "0 b ") || !strings.HasPrefix(got[100], "49 b ") {
			t.Errorf("%d rows: %q ...", len(got), got[:min(3, len(got))])
		}
	})
	t.Run("Replay", func(t *testing.T) {
		iotest.Replay(t, func() arrowstream.Source { return open(nil) })
		iotest.Replay(t, func() arrowstream.Source { return open(map[string]string{"columns": "x"}) })
		iotest.Replay(t, func() arrowstream.Source {
			return open(map[string]string{"order.by": "a", "table": "", "query": "SELECT x, a FROM " + table + " WHERE a < 20 AND b = 'a';"})
		})
	})
	t.Run("Unordered", func(t *testing.T) {
		parts, err := open(map[string]string{"order.by": "none"}).Open(t.Context(), iotest.Env(mem, 0))
		if err != nil {
			t.Fatal(err)
		}
		defer parts[0].Close()
		if _, ok := parts[0].(arrowstream.Replayer); ok {
			t.Error("rows in no order have no position")
		}
	})
	t.Run("Partitions", func(t *testing.T) {
		want := rows(nil)
		slices.Sort(want)
		for _, o := range []map[string]string{
			{"partition.column": "a", "partition.count": "4"},
			{"partition.column": "a", "partition.count": "100"},
			{"partition.column": "a", "partition.count": "3", "partition.lower": "10", "partition.upper": "20"},
			{"partition.column": "a", "partition.count": "2", "partition.lower": "-5", "partition.upper": "9223372036854775807"},
		} {
			got := rows(o)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%v: %d rows", o, len(got))
			}
		}
	})
	t.Run("Resume", func(t *testing.T) {
		if _, err := iotest.Read(t, open(nil), 0); err != nil {
			t.Fatal(err)
		}
		want := rows(nil)[1:]
		parts, err := open(nil).Open(t.Context(), iotest.Env(mem, 10))
		if err != nil {
			t.Fatal(err)
		}
		defer parts[0].Close()
		var got []string
		for len(got) < 30 {
			b, err := parts[0].Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, columnartest.Rows(b)...)
			b.Release()
		}
		d.Kill(t, u)
		rest, err := iotest.Rows(t.Context(), parts[0], 10)
		if err != nil {
			t.Fatal(err)
		}
		iotest.EqualRows(t, append(got, rest...), want)
	})
	t.Run("Errors", func(t *testing.T) {
		for _, c := range []struct {
			options map[string]string
			want    string
		}{
			{map[string]string{"columns": "c"}, `columns: there is no column "c"`},
			{map[string]string{"order.by": "c"}, `order.by: there is no column "c"`},
			{map[string]string{"table": "", "query": "SELECT b, x AS f FROM " + table, "order.by": "g"}, `order.by: there is no column "g"`},
			{map[string]string{"partition.column": "b", "partition.count": "2"}, `partition.column: column "b" is`},
			{map[string]string{"partition.count": "2"}, "partition.column is missing"},
			{map[string]string{"partition.column": "a", "partition.count": "2", "partition.lower": "1"}, "go together"},
			{map[string]string{"table": "", "query": "SELEC 1"}, "AS3004"},
			{map[string]string{"query": "SELECT 1"}, "exclude each other"},
			{map[string]string{"table": ""}, "table is missing"},
		} {
			if _, err := iotest.Read(t, open(c.options), 0); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v: %v", c.options, err)
			}
		}
	})
	t.Run("Cancel", func(t *testing.T) {
		parts, err := open(nil).Open(t.Context(), iotest.Env(mem, 1))
		if err != nil {
			t.Fatal(err)
		}
		b, err := parts[0].Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
		if err := parts[0].Close(); err != nil {
			t.Error(err)
		}
		if b, err := parts[0].Read(t.Context()); err == nil {
			b.Release()
			t.Error("a closed partition gives rows")
		}
	})
}
