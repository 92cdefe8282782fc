package window_test

import (
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage/stagetest"
	"github.com/arrowstream/arrowstream/window"
)

const second = 1_000_000 // in the unit of watermarks

func col(name string) expr.Expr { return expr.Col{Name: name} }

var (
	countAll = window.Agg{Name: "n", Func: "count"}
	sumX     = window.Agg{Name: "s", Func: "sum", Args: []expr.Expr{col("x")}}
)

func TestTumbling(t *testing.T) {
	const schema = "ts:timestamp[s]@ k:utf8 x:int64"
	byKey := func() arrowstream.Stage {
		return &window.Tumbling{Size: 10 * time.Second, By: []string{"k"}, Aggs: []window.Agg{countAll, sumX}}
	}
	cases := map[string]stagetest.Case{
		"two windows": {
			New: byKey, Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("1 a 1\n9 b 2\n10 a 3\n3 a 4"), stagetest.Advance(9 * second),
				stagetest.Rows("12 b 5"), stagetest.Advance(10 * second),
				stagetest.Rows("9 a 100\n19 b null"), stagetest.End(),
			},
			Want: `window_start:timestamp[s]! window_end:timestamp[s]@! k:utf8 n:int64! s:int64
				0 10 a 2 5
				0 10 b 1 2
				10 20 a 1 3
				10 20 b 2 5`,
			Side:   map[string]string{"late": "ts:timestamp[s]@ k:utf8 x:int64 late_by:duration[us]! watermark:timestamp[us]\n9 a 100 1000000 10000000"},
			Counts: &arrowstream.Counts{Late: 1},
		},
		"null keys, null times and negative times": {
			New: byKey, Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("-1 null 1\n-10 null 2\n-11 a 3\nnull a 4\n0 \"\" 5"), stagetest.Advance(-10 * second), stagetest.End(),
			},
			Want: `rows
				-20 -10 a 1 3
				-10 0 null 2 3
				0 10 "" 1 5`,
			Counts: &arrowstream.Counts{Skipped: 1},
		},
		"no input": {New: byKey, Schema: schema, In: []stagetest.Step{stagetest.Idle(), stagetest.End()}, Want: "rows"},
		"long gap": {
			New: byKey, Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("-4000000000 a 1\n4000000000 a 2"), stagetest.Advance(0), stagetest.Rows("4000000001 a 3"), stagetest.End(),
			},
			Want: "rows\n-4000000000 -3999999990 a 1 1\n4000000000 4000000010 a 2 5",
		},
		"no key, offset, window_time": {
			New: func() arrowstream.Stage {
				return &window.Tumbling{Size: 10 * time.Second, Offset: 3 * time.Second, WindowTime: true, Aggs: []window.Agg{countAll}}
			},
			Schema: schema,
			In:     []stagetest.Step{stagetest.Rows("2 a 1\n3 b 1\n12 b 1\n13 c 1"), stagetest.Advance(13 * second), stagetest.End()},
			Want: `window_start:timestamp[s]! window_end:timestamp[s]! window_time:timestamp[s]@! n:int64!
				-7 3 2 1
				3 13 12 2
				13 23 22 1`,
		},
		"no aggregate": {
			New:    func() arrowstream.Stage { return &window.Tumbling{Size: time.Second, By: []string{"k", "x"}} },
			Schema: "ts:timestamp[ms]@ k:utf8 x:float64",
			In:     []stagetest.Step{stagetest.Rows("1 a NaN\n2 a NaN\n3 a -0\n4 a 0\n5 a null\n6 b 1"), stagetest.End()},
			Want:   "rows\n0 1000 a null\n0 1000 a 0\n0 1000 a NaN\n0 1000 b 1",
		},
		"nanoseconds and a watermark between them": {
			New:    func() arrowstream.Stage { return &window.Tumbling{Size: 1500, Aggs: []window.Agg{countAll}} },
			Schema: "ts:timestamp[ns,UTC]@",
			In: []stagetest.Step{
				stagetest.Rows("0\n1499\n1500\n2999\n3000"), stagetest.Advance(1), stagetest.Rows("1400"), stagetest.Advance(2),
				stagetest.Rows("1499\n1500"), stagetest.Advance(3), stagetest.End(),
			},
			Want:   "rows\n0 1500 3\n1500 3000 3\n3000 4500 1",
			Side:   map[string]string{"late": "rows\n1499 1 2"},
			Counts: &arrowstream.Counts{Late: 1},
		},
		"days": {
			New: func() arrowstream.Stage {
				return &window.Tumbling{Size: 7 * 24 * time.Hour, Offset: 4 * 24 * time.Hour, Aggs: []window.Agg{countAll}}
			},
			Schema: "d:date32@",
			In:     []stagetest.Step{stagetest.Rows("2026-01-04\n2026-01-05\n2026-01-11\n1969-12-28"), stagetest.End()},
			Want:   "rows\n1969-12-22 1969-12-29 1\n2025-12-29 2026-01-05 1\n2026-01-05 2026-01-12 2",
		},
		"delay": {
			New: func() arrowstream.Stage {
				return &window.Tumbling{Size: 10 * time.Second, Delay: 5 * time.Second, Aggs: []window.Agg{countAll}}
			},
			Schema: "ts:timestamp[s]@",
			In: []stagetest.Step{
				stagetest.Rows("1"), stagetest.Advance(14 * second), stagetest.Rows("2"), stagetest.Advance(15 * second), stagetest.Rows("3"), stagetest.End(),
			},
			Want:   "rows\n0 10 2",
			Side:   map[string]string{"late": "rows\n3 12000000 15000000"},
			Counts: &arrowstream.Counts{Late: 1},
		},
		"timeout": {
			New: func() arrowstream.Stage {
				return &window.Tumbling{Size: 10 * time.Second, Timeout: time.Minute, By: []string{"k"}, Aggs: []window.Agg{countAll}}
			},
			Schema: schema,
			In: []stagetest.Step{
				stagetest.AdvanceClock(1000 * second), stagetest.Rows("1 a 1\n11 b 1"), stagetest.AdvanceClock(1001 * second),
				stagetest.AdvanceClock(1060 * second), stagetest.AdvanceClock(1061 * second), stagetest.Rows("2 a 1\n21 a 1"), stagetest.AdvanceClock(1062 * second),
				stagetest.End(),
			},
			Want:   "rows\n0 10 a 1\n10 20 b 1\n20 30 a 1",
			Side:   map[string]string{"late": "rows\n2 a 1 18000000 20000000"},
			Counts: &arrowstream.Counts{Late: 1},
		},
		"lateness": {
			New: func() arrowstream.Stage {
				return &window.Tumbling{Size: 10 * time.Second, Lateness: 10 * time.Second, By: []string{"k"}, Aggs: []window.Agg{countAll, {Name: "m", Func: "max", Args: []expr.Expr{col("x")}}}}
			},
			Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("1 a 5\n2 b 5\n11 a 1"), stagetest.Advance(10 * second),
				stagetest.Rows("3 a 9\n4 a 9\n5 c 1"), stagetest.Advance(19 * second),
				stagetest.Rows("3 b 1"), stagetest.Advance(20 * second),
				stagetest.Rows("3 b 1\n12 a 8"), stagetest.End(),
			},
			Want: `window_start:timestamp[s]! window_end:timestamp[s]@! k:utf8 n:int64! m:int64 __op:int8!
				0 10 a 1 5 0
				0 10 b 1 5 0
				0 10 a 1 5 1
				0 10 a 3 9 2
				0 10 c 1 1 0
				0 10 b 1 5 1
				0 10 b 2 5 2
				10 20 a 1 1 0
				10 20 a 1 1 1
				10 20 a 2 8 2`,
			Side:   map[string]string{"late": "rows\n3 b 1 17000000 20000000"},
			Counts: &arrowstream.Counts{Late: 1},
		},
		"updates": {
			New: func() arrowstream.Stage {
				return &window.Tumbling{Size: 10 * time.Second, Updates: true, By: []string{"k"}, Aggs: []window.Agg{{Name: "m", Func: "max", Args: []expr.Expr{col("x")}}}}
			},
			Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("1 a 5\n2 b 5\n11 a 1"), stagetest.Advance(1 * second),
				stagetest.Rows("3 a 9\n4 a 7\n5 b 1"), stagetest.Advance(9 * second),
				stagetest.Advance(10 * second),
				stagetest.Rows("3 b 1\n12 a 8"), stagetest.End(),
			},
			Want:   "rows\n0 10 a 5 0\n0 10 b 5 0\n10 20 a 1 0\n0 10 a 5 1\n0 10 a 9 2\n10 20 a 1 1\n10 20 a 8 2",
			Side:   map[string]string{"late": "rows\n3 b 1 7000000 10000000"},
			Counts: &arrowstream.Counts{Late: 1},
		},
		"filter, distinct and expressions": {
			New: func() arrowstream.Stage {
				odd := expr.Call{Name: "eq", Args: []expr.Expr{expr.Call{Name: "mod", Args: []expr.Expr{col("x"), expr.Lit{Value: int64(2)}}}, expr.Lit{Value: int64(1)}}}
				return &window.Tumbling{Size: 10 * time.Second, Aggs: []window.Agg{
					{Name: "odd", Func: "count", Filter: odd},
					{Name: "s", Func: "sum", Args: []expr.Expr{col("x")}, Filter: odd},
					{Name: "d", Func: "count", Args: []expr.Expr{col("k")}, Distinct: true},
				}}
			},
			Schema: schema,
			In:     []stagetest.Step{stagetest.Rows("1 a 1\n2 a 2\n3 b 3\n4 null 4"), stagetest.End()},
			Want:   "rows\n0 10 2 4 2",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { stagetest.Run(t, c) })
	}
}

func TestTumblingErrors(t *testing.T) {
	const schema = "ts:timestamp[s]@ k:utf8 x:int64"
	for name, c := range map[string]struct {
		w    window.Tumbling
		rows string
		in   string
		err  string
	}{
		"size":           {w: window.Tumbling{}, err: "size 0s is not positive"},
		"unit":           {w: window.Tumbling{Size: 1500 * time.Millisecond}, err: "no whole number of units"},
		"days":           {in: "d:date32@", w: window.Tumbling{Size: 36 * time.Hour}, err: "no whole number of units"},
		"no event time":  {in: "x:int64", w: window.Tumbling{Size: time.Second}, err: "no event time"},
		"no time":        {w: window.Tumbling{Size: time.Second, Time: "x"}, err: "AS1403"},
		"column":         {w: window.Tumbling{Size: time.Second, By: []string{"kk"}}, err: `unknown column "kk"`},
		"function":       {w: window.Tumbling{Size: time.Second, Aggs: []window.Agg{{Func: "sums"}}}, err: `did you mean "sum"?`},
		"argument":       {w: window.Tumbling{Size: time.Second, Aggs: []window.Agg{{Func: "sum", Args: []expr.Expr{col("y")}}}}, err: "AS1203"},
		"names":          {w: window.Tumbling{Size: time.Second, By: []string{"k"}, Aggs: []window.Agg{{Name: "k", Func: "count"}}}, err: `two output columns are called "k"`},
		"changelog":      {in: "ts:timestamp[s]@ __op:int8", w: window.Tumbling{Size: time.Second}, err: "AS1406"},
		"null time":      {w: window.Tumbling{Size: time.Second, Nulls: window.FailOnNullTime}, rows: "null a 1", err: `column "ts": tumbling`},
		"null time code": {w: window.Tumbling{Size: time.Second, Nulls: window.FailOnNullTime}, rows: "null a 1", err: "AS4006"},
		"too early":      {w: window.Tumbling{Size: time.Second}, rows: "-9223372036854775808 a 1", err: "AS4001"},
		"too late":       {w: window.Tumbling{Size: time.Second}, rows: "9223372036854775807 a 1", err: "AS4001"},
		"date range":     {in: "d:date32@", w: window.Tumbling{Size: 24 * time.Hour}, rows: "2147483647", err: "AS4001"},
		"size too great": {in: "d:timestamp[ns]@", w: window.Tumbling{Size: 1 << 62}, err: "too great"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.in == "" {
				c.in = schema
			}
			stagetest.Run(t, stagetest.Case{
				New:    func() arrowstream.Stage { return c.w.Clone() },
				Schema: c.in, In: []stagetest.Step{stagetest.Rows(c.rows), stagetest.End()}, Err: c.err, Plain: true,
			})
		})
	}
}
