package arrowstream

import (
	"context"
	"math"
	"time"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// Replay restricts a run to a span of event time and paces it. Rows outside
// the span, or without an event time when a span is given, are not read.
// Results do not depend on the speed.
type Replay struct {
	// From and To bound the event time: From <= t < To. Zero means unbounded.
	From, To time.Time
	// Speed is how much faster than the event time the run goes: 1 is real
	// time, 10 ten times that. 0 is as fast as it can.
	Speed float64
}

// keep returns the filter of the span for the rows of a source.
func (r Replay) keep(n *node) func(Batch) (Batch, error) {
	column := n.source.column
	if column < 0 || r.From.IsZero() && r.To.IsZero() {
		return func(b Batch) (Batch, error) { return b, nil }
	}
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	if !r.From.IsZero() {
		from = r.From.UnixMicro()
	}
	if !r.To.IsZero() {
		to = r.To.UnixMicro()
	}
	return func(b Batch) (Batch, error) {
		defer b.Release()
		return kernels.Filter(n.env.Allocator, b, within(b, column, from, to))
	}
}

// within marks the rows of b whose event time is in [from, to).
func within(b Batch, column int, from, to int64) columnar.Bitmap {
	col := b.Column(column)
	mul, div, _ := columnar.Micros(col.DataType())
	keep := columnar.NewBitmap(col.Len())
	set := func(i int, v int64) {
		if v <= math.MaxInt64/mul-1 && v >= math.MinInt64/mul+1 {
			if t := columnar.FloorDiv(v*mul, div); t >= from && t < to {
				keep.Set(i)
			}
		}
	}
	valid := columnar.Validity(col)
	if columnar.FixedWidth(col.DataType()) == 4 {
		for i, v := range columnar.Values[int32](col) {
			if valid.Get(i) {
				set(i, int64(v))
			}
		}
		return keep
	}
	for i, v := range columnar.Values[int64](col) {
		if valid.Get(i) {
			set(i, v)
		}
	}
	return keep
}

// pacer holds ticks back so that event time passes at a given speed.
type pacer struct {
	replay     Replay
	wall       time.Time
	firstEvent int64
}

func (p *pacer) wait(ctx context.Context, event int64, drain <-chan struct{}) error {
	if p.replay.Speed <= 0 || event == NoEventTime {
		return nil
	}
	if p.wall.IsZero() {
		p.wall, p.firstEvent = time.Now(), event
		return nil
	}
	due := time.Duration(float64(event-p.firstEvent) * 1000 / p.replay.Speed)
	timer := time.NewTimer(time.Until(p.wall.Add(due)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-drain:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
