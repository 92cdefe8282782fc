package stage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// TestAggregateDivide divides a stage between two ticks, gives every instance
// the rows of its keys from there on, and compares the rows of every tick with
// those of one instance, sums of floats to the bit.
func TestAggregateDivide(t *testing.T) {
	x, f := []expr.Expr{col("x")}, []expr.Expr{col("f")}
	aggs := []stage.Agg{
		{Name: "n", Func: "count"},
		{Name: "s", Func: "sum", Args: x},
		{Name: "m", Func: "avg", Args: f},
		{Name: "d", Func: "count", Args: x, Distinct: true},
		{Name: "lo", Func: "min", Args: f},
	}
	const head = "k:utf8 i:int32 x:int64 f:float64"
	schema, err := columnartest.Schema(head)
	if err != nil {
		t.Fatal(err)
	}
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(6, 6))
	var ticks []arrow.Record
	for range 12 {
		text := head
		for range 40 {
			text += fmt.Sprintf("\n%s %d %d %s", []string{"null", "a", "bb"}[r.IntN(3)], r.IntN(9), r.IntN(7),
				[]string{"NaN", "-0", "0.1", "1e17", "null", "-Inf", "0.3"}[r.IntN(7)])
		}
		b, err := columnartest.Parse(mem, text)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Release()
		ticks = append(ticks, b)
	}
	for _, updates := range []bool{false, true} {
		for _, c := range []struct {
			by   []string
			keys []int
		}{{[]string{"i"}, []int{1}}, {[]string{"k", "i"}, []int{0, 1}}} {
			// run divides before tick at, over n instances.
			run := func(n, at int) (out [][]string) {
				var all []*stage.Aggregate
				var others []arrowstream.Stage
				for i := range n {
					st := (&stage.Aggregate{By: c.by, Aggs: aggs, Updates: updates}).Clone().(*stage.Aggregate)
					if _, err := st.Bind(schema, arrowstream.Env{Allocator: mem, Instance: i}); err != nil {
						t.Fatal(err)
					}
					defer st.Close()
					all = append(all, st)
				}
				for _, st := range all[1:] {
					others = append(others, st)
				}
				for i, b := range ticks {
					var rows []string
					emit := func(b arrowstream.Batch, _ ...int) error {
						rows = append(rows, columnartest.Rows(b)...)
						return nil
					}
					if i == at {
						if err := all[0].Divide(t.Context(), others); err != nil {
							t.Fatal(err)
						}
					}
					parts := []arrow.Record{b}
					if i >= at {
						split, err := new(kernels.Partitioner).Split(mem, b, c.keys, n)
						if err != nil {
							t.Fatal(err)
						}
						for _, p := range split {
							defer p.Release()
						}
						parts = split
					}
					w := arrowstream.Watermark{}
					if i == len(ticks)-1 {
						w.Event = arrowstream.EndOfTime
					}
					for j, p := range parts {
						if err := all[j].Process(t.Context(), p, emit); err != nil {
							t.Fatal(err)
						}
						if _, err := all[j].Advance(t.Context(), w, emit); err != nil {
							t.Fatal(err)
						}
					}
					slices.Sort(rows)
					out = append(out, rows)
				}
				seen := int64(0)
				for _, st := range all {
					seen += st.Counts().RowsUpdated
				}
				if seen != 40*int64(len(ticks)) {
					t.Fatalf("%d rows counted", seen)
				}
				return out
			}
			want := run(1, len(ticks))
			for _, at := range []int{0, 1, 5, len(ticks) - 1} {
				for n := 1; n < 5; n++ {
					for i, rows := range run(n, at) {
						if !slices.Equal(rows, want[i]) {
							t.Fatalf("by %v, %d instances from tick %d: tick %d gives\n%s\nwant\n%s", c.by, n, at, i, strings.Join(rows, "\n"), strings.Join(want[i], "\n"))
						}
					}
				}
			}
		}
	}
}
