//go:build linux

package stage_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// bids are ticks of rows with the columns and the skew of Nexmark: half of the
// bids are for the auctions of the last hundred, and three quarters by the
// bidders of the last hundred.
func bids(ticks, rows int) ([]arrow.Record, func()) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "auction", Type: arrow.PrimitiveTypes.Int64},
		{Name: "bidder", Type: arrow.PrimitiveTypes.Int64},
		{Name: "price", Type: arrow.PrimitiveTypes.Int64},
		{Name: "channel", Type: arrow.BinaryTypes.String},
		{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "day", Type: arrow.BinaryTypes.String},
		{Name: "extra", Type: arrow.BinaryTypes.String},
	}, nil)
	rb := array.NewRecordBuilder(columnar.Pool, schema)
	defer rb.Release()
	r, out, n := rand.New(rand.NewPCG(1, 2)), []arrow.Record{}, int64(0)
	recent := func(most int64, hot int) int64 {
		if r.IntN(4) < hot {
			return most / 100 * 100
		}
		return max(0, most-r.Int64N(min(most, 1000)+1))
	}
	const extra = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
	for range ticks {
		for range rows {
			n++
			rb.Field(0).(*array.Int64Builder).Append(recent(n/15, 2))
			rb.Field(1).(*array.Int64Builder).Append(recent(n/46, 3))
			rb.Field(2).(*array.Int64Builder).Append(100 << r.IntN(17))
			rb.Field(3).(*array.StringBuilder).Append([]string{"Google", "Apple", "Facebook", "Baidu"}[r.IntN(4)])
			rb.Field(4).(*array.TimestampBuilder).Append(arrow.Timestamp(n * 100))
			rb.Field(5).(*array.StringBuilder).Append("2026-01-01")
			rb.Field(6).(*array.StringBuilder).Append(extra[:20+r.IntN(30)])
		}
		out = append(out, rb.NewRecord())
	}
	return out, func() {
		for _, b := range out {
			b.Release()
		}
	}
}

// BenchmarkChanges runs updating operators over ticks of bids. The time is the
// processor time of the process; rows/s are rows of the input.
func BenchmarkChanges(b *testing.B) {
	const ticks, rows = 60, 16 << 10
	in, free := bids(ticks, rows)
	defer free()
	price, bidder, auction := col("price"), []expr.Expr{col("bidder")}, []expr.Expr{col("auction")}
	ranks := []expr.Expr{
		call("lt", price, lit(int64(10_000))), call("and", call("ge", price, lit(int64(10_000))), call("lt", price, lit(int64(1_000_000)))), call("ge", price, lit(int64(1_000_000))),
	}
	counts := func(args []expr.Expr) (aggs []stage.Agg) {
		name := fmt.Sprint(args)
		aggs = append(aggs, stage.Agg{Name: name, Func: "count", Args: args, Distinct: args != nil})
		for i, f := range ranks {
			aggs = append(aggs, stage.Agg{Name: fmt.Sprint(name, i), Func: "count", Args: args, Distinct: args != nil, Filter: f})
		}
		return aggs
	}
	twelve := append(append(counts(nil), counts(bidder)...), counts(auction)...)
	p := []expr.Expr{price}
	q17 := append(counts(nil), stage.Agg{Func: "min", Args: p}, stage.Agg{Func: "max", Args: p}, stage.Agg{Func: "avg", Args: p}, stage.Agg{Func: "sum", Args: p})
	late := []stage.SortKey{{Expr: col("ts"), Desc: true}}
	for _, c := range []struct {
		name  string
		stage arrowstream.Stage
	}{
		{"q15", &stage.Aggregate{By: []string{"day"}, Aggs: twelve, Updates: true}},
		{"q16", &stage.Aggregate{By: []string{"channel", "day"}, Aggs: twelve, Updates: true}},
		{"q17", &stage.Aggregate{By: []string{"auction", "day"}, Aggs: q17, Updates: true}},
		{"q18", &stage.Top{By: []string{"bidder", "auction"}, OrderBy: late, N: 1}},
		{"q19", &stage.Top{By: []string{"auction"}, OrderBy: []stage.SortKey{{Expr: price, Desc: true}}, N: 10, Number: "rank"}},
		{"distinct", &stage.Distinct{By: []string{"bidder", "auction"}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			spent := 0.0
			for b.Loop() {
				st := c.stage.(arrowstream.Parallel).Clone()
				if _, err := st.Bind(in[0].Schema(), arrowstream.Env{Allocator: columnar.Pool}); err != nil {
					b.Fatal(err)
				}
				none := func(arrowstream.Batch, ...int) error { return nil }
				start := processTime(b)
				for _, batch := range in {
					if err := st.Process(context.Background(), batch, none); err != nil {
						b.Fatal(err)
					}
					if _, err := st.Advance(context.Background(), arrowstream.Watermark{Event: arrowstream.NoEventTime}, none); err != nil {
						b.Fatal(err)
					}
				}
				spent += processTime(b) - start
				st.(interface{ Close() error }).Close()
			}
			b.ReportMetric(float64(b.N)*ticks*rows/spent*1e3, "Mrows/cpu-s")
		})
	}
}

// BenchmarkUpdatingKeys measures the memory of an updating aggregation with many
// keys: a key of 8 bytes, a count and a sum, so 24 bytes of raw key and state.
func BenchmarkUpdatingKeys(b *testing.B) {
	const keys, batch = 10_000_000, 1 << 17
	schema := arrow.NewSchema([]arrow.Field{{Name: "k", Type: arrow.PrimitiveTypes.Int64}, {Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil)
	rb := array.NewRecordBuilder(columnar.Pool, schema)
	defer rb.Release()
	for b.Loop() {
		st := &stage.Aggregate{By: []string{"k"}, Aggs: []stage.Agg{{Func: "count"}, {Func: "sum", Args: []expr.Expr{col("x")}}}, Updates: true}
		if _, err := st.Bind(schema, arrowstream.Env{Allocator: columnar.Pool}); err != nil {
			b.Fatal(err)
		}
		none := func(arrowstream.Batch, ...int) error { return nil }
		for n := 0; n < keys; n += batch {
			for i := range min(batch, keys-n) {
				rb.Field(0).(*array.Int64Builder).Append(int64(uint64(n+i) * 0x9e3779b97f4a7c15))
				rb.Field(1).(*array.Int64Builder).Append(int64(i))
			}
			rec := rb.NewRecord()
			if err := st.Process(context.Background(), rec, none); err != nil {
				b.Fatal(err)
			}
			rec.Release()
			if _, err := st.Advance(context.Background(), arrowstream.Watermark{Event: arrowstream.NoEventTime}, none); err != nil {
				b.Fatal(err)
			}
		}
		c := st.Counts()
		b.ReportMetric(float64(c.StateBytes)/keys, "B/key")
		b.ReportMetric(float64(c.HeapBytes)/keys, "heap-B/key")
		st.Close()
	}
}

// processTime is the processor time of the process in nanoseconds.
func processTime(tb testing.TB) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}
