package udf

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// call evaluates f over the columns of b.
func call(t *testing.T, mem memory.Allocator, b arrow.Record, f *Function, args ...expr.Expr) (arrow.Array, error) {
	t.Helper()
	bound, err := expr.Bind(expr.Call{Name: f.Name, Args: args, Func: f}, b.Schema())
	if err != nil {
		return nil, err
	}
	return bound.Eval(mem, b)
}

// rowsOf are the rows of a column as text; it is released.
func rowsOf(a arrow.Array) string {
	defer a.Release()
	out := make([]string, a.Len())
	for i := range out {
		out[i] = "NULL"
		if a.IsValid(i) {
			out[i] = kernels.TextAt(a, i)
		}
	}
	return strings.Join(out, " ")
}

func must(f *Function, err error) *Function {
	if err != nil {
		panic(err)
	}
	return f
}

// batch is five rows of every type, the third all NULL, cut out of seven so that
// offsets are not 0.
func batch(mem memory.Allocator) arrow.Record {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "i", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "l", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "f", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
		{Name: "d", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "x", Type: arrow.BinaryTypes.Binary, Nullable: true},
		{Name: "t", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
		{Name: "v", Type: arrow.FixedWidthTypes.Duration_us, Nullable: true},
	}, nil)
	rb := array.NewRecordBuilder(mem, schema)
	defer rb.Release()
	for i := range 7 {
		if i == 3 {
			for _, f := range rb.Fields() {
				f.AppendNull()
			}
			continue
		}
		rb.Field(0).(*array.BooleanBuilder).Append(i%2 == 0)
		rb.Field(1).(*array.Int32Builder).Append(int32(i))
		rb.Field(2).(*array.Int64Builder).Append(int64(i) * 10)
		rb.Field(3).(*array.Float32Builder).Append(float32(i) / 2)
		rb.Field(4).(*array.Float64Builder).Append(float64(i) / 4)
		rb.Field(5).(*array.StringBuilder).Append(strings.Repeat("é", i))
		rb.Field(6).(*array.BinaryBuilder).Append([]byte{byte(i)})
		rb.Field(7).(*array.TimestampBuilder).Append(arrow.Timestamp(i) * 1e6)
		rb.Field(8).(*array.DurationBuilder).Append(arrow.Duration(i) * 1e6)
	}
	all := rb.NewRecord()
	defer all.Release()
	return all.NewSlice(1, 6)
}

func TestEveryTypeThereAndBack(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := batch(mem)
	defer b.Release()
	for _, c := range []struct {
		f    *Function
		arg  string
		want string
	}{
		{must(Scalar1("opposite", func(v bool) bool { return !v }, Options{})), "b", "true false NULL false true"},
		{must(Scalar1("next", func(v int32) int32 { return v + 1 }, Options{})), "i", "2 3 NULL 5 6"},
		{must(Scalar1("next", func(v int64) int64 { return v + 1 }, Options{})), "l", "11 21 NULL 41 51"},
		{must(Scalar1("twice", func(v float32) float32 { return 2 * v }, Options{})), "f", "1 2 NULL 4 5"},
		{must(Scalar1("root", math.Sqrt, Options{})), "d", "0.5 0.7071067811865476 NULL 1 1.118033988749895"},
		{must(Scalar1("root", math.Sqrt, Options{})), "i", "1 1.4142135623730951 NULL 2 2.23606797749979"},
		{must(Scalar1("shout", func(v string) string { return v + "!" }, Options{})), "s", "é! éé! NULL éééé! ééééé!"},
		{must(Scalar1("bytes_in", func(v []byte) int64 { return int64(len(v)) }, Options{})), "x", "1 1 NULL 1 1"},
		{must(Scalar1("same", func(v []byte) []byte { return v }, Options{})), "x", "\x01 \x02 NULL \x04 \x05"},
		{must(Scalar1("later", func(v time.Time) time.Time { return v.Add(time.Hour) }, Options{})), "t", "1970-01-01 01:00:01 1970-01-01 01:00:02 NULL 1970-01-01 01:00:04 1970-01-01 01:00:05"},
		{must(Scalar1("halved", func(v time.Duration) int64 { return int64(v / 2) }, Options{})), "v", "500000000 1000000000 NULL 2000000000 2500000000"},
		{must(Scalar1("or_zero", func(v sql.Null[int32]) int32 { return v.V }, Options{})), "i", "1 2 0 4 5"},
		{must(Scalar1("odd_only", func(v int32) sql.Null[int32] { return sql.Null[int32]{V: v, Valid: v%2 == 1} }, Options{})), "i", "1 NULL NULL NULL 5"},
		{must(Scalar1("known", func(v sql.Null[string]) bool { return v.Valid }, Options{})), "s", "true true false true true"},
	} {
		for cut := range int64(6) {
			parts := []arrow.Record{b.NewSlice(0, cut), b.NewSlice(cut, 5)}
			var got []string
			for _, p := range parts {
				a, err := call(t, mem, p, c.f, expr.Col{Name: c.arg})
				if err != nil {
					t.Fatalf("%s: %v", c.f.Name, err)
				}
				if a.Len() > 0 {
					got = append(got, rowsOf(a))
				} else {
					a.Release()
				}
				p.Release()
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s(%s) cut at %d: %q, want %q", c.f.Name, c.arg, cut, s, c.want)
			}
		}
	}
}

func TestConstantsAndSeveralArguments(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := batch(mem)
	defer b.Release()
	four := must(Scalar4("four", func(a int64, b string, c float64, d bool) string { return fmt.Sprint(a, b, c, d) }, Options{}))
	lit := func(v any) expr.Expr { return expr.Lit{Value: v} }
	for _, c := range []struct {
		args []expr.Expr
		want string
	}{
		{[]expr.Expr{expr.Col{Name: "l"}, lit("x"), lit(0.5), expr.Col{Name: "b"}}, "10x0.5 false 20x0.5 true NULL 40x0.5 true 50x0.5 false"},
		{[]expr.Expr{lit(int64(1)), lit("x"), lit(0.5), lit(true)}, "1x0.5 true 1x0.5 true 1x0.5 true 1x0.5 true 1x0.5 true"},
		{[]expr.Expr{lit(nil), lit("x"), lit(0.5), expr.Col{Name: "b"}}, "NULL NULL NULL NULL NULL"},
	} {
		a, err := call(t, mem, b, four, c.args...)
		if err != nil {
			t.Fatal(err)
		}
		if got := rowsOf(a); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	_, err := call(t, mem, b, four, lit("x"))
	if err == nil || !strings.Contains(err.Error(), "four takes 4 arguments, not 1") {
		t.Error(err)
	}
	_, err = call(t, mem, b, must(Scalar1("root", math.Sqrt, Options{Params: []string{"x"}})), expr.Col{Name: "s"})
	if err == nil || !strings.Contains(err.Error(), "usage: root(x DOUBLE) DOUBLE") {
		t.Error(err)
	}
}

func TestDictionariesAreAskedOnce(t *testing.T) {
	mem := columnartest.Allocator(t)
	calls := 0
	f := must(Scalar1("loud", func(s string) string {
		calls++
		return strings.ToUpper(s)
	}, Options{}))
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	db := array.NewDictionaryBuilder(mem, typ).(*array.BinaryDictionaryBuilder)
	defer db.Release()
	for i := range 100 {
		if err := db.AppendString([]string{"a", "b"}[i%2]); err != nil {
			t.Fatal(err)
		}
	}
	col := db.NewArray()
	defer col.Release()
	b := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "s", Type: typ, Nullable: true}}, nil), []arrow.Array{col}, 100)
	defer b.Release()
	a, err := call(t, mem, b, f, expr.Col{Name: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if got := rowsOf(a); calls != 2 || !strings.HasPrefix(got, "A B A B") {
		t.Error(calls, got)
	}
}

func TestVolatile(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := batch(mem)
	defer b.Release()
	n := int64(0)
	f := must(Scalar1("count_up", func(int64) int64 { n++; return n }, Options{Volatile: true}))
	// The argument is constant, the result is not; one site is one call, two
	// sites are two.
	at := func(site int) expr.Expr {
		return expr.Call{Name: f.Name, Func: f, Args: []expr.Expr{expr.Lit{Value: int64(0)}}, Site: site}
	}
	for want, x := range map[string]expr.Expr{
		"0 0 0 0 0":      expr.Call{Name: "sub", Args: []expr.Expr{at(1), at(1)}},
		"-5 -5 -5 -5 -5": expr.Call{Name: "sub", Args: []expr.Expr{at(1), at(2)}},
	} {
		bound, err := expr.Bind(x, b.Schema())
		if err != nil {
			t.Fatal(err)
		}
		a, err := bound.Eval(mem, b)
		if err != nil {
			t.Fatal(err)
		}
		if got := rowsOf(a); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestFailures(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := batch(mem)
	defer b.Release()
	ints := []arrow.DataType{arrow.PrimitiveTypes.Int64}
	vector := func(f Columns) *Function { return must(Vector("v", ints, ints[0], f, Options{})) }
	var none []int64
	for _, c := range []struct {
		f    *Function
		want string
	}{
		{must(Try1("odd", func(i int64) (int64, error) { return 0, errors.New("no odd number") }, Options{})), "function odd: no odd number [AS4011]"},
		{must(Scalar1("broken", func(i int64) int64 { return none[i] }, Options{})), "function broken panicked: runtime error: index out of range [10] with length 0 [AS4011] (it happened at "},
		{must(Scalar1("broken", func(i int64) int64 { panic("lost") }, Options{})), "function broken panicked: lost [AS4011]"},
		{must(Scalar1("broken", func(i int64) string { return "\xff" }, Options{})), `function broken: the result "\xff" is not UTF-8 [AS4011]`},
		{must(Scalar1("far", func(i int64) time.Time { return time.Unix(math.MaxInt64/2, 0) }, Options{})), "is out of range of TIMESTAMP(6) [AS4001]"},
		{vector(func(memory.Allocator, int, []arrow.Array) (arrow.Array, error) { return nil, errors.New("tired") }), "function v: tired [AS4011]"},
		{vector(func(memory.Allocator, int, []arrow.Array) (arrow.Array, error) { return nil, nil }), "function v returned no column [AS1603]"},
		{vector(func(_ memory.Allocator, n int, args []arrow.Array) (arrow.Array, error) {
			return array.NewSlice(args[0], 0, 1), nil
		}), "function v returned 1 rows of BIGINT, not 5 of BIGINT [AS1603]"},
		{vector(func(mem memory.Allocator, n int, args []arrow.Array) (arrow.Array, error) {
			return array.MakeArrayOfNull(mem, arrow.PrimitiveTypes.Float64, n), nil
		}), "function v returned 5 rows of DOUBLE, not 5 of BIGINT [AS1603]"},
	} {
		_, err := call(t, mem, b, c.f, expr.Col{Name: "l"})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if _, err := Scalar1("upper", strings.ToUpper, Options{}); err == nil || !strings.Contains(err.Error(), "there is a function upper already") {
		t.Error(err)
	}
	if _, err := Scalar1("", strings.ToUpper, Options{}); err == nil {
		t.Error("a function without a name passed")
	}
}

func TestVectorTakesConstantsAsColumns(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := batch(mem)
	defer b.Release()
	ints := []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int64}
	f := must(Vector("the_second", ints, ints[0], func(_ memory.Allocator, n int, args []arrow.Array) (arrow.Array, error) {
		if args[0].Len() != n || args[1].Len() != n {
			return nil, fmt.Errorf("%d and %d rows, not %d", args[0].Len(), args[1].Len(), n)
		}
		args[1].Retain()
		return args[1], nil
	}, Options{}))
	a, err := call(t, mem, b, f, expr.Col{Name: "l"}, expr.Lit{Value: int64(7)})
	if err != nil {
		t.Fatal(err)
	}
	if got := rowsOf(a); got != "7 7 7 7 7" {
		t.Error(got)
	}
}

func TestLimitPanicsPass(t *testing.T) {
	b := batch(memory.NewGoAllocator())
	defer b.Release()
	defer func() {
		if v := recover(); v == nil {
			t.Error("the budget was used up without a panic for the runtime")
		}
	}()
	_, _ = call(t, columnar.NewBudget(1, nil).Account("full"), b, must(Scalar1("root", math.Sqrt, Options{})), expr.Col{Name: "d"})
}

func BenchmarkCall(b *testing.B) {
	const rows = 16384
	mem := memory.NewGoAllocator()
	fb := array.NewFloat64Builder(mem)
	for i := range rows {
		fb.Append(float64(i))
	}
	col := fb.NewArray()
	rec := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true}}, nil), []arrow.Array{col}, rows)
	for _, f := range []*Function{
		must(Scalar2("hypot_rows", func(x, y float64) float64 { return x + y }, Options{})),
		must(Vector("hypot_columns", []arrow.DataType{arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Float64}, arrow.PrimitiveTypes.Float64, func(mem memory.Allocator, n int, args []arrow.Array) (arrow.Array, error) {
			out := array.NewFloat64Builder(mem)
			defer out.Release()
			out.Reserve(n)
			x, y := args[0].(*array.Float64).Float64Values(), args[1].(*array.Float64).Float64Values()
			for i := range x {
				out.UnsafeAppend(x[i] + y[i])
			}
			return out.NewArray(), nil
		}, Options{})),
	} {
		b.Run(f.Name, func(b *testing.B) {
			bound, err := expr.Bind(expr.Call{Name: f.Name, Func: f, Args: []expr.Expr{expr.Col{Name: "x"}, expr.Col{Name: "x"}}}, rec.Schema())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				a, err := bound.Eval(mem, rec)
				if err != nil {
					b.Fatal(err)
				}
				a.Release()
			}
			b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
