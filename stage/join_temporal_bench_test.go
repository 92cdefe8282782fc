//go:build linux

package stage_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/stage"
)

// BenchmarkTemporalJoin joins 1 Mi rows with as many versions, in ticks of 16 Ki
// rows of each. ns/row is the processor time of the thread per row of both inputs.
func BenchmarkTemporalJoin(b *testing.B) {
	const rows, tick = 1 << 20, 16 << 10
	for _, c := range []struct {
		name    string
		keys    int64
		arrival bool
		shuffle int64 // how far rows are out of order
	}{{"keys=1Ki", 1 << 10, false, 0}, {"keys=1Ki/unordered", 1 << 10, false, 100}, {"keys=1Mi", 1 << 20, false, 0}, {"keys=1Ki/arrival", 1 << 10, true, 0}} {
		b.Run(c.name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			r := rand.New(rand.NewPCG(1, 2))
			var in [2][]arrow.Record
			for i := range in {
				in[i] = timedBatches(rows, tick, func(i int) (ts, k int64) { return int64(i) + r.Int64N(c.shuffle+1), scatter(r.Int64N(c.keys)) })
				defer releaseBatches(in[i])
			}
			emitted := int64(0)
			emit := func(b arrowstream.Batch, _ ...int) error {
				emitted += b.NumRows()
				return nil
			}
			ctx := context.Background()
			from := threadTime(b)
			for b.Loop() {
				j := &stage.TemporalJoin{Kind: stage.LeftJoin, Arrival: c.arrival, JoinColumns: stage.JoinColumns{
					LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Right: []string{"rt", "rk", "rv"}, Columns: []string{"ts", "k", "v", "rv"},
				}}
				s := in[0][0].Schema()
				if _, err := j.Bind([]*arrow.Schema{s, s}, arrowstream.Env{Allocator: columnar.Pool}); err != nil {
					b.Fatal(err)
				}
				for i := range in[0] {
					for input := range in {
						if err := j.Process(ctx, input, in[input][i], emit); err != nil {
							b.Fatal(err)
						}
					}
					mark := arrowstream.Watermark{Event: int64(i+1) * tick}
					if i == len(in[0])-1 {
						mark.Event = arrowstream.EndOfTime
					}
					if _, err := j.Advance(ctx, mark, emit); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric((threadTime(b)-from)/float64(b.N)/(2*rows), "ns/row")
			if emitted < int64(b.N)*rows*99/100 {
				b.Fatalf("%d rows of %d", emitted, int64(b.N)*rows)
			}
		})
	}
}

// timedBatches have a time, a key and a value.
func timedBatches(rows, size int, row func(i int) (ts, k int64)) (out []arrow.Record) {
	s := columnar.WithEventTime(arrow.NewSchema([]arrow.Field{
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}}, {Name: "k", Type: arrow.PrimitiveTypes.Int64}, {Name: "v", Type: arrow.PrimitiveTypes.Float64},
	}, nil), "ts")
	rb := array.NewRecordBuilder(columnar.Pool, s)
	defer rb.Release()
	for i := 0; i < rows; i++ {
		ts, k := row(i)
		rb.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(ts))
		rb.Field(1).(*array.Int64Builder).Append(k)
		rb.Field(2).(*array.Float64Builder).Append(float64(i))
		if (i+1)%size == 0 || i == rows-1 {
			out = append(out, rb.NewRecord())
		}
	}
	return out
}
