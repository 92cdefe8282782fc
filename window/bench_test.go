//go:build unix

package window_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/window"
)

const benchRows = 1 << 14

// benchBatch has rows 10 us apart, every 16th of them a little late, and keys
// that repeat.
func benchBatch(start int64, keys int) arrow.Record {
	schema := columnar.WithEventTime(arrow.NewSchema([]arrow.Field{
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: "k", Type: columnar.Dict},
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "x", Type: arrow.PrimitiveTypes.Float64},
	}, nil), "ts")
	rb := array.NewRecordBuilder(columnar.Pool, schema)
	defer rb.Release()
	dict := rb.Field(1).(*array.BinaryDictionaryBuilder)
	state := uint64(1)
	for i := range int64(benchRows) {
		state = state*6364136223846793005 + 1442695040888963407
		k := int(state>>33) % keys
		ts := start + 10*i
		if i%16 == 0 {
			ts -= 500
		}
		rb.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(ts))
		if err := dict.AppendString(fmt.Sprintf("key-%d", k)); err != nil {
			panic(err)
		}
		rb.Field(2).(*array.Int64Builder).Append(int64(k) * 7919)
		rb.Field(3).(*array.Float64Builder).Append(float64(i))
	}
	return rb.NewRecord()
}

// shifted is b with its times moved.
func shifted(b arrow.Record, by int64) arrow.Record {
	ts := columnar.Values[int64](b.Column(0))
	for i := range ts {
		ts[i] += by
	}
	return b
}

func bench(b *testing.B, keys int, create func() arrowstream.Stage) {
	in := benchBatch(1_000_000, keys)
	defer in.Release()
	st := create()
	if _, err := st.Bind(in.Schema(), arrowstream.Env{Allocator: columnar.Pool}); err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	emitted := 0
	emit := func(out arrowstream.Batch, _ ...int) error {
		emitted += int(out.NumRows())
		return nil
	}
	mark := int64(1_000_000)
	b.ReportAllocs()
	start := processorTime(b)
	for b.Loop() {
		if err := st.Process(ctx, in, emit); err != nil {
			b.Fatal(err)
		}
		mark += 10 * benchRows
		if _, err := st.Advance(ctx, arrowstream.Watermark{Event: mark - 1000}, emit); err != nil {
			b.Fatal(err)
		}
		shifted(in, 10*benchRows)
	}
	if l := st.(arrowstream.Counted).Counts().Late; l > 0 {
		b.Fatalf("%d late rows", l)
	}
	b.ReportMetric(float64(processorTime(b)-start)/float64(b.N)/benchRows, "cpu-ns/row")
	if err := st.(interface{ Close() error }).Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkTumbling(b *testing.B) {
	sum := window.Agg{Name: "s", Func: "sum", Args: []expr.Expr{col("x")}}
	for _, c := range []struct {
		key  string
		keys int
		aggs []window.Agg
	}{
		{"", 1, []window.Agg{countAll}},
		{"k", 100, []window.Agg{countAll}},
		{"k", 100, []window.Agg{countAll, sum}},
		{"id", 100, []window.Agg{countAll, sum}},
		{"k", 10_000, []window.Agg{countAll, sum}},
		{"id", 10_000, []window.Agg{countAll, sum}},
	} {
		b.Run(fmt.Sprintf("key=%s/keys=%d/aggs=%d", c.key, c.keys, len(c.aggs)), func(b *testing.B) {
			bench(b, c.keys, func() arrowstream.Stage {
				w := &window.Tumbling{Size: time.Second, Aggs: c.aggs}
				if c.key != "" {
					w.By = []string{c.key}
				}
				return w
			})
		})
	}
}

func BenchmarkHopping(b *testing.B) {
	sum := window.Agg{Name: "s", Func: "sum", Args: []expr.Expr{col("x")}}
	for _, panes := range []int{2, 10, 60} {
		b.Run(fmt.Sprintf("keys=100/panes=%d", panes), func(b *testing.B) {
			bench(b, 100, func() arrowstream.Stage {
				return &window.Hopping{Size: time.Duration(panes) * time.Second, Slide: time.Second, By: []string{"k"}, Aggs: []window.Agg{countAll, sum}}
			})
		})
	}
}

func BenchmarkSession(b *testing.B) {
	for _, keys := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			bench(b, keys, func() arrowstream.Stage {
				return &window.Session{Gap: 2 * time.Millisecond, By: []string{"id"}, Aggs: []window.Agg{countAll}}
			})
		})
	}
}

// processorTime is the processor time of the process so far: on a busy machine
// it says more than the clock.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
