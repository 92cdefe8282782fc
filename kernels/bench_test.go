package kernels_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// benchBatch has integers, floats, text and dictionary columns.
func benchBatch(rows int) arrow.Record {
	r := rand.New(rand.NewPCG(1, 2))
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int64},
		{Name: "j", Type: arrow.PrimitiveTypes.Int64},
		{Name: "i32", Type: arrow.PrimitiveTypes.Int32},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64},
		{Name: "g", Type: arrow.PrimitiveTypes.Float64},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String},
		{Name: "d", Type: columnar.Dict},
		{Name: "p", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}},
		{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "row", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
	b := array.NewRecordBuilder(columnar.Pool, schema)
	defer b.Release()
	for i := range rows {
		b.Field(0).(*array.Int64Builder).Append(r.Int64N(1000))
		b.Field(1).(*array.Int64Builder).Append(r.Int64N(1000) + 1)
		b.Field(2).(*array.Int32Builder).Append(r.Int32N(1000))
		b.Field(3).(*array.Float64Builder).Append(r.Float64())
		b.Field(4).(*array.Float64Builder).Append(r.Float64())
		if r.IntN(10) == 0 {
			b.Field(5).AppendNull()
		} else {
			b.Field(5).(*array.Int64Builder).Append(r.Int64N(1000))
		}
		text := fmt.Sprintf("channel-%d", r.IntN(100))
		b.Field(6).(*array.StringBuilder).Append(text)
		if err := b.Field(7).(*array.BinaryDictionaryBuilder).AppendString(text); err != nil {
			panic(err)
		}
		if err := b.Field(8).AppendValueFromString(fmt.Sprintf("%d.25", r.IntN(1000))); err != nil {
			panic(err)
		}
		b.Field(9).(*array.TimestampBuilder).Append(arrow.Timestamp(r.Int64N(2e15)))
		b.Field(10).(*array.Int64Builder).Append(int64(i))
	}
	return b.NewRecord()
}

func BenchmarkEval(b *testing.B) {
	const rows = 16384
	batch := benchBatch(rows)
	defer batch.Release()
	col := func(n string) expr.Expr { return expr.Col{Name: n} }
	lit := func(v any) expr.Expr { return expr.Lit{Value: v} }
	call := func(n string, args ...expr.Expr) expr.Expr { return expr.Call{Name: n, Args: args} }
	for _, c := range []struct {
		name   string
		e      expr.Expr
		choose bool
	}{
		{"select=int64>c", call("gt", col("i"), lit(int64(500))), true},
		{"select=int32>c", call("gt", col("i32"), lit(int64(500))), true},
		{"select=float64>c", call("gt", col("f"), lit(0.5)), true},
		{"select=float64>float64", call("gt", col("f"), col("g")), true},
		{"select=nullable>c", call("gt", col("n"), lit(int64(500))), true},
		{"select=text=c", call("eq", col("s"), lit("channel-7")), true},
		{"select=dict=c", call("eq", col("d"), lit("channel-7")), true},
		{"select=like", call("like", col("s"), lit("%nel-7%")), true},
		{"select=dict-like", call("like", col("d"), lit("%nel-7%")), true},
		{"select=in-5", call("in", col("i"), lit(int64(1)), lit(int64(2)), lit(int64(3)), lit(int64(4)), lit(int64(5))), true},
		{"select=and-3", call("and", call("gt", col("i"), lit(int64(100))), call("lt", col("f"), lit(0.9)), call("eq", col("d"), lit("channel-7"))), true},
		{"add=int64+int64", call("add", col("i"), col("j")), false},
		{"add=int64+c", call("add", col("i"), lit(int64(1))), false},
		{"mul=int64*int64", call("mul", col("i"), col("j")), false},
		{"mul=float64*float64", call("mul", col("f"), col("g")), false},
		{"muladd=f*g+f", call("add", call("mul", col("f"), col("g")), col("f")), false},
		{"div=int64-DIV-c", call("div", col("i"), lit(int64(7))), false},
		{"divide=int64/int64", call("divide", col("i"), col("j")), false},
		{"mul=decimal*decimal", call("mul", col("p"), col("p")), false},
		{"mul=int64*0.908", call("mul", col("i"), expr.Cast{Of: lit("0.908"), To: &arrow.Decimal128Type{Precision: 3, Scale: 3}}), false},
		{"if=int64", call("if", call("gt", col("i"), lit(int64(500))), col("i"), lit(int64(0))), false},
		{"case=2-texts", expr.Case{Whens: []expr.When{{Cond: call("gt", col("i"), lit(int64(500))), Then: lit("hi")}}, Else: lit("lo")}, false},
		{"case=2-texts-runs", expr.Case{Whens: []expr.When{{Cond: call("gt", col("row"), lit(int64(5000))), Then: lit("before the hour")}}, Else: lit("after it")}, false},
		{"case=failing-branch", call("if", call("gt", col("i"), lit(int64(500))), call("div", col("i"), col("j")), lit(int64(0))), false},
		{"cast=int64-float64", expr.Cast{Of: col("i"), To: arrow.PrimitiveTypes.Float64}, false},
		{"cast=int64-text", expr.Cast{Of: col("i"), To: arrow.BinaryTypes.String}, false},
		{"upper=text", call("upper", col("s")), false},
		{"hour=timestamp", call("hour", col("ts")), false},
		{"date_format", call("date_format", col("ts"), lit("yyyy-MM-dd HH:mm")), false},
		{"sigmoid", call("sigmoid", col("f")), false},
		{"vector=2", call("vector", col("f"), col("g")), false},
	} {
		b.Run(c.name+"/rows=16384", func(b *testing.B) {
			bound, err := expr.Bind(c.e, batch.Schema())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if c.choose {
					if _, err := bound.Select(columnar.Pool, batch); err != nil {
						b.Fatal(err)
					}
					continue
				}
				a, err := bound.Eval(columnar.Pool, batch)
				if err != nil {
					b.Fatal(err)
				}
				a.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}
