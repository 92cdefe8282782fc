package stage

import (
	"context"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// Over appends columns that are computed over the rows of the same key before
// and with each row: SQL's fn(...) OVER (PARTITION BY key ORDER BY time). The
// input may be out of order; a row is emitted once, when the watermark has
// passed it, in the order of time, By, Then and arrival. Late rows are counted
// and go to the side output "late".
//
// An aggregate whose frame begins with the key takes the rows in their order, and
// goes on from the row before: a sum of floats has the bits of adding them up
// that way. Of other frames a sum of floats is exact until it is rounded once, so
// it is a matter of the rows of the frame alone. All calls share one pass. The
// cost of a row is constant for counts, sums, averages, min and max, and grows
// with the logarithm of the length of the frame, see overTree, for what is merged;
// for the others (medians, lists, DISTINCT) it is that of the rows of the frame.
// What a tick costs a key besides is a copy of the rows that it looks back at.
type Over struct {
	// By are the columns of the key.
	By []string
	// Time is the time column; the event time of the input if empty.
	Time string
	// Then are the keys of the order after the time.
	Then []SortKey
	// Calls are the columns to append.
	Calls []OverCall
	// Bounded takes whole partitions instead: the rows of a key that have one
	// Time, such as the window_time of a window, or all rows of a key, at the
	// end of time, if Time is empty. Rows are ordered by Then alone, frames may
	// go on behind the current row, and lead, ntile, percent_rank and cume_dist
	// are functions too. What is emitted has Time for its event time, or none.
	Bounded bool
	// TTL forgets a key when its next row comes that long after the last one,
	// or never did; 0 remembers for ever. With frames of a bounded time only,
	// keys are forgotten by themselves.
	TTL time.Duration

	timeline
	groups *grouped.Keys
	out    *arrow.Schema
	calls  []overCall
	frames []*overFrame
	opened bool
	needs  overNeeds
	values []overValue // arguments of calls that look at single rows
	store  *shelf      // rows that later ones look back at
	ttl    int64       // in units of the time column, 0 for ever

	life  lives
	count []int64 // rows of the key so far, by slot
	dense []int64 // different places in the order so far, by slot
	tick  overTick
}

var (
	_ arrowstream.Incremental = (*Over)(nil)
	_ arrowstream.Parallel    = (*Over)(nil)
	_ arrowstream.Sided       = (*Over)(nil)
	_ arrowstream.Counted     = (*Over)(nil)
)

// Bind implements [arrowstream.Stage].
func (o *Over) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	const what = "over"
	*o = Over{By: o.By, Time: o.Time, Then: o.Then, Calls: o.Calls, Bounded: o.Bounded, TTL: o.TTL}
	o.untimed = o.Bounded && o.Time == ""
	if o.Bounded && o.TTL != 0 {
		return nil, planError("AS1101", "over: whole partitions have no TTL", "")
	}
	var err error
	if o.groups, err = o.timeline.openKeyed(what, in, env, o.Time, o.By, o.Then); err != nil {
		return nil, err
	}
	if o.ttl, err = o.units("TTL", o.TTL); err != nil {
		return nil, err
	}
	fields := slices.Clone(in.Fields())
	for i := range o.Calls {
		f, err := o.bindCall(&o.Calls[i])
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	if err := grouped.Distinct(what, fields); err != nil {
		return nil, err
	}
	if span, ok := o.forgets(); ok && o.ttl == 0 && !o.Bounded {
		o.ttl = span + 1
	}
	md := in.Metadata()
	o.out = arrow.NewSchema(fields, &md)
	switch {
	case o.untimed:
		o.out = columnar.WithEventTime(o.out, "")
	case o.Time != "":
		o.out = columnar.WithEventTime(o.out, in.Field(o.time).Name)
	}
	if err := o.groups.Open(o.mem); err != nil {
		return nil, err
	}
	o.opened = true
	o.store = newShelf(o.mem, o.storeFields())
	for _, f := range o.frames {
		f.set = f.plan.NewSet(o.mem)
	}
	return o.out, nil
}

// keysOf are columns as the keys of an order.
func keysOf(names []string) []SortKey {
	var keys []SortKey
	for _, e := range expr.Cols(names...) {
		keys = append(keys, SortKey{Expr: e})
	}
	return keys
}

// Process implements [arrowstream.Stage].
func (o *Over) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	return o.add(b, emit)
}

// Advance implements [arrowstream.Stage].
func (o *Over) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	err := o.timeline.advance(w, func(b arrow.Record, ts []int64) error {
		cols, err := o.compute(b, ts)
		defer grouped.Release(cols)
		if err != nil {
			return err
		}
		out := array.NewRecord(o.out, append(slices.Clone(b.Columns()), cols...), b.NumRows())
		defer out.Release()
		return emit(out)
	})
	switch {
	case err != nil:
	case w.Done():
		err = o.Close()
	case o.ttl > 0:
		o.forget(o.life.expired(o.mark, o.ttl))
	}
	return w, err
}

// Clone implements [arrowstream.Parallel].
func (o *Over) Clone() arrowstream.Stage {
	return &Over{By: o.By, Time: o.Time, Then: o.Then, Calls: o.Calls, Bounded: o.Bounded, TTL: o.TTL}
}

// Keys implements [arrowstream.Parallel].
func (o *Over) Keys() []string { return o.By }

// Order implements [arrowstream.Parallel].
func (o *Over) Order() []string {
	if o.untimed {
		return o.By
	}
	return append([]string{o.in.Field(o.time).Name}, o.By...)
}

// Counts implements [arrowstream.Counted].
func (o *Over) Counts() arrowstream.Counts {
	c := arrowstream.Counts{Late: o.late, Lateness: o.lateness, StateRows: o.rows, StateBytes: o.timeline.bytes()}
	if o.opened {
		c.StateRows += o.store.rows + int64(o.life.n)
		c.HeapBytes = o.store.bytes() + o.life.bytes() + 8*int64(cap(o.count)+cap(o.dense)) + o.tick.bytes()
		c.StateBytes += c.HeapBytes + o.groups.Bytes()
		for _, f := range o.frames {
			c.StateBytes += f.set.Bytes()
		}
	}
	return c
}

// Close frees the memory of a stage that is given up; it may be called twice.
func (o *Over) Close() error {
	o.timeline.release()
	if o.opened {
		for _, f := range o.frames {
			f.set.Release()
			if f.scratch != nil {
				f.scratch.Release()
			}
		}
		o.store.release()
		o.groups.Release()
		o.opened = false
	}
	return nil
}
