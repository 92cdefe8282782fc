package stage_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// TestAggregateSplit spreads rows over clones at random, absorbs them in any
// order, and compares with one instance.
func TestAggregateSplit(t *testing.T) {
	x := []expr.Expr{col("x")}
	aggs := []stage.Agg{
		{Name: "n", Func: "count"},
		{Name: "c", Func: "count", Args: x},
		{Name: "s", Func: "sum", Args: x},
		{Name: "a", Func: "avg", Args: x},
		{Name: "d", Func: "count", Args: []expr.Expr{col("k")}, Distinct: true},
		{Name: "lo", Func: "min", Args: []expr.Expr{col("f")}},
		{Name: "hi", Func: "max", Args: []expr.Expr{col("f")}},
	}
	r := rand.New(rand.NewPCG(6, 6))
	mem := columnartest.Allocator(t)
	const head = "k:utf8 i:int32 x:int64 f:float64"
	schema, err := columnartest.Schema(head)
	if err != nil {
		t.Fatal(err)
	}
	for _, by := range [][]string{{}, {"i"}, {"k", "i"}} {
		run := func(instances int, batches []arrow.Record) string {
			var clones []*stage.Aggregate
			for range instances {
				st := (&stage.Aggregate{By: by, Aggs: aggs}).Clone().(*stage.Aggregate)
				if _, err := st.Bind(schema, arrowstream.Env{Allocator: mem}); err != nil {
					t.Fatal(err)
				}
				if !st.Splittable() {
					t.Fatal("not splittable")
				}
				clones = append(clones, st)
			}
			text := ""
			emit := func(b arrowstream.Batch, _ ...int) error {
				text += fmt.Sprint(b)
				return nil
			}
			for _, b := range batches {
				if err := clones[r.IntN(instances)].Process(t.Context(), b, emit); err != nil {
					t.Fatal(err)
				}
			}
			r.Shuffle(instances, func(i, j int) { clones[i], clones[j] = clones[j], clones[i] })
			for _, c := range clones[1:] {
				if err := clones[0].Absorb(c); err != nil {
					t.Fatal(err)
				}
			}
			if got := clones[0].Counts().RowsUpdated; got != 40*int64(len(batches)) {
				t.Fatalf("%d rows counted", got)
			}
			if _, err := clones[0].Advance(t.Context(), arrowstream.Watermark{Event: arrowstream.EndOfTime}, emit); err != nil {
				t.Fatal(err)
			}
			return text
		}
		var batches []arrow.Record
		for range 30 {
			text := head
			for range 40 {
				text += fmt.Sprintf("\n%s %d %d %s",
					[]string{"null", "a", "bb"}[r.IntN(3)], r.IntN(5), r.Int64()>>12-1<<50, []string{"NaN", "-0", "0", "1.5", "null", "-Inf"}[r.IntN(6)])
			}
			b, err := columnartest.Parse(mem, text)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Release()
			batches = append(batches, b)
		}
		want := run(1, batches)
		for range 5 {
			if got := run(1+r.IntN(4), batches); got != want {
				t.Fatalf("by %v: got %s, want %s", by, got, want)
			}
		}
	}
	float := &stage.Aggregate{Aggs: []stage.Agg{{Func: "sum", Args: []expr.Expr{col("f")}}}}
	if _, err := float.Bind(schema, arrowstream.Env{Allocator: mem}); err != nil {
		t.Fatal(err)
	}
	defer float.Close()
	if float.Splittable() {
		t.Error("sums of floats depend on the order")
	}
}
