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

// BenchmarkHashJoin joins rows of a key and two values with rows that are there.
// ns/row is the processor time of the thread per row of the second input.
func BenchmarkHashJoin(b *testing.B) {
	const batch = 8 << 10
	for _, c := range []struct {
		name        string
		build, rows int                             // of the right and of the left input
		key         func(r *rand.Rand, i int) int64 // of the left input
		kind        stage.JoinKind
		static      bool
	}{
		{"kind=inner/keys=1Mi", 1 << 20, 1 << 20, func(r *rand.Rand, _ int) int64 { return r.Int64N(1 << 20) }, stage.InnerJoin, false},
		{"kind=inner/keys=1Mi/static", 1 << 20, 1 << 20, func(r *rand.Rand, _ int) int64 { return r.Int64N(1 << 20) }, stage.InnerJoin, true},
		{"kind=left/keys=1Mi/updates", 1 << 20, 1 << 20, func(r *rand.Rand, _ int) int64 { return r.Int64N(2 << 20) }, stage.LeftJoin, false},
		{"kind=inner/skewed", 1 << 10, 1 << 20, func(r *rand.Rand, i int) int64 { return int64(r.ExpFloat64() * 50) }, stage.InnerJoin, false},
		{"kind=inner/keys=16Ki/static", 1 << 14, 1 << 20, func(r *rand.Rand, _ int) int64 { return r.Int64N(1 << 14) }, stage.InnerJoin, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			r := rand.New(rand.NewPCG(1, 2))
			order := r.Perm(c.build)
			left := joinBatches(c.rows, batch, func(i int) int64 { return scatter(c.key(r, i)) })
			right := joinBatches(c.build, batch, func(i int) int64 { return scatter(int64(order[i])) })
			defer releaseBatches(left)
			defer releaseBatches(right)
			emitted := int64(0)
			emit := func(b arrowstream.Batch, _ ...int) error {
				emitted += b.NumRows()
				return nil
			}
			var building, probing float64
			ctx := context.Background()
			for b.Loop() {
				j := &stage.HashJoin{Kind: c.kind, Updates: !c.static, JoinColumns: stage.JoinColumns{
					LeftKeys: []string{"k"}, RightKeys: []string{"k"}, Right: []string{"rk", "ra", "rb"}, Columns: []string{"k", "a", "b", "ra", "rb"},
				}}
				s := left[0].Schema()
				if _, err := j.Bind([]*arrow.Schema{s, s}, arrowstream.Env{Allocator: columnar.Pool}); err != nil {
					b.Fatal(err)
				}
				feed := func(input int, batches []arrow.Record) float64 {
					from := threadTime(b)
					for _, rec := range batches {
						if err := j.Process(ctx, input, rec, emit); err != nil {
							b.Fatal(err)
						}
						if _, err := j.Advance(ctx, arrowstream.Watermark{Event: arrowstream.NoEventTime}, emit); err != nil {
							b.Fatal(err)
						}
					}
					return threadTime(b) - from
				}
				building += feed(1, right)
				if c.static {
					if err := j.Ended(ctx, 1, emit); err != nil {
						b.Fatal(err)
					}
				}
				probing += feed(0, left)
				_ = j.Close()
			}
			n := float64(b.N)
			b.ReportMetric(building/n/float64(c.build), "build-ns/row")
			b.ReportMetric(probing/n/float64(c.rows), "probe-ns/row")
			b.ReportMetric(float64(emitted)/n/float64(c.rows), "pairs/row")
		})
	}
}

// scatter spreads keys over 64 bits.
func scatter(k int64) int64 { return k * -0x61c8864680b583eb }

func joinBatches(rows, size int, key func(i int) int64) (out []arrow.Record) {
	s := arrow.NewSchema([]arrow.Field{
		{Name: "k", Type: arrow.PrimitiveTypes.Int64}, {Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.PrimitiveTypes.Float64},
	}, nil)
	rb := array.NewRecordBuilder(columnar.Pool, s)
	defer rb.Release()
	for i := 0; i < rows; i++ {
		rb.Field(0).(*array.Int64Builder).Append(key(i))
		rb.Field(1).(*array.Int64Builder).Append(int64(i))
		rb.Field(2).(*array.Float64Builder).Append(float64(i))
		if (i+1)%size == 0 || i == rows-1 {
			out = append(out, rb.NewRecord())
		}
	}
	return out
}

func releaseBatches(batches []arrow.Record) {
	for _, b := range batches {
		b.Release()
	}
}
