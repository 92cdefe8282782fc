package stage_test

import (
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func TestAggregate(t *testing.T) {
	const schema = "ts:timestamp[s]@ k:utf8 x:float64"
	n := stage.Agg{Name: "n", Func: "count"}
	s := stage.Agg{Name: "s", Func: "sum", Args: []expr.Expr{col("x")}}
	m := stage.Agg{Name: "m", Func: "max", Args: []expr.Expr{col("x")}}
	many := call("gt", col("n"), lit(int64(1)))
	in := []stagetest.Step{
		stagetest.Rows("1 b 1\n2 a 0.5\n3 null 4"), stagetest.Advance(1), stagetest.Advance(1),
		stagetest.Rows("4 b 0.25\n5 b NaN\n1 a null"), stagetest.Advance(2), stagetest.Rows("6 c 1\n7 b 1"), stagetest.End(),
	}
	with := func(a stage.Aggregate) func() arrowstream.Stage {
		return func() arrowstream.Stage { return a.Clone() }
	}
	run(t, map[string]stagetest.Case{
		"by key": {
			New: with(stage.Aggregate{By: []string{"k"}, Aggs: []stage.Agg{n, s}}), Schema: schema, In: in,
			Want: "k:utf8 n:int64! s:float64\nnull 1 4\na 2 0.5\nb 4 NaN\nc 1 1",
		},
		"having": {
			New: with(stage.Aggregate{By: []string{"k"}, Aggs: []stage.Agg{n}, Having: many}), Schema: schema, In: in, Want: "rows\na 2\nb 4",
		},
		"without key": {New: with(stage.Aggregate{Aggs: []stage.Agg{n, m}}), Schema: schema, In: in, Want: "rows\n8 NaN"},
		"without key and input": {
			New: with(stage.Aggregate{Aggs: []stage.Agg{n, s}}), Schema: schema, In: []stagetest.Step{stagetest.Idle(), stagetest.End()}, Want: "rows\n0 null",
		},
		"by key without input": {New: with(stage.Aggregate{By: []string{"k"}, Aggs: []stage.Agg{n}}), Schema: schema, In: []stagetest.Step{stagetest.End()}, Want: "rows"},
		"updates": {
			New: with(stage.Aggregate{By: []string{"k"}, Aggs: []stage.Agg{m}, Updates: true}), Schema: schema, In: in,
			Want: `k:utf8 m:float64 __op:int8!
				null 4 0
				a 0.5 0
				b 1 0
				b 1 1
				b NaN 2
				c 1 0`,
		},
		"updates with having": {
			New: with(stage.Aggregate{By: []string{"k"}, Aggs: []stage.Agg{s}, Having: call("lt", col("s"), lit(2.0)), Updates: true}), Schema: schema, In: in,
			Want: "rows\na 0.5 0\nb 1 0\nb 1 3\nc 1 0",
		},
		"updates without key": {
			New: with(stage.Aggregate{Aggs: []stage.Agg{n}, Updates: true}), Schema: schema, In: in, Want: "rows\n3 0\n3 1\n6 2\n6 1\n8 2",
		},
		"updates without key and input": {
			New: with(stage.Aggregate{Aggs: []stage.Agg{n}, Updates: true}), Schema: schema, In: []stagetest.Step{stagetest.Idle(), stagetest.End()}, Want: "rows\n0 0",
		},
		"distinct keys": {New: with(stage.Aggregate{By: []string{"k"}}), Schema: schema, In: in, Want: "rows\nnull\na\nb\nc"},
		"nothing":       {New: with(stage.Aggregate{}), Schema: schema, In: in, Err: "neither keys nor aggregates"},
		"having type":   {New: with(stage.Aggregate{Aggs: []stage.Agg{n}, Having: col("n")}), Schema: schema, In: in, Err: "having: the condition is BIGINT"},
	})
}
