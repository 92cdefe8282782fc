package window_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage/stagetest"
	"github.com/arrowstream/arrowstream/window"
)

// spillTicks are ticks of rows with so many keys over some seconds each, of which
// a few are late.
func spillTicks(t *testing.T, count, rows, keys int, step time.Duration) (in *arrow.Schema, ticks []stagetest.SpilledTick) {
	mem := columnartest.Allocator(t)
	in = columnar.WithEventTime(arrow.NewSchema([]arrow.Field{
		{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
		{Name: "k", Type: columnar.Dict, Nullable: true},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	}, nil), "ts")
	r := rand.New(rand.NewPCG(5, uint64(keys)))
	for i := range count {
		rb := array.NewRecordBuilder(mem, in)
		for range rows {
			ms := int64(i)*4000 + r.Int64N(4000)
			if r.IntN(40) == 0 {
				ms -= 9000
			}
			rb.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(ms * 1000))
			if k := r.IntN(keys); k == 7 {
				rb.Field(1).AppendNull()
			} else {
				_ = rb.Field(1).(*array.BinaryDictionaryBuilder).AppendString("key " + string(rune('a'+k%26)) + string(rune('A'+k/26)))
			}
			rb.Field(2).(*array.Int64Builder).Append(r.Int64N(3))
			rb.Field(3).(*array.Float64Builder).Append(r.NormFloat64())
		}
		b := rb.NewRecord()
		rb.Release()
		t.Cleanup(b.Release)
		mark := arrowstream.Watermark{Event: int64(i*4000-2000) * 1000, Clock: int64(i) * step.Microseconds()}
		ticks = append(ticks, stagetest.SpilledTick{Rows: [][]arrow.Record{{b}}, Mark: mark})
	}
	return in, append(ticks, stagetest.SpilledTick{Rows: [][]arrow.Record{nil}, Ended: []int{0}, Mark: arrowstream.Watermark{Event: arrowstream.EndOfTime}})
}

// TestWindowsSpill compares windows of all kinds whose groups fit into memory with
// those that do not, late rows and changes included.
func TestWindowsSpill(t *testing.T) {
	x := []expr.Expr{expr.Col{Name: "x"}}
	by := []string{"k", "n"}
	aggs := []window.Agg{{Func: "count", Name: "rows"}, {Func: "sum", Args: x, Name: "sum"}, {Func: "max", Args: x, Name: "max"}, {Func: "avg", Args: x, Name: "avg"}}
	for name, c := range map[string]struct {
		window arrowstream.Parallel
		step   time.Duration
	}{
		"tumbling":          {&window.Tumbling{Size: 10 * time.Second, By: by, Aggs: aggs}, time.Second},
		"tumbling lateness": {&window.Tumbling{Size: 5 * time.Second, By: by, Aggs: aggs, Lateness: 6 * time.Second}, 3 * time.Second},
		"tumbling updates":  {&window.Tumbling{Size: 10 * time.Second, By: by, Aggs: aggs, Updates: true}, 4 * time.Second},
		"hopping":           {&window.Hopping{Size: 20 * time.Second, Slide: 5 * time.Second, By: by, Aggs: aggs}, 12 * time.Second},
		"cumulating":        {&window.Cumulating{Max: 20 * time.Second, Step: 5 * time.Second, By: by, Aggs: aggs}, 2 * time.Second},
		"session":           {&window.Session{Gap: 3 * time.Second, By: by, Aggs: aggs}, time.Second},
		"session lateness":  {&window.Session{Gap: 5 * time.Second, MaxSpan: 12 * time.Second, By: by, Aggs: aggs, Lateness: 4 * time.Second}, 6 * time.Second},
		"session updates":   {&window.Session{Gap: 5 * time.Second, By: by, Aggs: aggs, Updates: true}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			in, ticks := spillTicks(t, 10, 300, 200, c.step)
			stagetest.RunSpilled(t, stagetest.Spilled{
				New: func() any { return c.window.Clone() }, In: []*arrow.Schema{in}, Ticks: ticks, Limits: []int64{1 << 17},
			})
		})
	}
}
