//go:build linux

package stage_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// BenchmarkEventTime is the operators that need event time, on ticks of 16,384
// rows, a row each 10 microseconds, in processor time.
func BenchmarkEventTime(b *testing.B) {
	const rows, size = 1 << 19, 16 << 10
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "few", Type: arrow.PrimitiveTypes.Int64},
		{Name: "many", Type: arrow.PrimitiveTypes.Int64},
		{Name: "x", Type: arrow.PrimitiveTypes.Float64},
	}, nil)
	input := func(jitter int64) []arrow.Record {
		r := rand.New(rand.NewPCG(1, 2))
		rb := array.NewRecordBuilder(columnar.Pool, schema)
		defer rb.Release()
		var out []arrow.Record
		for i := range rows {
			rb.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(int64(i)*10 + r.Int64N(jitter+1)))
			rb.Field(1).(*array.Int64Builder).Append(r.Int64N(10))
			rb.Field(2).(*array.Int64Builder).Append(r.Int64N(20_000))
			rb.Field(3).(*array.Float64Builder).Append(r.Float64())
			if i%size == size-1 {
				out = append(out, rb.NewRecord())
			}
		}
		return out
	}
	x := col("x")
	calls := func(f stage.Frame) []stage.OverCall {
		return []stage.OverCall{{Func: "sum", Args: []expr.Expr{x}, Frame: f}, {Func: "row_number"}, {Func: "lag", Args: []expr.Expr{x}}}
	}
	deviations := func(f stage.Frame) []stage.OverCall {
		return []stage.OverCall{{Func: "stddev", Args: []expr.Expr{x}, Frame: f}}
	}
	long := stage.Frame{Rows: true, Start: stage.Preceding, Preceding: 1000}
	last := stage.Frame{Rows: true, Start: stage.Preceding, Preceding: 10}
	second := stage.Frame{Start: stage.Preceding, Span: time.Second}
	fall := stage.Pattern{
		By: []string{"many"}, Time: "ts", Within: time.Hour, Pattern: stage.Concat{stage.Var("S"), plus("D"), stage.Var("U")},
		Define:   []stage.Define{{Var: "D", Cond: call("lt", x, stage.Prev(x, 1))}, {Var: "U", Cond: call("gt", x, stage.Prev(x, 1))}},
		Measures: []stage.Measure{{Name: "low", Expr: stage.Last("D", x, 0)}},
	}
	looks := fall
	looks.Define = []stage.Define{fall.Define[0], {Var: "U", Cond: call("gt", x, stage.Last("D", x, 0))}}
	sums := stage.Pattern{
		By: []string{"few"}, Time: "ts", Within: time.Hour, Pattern: stage.Concat{plus("A"), stage.Var("B")},
		Define:   []stage.Define{{Var: "A", Cond: call("lt", stage.AggOf("A", "sum", x), lit(1000.0))}},
		Measures: []stage.Measure{{Name: "n", Expr: stage.AggOf("A", "count")}},
	}
	for _, c := range []struct {
		name   string
		jitter int64
		stage  func() arrowstream.Stage
	}{
		{"order/sorted", 0, func() arrowstream.Stage { return &stage.TimeOrder{Time: "ts"} }},
		{"order/nearly", 1000, func() arrowstream.Stage { return &stage.TimeOrder{Time: "ts"} }},
		{"over/all/few", 0, over(stage.Over{Time: "ts", By: []string{"few"}, Calls: calls(stage.Frame{})})},
		{"over/all/many", 0, over(stage.Over{Time: "ts", By: []string{"many"}, Calls: calls(stage.Frame{})})},
		{"over/rows=10/few", 0, over(stage.Over{Time: "ts", By: []string{"few"}, Calls: calls(last)})},
		{"over/rows=10/many", 0, over(stage.Over{Time: "ts", By: []string{"many"}, Calls: calls(last)})},
		{"over/rows=1000/few", 0, over(stage.Over{Time: "ts", By: []string{"few"}, Calls: calls(long)})},
		{"over/stddev/rows=1000/few", 0, over(stage.Over{Time: "ts", By: []string{"few"}, Calls: deviations(long)})},
		{"over/second/many", 0, over(stage.Over{Time: "ts", By: []string{"many"}, Calls: calls(second)})},
		{"pattern/previous", 0, pattern(fall)},
		{"pattern/match", 0, pattern(looks)},
		{"pattern/sum/few", 0, pattern(sums)},
	} {
		b.Run(c.name, func(b *testing.B) {
			batches := input(c.jitter)
			defer func() {
				for _, r := range batches {
					r.Release()
				}
			}()
			ctx := context.Background()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			start := threadTime(b)
			for b.Loop() {
				s := c.stage()
				if _, err := s.Bind(schema, arrowstream.Env{Allocator: columnar.Pool}); err != nil {
					b.Fatal(err)
				}
				none := func(arrowstream.Batch, ...int) error { return nil }
				for i, r := range batches {
					if err := s.Process(ctx, r, none); err != nil {
						b.Fatal(err)
					}
					w := arrowstream.Watermark{Event: int64(i+1)*size*10 - 2000}
					if i == len(batches)-1 {
						w.Event = arrowstream.EndOfTime
					}
					if _, err := s.Advance(ctx, w, none); err != nil {
						b.Fatal(err)
					}
				}
				if c, ok := s.(interface{ Close() error }); ok {
					_ = c.Close()
				}
			}
			b.ReportMetric(float64(rows*b.N)*1e3/(threadTime(b)-start), "Mrows/s")
		})
	}
}
