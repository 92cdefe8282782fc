package stage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

// aggsOfChanges are aggregates of k, x (integers), f (floats whose sums are
// exact) and s.
func aggsOfChanges() []stage.Agg {
	x, f, s := []expr.Expr{col("x")}, []expr.Expr{col("f")}, []expr.Expr{col("s")}
	even := call("eq", call("mod", col("x"), lit(int64(2))), lit(int64(0)))
	return []stage.Agg{
		{Name: "n", Func: "count"},
		{Name: "even", Func: "count", Filter: even},
		{Name: "sum", Func: "sum", Args: x},
		{Name: "avg", Func: "avg", Args: f},
		{Name: "fsum", Func: "sum", Args: f, Filter: even},
		{Name: "min", Func: "min", Args: f},
		{Name: "max", Func: "max", Args: s},
		{Name: "least", Func: "min", Args: x, Filter: even},
		{Name: "d", Func: "count", Args: x, Distinct: true},
		{Name: "dsum", Func: "sum", Args: f, Distinct: true},
		{Name: "all", Func: "bool_and", Args: []expr.Expr{even}},
		{Name: "median", Func: "median", Args: x},
	}
}

// orderedAggs are aggregates in which the order of rows shows, and so which of
// the rows with equal arguments is taken back.
func orderedAggs() []stage.Agg {
	x, s := []expr.Expr{col("x")}, []expr.Expr{col("s")}
	return []stage.Agg{
		{Name: "var", Func: "var_pop", Args: x},
		{Name: "first", Func: "first", Args: s},
		{Name: "last", Func: "last", Args: x},
		{Name: "list", Func: "array_agg", Args: x},
		{Name: "set", Func: "array_agg", Args: s, Distinct: true},
		{Name: "arg", Func: "arg_max", Args: []expr.Expr{col("s"), col("x")}},
	}
}

func rowOfChanges(r *rand.Rand) string {
	k := []string{"a", "b", "null", "d", "e", "f"}[r.IntN(6)]
	x := []string{"1", "2", "3", "null", "-1099511627776", "4"}[r.IntN(6)]
	if r.IntN(3) > 0 {
		x = fmt.Sprint(r.IntN(6))
	}
	f := []string{"0.5", "1.25", "-3", "null", "0", "NaN", "2", "7"}[r.IntN(8)]
	return strings.Join([]string{k, x, f, []string{"p", "q", "rr", "null"}[r.IntN(4)]}, " ")
}

// TestAggregateOfChanges compares, after every tick, what the changes of an
// aggregation amount to with one that only ever saw the rows that are left.
func TestAggregateOfChanges(t *testing.T) {
	const schema, plain = "k:utf8 x:int64 f:float64 s:utf8 __op:int8!", "k:utf8 x:int64 f:float64 s:utf8"
	for _, by := range [][]string{{"k"}, {"k", "s"}, nil} {
		c := &changes{r: rand.New(rand.NewPCG(1, uint64(len(by)))), row: rowOfChanges}
		having := call("gt", col("n"), lit(int64(1)))
		if by == nil {
			having = nil
		}
		create := func() arrowstream.Stage {
			return &stage.Aggregate{By: by, Aggs: aggsOfChanges(), Having: having, Updates: true}
		}
		var steps []stagetest.Step
		var want [][]string
		for i := range 12 {
			steps = append(steps, stagetest.Rows(c.next(c.r.IntN(40))), stagetest.Advance(int64(i)))
			if i == 11 {
				steps[len(steps)-1] = stagetest.End()
			}
			final := func() arrowstream.Stage { return &stage.Aggregate{By: by, Aggs: aggsOfChanges(), Having: having} }
			rows := stagetest.Play(t, final, plain, stagetest.Rows(strings.Join(c.live, "\n")), stagetest.End()).Rows()
			want = append(want, slices.Sorted(slices.Values(rows)))
		}
		f := folded{t: t}
		for i, lines := range stagetest.Play(t, create, schema, steps...).Ticks {
			f.tick(lines)
			if by == nil && len(f.rows) == 0 {
				continue // the row of no input comes at the end
			}
			if d := columnartest.Diff(strings.Join(f.all(), "\n"), strings.Join(want[i], "\n")); d != "" {
				t.Fatalf("by %v, tick %d (-want +got):\n%s", by, i, d)
			}
		}
		t.Run(fmt.Sprintf("runs/keys=%d", len(by)), func(t *testing.T) {
			create := func() arrowstream.Stage {
				return &stage.Aggregate{By: by, Aggs: append(aggsOfChanges(), orderedAggs()...), Having: having, Updates: true}
			}
			stagetest.Run(t, stagetest.Case{New: create, Schema: schema, In: steps[:12], Want: "any", NoNulls: true})
		})
		t.Run(fmt.Sprintf("final/keys=%d", len(by)), func(t *testing.T) {
			final := func() arrowstream.Stage { return &stage.Aggregate{By: by, Aggs: aggsOfChanges(), Having: having} }
			rows := stagetest.Play(t, final, schema, steps...).Rows()
			if d := columnartest.Diff(strings.Join(slices.Sorted(slices.Values(rows)), "\n"), strings.Join(want[11], "\n")); d != "" {
				t.Fatalf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestAggregateForgets(t *testing.T) {
	n := []stage.Agg{{Name: "n", Func: "count"}}
	const s = 1_000_000
	run(t, map[string]stagetest.Case{
		"a group that is gone": {
			New:    func() arrowstream.Stage { return &stage.Aggregate{By: []string{"k"}, Aggs: n, Updates: true} },
			Schema: "k:utf8 __op:int8!", NoNulls: true,
			In: []stagetest.Step{
				stagetest.Rows("a 0\nb 0"), stagetest.Advance(1), stagetest.Rows("a 3\nb 1\nb 2"), stagetest.Advance(2),
				stagetest.Rows("c 0\nc 3\na 0"), stagetest.Advance(3), stagetest.Rows("b 3\na 0"), stagetest.End(),
			},
			Want: "rows\na 1 0\nb 1 0\na 1 3\na 1 0\na 1 1\na 2 2\nb 1 3",
		},
		"ttl in event time": {
			New: func() arrowstream.Stage {
				return &stage.Aggregate{By: []string{"k"}, Aggs: n, Updates: true, TTL: 10 * time.Second}
			},
			Schema: "ts:timestamp[s]@ k:utf8", NoNulls: true,
			In: []stagetest.Step{
				stagetest.Rows("1 a\n2 b"), stagetest.Idle(), stagetest.Advance(2 * s), stagetest.Rows("8 a"), stagetest.Advance(8 * s),
				stagetest.Advance(13 * s), stagetest.Rows("14 a\n14 b"), stagetest.Advance(14 * s), stagetest.Advance(40 * s),
				stagetest.Rows("41 a"), stagetest.Advance(41 * s), stagetest.Rows("42 a"), stagetest.End(),
			},
			Want: "rows\na 1 0\nb 1 0\na 1 1\na 2 2\na 2 1\na 3 2\nb 1 0\na 1 0\na 1 1\na 2 2",
		},
		"ttl of a clock": {
			New: func() arrowstream.Stage {
				return &stage.Aggregate{By: []string{"k"}, Aggs: n, Updates: true, TTL: 10 * time.Second}
			},
			Schema: "k:utf8 __op:int8!", NoNulls: true,
			In: []stagetest.Step{
				stagetest.Rows("a 0\na 0"), stagetest.AdvanceClock(2 * s), stagetest.AdvanceClock(20 * s), stagetest.Rows("a 3"), stagetest.AdvanceClock(21 * s),
				stagetest.Rows("a 0"), stagetest.AdvanceClock(22 * s), stagetest.End(),
			},
			Want: "rows\na 2 0\na 1 0",
		},
	})
}
