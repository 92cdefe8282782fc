package stage_test

import (
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/stage/stagetest"
)

func col(name string) expr.Expr { return expr.Col{Name: name} }

func lit(v any) expr.Expr { return expr.Lit{Value: v} }

func call(name string, args ...expr.Expr) expr.Expr { return expr.Call{Name: name, Args: args} }

// run runs cases by name.
func run(t *testing.T, cases map[string]stagetest.Case) {
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { stagetest.Run(t, c) })
	}
}

func TestFilter(t *testing.T) {
	const schema = "ts:timestamp[s]@ k:utf8 x:int64"
	where := func(e expr.Expr) func() arrowstream.Stage {
		return func() arrowstream.Stage { return &stage.Filter{Where: e} }
	}
	run(t, map[string]stagetest.Case{
		"null is not true": {
			New: where(call("gt", col("x"), lit(int64(1)))), Schema: schema,
			In:   []stagetest.Step{stagetest.Rows("1 a 1\n2 b 2\n3 c null\n4 d 5"), stagetest.Advance(4), stagetest.Rows("1 a 0"), stagetest.End()},
			Want: "ts:timestamp[s]@ k:utf8 x:int64\n2 b 2\n4 d 5",
		},
		"strings": {
			New: where(call("eq", col("k"), lit("é"))), Schema: schema,
			In:   []stagetest.Step{stagetest.Rows("1 é 1\n2 e 2\n3 null 3\n4 é 4"), stagetest.End()},
			Want: "rows\n1 é 1\n4 é 4",
		},
		"changelog": {
			New: where(call("gt", col("x"), lit(int64(1)))), Schema: "x:int64 __op:int8",
			In: []stagetest.Step{stagetest.Rows("1 0\n1 1\n2 2\n2 1\n3 2\n3 1\n0 2"), stagetest.End()}, Want: "x:int64 __op:int8\n2 0\n2 3\n3 0\n3 3",
		},
		"columns": {
			New: func() arrowstream.Stage {
				return &stage.Filter{Where: call("gt", col("x"), lit(int64(1))), Columns: []string{"k", "ts"}}
			}, Schema: schema,
			In:   []stagetest.Step{stagetest.Rows("1 a 1\n2 b 2\n3 c null\n4 d 5"), stagetest.Advance(4), stagetest.Rows("5 e 6"), stagetest.End()},
			Want: "ts:timestamp[s]@ k:utf8\n2 b\n4 d\n5 e",
		},
		"columns of a changelog": {
			New: func() arrowstream.Stage {
				return &stage.Filter{Where: call("gt", col("x"), lit(int64(1))), Columns: []string{"y"}}
			}, Schema: "x:int64 y:int64 __op:int8",
			In: []stagetest.Step{stagetest.Rows("1 7 0\n2 8 1"), stagetest.End()}, Want: "y:int64 __op:int8\n8 3",
		},
		"computed columns": {
			New: func() arrowstream.Stage {
				return &stage.Filter{
					Also:  []stage.Column{{Name: "up", Expr: call("upper", col("k"))}},
					Where: call("ge", col("up"), lit("B")), Columns: []string{"ts", "up"},
				}
			}, Schema: schema,
			In:   []stagetest.Step{stagetest.Rows("1 a 1\n2 b 2\n3 null null\n4 d 5"), stagetest.End()},
			Want: "ts:timestamp[s]@ up:utf8\n2 B\n4 D",
		},
		"computed columns of a changelog": {
			New: func() arrowstream.Stage {
				return &stage.Filter{Also: []stage.Column{{Name: "y", Expr: col("x")}}, Where: lit(true)}
			}, Schema: "x:int64 __op:int8", In: []stagetest.Step{stagetest.End()}, Err: "AS1406",
		},
		"columns that are not there": {
			New: func() arrowstream.Stage { return &stage.Filter{Where: lit(true), Columns: []string{"z"}} }, Schema: schema,
			In: []stagetest.Step{stagetest.End()}, Err: "AS1203",
		},
		"no columns": {
			New: func() arrowstream.Stage { return &stage.Filter{Where: lit(true), Columns: []string{}} }, Schema: schema,
			In: []stagetest.Step{stagetest.End()}, Err: "AS1101",
		},
		"constant": {New: where(lit(false)), Schema: schema, In: []stagetest.Step{stagetest.Rows("1 a 1"), stagetest.End()}, Want: "rows"},
		"no condition": {
			New: where(col("x")), Schema: schema, In: []stagetest.Step{stagetest.End()}, Err: "the condition is BIGINT",
		},
		"unknown column": {New: where(col("y")), Schema: schema, In: []stagetest.Step{stagetest.End()}, Err: "AS1203"},
		"data error": {
			New: where(call("gt", call("mod", lit(int64(1)), col("x")), lit(int64(0)))), Schema: schema,
			In: []stagetest.Step{stagetest.Rows("1 a 0"), stagetest.End()}, Err: "AS4002",
		},
	})
}

func TestProject(t *testing.T) {
	const schema = "ts:timestamp[s]@ k:utf8 x:int64!"
	run(t, map[string]stagetest.Case{
		"computed, renamed and dropped": {
			New: func() arrowstream.Stage {
				return &stage.Project{Columns: []stage.Column{
					{Name: "twice", Expr: call("mul", col("x"), lit(int64(2)))}, {Name: "at", Expr: col("TS")}, {Expr: col("k")}, {Name: "one", Expr: lit(int64(1))},
				}}
			},
			Schema: schema,
			In:     []stagetest.Step{stagetest.Rows("1 a 1\nnull null 3"), stagetest.Advance(1), stagetest.End()},
			Want:   "twice:int64! at:timestamp[s]@ k:utf8 one:int64!\n2 1 a 1\n6 null null 1",
		},
		"event time lost": {
			New:    func() arrowstream.Stage { return &stage.Project{Columns: []stage.Column{{Expr: col("x")}}} },
			Schema: schema, In: []stagetest.Step{stagetest.Rows("1 a 1"), stagetest.End()}, Want: "x:int64!\n1",
		},
		"another event time": {
			New: func() arrowstream.Stage {
				return &stage.Project{EventTime: "b", Columns: []stage.Column{{Name: "a", Expr: col("ts")}, {Name: "b", Expr: col("ts")}}}
			},
			Schema: schema, In: []stagetest.Step{stagetest.Rows("1 a 1"), stagetest.End()}, Want: "a:timestamp[s] b:timestamp[s]@\n1 1",
		},
		"changelog": {
			New:    func() arrowstream.Stage { return &stage.Project{Columns: []stage.Column{{Expr: col("k")}}} },
			Schema: "x:int64 k:utf8 __op:int8", In: []stagetest.Step{stagetest.Rows("1 a 0\n1 a 3"), stagetest.End()}, Want: "k:utf8 __op:int8\na 0\na 3",
		},
		"no name": {
			New:    func() arrowstream.Stage { return &stage.Project{Columns: []stage.Column{{Expr: lit(int64(1))}}} },
			Schema: schema, In: []stagetest.Step{stagetest.End()}, Err: "column 1 has no name",
		},
		"same name": {
			New: func() arrowstream.Stage {
				return &stage.Project{Columns: []stage.Column{{Expr: col("k")}, {Name: "k", Expr: col("x")}}}
			},
			Schema: schema, In: []stagetest.Step{stagetest.End()}, Err: `two output columns are called "k"`,
		},
		"no columns": {New: func() arrowstream.Stage { return &stage.Project{} }, Schema: schema, In: []stagetest.Step{stagetest.End()}, Err: "no columns"},
		"event time of another type": {
			New: func() arrowstream.Stage {
				return &stage.Project{EventTime: "x", Columns: []stage.Column{{Expr: col("x")}}}
			},
			Schema: schema, In: []stagetest.Step{stagetest.End()}, Err: "AS1403",
		},
	})
}

func TestLimit(t *testing.T) {
	limit := func(n, offset int64) func() arrowstream.Stage {
		return func() arrowstream.Stage { return &stage.Limit{Rows: n, Offset: offset} }
	}
	in := []stagetest.Step{stagetest.Rows("1\n2\n3"), stagetest.Idle(), stagetest.Rows("4\n5"), stagetest.Idle(), stagetest.Rows("6"), stagetest.End()}
	run(t, map[string]stagetest.Case{
		"two after one":  {New: limit(2, 1), Schema: "x:int64", In: in, Want: "x:int64\n2\n3"},
		"across ticks":   {New: limit(3, 2), Schema: "x:int64", In: in, Want: "rows\n3\n4\n5"},
		"more than come": {New: limit(1<<62, 5), Schema: "x:int64", In: in, Want: "rows\n6"},
		"none":           {New: limit(0, 0), Schema: "x:int64", In: in, Want: "rows"},
		"past the end":   {New: limit(2, 1<<62), Schema: "x:int64", In: in, Want: "rows"},
		"changelog":      {New: limit(1, 0), Schema: "x:int64 __op:int8", In: []stagetest.Step{stagetest.End()}, Err: "AS1406"},
		"negative":       {New: limit(-1, 0), Schema: "x:int64", In: in, Err: "negative"},
	})
}

func TestSort(t *testing.T) {
	const schema = "ts:timestamp[s]@ k:utf8 x:float64"
	in := []stagetest.Step{
		stagetest.Rows("1 b 1\n2 a NaN\n3 null -0\n4 a null"), stagetest.Advance(1), stagetest.Rows("5 b 0\n6 a -Inf\n7 b 1"), stagetest.End(),
	}
	sorted := func(limit, offset int64, by ...stage.SortKey) func() arrowstream.Stage {
		return func() arrowstream.Stage { return &stage.Sort{By: by, Limit: limit, Offset: offset} }
	}
	x, k := stage.SortKey{Expr: col("x")}, stage.SortKey{Expr: col("k")}
	run(t, map[string]stagetest.Case{
		"one key, ties stay": {
			New: sorted(0, 0, x), Schema: schema, In: in,
			Want: "ts:timestamp[s] k:utf8 x:float64\n4 a null\n6 a -Inf\n3 null -0\n5 b 0\n1 b 1\n7 b 1\n2 a NaN",
		},
		"descending, nulls last": {
			New: sorted(0, 0, stage.SortKey{Expr: col("x"), Desc: true, NullsLast: true}), Schema: schema, In: in,
			Want: "rows\n2 a NaN\n1 b 1\n7 b 1\n3 null -0\n5 b 0\n6 a -Inf\n4 a null",
		},
		"two keys": {
			New: sorted(0, 0, k, stage.SortKey{Expr: col("x"), Desc: true}), Schema: schema, In: in,
			Want: "rows\n3 null -0\n4 a null\n2 a NaN\n6 a -Inf\n1 b 1\n7 b 1\n5 b 0",
		},
		"expression":  {New: sorted(2, 0, stage.SortKey{Expr: call("neg", col("ts_"))}), Schema: "ts_:int64", In: []stagetest.Step{stagetest.Rows("1\n3\n2"), stagetest.End()}, Want: "rows\n3\n2"},
		"top two":     {New: sorted(2, 0, x), Schema: schema, In: in, Want: "rows\n4 a null\n6 a -Inf"},
		"offset":      {New: sorted(2, 3, x), Schema: schema, In: in, Want: "rows\n5 b 0\n1 b 1"},
		"offset only": {New: sorted(0, 6, x), Schema: schema, In: in, Want: "rows\n2 a NaN"},
		"nothing":     {New: sorted(0, 99, x), Schema: schema, In: in, Want: "rows"},
		"no keys":     {New: sorted(1, 1), Schema: schema, In: in, Want: "rows\n2 a NaN"},
		"changelog":   {New: sorted(0, 0), Schema: "x:int64 __op:int8", In: []stagetest.Step{stagetest.End()}, Err: "AS1406"},
	})
}

func TestDistinct(t *testing.T) {
	const schema = "ts:timestamp[s]@ k:utf8 x:int64"
	const second = 1_000_000
	run(t, map[string]stagetest.Case{
		"first of a key": {
			New: func() arrowstream.Stage { return &stage.Distinct{By: []string{"k"}} }, Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("1 b 1\n2 a 2\n1 b 3\n3 null 4"), stagetest.Advance(second), stagetest.Rows("4 null 5\n4 c 6\n5 \"\" 7"), stagetest.End(),
			},
			Want: "ts:timestamp[s]@ k:utf8 x:int64\n3 null 4\n2 a 2\n1 b 1\n5 \"\" 7\n4 c 6",
		},
		"whole rows": {
			New: func() arrowstream.Stage { return &stage.Distinct{} }, Schema: "k:utf8 x:float64",
			In:   []stagetest.Step{stagetest.Rows("a NaN\na 0\na NaN\na -0\na null"), stagetest.Idle(), stagetest.Rows("a null\nb null"), stagetest.End()},
			Want: "rows\na null\na 0\na NaN\nb null",
		},
		"ttl in event time": {
			New: func() arrowstream.Stage { return &stage.Distinct{By: []string{"k"}, TTL: 10_000_000_000} }, Schema: schema,
			In: []stagetest.Step{
				stagetest.Rows("1 a 1"), stagetest.Idle(), stagetest.Rows("1 a 2\n1 b 3"), stagetest.Advance(5 * second),
				stagetest.Rows("14 a 4"), stagetest.Advance(14 * second), stagetest.Rows("15 a 5"), stagetest.Advance(15 * second),
				stagetest.Rows("16 a 6\n16 b 7\n16 c 8"), stagetest.Advance(16 * second), stagetest.Rows("17 b 9"), stagetest.End(),
			},
			Want: "rows\n1 a 1\n1 b 3\n16 a 6\n16 b 7\n16 c 8",
		},
		"ttl in processing time": {
			New: func() arrowstream.Stage { return &stage.Distinct{By: []string{"k"}, TTL: 10_000_000_000} }, Schema: "k:utf8",
			In: []stagetest.Step{
				stagetest.Rows("a"), stagetest.AdvanceClock(1 * second), stagetest.Rows("a"), stagetest.AdvanceClock(11 * second),
				stagetest.Rows("a"), stagetest.AdvanceClock(12 * second),
			},
			Want: "rows\na\na",
		},
		"unknown key": {New: func() arrowstream.Stage { return &stage.Distinct{By: []string{"kk"}} }, Schema: schema, In: []stagetest.Step{stagetest.End()}, Err: "AS1203"},
	})
}

func TestUnnest(t *testing.T) {
	const schema = "k:utf8 l:list<int64>"
	in := []stagetest.Step{stagetest.Rows("a [1,null,3]\nb []\nc null\nd [4]"), stagetest.End()}
	run(t, map[string]stagetest.Case{
		"inner": {
			New:    func() arrowstream.Stage { return &stage.Unnest{Column: "l", As: "e"} },
			Schema: schema, In: in, Want: "k:utf8 l:list<int64> e:int64\na [1,null,3] 1\na [1,null,3] null\na [1,null,3] 3\nd [4] 4",
		},
		"outer with ordinality": {
			New:    func() arrowstream.Stage { return &stage.Unnest{Column: "l", Drop: true, Outer: true, Ordinality: "n"} },
			Schema: schema, In: in, Want: "k:utf8 l:int64 n:int64\na 1 1\na null 2\na 3 3\nb null null\nc null null\nd 4 1",
		},
		"vector in a changelog": {
			New:    func() arrowstream.Stage { return &stage.Unnest{Column: "v", As: "e", Ordinality: "n", Drop: true} },
			Schema: "v:vector[2] __op:int8", In: []stagetest.Step{stagetest.Rows("[1,2] 0\nnull 0\n[1,2] 1\n[3,4] 2\n[3,4] 3"), stagetest.End()},
			Want: "e:float64 n:int64! __op:int8\n1 1 0\n2 2 0\n1 1 3\n2 2 3\n3 1 0\n4 2 0\n3 1 3\n4 2 3",
		},
		"no list": {New: func() arrowstream.Stage { return &stage.Unnest{Column: "k"} }, Schema: schema, In: in, Err: "no list"},
	})
}

func TestCast(t *testing.T) {
	to := func(line string) func() arrowstream.Stage {
		return func() arrowstream.Stage {
			s, err := columnartest.Schema(line)
			if err != nil {
				t.Fatal(err)
			}
			return &stage.Cast{To: s}
		}
	}
	run(t, map[string]stagetest.Case{
		"by position": {
			New: to("at:timestamp[ms] n:int32 s:utf8 f:float64!"), Schema: "ts:timestamp[us]@ x:int64 y:int64 z:int64",
			In:   []stagetest.Step{stagetest.Rows("1999 1 2 3\nnull null null 4"), stagetest.Advance(1), stagetest.End()},
			Want: "at:timestamp[ms]@ n:int32 s:utf8 f:float64!\n1 1 2 3\nnull null null 4",
		},
		"text stays text": {
			New: to("k:utf8"), Schema: "k:utf8", In: []stagetest.Step{stagetest.Rows("a\nnull"), stagetest.End()}, Want: "k:utf8\na\nnull",
		},
		"changelog": {
			New: to("n:float64"), Schema: "x:int64 __op:int8", In: []stagetest.Step{stagetest.Rows("1 0\n1 3"), stagetest.End()}, Want: "n:float64 __op:int8!\n1 0\n1 3",
		},
		"does not fit":    {New: to("n:int8"), Schema: "x:int64", In: []stagetest.Step{stagetest.Rows("300"), stagetest.End()}, Err: `column "n": insert`},
		"not null":        {New: to("n:int64!"), Schema: "x:int64", In: []stagetest.Step{stagetest.Rows("null"), stagetest.End()}, Err: "AS4007"},
		"number of them":  {New: to("n:int64"), Schema: "x:int64 y:int64", In: []stagetest.Step{stagetest.End()}, Err: "2 columns, the table has 1"},
		"no assignment":   {New: to("n:int64"), Schema: "x:utf8", In: []stagetest.Step{stagetest.End()}, Err: "cannot be assigned", Plain: true},
		"time to numbers": {New: to("n:int64"), Schema: "x:timestamp[s]", In: []stagetest.Step{stagetest.End()}, Err: "cannot be assigned"},
	})
}

func TestAppend(t *testing.T) {
	create := func() arrowstream.Stage { return &stage.Append{} }
	run(t, map[string]stagetest.Case{
		"insertions": {
			New: create, Schema: "ts:timestamp[s]@ x:int64 __op:int8", In: []stagetest.Step{stagetest.Rows("1 2 0\n2 3 0"), stagetest.End()},
			Want: "ts:timestamp[s]@ x:int64\n1 2\n2 3",
		},
		"no changelog": {New: create, Schema: "x:int64", In: []stagetest.Step{stagetest.Rows("1"), stagetest.End()}, Want: "x:int64\n1"},
		"update":       {New: create, Schema: "x:int64 __op:int8", In: []stagetest.Step{stagetest.Rows("1 1"), stagetest.End()}, Err: "is -U and no insertion"},
	})
}

func TestCompact(t *testing.T) {
	in := []stagetest.Step{
		stagetest.Rows("b 1 0\na 1 0\na 1 1\na 2 2\nc 1 0\nc 1 3"), stagetest.Idle(),
		stagetest.Rows("a 2 1\na 3 2\nb 1 1\nb 2 2\nb 2 1\nb 1 2\na 3 1\na 4 2"), stagetest.Idle(),
		stagetest.Rows("a 4 3\nb 1 3\nb 7 0"), stagetest.End(),
	}
	run(t, map[string]stagetest.Case{
		"by key": {
			New: func() arrowstream.Stage { return &stage.Compact{By: []string{"k"}} }, Schema: "k:utf8 x:int64 __op:int8", In: in,
			Want: "k:utf8 x:int64 __op:int8\na 2 0\nb 1 0\na 2 1\na 4 2\na 4 3\nb 1 1\nb 7 2",
		},
		"whole rows": {
			New: func() arrowstream.Stage { return &stage.Compact{} }, Schema: "k:utf8 x:int64 __op:int8", In: in,
			Want: "rows\na 2 0\nb 1 0\na 2 3\na 4 0\na 4 3\nb 1 3\nb 7 0",
		},
		"no changelog": {New: func() arrowstream.Stage { return &stage.Compact{} }, Schema: "x:int64", In: []stagetest.Step{stagetest.End()}, Err: "no changelog"},
	})
}
