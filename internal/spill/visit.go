package spill

import (
	"context"
	"errors"
	"sort"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// Advance is as in [arrowstream.Stage]; the watermark it returns is held back by
// what waits.
func (d *Divided) Advance(ctx context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	d.now.mark = w
	d.moments = append(d.moments, d.now)
	for _, x := range d.parts {
		var err error
		if x.live != nil {
			var mark arrowstream.Watermark
			mark, err = x.live.Advance(ctx, w, emit)
			x.mark = mark.Event
		} else if d.due(x, w) {
			err = d.visit(ctx, x, emit)
		}
		if err != nil {
			return w, err
		}
	}
	d.last, d.urgent, d.began = w, false, false
	d.now = moment{tick: d.now.tick + 1}
	if w.Done() {
		return w, d.Close()
	}
	if err := d.makeRoom(ctx); err != nil {
		return w, err
	}
	if err := d.tidy(); err != nil {
		return w, err
	}
	d.forget()
	mark := w
	for _, x := range d.parts {
		if x.live != nil || x.first != none || d.plan.Timers {
			mark.Event = min(mark.Event, x.mark)
		}
	}
	return mark, nil
}

// due reports whether to visit a part.
func (d *Divided) due(x *part, w arrowstream.Watermark) bool {
	const worth = 64 // parts of the share
	switch {
	case w.Done() || d.urgent:
		return x.first != none || d.plan.Timers || d.plan.Flushes
	case x.queued > max(x.stored, d.share()/worth):
		return true
	}
	return (x.first != none || d.plan.Timers) && w.Clock-x.seen >= delay.Microseconds()
}

// forget lets go of the moments that no visit needs.
func (d *Divided) forget() {
	from := len(d.moments) - 1
	for _, x := range d.parts {
		if x.live == nil && x.first != none {
			from = min(from, d.since(x))
		}
	}
	d.moments = append(d.moments[:0], d.moments[from:]...)
}

// since is the moment before the first row that waits in x: nothing comes of
// those between the last visit and that one that does not come of it alone.
func (d *Divided) since(x *part) int {
	if x.first == none {
		return len(d.moments) - 1
	}
	i := sort.Search(len(d.moments), func(i int) bool { return d.moments[i].tick >= x.first })
	return max(i-1, 0)
}

// visit has a part in a file do what it has to do.
func (d *Divided) visit(ctx context.Context, x *part, emit arrowstream.Emit) (err error) {
	if err := d.flush(); err != nil {
		return err
	}
	op, err := d.open(ctx, x)
	if err != nil {
		return err
	}
	defer func() {
		if x.live == nil {
			d.counts = add(d.counts, op.Counts(), x.base)
			err = errors.Join(err, op.Close())
		}
	}()
	if err := d.replay(ctx, x, op, emit); err != nil {
		return err
	}
	last := d.moments[len(d.moments)-1]
	x.seen = last.mark.Clock
	if last.mark.Done() {
		x.reset(len(d.plan.Inputs))
		return nil
	}
	if !d.spill.Stored && d.room(op.Counts().StateBytes) {
		x.reset(len(d.plan.Inputs))
		x.live = op
		return nil
	}
	return d.store(ctx, x, op)
}

// replay gives op what has come since the state of x.
func (d *Divided) replay(ctx context.Context, x *part, op Operator, emit arrowstream.Emit) error {
	rows := make([]tickReader, len(x.rows))
	defer func() {
		for i := range rows {
			rows[i].close()
		}
	}()
	for i := range rows {
		rows[i] = tickReader{schema: d.plan.Inputs[i], file: d.file, rest: x.rows[i]}
	}
	for _, m := range d.moments[d.since(x):] {
		if m.tick <= x.at {
			continue
		}
		if err := d.end(ctx, op, m.before, emit); err != nil {
			return err
		}
		for input := range rows {
			for {
				b, err := rows[input].next(m.tick)
				if err != nil {
					return err
				}
				if b == nil {
					break
				}
				err = op.Process(ctx, input, b, emit)
				b.Release()
				if err != nil {
					return err
				}
			}
		}
		if err := d.end(ctx, op, m.after, emit); err != nil {
			return err
		}
		mark, err := op.Advance(ctx, m.mark, emit)
		if err != nil {
			return err
		}
		x.mark = mark.Event
	}
	return nil
}

// end tells op which inputs have ended.
func (d *Divided) end(ctx context.Context, op Operator, ended int64, emit arrowstream.Emit) error {
	for input := range d.plan.Inputs {
		if ended>>input&1 == 0 {
			continue
		}
		if err := op.Ended(ctx, input, emit); err != nil {
			return err
		}
	}
	return nil
}

// store writes an operator that has done the last moment to the file of its part.
func (d *Divided) store(ctx context.Context, x *part, op Operator) error {
	st, err := op.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer st.Release()
	x.stateRows = op.Counts().StateRows
	return d.write(x, st, d.moments[len(d.moments)-1].tick)
}

// room reports whether so many bytes more may stay in memory.
func (d *Divided) room(more int64) bool {
	for _, x := range d.parts {
		if x.live != nil {
			more += x.live.Counts().StateBytes
		}
	}
	return more <= d.spill.Share()/2
}

// makeRoom has parts leave memory, the largest first, until the others fit.
func (d *Divided) makeRoom(ctx context.Context) error {
	for {
		var largest *part
		var all, most int64
		for _, x := range d.parts {
			if x.live == nil {
				continue
			}
			size := x.live.Counts().StateBytes
			if all += size; size > most {
				largest, most = x, size
			}
		}
		if all <= d.spill.Share() || largest == nil {
			return nil
		}
		x, op := largest, largest.live
		if err := d.store(ctx, x, op); err != nil {
			return err
		}
		d.counts = add(d.counts, op.Counts(), x.base)
		x.live, x.seen = nil, d.last.Clock
		if err := op.Close(); err != nil {
			return err
		}
	}
}

// tickReader reads the rows of an input that wait in a part, tick by tick.
type tickReader struct {
	schema *arrow.Schema
	file   *File
	rest   []Piece
	b      arrow.Record // with the column of ticks
	ticks  []int64
	at     int
}

// next returns rows of a tick that the caller releases, nil if there are no more.
func (c *tickReader) next(tick int64) (arrow.Record, error) {
	for c.b == nil || c.at == len(c.ticks) {
		c.close()
		if len(c.rest) == 0 {
			return nil, nil
		}
		b, err := c.file.Read(c.rest[0])
		if err != nil {
			return nil, err
		}
		c.b, c.rest, c.at = b, c.rest[1:], 0
		c.ticks = columnar.Values[int64](b.Column(int(b.NumCols()) - 1))
	}
	if c.ticks[c.at] != tick {
		return nil, nil
	}
	from := c.at
	for c.at < len(c.ticks) && c.ticks[c.at] == tick {
		c.at++
	}
	all := array.NewRecord(c.schema, c.b.Columns()[:c.schema.NumFields()], c.b.NumRows())
	defer all.Release()
	return all.NewSlice(int64(from), int64(c.at)), nil
}

func (c *tickReader) close() {
	if c.b != nil {
		c.b.Release()
		c.b = nil
	}
}
