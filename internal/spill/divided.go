package spill

import (
	"context"
	"errors"
	"slices"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
)

// Divided goes on for an operator whose state has outgrown its share: as [Parts]
// operators, one for the keys of each part, most of which are in files. Of such a
// part there is what it remembered after some tick, and the rows that have come
// since then with their ticks. From time to time it is visited: read back, given
// those rows and the watermarks between them as if nothing had happened, and
// written anew. So every part does what it would do in memory, but later: when as
// much waits for it as it remembers, or after [delay], or at the end; until then
// the watermark of the output is held back. A row is read and written about twice
// for every doubling of the state. Parts stay in memory, and do not wait, while
// they fit into half of the share, unless a store keeps the operator.
//
// Methods of a nil Divided say that it is not.
type Divided struct {
	plan  Plan
	env   arrowstream.Env
	spill *arrowstream.Spill

	parts   []*part // nil while the operator is whole
	file    *File   // of the parts that are not in memory
	schemas []*arrow.Schema
	moments []moment // what visits have to go through
	now     moment   // the tick that goes on
	began   bool     // it has had rows
	last    arrowstream.Watermark
	urgent  bool // an input has ended in this tick
	waiting [][]waitingRows
	bytes   int64 // that wait
	divider Divider
	counts  arrowstream.Counts // of what is gone
	log     dividedLog
}

// delay is how long rows wait for a visit at most, by the clock of the job.
const delay = 10 * time.Second

// moment is the end of a tick: its number, the inputs that had ended before its
// rows and behind them, as bits, and the watermark.
type moment struct {
	tick          int64
	before, after int64
	mark          arrowstream.Watermark
}

// waitingRows are rows of one tick that are not yet in a file.
type waitingRows struct {
	rows arrow.Record
	tick int64
}

// New returns how an operator that is bound in env goes on, nil if it has no
// folder to go on in.
func New(env arrowstream.Env, plan Plan) *Divided {
	if env.Spill == nil {
		return nil
	}
	env.Spill.Join()
	d := &Divided{plan: plan, env: env, spill: env.Spill, last: arrowstream.Watermark{Event: arrowstream.NoEventTime}}
	d.env.Spill = nil
	d.waiting = make([][]waitingRows, len(plan.Inputs))
	for _, in := range plan.Inputs {
		fields := append(slices.Clone(in.Fields()), arrow.Field{Name: "__tick", Type: arrow.PrimitiveTypes.Int64})
		d.schemas = append(d.schemas, arrow.NewSchema(fields, nil))
	}
	return d
}

// On reports whether the operator is divided.
func (d *Divided) On() bool { return d != nil && d.parts != nil }

// share is the share by which what waits is measured: one that has an end.
func (d *Divided) share() int64 { return min(d.spill.Share(), 1<<30) }

// Check divides whole, which has done the tick of w and returned the watermark
// mark, when it remembers more than its share. It is closed then.
func (d *Divided) Check(ctx context.Context, whole Operator, w, mark arrowstream.Watermark) error {
	if d == nil || w.Done() || whole.Counts().StateBytes <= d.spill.Share() {
		return nil
	}
	st, err := whole.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer st.Release()
	d.counts = add(arrowstream.Counts{}, whole.Counts(), arrowstream.Counts{})
	if err := whole.Close(); err != nil {
		return err
	}
	d.last = w
	d.now.tick++
	d.moments = []moment{{tick: d.now.tick, mark: w}}
	d.now.tick++
	return d.split(st, mark)
}

// split makes parts of a state.
func (d *Divided) split(st arrowstream.State, mark arrowstream.Watermark) error {
	rows := map[string]*[Parts][]int32{}
	for name, b := range st {
		keys := d.plan.StateKeys(name, b)
		if keys == nil {
			continue
		}
		parts, err := d.divider.Of(columnsOf(b, keys), 0)
		if err != nil {
			return err
		}
		all := Rows(parts)
		rows[name] = &all
	}
	if err := d.divide(); err != nil {
		return err
	}
	for p, x := range d.parts {
		// They do not all come to be visited at once.
		early := delay.Microseconds() * int64(p) / Parts
		x.mark, x.seen = mark.Event, d.last.Clock-early
	}
	for p, x := range d.parts {
		if err := d.splitOff(x, p, st, rows); err != nil {
			return err
		}
	}
	return nil
}

// divide makes parts that remember nothing.
func (d *Divided) divide() (err error) {
	if d.file, err = Create(d.env.Allocator, d.spill); err != nil {
		return err
	}
	d.parts = make([]*part, Parts)
	for p := range d.parts {
		d.parts[p] = &part{}
		d.parts[p].reset(len(d.plan.Inputs))
	}
	return nil
}

// splitOff writes what part p has of a state.
func (d *Divided) splitOff(x *part, p int, st arrowstream.State, rows map[string]*[Parts][]int32) error {
	mine := arrowstream.State{}
	defer func() { mine.Release() }()
	for name, b := range st {
		if all := rows[name]; all == nil {
			b.Retain()
		} else {
			var err error
			if b, err = kernels.TakeRecord(d.env.Allocator, b, all[p]); err != nil {
				return err
			}
			x.stateRows += b.NumRows()
		}
		if d.plan.Own != nil {
			b = d.plan.Own(name, b)
		}
		mine[name] = b
	}
	return d.write(x, mine, d.moments[0].tick)
}

func columnsOf(b arrow.Record, columns []int) []arrow.Array {
	cols := make([]arrow.Array, len(columns))
	for i, c := range columns {
		cols[i] = b.Column(c)
	}
	return cols
}

// Process is as in [arrowstream.Join].
func (d *Divided) Process(ctx context.Context, input int, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	d.began = true
	parts, err := d.divider.Of(columnsOf(b, d.plan.Keys[input]), 0)
	if err != nil {
		return err
	}
	var cold []int32
	rows := Rows(parts)
	for i, p := range parts {
		if x := d.parts[p]; x.live == nil {
			cold = append(cold, int32(i))
			if x.first == none {
				x.begin(d)
			}
		}
	}
	for p, some := range rows {
		if x := d.parts[p]; x.live != nil && len(some) > 0 {
			mine, err := kernels.TakeRecord(d.env.Allocator, b, some)
			if err != nil {
				return err
			}
			err = x.live.Process(ctx, input, mine, emit)
			mine.Release()
			if err != nil {
				return err
			}
		}
	}
	if len(cold) == 0 {
		return nil
	}
	wait, err := kernels.TakeRecord(d.env.Allocator, b, cold)
	if err != nil {
		return err
	}
	d.waiting[input] = append(d.waiting[input], waitingRows{wait, d.now.tick})
	d.bytes += bytesOf(wait)
	const buffered = 8 // of the share; rows are there three times while they are divided
	if d.bytes < d.share()/buffered {
		return nil
	}
	return d.flush()
}

// flush writes the rows that wait to their parts.
func (d *Divided) flush() error {
	for input, wait := range d.waiting {
		if len(wait) == 0 {
			continue
		}
		recs := make([]arrow.Record, len(wait))
		var ticks []int64
		for i, w := range wait {
			recs[i] = w.rows
			ticks = append(ticks, slices.Repeat([]int64{w.tick}, int(w.rows.NumRows()))...)
		}
		all, err := kernels.Concat(d.env.Allocator, recs)
		if err != nil {
			return err
		}
		for _, b := range recs {
			b.Release()
		}
		clear(wait)
		d.waiting[input] = wait[:0]
		err = d.scatter(input, all, ticks)
		all.Release()
		if err != nil {
			return err
		}
	}
	d.bytes = 0
	return nil
}

// scatter writes rows of an input with their ticks.
func (d *Divided) scatter(input int, b arrow.Record, ticks []int64) error {
	tick := int64Array(d.env.Allocator, ticks)
	defer tick.Release()
	rows := array.NewRecord(d.schemas[input], append(slices.Clone(b.Columns()), tick), b.NumRows())
	defer rows.Release()
	parts, err := d.divider.Of(columnsOf(b, d.plan.Keys[input]), 0)
	if err != nil {
		return err
	}
	for p, some := range Rows(parts) {
		if len(some) == 0 {
			continue
		}
		mine, err := kernels.TakeRecord(d.env.Allocator, rows, some)
		if err == nil {
			err = d.queue(d.parts[p], input, mine, ticks[some[0]])
			mine.Release()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Ended is as in [arrowstream.Ending].
func (d *Divided) Ended(ctx context.Context, input int, emit arrowstream.Emit) error {
	bit := int64(1) << input
	d.urgent = d.urgent || len(d.moments) == 0 || d.moments[len(d.moments)-1].after&bit == 0
	if d.now.after |= bit; !d.began {
		d.now.before |= bit
	}
	for _, x := range d.parts {
		if x.live != nil {
			if err := x.live.Ended(ctx, input, emit); err != nil {
				return err
			}
		}
	}
	return nil
}

// Counts implements [arrowstream.Counted].
func (d *Divided) Counts() arrowstream.Counts {
	c := d.counts
	c.HeapBytes = int64(cap(d.moments)) * int64(unsafe.Sizeof(moment{}))
	c.StateBytes = c.HeapBytes + d.bytes
	for _, x := range d.parts {
		if x.live == nil {
			c.StateRows += x.stateRows
			c.StateBytes += x.stored + x.queued
			continue
		}
		live := x.live.Counts()
		c = add(c, live, x.base)
		c.StateRows += live.StateRows
		c.StateBytes += live.StateBytes
		c.HeapBytes += live.HeapBytes
	}
	return c
}

// add is c with what has been counted from base to now.
func add(c, now, base arrowstream.Counts) arrowstream.Counts {
	c.Late += now.Late - base.Late
	c.Lateness = c.Lateness.Plus(now.Lateness.Minus(base.Lateness))
	c.Skipped += now.Skipped - base.Skipped
	c.Unwindowed += now.Unwindowed - base.Unwindowed
	c.RowsUpdated += now.RowsUpdated - base.RowsUpdated
	return c
}

// Close frees the parts; it may be called twice.
func (d *Divided) Close() (err error) {
	if d == nil {
		return nil
	}
	for _, wait := range d.waiting {
		for _, w := range wait {
			w.rows.Release()
		}
	}
	clear(d.waiting)
	for _, x := range d.parts {
		if x.live != nil {
			d.counts = add(d.counts, x.live.Counts(), x.base)
			err = errors.Join(err, x.live.Close())
			x.live = nil
		}
		x.reset(0)
	}
	if d.file != nil {
		err = errors.Join(err, d.file.Close())
		d.file = nil
	}
	return err
}
