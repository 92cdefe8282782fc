package stage_test

import (
	"cmp"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func over(o stage.Over) func() arrowstream.Stage {
	return func() arrowstream.Stage { return o.Clone() }
}

func TestOver(t *testing.T) {
	const schema = "ts:timestamp[s]@! k:utf8 x:int64"
	const s = 1_000_000
	rows := func(n int64) stage.Frame { return stage.Frame{Rows: true, Start: stage.Preceding, Preceding: n} }
	span := func(n time.Duration) stage.Frame { return stage.Frame{Start: stage.Preceding, Span: n * time.Second} }
	x := []expr.Expr{col("x")}
	in := []stagetest.Step{
		stagetest.Rows("1 b 1\n1 a 2\n3 a 3\n1 a 5"), stagetest.Advance(3 * s), stagetest.Rows("2 c 4\n3 b 0\n5 a null\n3 a 9"), stagetest.Advance(4 * s),
		stagetest.Advance(4 * s), stagetest.Rows("9 a 4\n4 null 1\n6 b 7"), stagetest.End(),
	}
	late := map[string]string{"late": "rows\n2 c 4 1000000 3000000"}
	by := []string{"k"}
	run(t, map[string]stagetest.Case{
		"numbers": {
			New:    over(stage.Over{By: by, Calls: []stage.OverCall{{Func: "row_number"}, {Func: "RANK", Name: "r"}, {Func: "dense_rank", Name: "d"}}}),
			Schema: schema, In: in, Side: late,
			Want: `ts:timestamp[s]@! k:utf8 x:int64 row_number:int64! r:int64! d:int64!
				1 a 2 1 1 1
				1 a 5 2 1 1
				1 b 1 1 1 1
				3 a 3 3 3 2
				3 a 9 4 3 2
				3 b 0 2 2 2
				4 null 1 1 1 1
				5 a null 5 5 3
				6 b 7 3 3 3
				9 a 4 6 6 4`,
		},
		"numbers by time and x": {
			New:    over(stage.Over{By: by, Then: []stage.SortKey{{Expr: col("x"), Desc: true}}, Calls: []stage.OverCall{{Func: "rank"}}}),
			Schema: schema, In: in, Side: late,
			Want: "rows\n1 a 5 1\n1 a 2 2\n1 b 1 1\n3 a 9 3\n3 a 3 4\n3 b 0 2\n4 null 1 1\n5 a null 5\n6 b 7 3\n9 a 4 6",
		},
		"single rows": {
			New: over(stage.Over{By: by, Calls: []stage.OverCall{
				{Func: "lag", Name: "l1", Args: x},
				{Func: "lag", Name: "l2", Args: []expr.Expr{col("x"), lit(int64(2)), call("negate", col("x"))}},
				{Func: "first_value", Name: "f", Args: x, Frame: rows(1)},
				{Func: "first_value", Name: "ff", Args: x},
				{Func: "last_value", Name: "l", Args: x},
				{Func: "nth_value", Name: "n", Args: []expr.Expr{col("x"), lit(int64(2))}, Frame: span(2)},
				{Func: "nth_value", Name: "n3", Args: []expr.Expr{col("x"), lit(int64(3))}, Frame: stage.Frame{Rows: true}},
			}}),
			Schema: schema, In: in, Side: late,
			Want: `rows
				1 a 2 null -2 2 2 5 5 null
				1 a 5 2 -5 2 2 5 5 null
				1 b 1 null -1 1 1 1 null null
				3 a 3 5 2 5 2 9 5 3
				3 a 9 3 5 3 2 9 5 3
				3 b 0 1 0 1 1 0 0 null
				4 null 1 null -1 1 1 1 null null
				5 a null 9 3 9 2 null 9 3
				6 b 7 0 1 0 1 7 null 7
				9 a 4 null 9 null 2 4 null 3`,
		},
		"aggregates": {
			New: over(stage.Over{By: by, Calls: []stage.OverCall{
				{Func: "sum", Name: "s1", Args: x, Frame: rows(1)},
				{Func: "sum", Name: "s", Args: x},
				{Func: "count", Name: "n", Frame: span(2)},
				{Func: "max", Name: "m", Args: x, Frame: stage.Frame{Rows: true}},
				{Func: "count", Name: "c", Frame: stage.Frame{Start: stage.CurrentRow}},
				{Func: "sum", Name: "e", Args: x, Frame: stage.Frame{Rows: true, Start: stage.CurrentRow}},
			}}),
			Schema: schema, In: in, Side: late,
			Want: `ts:timestamp[s]@! k:utf8 x:int64 s1:int64 s:int64 n:int64! m:int64 c:int64! e:int64
				1 a 2 2 7 2 2 2 2
				1 a 5 7 7 2 5 2 5
				1 b 1 1 1 1 1 1 1
				3 a 3 8 19 4 5 2 3
				3 a 9 12 19 4 9 2 9
				3 b 0 1 1 2 1 1 0
				4 null 1 1 1 1 1 1 1
				5 a null 9 19 3 9 1 null
				6 b 7 7 8 1 7 1 7
				9 a 4 4 23 1 9 1 4`,
		},
		"without key": {
			New:    over(stage.Over{Calls: []stage.OverCall{{Func: "sum", Name: "s", Args: x, Frame: rows(2)}, {Func: "row_number", Name: "n"}}}),
			Schema: schema, In: in, Side: late,
			Want: "rows\n1 b 1 1 1\n1 a 2 3 2\n1 a 5 8 3\n3 a 3 10 4\n3 b 0 8 5\n3 a 9 12 6\n4 null 1 10 7\n5 a null 10 8\n6 b 7 8 9\n9 a 4 11 10",
		},
		"keys are forgotten": {
			New: over(stage.Over{By: by, TTL: 3 * time.Second, Calls: []stage.OverCall{
				{Func: "row_number", Name: "n"}, {Func: "lag", Args: x}, {Func: "sum", Args: x}, {Func: "first_value", Name: "f", Args: x},
			}}),
			Schema: schema, In: in, Side: late,
			Want: "rows\n1 a 2 1 null 7 2\n1 a 5 2 2 7 2\n1 b 1 1 null 1 1\n3 a 3 3 5 19 2\n3 a 9 4 3 19 2\n3 b 0 2 1 1 1\n4 null 1 1 null 1 1\n5 a null 5 9 19 2\n6 b 7 1 null 7 7\n9 a 4 1 null 4 4",
		},
		"unknown function": {New: over(stage.Over{Calls: []stage.OverCall{{Func: "ran"}}}), Schema: schema, In: in, Err: "AS1601"},
		"lag of a column":  {New: over(stage.Over{Calls: []stage.OverCall{{Func: "lag", Args: []expr.Expr{col("x"), col("x")}}}}), Schema: schema, In: in, Err: "constant"},
		"range and keys": {
			New:    over(stage.Over{Then: []stage.SortKey{{Expr: col("x")}}, Calls: []stage.OverCall{{Func: "sum", Args: x, Frame: span(1)}}}),
			Schema: schema, In: in, Err: "order by time alone",
		},
		"same name": {New: over(stage.Over{Calls: []stage.OverCall{{Func: "rank", Name: "x"}}}), Schema: schema, In: in, Err: "AS1204"},
		"changelog": {New: over(stage.Over{}), Schema: "ts:timestamp[s]@ __op:int8", In: in, Err: "AS1406"},
	})
}

// overRow is a row of the oracle.
type overRow struct {
	ts, k int
	x     float64
}

// TestOverRandom compares with a loop over the frame of each row.
func TestOverRandom(t *testing.T) {
	for seed := range rounds(4) {
		r := rand.New(rand.NewPCG(seed, 2))
		var rows []overRow
		var steps []stagetest.Step
		keys, ticks := 1+int(seed), 8
		for tick := range ticks {
			var lines []string
			for range r.IntN(80 / keys) {
				v := overRow{tick*10 + r.IntN(15), r.IntN(keys), r.Float64()}
				rows = append(rows, v)
				lines = append(lines, fmt.Sprintf("%d %d %v", v.ts, v.k, v.x))
			}
			if len(lines) > 0 {
				steps = append(steps, stagetest.Rows(strings.Join(lines, "\n")))
			}
			steps = append(steps, stagetest.Advance(int64(tick*10)))
		}
		slices.SortStableFunc(rows, func(a, b overRow) int { return cmp.Or(cmp.Compare(a.ts, b.ts), cmp.Compare(a.k, b.k)) })
		var calls []stage.OverCall
		frames := []stage.Frame{
			{},
			{Rows: true},
			{Rows: true, Start: stage.Preceding, Preceding: int64(r.IntN(5))},
			{Rows: true, Start: stage.Preceding, Preceding: int64(20 + r.IntN(100))},
			{Start: stage.Preceding, Span: time.Duration(r.IntN(30)) * time.Microsecond},
			{Start: stage.CurrentRow},
		}
		for i, f := range frames {
			for _, fn := range []string{"sum", "avg", "max", "first", "last", "count"} {
				calls = append(calls, stage.OverCall{Func: fn, Name: fmt.Sprint(fn, i), Args: []expr.Expr{col("x")}, Frame: f})
			}
			calls = append(calls, stage.OverCall{Func: "nth_value", Name: fmt.Sprint("n", i), Args: []expr.Expr{col("x"), lit(int64(3))}, Frame: f})
		}
		n := 1 + r.IntN(20)
		calls = append(calls, stage.OverCall{Func: "lag", Args: []expr.Expr{col("x"), lit(int64(n))}})
		want := []string{"rows"}
		for i, v := range rows {
			var mine []overRow // of the key, up to the peers
			here := 0
			for j, o := range rows {
				if o.k == v.k && (j <= i || o.ts == v.ts) {
					mine = append(mine, o)
				}
				if o.k == v.k && j <= i {
					here++
				}
			}
			line := fmt.Sprintf("%d %d %v", v.ts, v.k, v.x)
			for _, f := range frames {
				line += oracleFrame(mine, here, f)
			}
			if here > n {
				line += fmt.Sprint(" ", mine[here-1-n].x)
			} else {
				line += " null"
			}
			want = append(want, line)
		}
		stagetest.Run(t, stagetest.Case{
			New:    over(stage.Over{Time: "ts", By: []string{"k"}, Calls: calls}),
			Schema: "ts:timestamp[us]! k:int64! x:float64!", NoNulls: true,
			In: append(steps, stagetest.End()), Want: strings.Join(want, "\n"),
		})
	}
}

// oracleFrame is sum, avg, max, first, last, count and nth_value(3) of the frame
// of row here-1 of rows, which end with its peers. Sums of bounded frames are
// exact until they are rounded.
func oracleFrame(rows []overRow, here int, f stage.Frame) string {
	cur := rows[here-1]
	if f.Rows {
		rows = rows[:here]
	}
	rows = slices.Clone(rows)
	switch {
	case f.Start == stage.Preceding && f.Rows:
		rows = rows[max(0, len(rows)-1-int(f.Preceding)):]
	case f.Start == stage.Preceding:
		rows = slices.DeleteFunc(rows, func(o overRow) bool { return cur.ts-o.ts > int(f.Span.Microseconds()) })
	case f.Start == stage.CurrentRow:
		rows = slices.DeleteFunc(rows, func(o overRow) bool { return o.ts != cur.ts })
	}
	sum, most := 0.0, rows[0].x
	total := new(big.Float).SetPrec(2200) // exact
	for _, o := range rows {
		sum, most = sum+o.x, max(most, o.x)
		total.Add(total, big.NewFloat(o.x))
	}
	if f.Start != stage.UnboundedPreceding {
		sum, _ = total.Float64()
	}
	text := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	third := "null"
	if len(rows) > 2 {
		third = text(rows[2].x)
	}
	return fmt.Sprintf(" %s %s %s %s %s %d %s", text(sum), text(sum/float64(len(rows))), text(most), text(rows[0].x), text(rows[len(rows)-1].x), len(rows), third)
}

// TestOverBounded compares whole partitions with a loop over the rows of each.
func TestOverBounded(t *testing.T) {
	const schema = "end:timestamp[s]@! k:utf8 t:timestamp[s] x:int64"
	const s = 1_000_000
	x := []expr.Expr{col("x")}
	in := []stagetest.Step{
		stagetest.Rows("10 b 1 1\n10 a 4 2\n20 a 13 3\n10 a 2 5"), stagetest.Advance(10 * s), stagetest.Rows("10 a 7 4\n20 b 11 0"), stagetest.Advance(12 * s),
		stagetest.Rows("20 a 19 7\n20 a 13 6"), stagetest.End(),
	}
	calls := []stage.OverCall{
		{Func: "row_number", Name: "n"},
		{Func: "lead", Args: x},
		{Func: "lag", Args: []expr.Expr{col("x"), lit(int64(1)), lit(int64(-1))}},
		{Func: "ntile", Args: []expr.Expr{lit(int64(2))}},
		{Func: "percent_rank", Name: "p"},
		{Func: "cume_dist", Name: "c"},
		{Func: "sum", Name: "all", Args: x, Frame: stage.Frame{End: stage.UnboundedFollowing}},
		{Func: "sum", Name: "near", Args: x, Frame: stage.Frame{Start: stage.Preceding, Span: 2 * time.Second, End: stage.ToFollowing, FollowingSpan: 3 * time.Second}},
		{Func: "sum", Name: "next", Args: x, Frame: stage.Frame{Rows: true, Start: stage.Preceding, Preceding: -1, End: stage.ToFollowing, Following: 2}},
		{Func: "last_value", Name: "l", Args: x, Frame: stage.Frame{Rows: true, Start: stage.CurrentRow, End: stage.UnboundedFollowing}},
		{Func: "sum", Name: "s", Args: x},
	}
	then := []stage.SortKey{{Expr: col("t")}}
	run(t, map[string]stagetest.Case{
		"at the end": {
			New: over(stage.Over{Bounded: true, By: []string{"k"}, Then: then, Calls: calls}), Schema: schema, In: in, NoNulls: true,
			Want: `end:timestamp[s]! k:utf8 t:timestamp[s] x:int64 n:int64! lead:int64 lag:int64 ntile:int64! p:float64! c:float64! all:int64 near:int64 next:int64 l:int64 s:int64
				10 a 2 5 1 2 -1 1 0 0.16666666666666666 27 7 6 7 5
				10 a 4 2 2 4 5 1 0.2 0.3333333333333333 27 11 7 7 7
				10 a 7 4 3 3 2 1 0.4 0.5 27 4 9 7 11
				20 a 13 3 4 6 4 2 0.6 0.8333333333333334 27 9 13 7 20
				20 a 13 6 5 7 3 2 0.6 0.8333333333333334 27 9 7 7 20
				20 a 19 7 6 null 6 2 1 1 27 7 null 7 27
				10 b 1 1 1 0 -1 1 0 0.5 1 1 0 0 1
				20 b 11 0 2 null 1 2 1 1 1 0 null 0 1`,
		},
		"of windows": {
			New: over(stage.Over{Bounded: true, Time: "end", By: []string{"k"}, Then: then, Calls: calls[:7]}), Schema: schema, In: in, NoNulls: true,
			Want: `rows
				10 a 2 5 1 2 -1 1 0 0.3333333333333333 11
				10 a 4 2 2 4 5 1 0.5 0.6666666666666666 11
				10 a 7 4 3 null 2 2 1 1 11
				10 b 1 1 1 null -1 1 0 1 1
				20 a 13 3 1 6 -1 1 0 0.6666666666666666 16
				20 a 13 6 2 7 3 1 0 0.6666666666666666 16
				20 a 19 7 3 null 6 2 1 1 16
				20 b 11 0 1 null -1 1 0 1 0`,
		},
		"by x, falling": {
			New: over(stage.Over{Bounded: true, Then: []stage.SortKey{{Expr: col("x"), Desc: true, NullsLast: true}}, Calls: calls[:6]}), Schema: schema, In: in,
			Want: "any",
		},
		"not whole": {New: over(stage.Over{Calls: calls[1:2]}), Schema: schema, In: in, Err: "AS1405"},
		"behind":    {New: over(stage.Over{Calls: calls[6:7]}), Schema: schema, In: in, Err: "AS1405"},
		"no time":   {New: over(stage.Over{Bounded: true, Calls: calls[7:8]}), Schema: schema, In: in, Err: "ascends"},
	})
}

// TestOverBlocks has frames of dozens of rows, whose aggregates are put
// together from blocks: the same for every cut and after every restore.
func TestOverBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var steps []stagetest.Step
	for tick := range 4 {
		var lines []string
		for i := range 90 {
			lines = append(lines, fmt.Sprintf("%d %d %v %v", tick*90+i, r.IntN(2), r.NormFloat64(), r.NormFloat64()))
		}
		steps = append(steps, stagetest.Rows(strings.Join(lines, "\n")), stagetest.Advance(int64(tick*90+40)))
	}
	x, y := col("x"), col("y")
	var calls []stage.OverCall
	for i, f := range []stage.Frame{
		{Rows: true, Start: stage.Preceding, Preceding: 60},
		{Start: stage.Preceding, Span: 70 * time.Microsecond},
	} {
		for _, fn := range []string{"stddev", "var_pop", "approx_count_distinct", "median"} {
			calls = append(calls, stage.OverCall{Func: fn, Name: fmt.Sprint(fn, i), Args: []expr.Expr{x}, Frame: f})
		}
		for _, fn := range []string{"corr", "arg_max", "rmse"} {
			calls = append(calls, stage.OverCall{Func: fn, Name: fmt.Sprint(fn, i), Args: []expr.Expr{x, y}, Frame: f})
		}
	}
	stagetest.Run(t, stagetest.Case{
		New:    over(stage.Over{Time: "ts", By: []string{"k"}, Calls: calls}),
		Schema: "ts:timestamp[us]! k:int64! x:float64 y:float64",
		In:     append(steps, stagetest.End()), Want: "any",
	})
}
