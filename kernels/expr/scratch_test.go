package expr_test

import (
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// nested are expressions whose results are made of parts of themselves in all
// the ways there are: kernels that return their argument, that keep its
// buffers, that take a slice of it or put it into another column.
func nested() []expr.Expr {
	x2 := call("mul", col("x"), lit(int64(2)))
	text := call("concat", col("s"), lit("!"))
	stamp := call("add", col("ts"), lit(time.Second))
	return []expr.Expr{
		call("add", call("mul", x2, x2), col("x")),
		call("round", x2),
		call("round", call("round", x2)),
		expr.Cast{Of: stamp, To: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
		call("mul", lit(time.Second), x2),
		call("coalesce", call("if", call("gt", x2, lit(int64(4))), x2, lit(nil)), col("x")),
		call("row", x2, text),
		expr.Field{Of: call("row", x2, text), Name: "f1"},
		call("array", x2, call("neg", x2)),
		call("element_at", call("array", x2, call("neg", x2)), lit(int64(2))),
		call("concat", call("upper", text), call("if", call("gt", col("x"), lit(int64(1))), lit("more"), text)),
		call("and", call("or", call("gt", x2, lit(int64(2))), call("is_null", text)), call("not", call("eq", x2, lit(int64(8))))),
		expr.Case{Whens: []expr.When{
			{Cond: call("lt", x2, lit(int64(3))), Then: call("divide", lit(6.0), col("x"))},
			{Cond: call("eq", text, lit("c!")), Then: lit(0.5)},
		}, Else: call("add", expr.Cast{Of: x2, To: arrow.PrimitiveTypes.Float64}, call("sqrt", lit(2.0)))},
		call("greatest", x2, col("x"), lit(int64(3))),
		call("nullif", x2, lit(int64(4))),
		call("between", x2, lit(int64(2)), lit(int64(6))),
		call("round", call("divide", expr.Cast{Of: x2, To: arrow.PrimitiveTypes.Float64}, lit(3.0)), lit(int64(2))),
	}
}

const nestedRows = "x:int64 s:utf8 ts:timestamp[us]\n"

// TestResultsOutliveTheirParts evaluates an expression over several batches,
// empty ones among them, and looks at every result only when all are there: the
// memory of its parts is used again by then.
func TestResultsOutliveTheirParts(t *testing.T) {
	mem := columnartest.Allocator(t)
	batches := []arrow.Record{}
	for _, rows := range []string{"1 a 2024-01-01T00:00:00Z\nnull b null\n3 c 2024-01-03T00:00:00Z\n4 null 2024-01-04T00:00:00Z", "", "9 zz 2025-01-01T00:00:00Z\n8 null null\n7 q 2025-01-02T00:00:00Z", "null null null", "1 x 1970-01-01T00:00:00Z"} {
		batches = append(batches, columnartest.Batch(t, mem, nestedRows+rows))
	}
	for _, e := range nested() {
		var wants []string
		var results []arrow.Array
		again := mustBind(t, e, batches[0].Schema())
		for range 3 {
			for _, b := range batches {
				fresh, err := mustBind(t, e, b.Schema()).Eval(mem, b)
				if err != nil {
					t.Fatalf("%s: %v", expr.String(e), err)
				}
				wants = append(wants, fresh.String())
				fresh.Release()
				got, err := again.Eval(mem, b)
				if err != nil {
					t.Fatalf("%s: %v", expr.String(e), err)
				}
				results = append(results, got)
			}
		}
		for i, got := range results {
			if got.String() != wants[i] {
				t.Errorf("%s: result %d is %s, want %s", expr.String(e), i, got, wants[i])
			}
			got.Release()
		}
	}
}

// TestBoundInManyGoroutines evaluates one bound expression in several
// goroutines that hand their results to each other.
func TestBoundInManyGoroutines(t *testing.T) {
	in := columnartest.Batch(t, columnar.Pool, nestedRows+"1 a 2024-01-01T00:00:00Z\nnull b null\n3 c 2024-01-03T00:00:00Z")
	for _, e := range nested() {
		b := mustBind(t, e, in.Schema())
		fresh, err := b.Eval(columnar.Pool, in)
		if err != nil {
			t.Fatal(err)
		}
		want := fresh.String()
		fresh.Release()
		results := make(chan arrow.Array, 4)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 50 {
					a, err := b.Eval(columnar.Pool, in)
					if err != nil {
						t.Error(err)
						return
					}
					results <- a
					a = <-results
					if got := a.String(); got != want {
						t.Errorf("%s: %s, want %s", expr.String(e), got, want)
					}
					a.Release()
				}
			})
		}
		wg.Wait()
	}
}

// TestPartsAllocateNothing checks that a deep expression allocates no more
// objects per batch than the column it results in is made of.
func TestPartsAllocateNothing(t *testing.T) {
	in := columnartest.Batch(t, columnar.Pool, nestedRows+"1 a 2024-01-01T00:00:00Z\nnull b null\n3 c 2024-01-03T00:00:00Z")
	count := func(e expr.Expr) float64 {
		b := mustBind(t, e, in.Schema())
		return testing.AllocsPerRun(100, func() {
			a, err := b.Eval(columnar.Pool, in)
			if err != nil {
				t.Fatal(err)
			}
			a.Release()
		})
	}
	add := func(x, y expr.Expr) expr.Expr { return call("add", x, y) }
	one := add(col("x"), col("x"))
	deep := one
	for range 5 {
		deep = add(call("mul", deep, col("x")), expr.Case{Whens: []expr.When{{Cond: call("lt", deep, col("x")), Then: col("x")}}, Else: lit(int64(1))})
	}
	least, most := count(one), count(deep)
	if least > 6 || most > least {
		t.Errorf("%g objects for a sum, %g for a tree of them", least, most)
	}
	cond := mustBind(t, call("and", call("gt", one, lit(int64(1))), call("is_not_null", col("s"))), in.Schema())
	if got := testing.AllocsPerRun(100, func() {
		if _, err := cond.Select(columnar.Pool, in); err != nil {
			t.Fatal(err)
		}
	}); got > 1 {
		t.Errorf("%g objects for a condition", got)
	}
}
