package wasm

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
	wt "github.com/arrowstream/arrowstream/udf/wasm/wasmtest"
)

var (
	intType    arrow.DataType = arrow.PrimitiveTypes.Int32
	longType   arrow.DataType = arrow.PrimitiveTypes.Int64
	floatType  arrow.DataType = arrow.PrimitiveTypes.Float32
	doubleType arrow.DataType = arrow.PrimitiveTypes.Float64
	boolType   arrow.DataType = arrow.FixedWidthTypes.Boolean
	textType   arrow.DataType = arrow.BinaryTypes.String
)

// load is i32.load at an offset from an address on the stack, store i32.store.
func load(at byte) []byte  { return []byte{0x28, 2, at} }
func store(at byte) []byte { return []byte{0x36, 2, at} }

func code(parts ...any) []byte {
	var out []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			out = append(out, byte(p))
		case []byte:
			out = append(out, p...)
		}
	}
	return out
}

// guest is a module with every kind of function. Its blocks are at 1024.
var guest = wt.Module{Pages: 8, DataAt: 16, Data: "no such luck", Funcs: []wt.Func{
	{Export: "add", Params: []byte{wt.F64, wt.F64}, Result: wt.F64, Code: code(0x20, 0, 0x20, 1, 0xa0)},
	{Export: "addf", Params: []byte{wt.F32, wt.F32}, Result: wt.F32, Code: code(0x20, 0, 0x20, 1, 0x92)},
	{Export: "addl", Params: []byte{wt.I64, wt.I64}, Result: wt.I64, Code: code(0x20, 0, 0x20, 1, 0x7c)},
	{Export: "quotient", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Code: code(0x20, 0, 0x20, 1, 0x6d)},
	{Export: "both", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Code: code(0x20, 0, 0x20, 1, 0x71)},
	{Export: "answer", Result: wt.I64, Code: code(0x42, 42)},
	{Export: "spin", Params: []byte{wt.I32}, Result: wt.I32, Code: code(0x03, 0x40, 0x0c, 0, 0x0b, 0x20, 0)},
	{Export: "deep", Params: []byte{wt.I32}, Result: wt.I32, Code: code(0x20, 0, 0x10, 7)},
	{Export: "hungry", Params: []byte{wt.I32}, Result: wt.I32, Code: code(wt.Const(nil, 10000), 0x40, 0, wt.Const(nil, -1), 0x46, 0x04, 0x40, 0x00, 0x0b, 0x20, 0)},
	{Export: "two", Params: []byte{wt.I32}, Code: nil},
	{Export: "alloc", Params: []byte{wt.I32}, Result: wt.I32, Code: wt.Const(nil, 1024)},
	// The values of the result are those of the argument twice: a loop over f64.
	{Export: "twice_batch", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Locals: 1, Code: code(
		0x02, 0x40, 0x03, 0x40, 0x20, 2, 0x20, 0, 0x4f, 0x0d, 1,
		0x20, 1, load(16), 0x20, 2, 0x41, 3, 0x74, 0x6a,
		0x20, 1, load(0), 0x20, 2, 0x41, 3, 0x74, 0x6a, 0x2b, 3, 0,
		0x20, 1, load(0), 0x20, 2, 0x41, 3, 0x74, 0x6a, 0x2b, 3, 0, 0xa0, 0x39, 3, 0,
		0x20, 2, 0x41, 1, 0x6a, 0x21, 2, 0x0c, 0, 0x0b, 0x0b, 0x41, 0)},
	// The result is the argument: its descriptor is copied, but for the validity.
	{Export: "echo_batch", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Code: code(
		0x20, 1, 0x20, 1, load(0), store(16), 0x20, 1, 0x20, 1, load(4), store(20), 0x20, 1, 0x20, 1, load(12), store(28), 0x41, 0)},
	// No row is NULL.
	{Export: "known_batch", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Code: code(0x20, 1, 0x41, 0, store(24), 0x41, 0)},
	{Export: "luck_batch", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Code: code(0x20, 1, 0x41, 16, store(16), 0x20, 1, 0x41, 12, store(28), 0x41, 1)},
	{Export: "mute_batch", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Code: code(0x41, 1)},
	{Export: "wild_batch", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Code: code(0x20, 1, wt.Const(nil, -16), store(16), 0x41, 0)},
	{Export: "wildbits_batch", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Code: code(0x20, 1, wt.Const(nil, -1), store(24), 0x41, 0)},
	{Export: "long_batch", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Code: code(0x20, 1, load(20), wt.Const(nil, 77), store(0), 0x41, 0)},
	{Export: "latin_batch", Params: []byte{wt.I32, wt.I32}, Result: wt.I32, Code: code(
		0x20, 1, 0x41, 8, store(16), 0x41, 8, wt.Const(nil, 0xff), store(0), 0x20, 1, 0x41, 1, store(28), 0x20, 1, load(20), 0x41, 1, store(4), 0x41, 0)},
	{Export: "odd_batch", Params: []byte{wt.I32}, Result: wt.I32, Code: code(0x41, 0)},
}}

func compile(t testing.TB, m wt.Module, o Options) *Module {
	t.Helper()
	mod, err := Compile(m.Bytes(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := mod.Close(); err != nil {
			t.Error(err)
		}
	})
	return mod
}

func call(mem memory.Allocator, b arrow.Record, f *kernels.Function, args ...expr.Expr) (arrow.Array, error) {
	bound, err := expr.Bind(expr.Call{Name: f.Name, Args: args, Func: f}, b.Schema())
	if err != nil {
		return nil, err
	}
	return bound.Eval(mem, b)
}

func show(a arrow.Array) string {
	defer a.Release()
	out := make([]string, a.Len())
	for i := range out {
		out[i] = columnartest.Cell(a, i)
	}
	return strings.Join(out, " ")
}

// rows makes n rows of every type; every seventh is NULL.
func rows(mem memory.Allocator, n int) arrow.Record {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: intType, Nullable: true},
		{Name: "l", Type: longType, Nullable: true},
		{Name: "f", Type: floatType, Nullable: true},
		{Name: "d", Type: doubleType, Nullable: true},
		{Name: "b", Type: boolType, Nullable: true},
		{Name: "s", Type: textType, Nullable: true},
	}, nil)
	rb := array.NewRecordBuilder(mem, schema)
	defer rb.Release()
	for i := range n {
		if i%7 == 6 {
			for _, f := range rb.Fields() {
				f.AppendNull()
			}
			continue
		}
		rb.Field(0).(*array.Int32Builder).Append(int32(i))
		rb.Field(1).(*array.Int64Builder).Append(int64(i))
		rb.Field(2).(*array.Float32Builder).Append(float32(i))
		rb.Field(3).(*array.Float64Builder).Append(float64(i) / 2)
		rb.Field(4).(*array.BooleanBuilder).Append(i%3 == 0)
		rb.Field(5).(*array.StringBuilder).Append(strings.Repeat("é", i%5))
	}
	return rb.NewRecord()
}

func TestFunctionsAgreeWithThoseOfTheEngine(t *testing.T) {
	mem := columnartest.Allocator(t)
	m := compile(t, guest, Options{})
	b := rows(mem, 10_000)
	defer b.Release()
	col := func(n string) expr.Expr { return expr.Col{Name: n} }
	same := func(name string, a ...expr.Expr) expr.Expr { return expr.Call{Name: name, Args: a} }
	for _, c := range []struct {
		export string
		args   []arrow.DataType
		out    arrow.DataType
		call   []expr.Expr
		want   expr.Expr
	}{
		{"add", []arrow.DataType{doubleType, doubleType}, doubleType, []expr.Expr{col("d"), col("l")}, same("add", col("d"), col("l"))},
		{"add", []arrow.DataType{doubleType, doubleType}, doubleType, []expr.Expr{col("d"), expr.Lit{Value: 0.25}}, same("add", col("d"), expr.Lit{Value: 0.25})},
		{"addf", []arrow.DataType{floatType, floatType}, floatType, []expr.Expr{col("f"), col("f")}, same("add", col("f"), col("f"))},
		{"addl", []arrow.DataType{longType, longType}, longType, []expr.Expr{col("l"), col("i")}, same("add", col("l"), col("i"))},
		{"both", []arrow.DataType{boolType, boolType}, boolType, []expr.Expr{col("b"), expr.Lit{Value: true}}, col("b")},
		{"twice", []arrow.DataType{doubleType}, doubleType, []expr.Expr{col("d")}, same("add", col("d"), col("d"))},
		{"echo", []arrow.DataType{textType}, textType, []expr.Expr{col("s")}, col("s")},
		{"echo", []arrow.DataType{boolType}, boolType, []expr.Expr{col("b")}, col("b")},
		{"echo", []arrow.DataType{intType}, intType, []expr.Expr{col("i")}, col("i")},
	} {
		f, err := m.Function(c.export, kernels.Declaration{Name: "its_" + c.export, Args: c.args, Out: c.out})
		if err != nil {
			t.Fatal(err)
		}
		want, err := expr.Bind(c.want, b.Schema())
		if err != nil {
			t.Fatal(err)
		}
		// Whole, sliced, and around the rows that are handed over at a time.
		for _, span := range [][2]int64{{0, 10_000}, {0, 0}, {3, 4}, {6, 7}, {5, 5 + chunk}, {1, chunk + 66}, {17, 9999}} {
			part := b.NewSlice(span[0], span[1])
			got, err := call(mem, part, f, c.call...)
			if err != nil {
				t.Fatalf("%s: %v", c.export, err)
			}
			right, err := want.Eval(mem, part)
			if err != nil {
				t.Fatal(err)
			}
			if g, w := show(got), show(right); g != w {
				t.Errorf("%s of rows %v: %.200s, want %.200s", c.export, span, g, w)
			}
			part.Release()
		}
	}
}

func TestValidityIsTheGuests(t *testing.T) {
	mem := columnartest.Allocator(t)
	m := compile(t, guest, Options{})
	b := rows(mem, 9)
	defer b.Release()
	f, err := m.Function("known", kernels.Declaration{Name: "known", Args: []arrow.DataType{intType}, Out: boolType})
	if err != nil {
		t.Fatal(err)
	}
	got, err := call(mem, b, f, expr.Col{Name: "i"})
	if err != nil {
		t.Fatal(err)
	}
	if s := show(got); s != "false false false false false false false false false" {
		t.Error(s)
	}
	f, err = m.Function("answer", kernels.Declaration{Name: "answer", Out: longType})
	if err != nil {
		t.Fatal(err)
	}
	if got, err = call(mem, b, f); err != nil {
		t.Fatal(err)
	}
	if s := show(got); s != "42 42 42 42 42 42 42 42 42" {
		t.Error(s)
	}
}

func TestWhatGuestsDoWrong(t *testing.T) {
	mem := columnartest.Allocator(t)
	m := compile(t, guest, Options{Memory: 1 << 20, Timeout: time.Second})
	b := rows(mem, 6)
	defer b.Release()
	for _, c := range []struct {
		export, want string
		args         []arrow.DataType
		out          arrow.DataType
		call         []string
	}{
		{"quotient", "function q: wasm error: integer divide by zero [AS4011]", []arrow.DataType{intType, intType}, intType, []string{"i", "i"}},
		{"spin", "function q: a call took longer than 1s [AS6002]", []arrow.DataType{intType}, intType, []string{"i"}},
		{"deep", "function q: stack overflow [AS4011]", []arrow.DataType{intType}, intType, []string{"i"}},
		{"hungry", "function q: wasm error: unreachable [AS4011]", []arrow.DataType{intType}, intType, []string{"i"}},
		{"luck", "function q: no such luck [AS4011]", []arrow.DataType{intType}, intType, []string{"i"}},
		{"mute", "function q: it failed and does not say why [AS4011]", []arrow.DataType{intType}, textType, []string{"i"}},
		{"wild", "function q: its result lies outside of its memory [AS4011]", []arrow.DataType{intType}, intType, []string{"i"}},
		{"wildbits", "function q: the validity of its result lies outside of its memory [AS4011]", []arrow.DataType{intType}, intType, []string{"i"}},
		{"long", "function q: the offsets of its result do not lie within its values [AS4011]", []arrow.DataType{intType}, textType, []string{"i"}},
		{"latin", "function q: its result is not UTF-8 [AS4011]", []arrow.DataType{intType}, textType, []string{"i"}},
	} {
		f, err := m.Function(c.export, kernels.Declaration{Name: "q", Args: c.args, Out: c.out})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time by another instance
			var args []expr.Expr
			for _, n := range c.call {
				args = append(args, expr.Col{Name: n})
			}
			if _, err = call(mem, b, f, args...); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.export, err, c.want)
			}
		}
	}
}

func TestModulesThatAreRefused(t *testing.T) {
	m := compile(t, guest, Options{})
	for _, c := range []struct {
		export, want string
		args         []arrow.DataType
		out          arrow.DataType
	}{
		{"none", "it exports no function none [AS1612] (its exports: add, addf, addl, alloc, answer", nil, intType},
		{"add", "export add is (f64, f64) -> f64, but q stands for (i32, f64) -> f64", []arrow.DataType{intType, doubleType}, doubleType},
		{"two", "export two is (i32) -> (), but q stands for (i32) -> i32", []arrow.DataType{intType}, intType},
		{"add", "add takes or returns VARCHAR, for which it needs an export add_batch", []arrow.DataType{textType, doubleType}, doubleType},
		{"add", "argument 1 of q has the type ARRAY<INT>, which modules cannot take", []arrow.DataType{arrow.ListOf(intType)}, doubleType},
		{"odd", "odd_batch needs an export odd_batch(i32, i32) -> i32", []arrow.DataType{intType}, intType},
	} {
		if _, err := m.Function(c.export, kernels.Declaration{Name: "q", Args: c.args, Out: c.out}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.export, err, c.want)
		}
	}
	for want, code := range map[string][]byte{
		"it imports env.now, env.open [AS1612]": wt.Module{Imports: []string{"open", "now"}}.Bytes(),
		"invalid magic number":                  []byte("no module"),
		"[AS1612]":                              guest.Bytes()[:100],
		"memory":                                wt.Module{Pages: 100}.Bytes(),
	} {
		if _, err := Compile(code, Options{Memory: 1 << 20}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	// A start function is a call like others.
	slow := compile(t, wt.Module{Start: true, Funcs: []wt.Func{
		{Export: "f", Params: []byte{wt.I32}, Result: wt.I32, Code: code(0x20, 0)}, {Code: code(0x03, 0x40, 0x0c, 0, 0x0b)},
	}}, Options{Timeout: 50 * time.Millisecond})
	f, err := slow.Function("f", kernels.Declaration{Name: "f", Args: []arrow.DataType{intType}, Out: intType})
	if err != nil {
		t.Fatal(err)
	}
	b := rows(memory.NewGoAllocator(), 1)
	if _, err := call(memory.NewGoAllocator(), b, f, expr.Col{Name: "i"}); err == nil || !strings.Contains(err.Error(), "AS6002") {
		t.Error(err)
	}
}

func TestSeveralWorkers(t *testing.T) {
	m := compile(t, guest, Options{})
	f, err := m.Function("add", kernels.Declaration{Name: "q", Args: []arrow.DataType{doubleType, doubleType}, Out: doubleType})
	if err != nil {
		t.Fatal(err)
	}
	mem := memory.NewGoAllocator()
	b := rows(mem, 5000)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				a, err := call(mem, b, f, expr.Col{Name: "d"}, expr.Col{Name: "d"})
				if err != nil || a.(*array.Float64).Value(4000) != 4000 {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestNaNsAreEqual(t *testing.T) {
	m := compile(t, guest, Options{})
	f, err := m.Function("add", kernels.Declaration{Name: "q", Args: []arrow.DataType{doubleType, doubleType}, Out: doubleType})
	if err != nil {
		t.Fatal(err)
	}
	odd := math.Float64frombits(0xfff8_0000_0000_1234)
	b := rows(memory.NewGoAllocator(), 2)
	a, err := call(memory.NewGoAllocator(), b, f, expr.Col{Name: "d"}, expr.Lit{Value: odd})
	if err != nil {
		t.Fatal(err)
	}
	if got := math.Float64bits(a.(*array.Float64).Value(0)); got != math.Float64bits(math.NaN()) {
		t.Errorf("%x", got)
	}
}

func BenchmarkCall(b *testing.B) {
	m := compile(b, guest, Options{})
	mem := memory.NewGoAllocator()
	rec := rows(mem, 16384)
	for _, c := range []struct {
		export string
		args   []arrow.DataType
		out    arrow.DataType
		col    string
	}{
		{"add", []arrow.DataType{doubleType, doubleType}, doubleType, "d"},
		{"twice", []arrow.DataType{doubleType}, doubleType, "d"},
		{"echo", []arrow.DataType{textType}, textType, "s"},
	} {
		f, err := m.Function(c.export, kernels.Declaration{Name: "q", Args: c.args, Out: c.out})
		if err != nil {
			b.Fatal(err)
		}
		args := []expr.Expr{expr.Col{Name: c.col}, expr.Col{Name: c.col}}[:len(c.args)]
		bound, err := expr.Bind(expr.Call{Name: "q", Args: args, Func: f}, rec.Schema())
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("export=%s/rows=16384", c.export), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				a, err := bound.Eval(mem, rec)
				if err != nil {
					b.Fatal(err)
				}
				a.Release()
			}
			b.ReportMetric(float64(b.N)*16384/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
