package expr_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

func col(name string) expr.Expr                     { return expr.Col{Name: name} }
func lit(v any) expr.Expr                           { return expr.Lit{Value: v} }
func call(name string, args ...expr.Expr) expr.Expr { return expr.Call{Name: name, Args: args} }

func mustBind(t testing.TB, e expr.Expr, schema *arrow.Schema) *expr.Bound {
	t.Helper()
	b, err := expr.Bind(e, schema)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// eval checks the result of e over batch, as a column "r" of its own.
func eval(t *testing.T, e expr.Expr, batch, want string) {
	t.Helper()
	mem := columnartest.Allocator(t)
	in := columnartest.Batch(t, mem, batch)
	b := mustBind(t, e, in.Schema())
	for from := range int64(2) {
		part := in.NewSlice(min(from, in.NumRows()), in.NumRows())
		got, err := b.Eval(mem, part)
		part.Release()
		if err != nil {
			t.Fatalf("%s: %v", expr.String(e), err)
		}
		schema := arrow.NewSchema([]arrow.Field{{Name: "r", Type: b.Type(), Nullable: true}}, nil)
		rec := array.NewRecord(schema, []arrow.Array{got}, int64(got.Len()))
		got.Release()
		lines := strings.Split(strings.TrimSpace(want), "\n")
		text := "r:" + columnar.TypeName(b.Type()) + "\n" + strings.Join(lines[min(int(from), len(lines)):], "\n")
		columnartest.Equal(t, rec, text)
		rec.Release()
	}
}

func TestBindErrors(t *testing.T) {
	schema, err := columnartest.Schema("price:int64 Name:utf8 name2:utf8 NAME2:utf8 ts:timestamp[us] w:struct<start:int64,end:int64> dup:int64 dup:int64")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		e    expr.Expr
		code string
		text string // part of message or hint
	}{
		{col("pric"), "AS1203", `did you mean "price"`},
		{col("nAmE2"), "AS1204", "ambiguous"},
		{col("dup"), "AS1204", "ambiguous"},
		{expr.Field{Of: col("w"), Name: "stat"}, "AS1203", `did you mean "start"`},
		{expr.Field{Of: col("price"), Name: "x"}, "AS1301", "no field"},
		{call("uper", col("name")), "AS1601", `did you mean "upper"`},
		{call("upper"), "AS1601", "takes 1 argument, not 0"},
		{call("substring", col("name")), "AS1601", "takes 2 to 3 arguments, not 1"},
		{call("in", col("name")), "AS1601", "at least 2 arguments"},
		{call("upper", col("price")), "AS1601", "upper does not take (BIGINT)"},
		{call("add", col("ts"), col("name")), "AS1601", "(TIMESTAMP(6), VARCHAR)"},
		{call("eq", col("ts"), col("price")), "AS1301", "do not go together"},
		{call("eq", col("price"), lit("x")), "AS4003", `"x"`},
		{call("divide", lit(int64(1)), lit(int64(0))), "AS4002", "division by zero"},
		{call("add", lit(int64(9223372036854775807)), lit(int64(1))), "AS4001", "overflow"},
		{expr.Cast{Of: lit("x"), To: arrow.PrimitiveTypes.Int64}, "AS4003", "BIGINT"},
		{expr.Cast{Of: col("ts"), To: arrow.PrimitiveTypes.Int64}, "AS1301", "UNIX_TIMESTAMP"},
		{expr.Case{Whens: []expr.When{{Cond: col("price"), Then: lit(int64(1))}}}, "AS1301", "not BOOLEAN"},
		{expr.Case{}, "AS1101", "CASE"},
		{expr.Case{Whens: []expr.When{{Cond: lit(true), Then: lit(int64(1))}}, Else: col("ts")}, "AS1301", "CASE"},
		{call("like", col("name"), lit("a"), lit("ab")), "AS1604", "ESCAPE"},
		{call("regexp_like", col("name"), lit("(")), "AS1604", "regular expression"},
		{lit(struct{}{}), "AS1301", "struct {}"},
	} {
		b, err := expr.Bind(c.e, schema)
		var e *expr.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: bound to %v, error %v", expr.String(c.e), b, err)
			continue
		}
		if e.Code != c.code || !strings.Contains(e.Error(), c.text) {
			t.Errorf("%s: got %v", expr.String(c.e), e)
		}
	}
	deep := col("price")
	for range 5000 {
		deep = call("neg", deep)
	}
	if _, err := expr.Bind(deep, schema); err == nil {
		t.Error("5000 levels bind")
	}
}

func TestNames(t *testing.T) {
	eval(t, call("add", col("PRICE"), expr.Field{Of: col("w"), Name: "START"}), "price:int64 w:struct<start:int64,end:int64>\n1 {10,20}\n2 null\n3 {null,1}\n4 {5,6}", "11\nnull\nnull\n9")
}

func TestColumnIsShared(t *testing.T) {
	mem := columnartest.Allocator(t)
	in := columnartest.Batch(t, mem, "a:int64 d:dict\n1 x\n2 y")
	for i, name := range []string{"a", "d"} {
		b := mustBind(t, col(name), in.Schema())
		got, err := b.Eval(mem, in)
		if err != nil {
			t.Fatal(err)
		}
		if got != in.Column(i) {
			t.Errorf("%s: the column was copied", name)
		}
		if b.Column() != i {
			t.Errorf("%s: Column is %d", name, b.Column())
		}
		got.Release()
	}
}

func TestConstants(t *testing.T) {
	schema, _ := columnartest.Schema("a:int64 b:bool n:int64!")
	null := lit(nil)
	for _, c := range []struct {
		e        expr.Expr
		want     string // "" for not constant
		nullable bool
	}{
		{call("add", lit(int64(1)), lit(int64(2))), "3", false},
		{call("upper", lit("x")), "X", false},
		{call("add", lit(int64(1)), null), "NULL", true},
		{call("and", col("b"), lit(false)), "false", false},
		{call("or", lit(true), call("eq", call("div", lit(int64(1)), lit(int64(0))), lit(int64(1)))), "true", false},
		{call("if", lit(true), lit(int64(1)), call("div", lit(int64(1)), lit(int64(0)))), "1", false},
		{call("coalesce", null, lit(int64(7)), col("a")), "7", false},
		{call("coalesce", col("n"), call("div", lit(int64(1)), lit(int64(0)))), "", false},
		{call("coalesce", col("a"), lit(int64(0))), "", false},
		{call("add", col("n"), lit(int64(1))), "", false},
		{call("is_null", col("a")), "", false},
		{col("a"), "", true},
		{expr.Cast{Of: col("n"), To: arrow.PrimitiveTypes.Int8, Try: true}, "", true},
		{expr.Case{Whens: []expr.When{{Cond: col("b"), Then: lit(int64(1))}}}, "", true},
		{expr.Case{Whens: []expr.When{{Cond: col("b"), Then: lit(int64(1))}}, Else: col("n")}, "", false},
		{call("vector", lit(1.5), lit(int64(2))), "[1.5,2]", false},
	} {
		b := mustBind(t, c.e, schema)
		v, ok := b.Const()
		got := ""
		if ok {
			got = kernels.TextAt(v, 0)
		}
		if got != c.want || b.Nullable() != c.nullable {
			t.Errorf("%s: constant %q, nullable %v", expr.String(c.e), got, b.Nullable())
		}
	}
}

// Errors in rows that do not count must not be raised.
func TestLazy(t *testing.T) {
	x, zero := col("x"), lit(int64(0))
	quotient := call("div", lit(int64(12)), x)
	rows := "x:int64 s:utf8\n0 a\n3 5\nnull 6\n4 b"
	eval(t, call("if", call("ne", x, zero), quotient, lit(int64(-1))), rows, "-1\n4\n-1\n3")
	eval(t, expr.Case{Whens: []expr.When{
		{Cond: call("eq", x, zero), Then: lit(int64(100))},
		{Cond: call("gt", quotient, lit(int64(3))), Then: quotient},
	}}, rows, "100\n4\nnull\nnull")
	eval(t, call("and", call("ne", x, zero), call("gt", quotient, lit(int64(3)))), rows, "false\ntrue\nnull\nfalse")
	eval(t, call("and", call("gt", quotient, lit(int64(3))), call("ne", x, zero)), rows, "false\ntrue\nnull\nfalse")
	eval(t, call("or", call("eq", x, zero), call("gt", quotient, lit(int64(3)))), rows, "true\ntrue\nnull\nfalse")
	number := expr.Cast{Of: col("s"), To: arrow.PrimitiveTypes.Int64}
	eval(t, call("if", call("regexp_like", col("s"), lit("^[0-9]+$")), number, lit(int64(0))), rows, "0\n5\n6\n0")
	eval(t, call("coalesce", call("nullif", x, zero), lit(int64(9)), call("div", lit(int64(1)), zero)), rows, "9\n3\n9\n4")
	eval(t, call("coalesce", expr.Cast{Of: col("s"), To: arrow.PrimitiveTypes.Int64, Try: true}, x), rows, "0\n5\n6\n4")
	// A constant error in a branch waits for a row.
	bad := call("if", call("eq", x, lit(int64(77))), call("div", lit(int64(1)), zero), x)
	eval(t, bad, rows, "0\n3\nnull\n4")
	mem := columnartest.Allocator(t)
	in := columnartest.Batch(t, mem, "x:int64\n77")
	var e *expr.Error
	if _, err := mustBind(t, bad, in.Schema()).Eval(mem, in); !errors.As(err, &e) || e.Code != "AS4002" {
		t.Errorf("got %v", err)
	}
	got, err := mustBind(t, quotient, in.Schema()).Eval(mem, in)
	if err != nil {
		t.Fatal(err)
	}
	got.Release()
}

func TestSharedSubexpressions(t *testing.T) {
	x2 := call("mul", col("x"), col("x"))
	eval(t, call("add", call("add", x2, x2), call("if", call("gt", x2, lit(int64(5))), x2, lit(int64(0)))), "x:int64\n1\n2\n3\nnull", "2\n8\n27\nnull")
}

func TestSelect(t *testing.T) {
	mem := columnartest.Allocator(t)
	in := columnartest.Batch(t, mem, "x:int64 d:dict b:bool\n1 a true\nnull b false\n3 null null\n4 a true")
	for _, c := range []struct {
		e    expr.Expr
		want []int
	}{
		{call("gt", col("x"), lit(int64(1))), []int{2, 3}},
		{call("eq", col("d"), lit("a")), []int{0, 3}},
		{call("in", col("d"), lit("b"), lit("c"), lit("d"), lit("e")), []int{1}},
		{col("b"), []int{0, 3}},
		{call("not", col("b")), []int{1}},
		{lit(true), []int{0, 1, 2, 3}},
		{lit(false), nil},
		{lit(nil), nil},
		{call("is_null", col("x")), []int{1}},
	} {
		b := mustBind(t, c.e, in.Schema())
		got, err := b.Select(mem, in)
		if err != nil {
			t.Fatal(err)
		}
		var rows []int
		for i := range got.Ones() {
			rows = append(rows, i)
		}
		if len(rows) != len(c.want) {
			t.Errorf("%s: %v", expr.String(c.e), rows)
			continue
		}
		for i := range rows {
			if rows[i] != c.want[i] {
				t.Errorf("%s: %v", expr.String(c.e), rows)
			}
		}
	}
	if _, err := mustBind(t, col("x"), in.Schema()).Select(mem, in); err == nil {
		t.Error("a number selects")
	}
}

func TestString(t *testing.T) {
	for _, c := range []struct {
		e    expr.Expr
		want string
	}{
		{call("mul", call("add", col("a"), lit(int64(1))), lit(0.5)), "(a + 1) * 0.5"},
		{call("sub", col("a"), call("sub", col("b"), col("c"))), "a - (b - c)"},
		{call("sub", call("sub", col("a"), col("b")), col("c")), "a - b - c"},
		{call("and", call("or", col("a"), col("b")), call("not", call("eq", col("c"), lit("it's")))), "(a OR b) AND NOT c = 'it''s'"},
		{call("NVL", col("my col"), lit(nil)), "coalesce(`my col`, NULL)"},
		{call("is_null", call("=", col("a"), col("b"))), "(a = b) IS NULL"},
		{expr.Cast{Of: col("a"), To: arrow.PrimitiveTypes.Int64, Try: true}, "TRY_CAST(a AS BIGINT)"},
		{expr.Case{Whens: []expr.When{{Cond: col("a"), Then: lit(int64(1))}}, Else: lit(int64(2))}, "CASE WHEN a THEN 1 ELSE 2 END"},
		{expr.Field{Of: col("window"), Name: "start"}, "window.start"},
		{call("in", col("a"), lit(int64(1)), lit(int64(2))), "a IN (1, 2)"},
		{call("between", col("a"), lit(int64(1)), lit(int64(2))), "a BETWEEN 1 AND 2"},
		{expr.Lit{Value: arrow.Timestamp(0), Type: arrow.FixedWidthTypes.Timestamp_ms}, "TIMESTAMP_LTZ '1970-01-01 00:00:00Z'"},
		{expr.Lit{Value: arrow.Duration(1500000)}, "INTERVAL '0 00:00:01.5' DAY TO SECOND"},
		{expr.Lit{Value: []byte{0x0a, 0xff}}, "X'0aff'"},
		{call("neg", call("neg", col("a"))), "-(-a)"},
	} {
		if got := expr.String(c.e); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// Dictionaries of any shape give what plain text gives.
func TestDictionaries(t *testing.T) {
	mem := columnartest.Allocator(t)
	text := columnartest.Batch(t, mem, "s:utf8 u:utf8\na a\nnull b\nB b\na null\nnull null\n\"\" c")
	plain := text.Column(0)
	dict := func(a arrow.Array) arrow.Array {
		d, err := kernels.Cast(mem, a, columnar.Dict, false)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(d.Release)
		return d
	}
	// A dictionary with a NULL among its values, and values no row has.
	codes := columnartest.Batch(t, mem, "c:int32\n2\n3\n5\n2\n3\n4")
	values := columnartest.Batch(t, mem, "v:utf8\nzz\nyy\na\nnull\n\"\"\nB\nxx\nww")
	odd := array.NewDictionaryArray(columnar.Dict, codes.Column(0), values.Column(0))
	defer odd.Release()
	lit := func(v any) expr.Expr { return expr.Lit{Value: v} }
	for _, e := range []expr.Expr{
		call("eq", col("s"), lit("a")), call("lt", col("s"), lit("a")), call("ne", lit("a"), col("s")), call("eq", col("s"), col("u")), call("eq", col("u"), col("s")),
		call("is_null", col("s")), call("is_not_null", col("s")), call("is_distinct", col("s"), lit("a")), call("is_distinct", col("s"), col("u")),
		call("in", col("s"), lit("a"), lit("b"), lit(nil)), call("between", col("s"), lit("A"), lit("a")), call("like", col("s"), lit("%a%")), call("ilike", col("s"), lit("b")),
		call("upper", col("s")), call("length", col("s")), call("concat", col("s"), col("u")), call("concat_ws", lit("-"), col("s"), col("u")),
		call("coalesce", col("s"), col("u"), lit("?")), call("if", call("is_null", col("s")), col("u"), col("s")), call("nullif", col("s"), lit("a")), call("nullif", col("s"), col("u")),
		call("greatest", col("s"), col("u")), call("regexp_extract", col("s"), lit("[a-z]")), call("substring", col("s"), lit(int64(1)), call("length", col("u"))), call("hash_feature", col("s"), lit(int64(16))),
		expr.Cast{Of: col("s"), To: arrow.PrimitiveTypes.Int64, Try: true},
		expr.Cast{Of: col("s"), To: arrow.BinaryTypes.String},
		call("upper", call("concat", col("s"), lit("!"))), call("like", call("lower", col("s")), lit("b%")), call("length", call("coalesce", col("s"), lit("none"))),
		call("is_null", call("nullif", col("s"), lit("a"))), call("or", call("is_null", col("s")), call("gt", call("length", col("s")), lit(int64(0)))),
		expr.Case{Whens: []expr.When{{Cond: call("eq", col("s"), lit("a")), Then: call("upper", col("s"))}}, Else: call("concat", lit("-"), col("s"))},
		expr.Cast{Of: call("concat", lit("1"), call("length", col("s"))), To: arrow.PrimitiveTypes.Int64},
		call("concat", call("upper", col("s")), col("u")), call("split", call("upper", col("s")), lit("A")),
		call("if", call("eq", call("upper", col("s")), lit("A")), col("s"), lit(nil)),
		// It fails for values of the dictionary that no row has.
		expr.Cast{Of: call("replace", call("replace", call("replace", call("coalesce", col("s"), lit("7")), lit("a"), lit("1")), lit("B"), lit("2")), lit("c"), lit("3")), To: arrow.PrimitiveTypes.Int64, Try: true},
	} {
		var want string
		for k, s := range []arrow.Array{plain, dict(plain), odd} {
			for _, u := range []arrow.Array{text.Column(1), dict(text.Column(1))} {
				schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: s.DataType(), Nullable: true}, {Name: "u", Type: u.DataType(), Nullable: true}}, nil)
				batch := array.NewRecord(schema, []arrow.Array{s, u}, 6)
				part := batch.NewSlice(1, 6)
				got, err := mustBind(t, e, schema).Eval(mem, part)
				batch.Release()
				part.Release()
				if err != nil {
					t.Errorf("%s: %v", expr.String(e), err)
					continue
				}
				var sb strings.Builder
				for i := range got.Len() {
					sb.WriteString(kernels.TextAt(got, i) + "|")
				}
				if want == "" {
					want = sb.String()
				}
				if sb.String() != want {
					t.Errorf("%s: shape %d: got %s, want %s", expr.String(e), k, sb.String(), want)
				}
				got.Release()
			}
		}
	}
}

func TestWalk(t *testing.T) {
	var names []string
	e := expr.Case{Whens: []expr.When{{Cond: call("gt", col("a"), expr.Cast{Of: col("b")}), Then: expr.Field{Of: col("c"), Name: "x"}}}, Else: call("skip", col("d"))}
	expr.Walk(e, func(e expr.Expr) bool {
		if c, ok := e.(expr.Col); ok {
			names = append(names, c.Name)
		}
		c, ok := e.(expr.Call)
		return !ok || c.Name != "skip"
	})
	if got := strings.Join(names, ""); got != "abc" {
		t.Errorf("got %s", got)
	}
}

// TestMap renames the columns of an expression of every kind, which stays as it is.
func TestMap(t *testing.T) {
	made := func(a, b string) expr.Expr {
		return expr.Case{
			Whens: []expr.When{{Cond: expr.Call{Name: "gt", Args: []expr.Expr{expr.Col{Name: a}, expr.Lit{Value: int64(1)}}}, Then: expr.Field{Of: expr.Col{Name: b}, Name: "f"}}},
			Else:  expr.Call{Name: "transform", Args: []expr.Expr{expr.Cast{Of: expr.Col{Name: a}, To: arrow.BinaryTypes.String}, expr.Lambda{Body: expr.Col{Name: b}}}},
		}
	}
	var rename func(e expr.Expr) expr.Expr
	rename = func(e expr.Expr) expr.Expr {
		if c, ok := e.(expr.Col); ok {
			return expr.Col{Name: c.Name + "2"}
		}
		return expr.Map(e, rename)
	}
	e := made("x", "y")
	if got := rename(e); !reflect.DeepEqual(got, made("x2", "y2")) || !reflect.DeepEqual(e, made("x", "y")) {
		t.Errorf("%v of %v", got, e)
	}
	if got := expr.Map(expr.Case{}, rename); got.(expr.Case).Else != nil {
		t.Error(got)
	}
}

// TestEqual compares expressions that differ in one place each with all others.
func TestEqual(t *testing.T) {
	cond := call("gt", col("x"), lit(int64(1)))
	all := []expr.Expr{
		nil, col("x"), col("y"),
		expr.Param{Name: "x"},
		lit(int64(1)), lit(1.0), lit("1"), lit([]byte("1")), lit(nil),
		expr.Lit{Type: arrow.BinaryTypes.String},
		expr.Lit{Value: int64(1), Type: arrow.PrimitiveTypes.Int64},
		expr.Field{Of: col("x"), Name: "a"},
		expr.Field{Of: col("x"), Name: "b"},
		expr.Field{Of: col("y"), Name: "a"},
		call("f"), call("f", col("x")), call("f", col("x"), col("y")), call("f", col("y"), col("x")), call("g", col("x")),
		expr.Call{Name: "f", Zone: "UTC"},
		expr.Call{Name: "f", Site: 1},
		expr.Call{Name: "f", Func: &kernels.Function{}},
		expr.Cast{Of: col("x"), To: arrow.PrimitiveTypes.Int64},
		expr.Cast{Of: col("x"), To: arrow.PrimitiveTypes.Int32},
		expr.Cast{Of: col("x"), To: arrow.PrimitiveTypes.Int64, Try: true},
		expr.Cast{Of: col("x"), To: arrow.PrimitiveTypes.Int64, Zone: "UTC"},
		expr.Cast{Of: col("y"), To: arrow.PrimitiveTypes.Int64},
		expr.Case{Whens: []expr.When{{Cond: cond, Then: col("x")}}},
		expr.Case{Whens: []expr.When{{Cond: cond, Then: col("y")}}},
		expr.Case{Whens: []expr.When{{Cond: cond, Then: col("x")}}, Else: col("y")},
		expr.Case{Whens: []expr.When{{Cond: cond, Then: col("x")}}, Zone: "UTC"},
		expr.Lambda{Params: []string{"x"}, Body: cond},
		expr.Lambda{Params: []string{"y"}, Body: cond},
		expr.Lambda{Params: []string{"x"}, Body: col("x")},
	}
	for i, a := range all {
		for j, b := range all {
			if a != nil && i == j {
				b = expr.Map(a, func(x expr.Expr) expr.Expr { return x })
			}
			if got := expr.Equal(a, b); got != (i == j) {
				t.Errorf("%s and %s: %v", expr.String(a), expr.String(b), got)
			}
		}
	}
}
