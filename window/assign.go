package window

import (
	"context"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// Assign appends window_start, window_end and window_time, if asked for, to
// every row and aggregates nothing. A row of several windows is repeated, in
// the order of window_end; a row of none is left out and counted. The event
// time of the rows stays what it was. Late rows pass: Assign remembers nothing.
type Assign struct {
	// Size is the length of a window, the greatest one with Step.
	Size time.Duration
	// Slide is the distance of window starts; Size (tumbling windows) if 0.
	Slide time.Duration
	// Step makes cumulating windows that grow by it; excludes Slide.
	Step time.Duration
	// Offset shifts the windows.
	Offset time.Duration
	// Time is the time column; the event time of the input if empty.
	Time string
	// WindowTime adds the column window_time = window_end - 1 unit.
	WindowTime bool
	// Nulls is the policy for rows without event time.
	Nulls NullTime
	// Zone is that of [Tumbling].
	Zone string `state:"default=UTC"`

	core
	layout layout
}

var (
	_ arrowstream.Parallel = (*Assign)(nil)
	_ arrowstream.Counted  = (*Assign)(nil)
)

// Bind implements [arrowstream.Stage].
func (a *Assign) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	c := layoutConfig{kind: "tumbling", size: a.Size, slide: a.Size, offset: a.Offset}
	switch {
	case a.Step != 0 && a.Slide != 0:
		return nil, planError("AS1404", "assign: both Slide and Step are set", "hopping windows have a slide, cumulating ones a step")
	case a.Step != 0:
		c.kind, c.slide, c.cumulate = "cumulating", a.Step, true
	case a.Slide != 0:
		c.kind, c.slide = "hopping", a.Slide
	}
	a.core = core{what: c.kind, opts: options{nulls: a.Nulls}, mem: env.Allocator, in: in}
	if err := a.findTime(c.kind, in, a.Time); err != nil {
		return nil, err
	}
	var err error
	if a.u, err = unitOf(in.Field(a.time).Name, in.Field(a.time).Type); err != nil {
		return nil, err
	}
	if a.layout, err = newLayout(c, a.u); err != nil {
		return nil, err
	}
	if err = a.setZone(a.Zone); err != nil {
		return nil, err
	}
	fields := append([]arrow.Field{}, in.Fields()...)
	change := columnar.Changelog(in)
	if change {
		fields = fields[:len(fields)-1]
	}
	for _, name := range []string{"window_start", "window_end", "window_time"} {
		if name != "window_time" || a.WindowTime {
			fields = append(fields, arrow.Field{Name: name, Type: a.u.typ})
		}
	}
	if change {
		fields = append(fields, in.Field(in.NumFields()-1))
	}
	if err := grouped.Distinct("assign", fields); err != nil {
		return nil, err
	}
	md := in.Metadata()
	a.out = arrow.NewSchema(fields, &md)
	return a.out, nil
}

// Process implements [arrowstream.Stage].
func (a *Assign) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	ts, valid := a.times(b, a.time), columnar.Validity(b.Column(a.time))
	var idx []int32
	var starts, ends []int64
	nulls := 0
	for i, t := range ts {
		if len(idx) >= assignRows {
			if err := a.emitAssigned(b, idx, starts, ends, emit); err != nil {
				return err
			}
			idx, starts, ends = idx[:0], starts[:0], ends[:0]
		}
		if !valid.Get(i) {
			nulls++
			continue
		}
		if t < a.layout.lo || t > a.layout.hi {
			return a.overflow(t)
		}
		start, end, ok := a.layout.pane(t)
		if !ok {
			a.counted.Unwindowed++
			continue
		}
		for e := a.layout.firstEnd(start, end); e <= a.layout.lastEnd(t); e += a.layout.slide {
			idx, starts, ends = append(idx, int32(i)), append(starts, a.layout.start(e)), append(ends, e)
		}
	}
	if nulls > 0 {
		if err := a.null(nulls); err != nil {
			return err
		}
	}
	if len(idx) == 0 {
		return nil
	}
	return a.emitAssigned(b, idx, starts, ends, emit)
}

// assignRows bounds the batches that rows of many windows grow to.
const assignRows = 1 << 16

func (a *Assign) emitAssigned(b arrowstream.Batch, idx []int32, starts, ends []int64, emit arrowstream.Emit) error {
	rows, err := kernels.TakeRecord(a.mem, b, idx)
	if err != nil {
		return err
	}
	defer rows.Release()
	a.bounds(starts, ends)
	own := []arrow.Array{timeArray(a.mem, a.u.typ, starts), timeArray(a.mem, a.u.typ, ends)}
	if a.WindowTime {
		for i := range ends {
			ends[i]--
		}
		own = append(own, timeArray(a.mem, a.u.typ, ends))
	}
	defer grouped.Release(own)
	cols := append([]arrow.Array{}, rows.Columns()...)
	if columnar.Changelog(b.Schema()) {
		n := len(cols) - 1
		cols = append(append(cols[:n:n], own...), cols[n])
	} else {
		cols = append(cols, own...)
	}
	out := array.NewRecord(a.out, cols, int64(len(idx)))
	defer out.Release()
	return emit(out)
}

// Advance implements [arrowstream.Stage].
func (a *Assign) Advance(_ context.Context, w arrowstream.Watermark, _ arrowstream.Emit) (arrowstream.Watermark, error) {
	return w, nil
}

// Clone implements [arrowstream.Parallel].
func (a *Assign) Clone() arrowstream.Stage {
	return &Assign{Size: a.Size, Slide: a.Slide, Step: a.Step, Offset: a.Offset, Time: a.Time, WindowTime: a.WindowTime, Nulls: a.Nulls, Zone: a.Zone}
}

// Keys implements [arrowstream.Parallel]: rows are independent of each other.
func (a *Assign) Keys() []string { return nil }

// Order implements [arrowstream.Parallel].
func (a *Assign) Order() []string { return nil }
