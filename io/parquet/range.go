package parquet

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// rangeFilter keeps the rows with from <= event time < to, in microseconds.
type rangeFilter struct {
	col      int
	from, to int64
}

// newRangeFilter is nil when the source has no range.
func newRangeFilter(p *plan) *rangeFilter {
	s := p.source
	if s.From.IsZero() && s.To.IsZero() {
		return nil
	}
	f := &rangeFilter{col: p.event, from: math.MinInt64, to: math.MaxInt64}
	if !s.From.IsZero() {
		f.from = s.From.UnixMicro()
	}
	if !s.To.IsZero() {
		f.to = s.To.UnixMicro()
	}
	return f
}

// apply returns the rows of b in the range, owned; nil if there are none. Rows
// without event time are kept: they are in no range, but the pipeline decides
// about them.
func (f *rangeFilter) apply(mem memory.Allocator, b arrow.Record) (arrow.Record, error) {
	n := int(b.NumRows())
	times := eventMicros(b.Column(f.col), nil)
	keep := columnar.NewBitmap(n)
	for i, t := range times {
		if t == noTime || t >= f.from && t < f.to {
			keep.Set(i)
		}
	}
	switch keep.Count() {
	case 0:
		return nil, nil
	case n:
		b.Retain()
		return b, nil
	}
	return kernels.Filter(mem, b, keep)
}

// noTime stands for the event time of a row that has none.
const noTime = math.MinInt64

// eventMicros appends the event times of a column to out[:0], in microseconds.
func eventMicros(a arrow.Array, out []int64) []int64 {
	out = resize(out, a.Len())
	mul, div, _ := columnar.Micros(a.DataType())
	if a.DataType().ID() == arrow.DATE32 {
		for i, x := range columnar.Values[int32](a) {
			out[i] = int64(x) * mul
		}
	} else {
		for i, x := range columnar.Values[int64](a) {
			switch {
			case x > math.MaxInt64/mul:
				out[i] = math.MaxInt64
			case x < math.MinInt64/mul:
				out[i] = math.MinInt64 + 1
			default:
				out[i] = scaleMicros(x, mul, div, false)
			}
		}
	}
	if a.NullN() > 0 {
		valid := columnar.Validity(a)
		for i := range out {
			if !valid.Get(i) {
				out[i] = noTime
			}
		}
	}
	return out
}
