package stage_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// exactAggs are aggregates that can be put together in parts.
func exactAggs() []stage.Agg {
	x, f, k := []expr.Expr{col("x")}, []expr.Expr{col("f")}, []expr.Expr{col("k")}
	return []stage.Agg{
		{Name: "n", Func: "count"},
		{Name: "c", Func: "count", Args: x},
		{Name: "some", Func: "count", Filter: call("gt", col("f"), lit(0.0))},
		{Name: "s", Func: "sum", Args: x},
		{Name: "a", Func: "avg", Args: x},
		{Name: "d", Func: "sum", Args: []expr.Expr{expr.Cast{Of: col("i"), To: &arrow.Decimal128Type{Precision: 12, Scale: 2}}}},
		{Name: "lo", Func: "min", Args: f},
		{Name: "hi", Func: "max", Args: f},
		{Name: "first", Func: "min", Args: k},
		{Name: "all", Func: "bool_and", Args: []expr.Expr{call("lt", col("i"), lit(int32(4)))}},
		{Name: "bits", Func: "bit_xor", Args: x},
	}
}

// manyRows are batches of so many rows each of few or, in every third one, many
// different keys.
func manyRows(t *testing.T, mem memory.Allocator, head string, count, rows int) (out []arrow.Record) {
	r := rand.New(rand.NewPCG(6, 6))
	for i := range count {
		keys := []string{"null", "a", "bb", `"a longer one"`}
		for k := 0; i%3 == 2 && k < rows; k++ {
			keys = append(keys, fmt.Sprint("k", r.IntN(2*rows)))
		}
		var sb strings.Builder
		sb.WriteString(head)
		for range rows {
			fmt.Fprintf(&sb, "\n%s %d %d %s", keys[r.IntN(len(keys))], r.IntN(5), r.Int64()>>8-1<<54, []string{"NaN", "-0", "0", "1.5", "null", "-Inf"}[r.IntN(6)])
		}
		out = append(out, columnartest.Batch(t, mem, sb.String()))
	}
	return out
}

// TestCombiner gives an aggregate what several combiners have made of its ticks,
// and compares with one that gets the rows: what it emits and remembers after
// every tick is the same.
func TestCombiner(t *testing.T) {
	mem := columnartest.Allocator(t)
	for _, head := range []string{"k:utf8 i:int32 x:int64 f:float64", "k:dict i:int32 x:int64 f:float64"} {
		list := manyRows(t, mem, head, 120, 300)
		for _, c := range []struct {
			name string
			st   stage.Aggregate
		}{
			{"integers", stage.Aggregate{By: []string{"i"}, Aggs: exactAggs()}},
			{"texts", stage.Aggregate{By: []string{"k"}, Aggs: exactAggs()}},
			{"pairs, having", stage.Aggregate{By: []string{"k", "i"}, Aggs: exactAggs(), Having: call("gt", col("n"), lit(int64(2)))}},
			{"updates", stage.Aggregate{By: []string{"k"}, Aggs: exactAggs(), Updates: true}},
			{"updates, ttl", stage.Aggregate{By: []string{"k"}, Aggs: exactAggs(), Updates: true, TTL: 5 * time.Second}},
			{"distinct", stage.Aggregate{By: []string{"i", "k"}}},
		} {
			t.Run(head[:6]+"/"+c.name, func(t *testing.T) {
				bind := func(st arrowstream.Stage) arrowstream.Stage {
					if _, err := st.Bind(list[0].Schema(), arrowstream.Env{Allocator: mem}); err != nil {
						t.Fatal(err)
					}
					return st
				}
				one, two := bind(c.st.Clone()).(*stage.Aggregate), bind(c.st.Clone()).(*stage.Aggregate)
				first := two.Combiner()
				clones := []arrowstream.Stage{bind(first), bind(first.Clone()), bind(first.Clone())}
				var combined, passed int
				for at, tick := 0, 0; at < len(list); tick++ {
					ends := min(at+1+tick%3, len(list))
					w := arrowstream.Watermark{Event: arrowstream.NoEventTime, Clock: int64(tick) * 1e6}
					if ends == len(list) {
						w.Event = arrowstream.EndOfTime
					}
					var text [2]strings.Builder
					for i, st := range []*stage.Aggregate{one, two} {
						emit := func(b arrowstream.Batch, _ ...int) error {
							text[i].WriteString(columnartest.Text(b))
							return nil
						}
						ctx := t.Context()
						take := func(b arrowstream.Batch, _ ...int) error { return st.Process(ctx, b, emit) }
						if i == 0 {
							giveAll(t, list[at:ends], take)
						} else {
							clone := clones[tick%len(clones)]
							counted := func(b arrowstream.Batch, _ ...int) error {
								if b.Schema().Equal(list[0].Schema()) {
									passed++
								} else {
									combined++
								}
								return take(b)
							}
							giveAll(t, list[at:ends], func(b arrowstream.Batch, _ ...int) error { return clone.Process(ctx, b, counted) })
							if _, err := clone.Advance(ctx, w, counted); err != nil {
								t.Fatal(err)
							}
						}
						if _, err := st.Advance(ctx, w, emit); err != nil {
							t.Fatal(err)
						}
						if !w.Done() {
							text[i].WriteString(snapshotText(t, st))
						}
					}
					if one, two := text[0].String(), text[1].String(); one != two {
						t.Fatalf("tick %d: combined:\n%s\nrow by row:\n%s", tick, two, one)
					}
					at = ends
				}
				if one.Counts().RowsUpdated != two.Counts().RowsUpdated {
					t.Errorf("%d rows counted, want %d", two.Counts().RowsUpdated, one.Counts().RowsUpdated)
				}
				if combined == 0 || passed == 0 && len(c.st.By) > 0 && c.st.By[0] == "k" {
					t.Errorf("%d batches combined, %d passed", combined, passed)
				}
				for _, st := range clones {
					if err := st.(interface{ Close() error }).Close(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for _, b := range list {
			b.Release()
		}
	}
}

func giveAll(t *testing.T, list []arrow.Record, to arrowstream.Emit) {
	t.Helper()
	for _, b := range list {
		if err := to(b); err != nil {
			t.Fatal(err)
		}
	}
}

// snapshotText is what st remembers, after a snapshot.
func snapshotText(t *testing.T, st arrowstream.Stateful) string {
	t.Helper()
	s, err := st.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	return columnartest.Text(s["meta"]) + columnartest.Text(s["groups"])
}

// TestCombinerRefused has aggregates whose rows cannot be put together in parts.
func TestCombinerRefused(t *testing.T) {
	mem := columnartest.Allocator(t)
	arg := func(name, of string) []stage.Agg { return []stage.Agg{{Func: name, Args: []expr.Expr{col(of)}}} }
	for _, c := range []struct {
		schema string
		aggs   []stage.Agg
	}{
		{"k:int64 x:float64", arg("sum", "x")},
		{"k:int64 x:float64", arg("array_agg", "x")},
		{"k:int64 x:int64", arg("first", "x")},
		{"k:int64 x:int64", arg("median", "x")},
		{"k:int64 x:int64", arg("approx_count_distinct", "x")},
		{"k:int64 x:int64", []stage.Agg{{Func: "count", Args: []expr.Expr{col("x")}, Distinct: true}}},
		{"k:int64 x:int64 __op:int8!", arg("sum", "x")},
	} {
		schema, err := columnartest.Schema(c.schema)
		if err != nil {
			t.Fatal(err)
		}
		st := &stage.Aggregate{By: []string{"k"}, Aggs: c.aggs, Updates: true}
		if _, err := st.Bind(schema, arrowstream.Env{Allocator: mem}); err != nil {
			t.Fatal(err)
		}
		if st.Combiner() != nil {
			t.Errorf("%s: %s has a combiner", c.schema, c.aggs[0].Func)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestTwoPhases runs pipelines with combiners: their rows, errors and counts are
// those of a run in one goroutine.
func TestTwoPhases(t *testing.T) {
	mem := columnartest.Allocator(t)
	src := &batches{list: manyRows(t, mem, "k:utf8 i:int32 x:int64 f:float64", 12, 700)}
	defer func() {
		for _, b := range src.list {
			b.Release()
		}
	}()
	count := []stage.Agg{{Name: "n", Func: "count"}}
	for name, stages := range map[string][]arrowstream.Stage{
		"grouped": {&stage.Filter{Where: call("gt", col("i"), lit(int32(0)))}, &stage.Aggregate{By: []string{"k", "i"}, Aggs: exactAggs()}},
		"twice": {
			&stage.Aggregate{By: []string{"k", "i"}, Aggs: count, Updates: true}, &stage.Aggregate{By: []string{"i"}, Aggs: count, Updates: true},
		},
		"updates": {&stage.Aggregate{By: []string{"i"}, Aggs: exactAggs(), Updates: true}},
		"fails":   {&stage.Aggregate{By: []string{"i"}, Aggs: []stage.Agg{{Name: "s", Func: "sum", Args: []expr.Expr{call("mul", col("x"), col("x"))}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, rows := range []int{1000, 2048} {
				want := ""
				for _, workers := range []int{1, 2, 4} {
					var sb strings.Builder
					p := arrowstream.New(arrowstream.Options{Workers: workers, TickRows: rows, BatchRows: 1 + rows/2, Allocator: mem})
					s := p.From("t", src)
					for i, st := range stages {
						s = s.Via(st.(arrowstream.Parallel).Clone(), fmt.Sprint("op", i))
					}
					s.To(textSink{&sb})
					sum, err := p.Run(t.Context())
					if err != nil {
						sb.Reset()
						sb.WriteString("error: " + strings.Split(err.Error(), ": BIGINT overflow")[0]) // of which row is a race
					} else {
						for i := range stages {
							o, _ := sum.Operator(fmt.Sprint("op", i))
							fmt.Fprintf(&sb, "%d rows in, %d out\n", o.RowsIn, o.RowsOut)
						}
					}
					if got := sb.String(); want == "" {
						want = got
					} else if got != want {
						t.Errorf("%d workers, %d rows:\n%s\nwant\n%s", workers, rows, got, want)
					}
				}
				if strings.HasPrefix(want, "error") != (name == "fails") {
					t.Error(want)
				}
			}
		})
	}
}

// textSink writes what comes to it as text; without a place it drops it.
type textSink struct{ to *strings.Builder }

func (s textSink) Bind(*arrow.Schema, arrowstream.Env) error { return nil }
func (s textSink) Takes() arrowstream.Delivery               { return arrowstream.Changelog }
func (s textSink) Flush(context.Context) error               { return nil }
func (s textSink) Close() error                              { return nil }
func (s textSink) Write(_ context.Context, b arrowstream.Batch) error {
	if s.to != nil {
		s.to.WriteString(strings.Join(columnartest.Rows(b), "\n") + "\n")
	}
	return nil
}
