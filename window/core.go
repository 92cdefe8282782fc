package window

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/internal/zone"
	"github.com/arrowstream/arrowstream/kernels"
)

// core is what all kinds of windows have in common: columns, keys, aggregates,
// the horizon up to which windows are closed, and the counters. Times inside
// are in units of the time column.
type core struct {
	what     string
	opts     options
	mem      memory.Allocator
	instance int
	in       *arrow.Schema
	out      *arrow.Schema
	late     *arrow.Schema
	time     int // input column of the event time, -1 if there is none
	u        unit
	clock    *zone.Clock // of the zone, nil for UTC
	shown    []int64     // times on it

	keys  *grouped.Keys
	plan  *grouped.Plan
	set   *grouped.Set
	slots grouped.Slots
	open  bool

	delay, lateness int64
	changelog       bool

	horizon   int64 // windows that end at or before it have fired
	bound     int64 // windows that end at or before it are gone: horizon - lateness
	event     int64 // watermark of the last Advance, microseconds
	lastClock int64 // clock of the last tick with rows
	rowsCame  bool  // in this tick
	tick      uint32

	changed grouped.Dirty // slots; for sessions and counts, keys

	divisible

	counted arrowstream.Counts
	ids     []uint32 // key of each row of the batch
	at      []uint32 // slot of each row of the batch
}

// order is the order of the emitted rows.
func (o options) order() []string {
	order := append([]string{"window_end", "window_start"}, o.by...)
	if o.changelog() {
		order = append(order, columnar.OpColumn)
	}
	return order
}

// parallelKeys are the columns by which the rows may be spread. With a timeout
// one instance must see all rows, to know when none comes.
func (o options) parallelKeys() []string {
	if o.timeout > 0 {
		return nil
	}
	return o.by
}

func (o options) changelog() bool { return o.updates || o.lateness > 0 }

// start binds everything but the windows themselves. lead are columns between
// those of the window and the key.
func (c *core) start(what string, in *arrow.Schema, env arrowstream.Env, o options, lead []arrow.Field) error {
	c.what, c.opts, c.mem, c.instance, c.in = what, o, env.Allocator, env.Instance, in
	c.horizon, c.bound, c.event = math.MinInt64, math.MinInt64, arrowstream.NoEventTime
	c.changelog = o.changelog()
	if err := grouped.AppendOnly(what, in); err != nil {
		return err
	}
	var err error
	if c.time >= 0 {
		if c.u, err = unitOf(in.Field(c.time).Name, in.Field(c.time).Type); err != nil {
			return err
		}
		if err = c.setZone(o.zone); err != nil {
			return err
		}
		if c.delay, err = c.u.exact(what, "delay", o.delay, 0); err != nil {
			return err
		}
		if c.lateness, err = c.u.exact(what, "lateness", o.lateness, 0); err != nil {
			return err
		}
	}
	if o.timeout < 0 {
		return planError("AS1404", fmt.Sprintf("%s: timeout %s is negative", what, o.timeout), "")
	}
	if c.keys, err = grouped.BindKeys(what, in, o.by); err != nil {
		return err
	}
	if c.plan, err = grouped.Bind(what, o.aggs, in); err != nil {
		return err
	}
	if err := c.schemas(lead); err != nil {
		return err
	}
	if err := c.keys.Open(c.mem); err != nil {
		return err
	}
	c.set, c.open = c.plan.NewSet(c.mem), true
	return nil
}

// findTime resolves the time column.
func (c *core) findTime(what string, in *arrow.Schema, name string) error {
	c.time = columnar.EventTime(in)
	if name != "" {
		var err error
		c.time, err = grouped.Column(what, in, name)
		return err
	}
	if c.time < 0 {
		return planError("AS1403", fmt.Sprintf("%s: the input has no event time", what), "name the time column, or declare a watermark on the source")
	}
	return nil
}

func (c *core) schemas(lead []arrow.Field) error {
	var fields []arrow.Field
	mark := ""
	if c.time >= 0 {
		mark = "window_end"
		fields = append(fields, arrow.Field{Name: "window_start", Type: c.u.typ}, arrow.Field{Name: "window_end", Type: c.u.typ})
		if c.opts.windowTime {
			mark = "window_time"
			fields = append(fields, arrow.Field{Name: "window_time", Type: c.u.typ})
		}
	}
	fields = append(fields, lead...)
	fields = append(fields, c.keys.Fields()...)
	fields = append(fields, c.plan.Fields()...)
	if c.changelog {
		fields = append(fields, arrow.Field{Name: columnar.OpColumn, Type: arrow.PrimitiveTypes.Int8})
	}
	if err := grouped.Distinct(c.what, fields); err != nil {
		return err
	}
	c.out = columnar.NewSchema(fields, arrow.Metadata{}, mark)
	if c.time >= 0 {
		c.late = grouped.LateSchema(c.in, c.u.typ)
	}
	return nil
}

// Sides implements [arrowstream.Sided]: port 1 takes the late rows, with
// late_by, how far their event time is behind the watermark, and watermark.
func (c *core) Sides() []arrowstream.Side {
	if c.late == nil {
		return nil
	}
	return []arrowstream.Side{{Name: "late", Schema: c.late}}
}

// Counts implements [arrowstream.Counted].
func (c *core) Counts() arrowstream.Counts {
	n := c.counted
	if c.open {
		n.StateRows = int64(c.slots.Live())
		n.StateBytes = c.set.Bytes() + c.keys.Bytes()
		onHeap(&n, c.changed.Bytes()+c.slots.Bytes()+int64(4*(cap(c.ids)+cap(c.at))))
	}
	return n
}

// onHeap adds bytes that are not of the allocator.
func onHeap(n *arrowstream.Counts, bytes int64) {
	n.StateBytes, n.HeapBytes = n.StateBytes+bytes, n.HeapBytes+bytes
}

// Close frees the memory of a stage that is given up; it may be called twice.
func (c *core) Close() error {
	if c.open {
		c.set.Release()
		c.keys.Release()
		c.open = false
	}
	return c.Over.Close()
}

// times are the event times of b in units of the time column, on the clock of
// the zone. They are valid until the next call.
func (c *core) times(b arrow.Record, column int) []int64 {
	col := b.Column(column)
	if col.DataType().ID() != arrow.DATE32 {
		return c.onClock(columnar.Values[int64](col))
	}
	days := columnar.Values[int32](col)
	wide := make([]int64, len(days))
	for i, d := range days {
		wide[i] = int64(d)
	}
	return wide
}

// scratch makes ids and at as long as n rows.
func (c *core) scratch(n int) {
	if cap(c.ids) < n {
		c.ids, c.at = make([]uint32, n), make([]uint32, n)
	}
	c.ids, c.at = c.ids[:n], c.at[:n]
}

// overflow is the error for a time whose windows cannot be computed.
func (c *core) overflow(t int64) error {
	return &arrowstream.DataError{
		Column: c.in.Field(c.time).Name, Value: fmt.Sprint(t),
		Err: &arrowstream.Error{Code: "AS4001", Msg: c.what + ": event time out of the range of windows"},
	}
}

// null treats n rows without event time as the policy says.
func (c *core) null(n int) error {
	if c.opts.nulls == FailOnNullTime {
		return &arrowstream.DataError{
			Column: c.in.Field(c.time).Name,
			Err:    &arrowstream.Error{Code: "AS4006", Msg: c.what + ": event time is NULL", Hint: "leave such rows out before, or let the window skip them"},
		}
	}
	c.counted.Skipped += int64(n)
	return nil
}

// moved is the horizon after w. latest is the end of the last open window; it
// is closed when rows have not come for the timeout.
func (c *core) moved(w arrowstream.Watermark, latest int64, anyOpen bool) int64 {
	h := c.horizon
	if w.Done() {
		h = math.MaxInt64
	} else if w.Event != arrowstream.NoEventTime {
		h = max(h, minus(c.passed(w.Event), c.delay))
	}
	if c.rowsCame {
		c.lastClock = w.Clock
	} else if anyOpen && c.opts.timeout > 0 && w.Clock-c.lastClock >= c.opts.timeout.Microseconds() {
		h = max(h, latest)
	}
	c.rowsCame = false
	return h
}

// advanced notes the horizon and returns the watermark of the output: rows
// that are emitted later belong to windows that end after it.
func (c *core) advanced(w arrowstream.Watermark, horizon int64) arrowstream.Watermark {
	c.horizon, c.event = horizon, max(c.event, w.Event)
	c.bound = minus(horizon, c.lateness)
	if w.Done() {
		c.bound = math.MaxInt64
		return w
	}
	c.tick++
	if c.bound != math.MinInt64 {
		return arrowstream.Watermark{Event: c.micros(c.bound), Clock: w.Clock}
	}
	return arrowstream.Watermark{Event: arrowstream.NoEventTime, Clock: w.Clock}
}

// taken is the rows idx of b; the caller releases it.
func (c *core) taken(b arrow.Record, idx []int32) (arrow.Record, error) {
	if len(idx) == int(b.NumRows()) {
		b.Retain()
		return b, nil
	}
	return kernels.TakeRecord(c.mem, b, idx)
}
