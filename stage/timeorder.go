package stage

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// TimeOrder holds rows until the watermark has passed them and emits them in
// the order of event time, then of By, then of arrival. Rows that come behind
// the watermark are counted and go to the side output "late"; a NULL time is an
// error. The order is one of all rows, so there is one instance.
//
// [Over] and [Pattern] put their input in order themselves.
type TimeOrder struct {
	// Time is the time column; the event time of the input if empty.
	Time string
	// By are the keys of rows of equal time.
	By []SortKey

	timeline
}

var (
	_ arrowstream.Incremental = (*TimeOrder)(nil)
	_ arrowstream.Sided       = (*TimeOrder)(nil)
	_ arrowstream.Counted     = (*TimeOrder)(nil)
)

// Bind implements [arrowstream.Stage].
func (o *TimeOrder) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	o.timeline = timeline{}
	return in, o.open("time order", in, env, o.Time, o.By)
}

// Process implements [arrowstream.Stage].
func (o *TimeOrder) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	return o.add(b, emit)
}

// Advance implements [arrowstream.Stage].
func (o *TimeOrder) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, o.advance(w, func(b arrow.Record, _ []int64) error { return emit(b) })
}

// Sides implements [arrowstream.Sided]: the late rows, with late_by, how far
// their event time is behind the watermark, and watermark.
func (l *timeline) Sides() []arrowstream.Side {
	if l.lateOut == nil {
		return nil
	}
	return []arrowstream.Side{{Name: "late", Schema: l.lateOut}}
}

// Snapshot implements [arrowstream.Stateful].
func (o *TimeOrder) Snapshot(context.Context) (arrowstream.State, error) { return o.state(false) }

// Delta implements [arrowstream.Incremental]: the rows that have come since.
// Those that have gone follow from the watermark.
func (o *TimeOrder) Delta(context.Context) (arrowstream.State, error) { return o.state(true) }

func (o *TimeOrder) state(delta bool) (arrowstream.State, error) {
	st := arrowstream.State{}
	return st, o.save(st, delta)
}

// Restore implements [arrowstream.Stateful].
func (o *TimeOrder) Restore(_ context.Context, st arrowstream.State) error { return o.load(st) }

// Apply implements [arrowstream.Incremental].
func (o *TimeOrder) Apply(_ context.Context, st arrowstream.State) error { return o.load(st) }

// Counts implements [arrowstream.Counted].
func (o *TimeOrder) Counts() arrowstream.Counts {
	return arrowstream.Counts{Late: o.late, Lateness: o.lateness, StateRows: o.rows, StateBytes: o.bytes()}
}

// Close frees the memory of a stage that is given up; it may be called twice.
func (o *TimeOrder) Close() error {
	o.release()
	return nil
}
