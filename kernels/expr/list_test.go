package expr_test

import (
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// TestListIsItsExpressions evaluates expressions together, over several batches
// whose results are all held, and each alone.
func TestListIsItsExpressions(t *testing.T) {
	mem := columnartest.Allocator(t)
	list := slices.Concat(nested(), []expr.Expr{col("x"), lit("constant"), call("mul", col("x"), lit(int64(2))), call("concat", col("s"), lit("!")), lit(nil)}, nested())
	var batches []arrow.Record
	for _, rows := range []string{"1 a 2024-01-01T00:00:00Z\nnull b null\n3 c 2024-01-03T00:00:00Z", "", "null null null\n2 zz 2025-01-01T00:00:00Z"} {
		batches = append(batches, columnartest.Batch(t, mem, nestedRows+rows))
	}
	all := bindList(t, batches[0].Schema(), list...)
	var results [][]arrow.Array
	for range 2 {
		for _, b := range batches {
			out := make([]arrow.Array, len(list))
			if at, err := all.Eval(mem, b, out); err != nil {
				t.Fatalf("%s: %v", expr.String(list[at]), err)
			}
			results = append(results, out)
		}
	}
	for k, out := range results {
		for i, got := range out {
			want, err := mustBind(t, list[i], batches[0].Schema()).Eval(mem, batches[k%len(batches)])
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != want.String() || !arrow.TypeEqual(got.DataType(), want.DataType()) {
				t.Errorf("%s: %s, alone %s", expr.String(list[i]), got, want)
			}
			want.Release()
			got.Release()
		}
	}
}

// TestListComputesPartsOnce counts what is computed of parts that several
// expressions have, also in branches, and that errors stay where they are.
func TestListComputesPartsOnce(t *testing.T) {
	in := columnartest.Batch(t, columnar.Pool, "x:int64\n1\n2\n0")
	calls := 0
	count := func(volatile bool) expr.Expr {
		f, err := kernels.Declaration{
			Name: "counted", Args: []arrow.DataType{arrow.PrimitiveTypes.Int64}, Out: arrow.PrimitiveTypes.Int64, Volatile: volatile,
			Kernel: func(_ memory.Allocator, _ int, args []kernels.Datum) (arrow.Array, error) {
				calls++
				args[0].Array.Retain()
				return args[0].Array, nil
			},
		}.Function()
		if err != nil {
			t.Fatal(err)
		}
		return expr.Call{Name: "counted", Func: f, Args: []expr.Expr{col("x")}}
	}
	f, v := count(false), count(true)
	isZero := call("eq", col("x"), lit(int64(0)))
	for _, c := range []struct {
		name string
		list []expr.Expr
		want int
		fail int // the expression that fails, -1 for none
	}{
		{"whole and part", []expr.Expr{f, call("add", f, lit(int64(1))), f}, 1, -1},
		{"within one", []expr.Expr{call("add", f, f)}, 1, -1},
		{"volatile", []expr.Expr{v, call("add", v, v)}, 2, -1},
		{"branches", []expr.Expr{
			expr.Case{Whens: []expr.When{{Cond: call("gt", f, lit(int64(0))), Then: lit(int64(1))}}},
			expr.Case{Whens: []expr.When{{Cond: call("gt", f, lit(int64(0))), Then: col("x")}}},
		}, 1, -1},
		{"error of the second", []expr.Expr{
			expr.Case{Whens: []expr.When{{Cond: isZero, Then: lit(int64(0))}}, Else: call("mod", lit(int64(6)), col("x"))},
			call("mod", lit(int64(6)), col("x")), col("x"),
		}, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := bindList(t, in.Schema(), c.list...)
			if !l.Fails() || len(l.Bounds()) != len(c.list) {
				t.Errorf("fails: %v, %d expressions", l.Fails(), len(l.Bounds()))
			}
			for range 2 {
				calls = 0
				out := make([]arrow.Array, len(c.list))
				at, err := l.Eval(columnar.Pool, in, out)
				if (err != nil) != (c.fail >= 0) || err != nil && at != c.fail {
					t.Fatalf("expression %d: %v", at, err)
				}
				if calls != c.want {
					t.Errorf("%d calls, want %d", calls, c.want)
				}
				for _, a := range out {
					if a != nil {
						a.Release()
					}
				}
			}
		})
	}
}

func bindList(t testing.TB, schema *arrow.Schema, list ...expr.Expr) *expr.List {
	t.Helper()
	l := expr.NewList(schema)
	for _, e := range list {
		b, err := l.Bind(e)
		if err != nil {
			t.Fatalf("%s: %v", expr.String(e), err)
		}
		l.Add(b)
	}
	return l
}

// BenchmarkList evaluates expressions with a common part together and alone.
func BenchmarkList(b *testing.B) {
	in := columnartest.Batch(b, columnar.Pool, "s:utf8\n"+repeated(8<<10))
	value := call("json_value", col("s"), lit("$.kind"))
	list := []expr.Expr{value, call("upper", value), call("eq", value, lit("k1"))}
	b.Run("together", func(b *testing.B) {
		l, out := bindList(b, in.Schema(), list...), make([]arrow.Array, len(list))
		for b.Loop() {
			if _, err := l.Eval(columnar.Pool, in, out); err != nil {
				b.Fatal(err)
			}
			for _, a := range out {
				a.Release()
			}
		}
	})
	b.Run("alone", func(b *testing.B) {
		var bounds []*expr.Bound
		for _, e := range list {
			bounds = append(bounds, mustBind(b, e, in.Schema()))
		}
		for b.Loop() {
			for _, e := range bounds {
				a, err := e.Eval(columnar.Pool, in)
				if err != nil {
					b.Fatal(err)
				}
				a.Release()
			}
		}
	})
}

// repeated is n rows of JSON.
func repeated(n int) string {
	var rows []byte
	for range n {
		rows = append(rows, "\"{\\\"id\\\":1,\\\"kind\\\":\\\"k1\\\"}\"\n"...)
	}
	return string(rows[:len(rows)-1])
}
