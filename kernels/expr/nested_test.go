package expr_test

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

const probs = "probs:list<struct<label:utf8,prob:float64>> k:int64\n" +
	"[{no,0.25},{yes,0.75}] 2\n" +
	"[{no,1}] 2\n" +
	"null 1\n" +
	"[null,{null,0.5}] 1\n" +
	"[{a,null},{\"b c\",NaN}] -1\n" +
	"[] null\n" +
	"[{x,1},{y,-0},{z,3}] -2\n"

// predicted_label_probs[2].prob and its relatives.
func TestFieldOfElement(t *testing.T) {
	at := func(k expr.Expr) expr.Expr { return call("element_at", col("probs"), k) }
	eval(t, expr.Field{Of: at(lit(int64(2))), Name: "prob"}, probs, "0.75\nnull\nnull\n0.5\nNaN\nnull\n-0")
	eval(t, expr.Field{Of: at(lit(int64(2))), Name: "label"}, probs, "yes\nnull\nnull\nnull\n\"b c\"\nnull\ny")
	eval(t, expr.Field{Of: at(col("k")), Name: "prob"}, probs, "0.75\nnull\nnull\nnull\nNaN\nnull\n-0")
	eval(t, call("coalesce", expr.Field{Of: at(lit(int64(1))), Name: "prob"}, lit(9.0)), probs, "0.25\n1\n9\n9\n9\n9\n1")
	eval(t, call("cardinality", col("probs")), probs, "2\n1\nnull\n2\n2\n0\n3")
	eval(t, call("is_null", at(lit(int64(1)))), probs, "false\nfalse\ntrue\ntrue\nfalse\ntrue\nfalse")
	eval(t, call("gt", expr.Field{Of: at(lit(int64(-1))), Name: "prob"}, lit(0.6)), probs, "true\ntrue\nnull\nfalse\ntrue\nnull\ntrue")
	eval(t, expr.Case{Whens: []expr.When{{Cond: call("eq", col("k"), lit(int64(2))), Then: at(lit(int64(1)))}}}, probs,
		"{no,0.25}\n{no,1}\nnull\nnull\nnull\nnull\nnull")
	eval(t, call("array_distinct", call("array", at(lit(int64(1))), at(lit(int64(1))))), probs,
		"[{no,0.25}]\n[{no,1}]\n[null]\n[null]\n[{a,null}]\n[null]\n[{x,1}]")
}

func TestElementOfVectorAndDictionary(t *testing.T) {
	batch := "v:vector[2] d:list<dict> s:dict\n[1,2] [a,b] a\nnull null a\n[3,null] [b,null] b\n[5,6] [] null\n"
	eval(t, call("element_at", col("v"), lit(int64(2))), batch, "2\nnull\nnull\n6")
	eval(t, call("element_at", col("d"), lit(int64(1))), batch, "a\nnull\nb\nnull")
	eval(t, call("upper", call("element_at", col("d"), lit(int64(1)))), batch, "A\nnull\nB\nnull")
	eval(t, call("array_contains", col("d"), col("s")), batch, "true\nnull\ntrue\nfalse")
	eval(t, call("array_position", col("d"), lit("b")), batch, "2\nnull\n1\n0")
	eval(t, call("array_max", col("d")), batch, "b\nnull\nb\nnull")
	eval(t, call("array", col("s"), lit("z")), batch, "[a,z]\n[a,z]\n[b,z]\n[null,z]")
	eval(t, call("array_join", col("d"), lit("-")), batch, "a-b\nnull\nb\n\"\"")
	eval(t, call("array_distinct", call("array_concat", col("d"), col("d"))), batch, "[a,b]\nnull\n[b,null]\n[]")
	eval(t, call("array_sort", col("v"), lit(false)), batch, "[2,1]\nnull\n[3,null]\n[6,5]")
}

func TestElementOfMap(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := array.NewMapBuilder(mem, arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64, false)
	defer b.Release()
	keys, items := b.KeyBuilder().(*array.StringBuilder), b.ItemBuilder().(*array.Int64Builder)
	for _, row := range []map[string]int64{{"skipped": 0}, {"a": 1}, nil, {"b": 2}, {}} {
		if row == nil {
			b.AppendNull()
			continue
		}
		b.Append(true)
		for k, v := range row {
			keys.Append(k)
			items.Append(v)
		}
		if len(row) == 0 {
			keys.Append("b")
			items.AppendNull()
		}
	}
	full := b.NewArray()
	defer full.Release()
	m := array.NewSlice(full, 1, int64(full.Len()))
	defer m.Release()
	schema := arrow.NewSchema([]arrow.Field{{Name: "m", Type: m.DataType(), Nullable: true}}, nil)
	batch := array.NewRecord(schema, []arrow.Array{m}, int64(m.Len()))
	defer batch.Release()
	for _, c := range []struct {
		e    expr.Expr
		want []string
	}{
		{call("element_at", col("m"), lit("b")), []string{"null", "null", "2", "null"}},
		{call("element_at", col("m"), call("upper", lit("b"))), []string{"null", "null", "null", "null"}},
		{call("cardinality", col("m")), []string{"1", "null", "1", "1"}},
		{call("map_keys", col("m")), []string{"[a]", "null", "[b]", "[b]"}},
		{call("map_values", col("m")), []string{"[1]", "null", "[2]", "[null]"}},
	} {
		got, err := mustBind(t, c.e, schema).Eval(mem, batch)
		if err != nil {
			t.Fatalf("%s: %v", expr.String(c.e), err)
		}
		for i, want := range c.want {
			if text := columnartest.Cell(got, i); text != want {
				t.Errorf("%s: row %d: %s, want %s", expr.String(c.e), i, text, want)
			}
		}
		got.Release()
	}
}

// NVL2 evaluates the branch it does not take for no row.
func TestNvl2IsLazy(t *testing.T) {
	eval(t, call("nvl2", col("x"), call("div", lit(int64(6)), col("x")), lit(int64(0))), "x:int64\n2\nnull\n3", "3\n0\n2")
	eval(t, call("nvl2", col("x"), lit(int64(1)), call("div", lit(int64(6)), col("z"))), "x:int64 z:int64\n2 0\nnull 3\n3 0", "1\n2\n1")
}

func BenchmarkFieldOfElement(b *testing.B) {
	const rows = 16384
	mem := memory.NewGoAllocator()
	t := arrow.StructOf(arrow.Field{Name: "label", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "prob", Type: arrow.PrimitiveTypes.Float64})
	lb := array.NewListBuilder(mem, t)
	sb := lb.ValueBuilder().(*array.StructBuilder)
	for i := range rows {
		lb.Append(true)
		for _, label := range []string{"no", "yes"} {
			sb.Append(true)
			sb.FieldBuilder(0).(*array.StringBuilder).Append(label)
			sb.FieldBuilder(1).(*array.Float64Builder).Append(float64(i))
		}
	}
	a := lb.NewArray()
	schema := arrow.NewSchema([]arrow.Field{{Name: "probs", Type: a.DataType()}}, nil)
	batch := array.NewRecord(schema, []arrow.Array{a}, rows)
	bound := mustBind(b, expr.Field{Of: call("element_at", col("probs"), lit(int64(2))), Name: "prob"}, schema)
	b.ReportAllocs()
	for b.Loop() {
		out, err := bound.Eval(mem, batch)
		if err != nil {
			b.Fatal(err)
		}
		out.Release()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}
