package stage

import (
	"context"
	"errors"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

var _ arrowstream.Combining = (*Aggregate)(nil)

// Combiner implements [arrowstream.Combining]: the rows of a tick become one row
// for each of its groups. That gives the same bits where no aggregate depends on
// how its rows are put together, see [grouped.Plan.Combines]. What is taken back
// are rows.
func (a *Aggregate) Combiner() arrowstream.Parallel {
	if a.changes || !a.plan.Combines() {
		return nil
	}
	fields := append(a.keys.Fields()[:len(a.By):len(a.By)], a.plan.StateFields()...)
	fields = append(fields, arrow.Field{Name: "__rows", Type: arrow.PrimitiveTypes.Int64})
	a.combined = arrow.NewSchema(fields, nil)
	return &combiner{by: a.By, aggs: a.Aggs, out: a.combined}
}

// addCombined adds what a combiner has made of rows.
func (a *Aggregate) addCombined(b arrow.Record) error {
	keys, cols := len(a.By), b.Columns()
	rows := columnar.Values[int64](cols[len(cols)-1])
	for _, n := range rows {
		a.seen += n
	}
	ids := a.room(len(rows))
	if err := a.keys.FindArrays(cols[:keys], ids); err != nil {
		return err
	}
	if a.Updates {
		if err := a.touch(ids); err != nil {
			return err
		}
	}
	if a.counted {
		a.rows = grown(a.rows, a.keys.Limit())
		a.life.grow(a.keys.Limit())
		for i, id := range ids {
			a.rows[id] += rows[i]
		}
	}
	a.changed.Mark(ids, a.keys.Limit())
	return a.set.Merge(ids, a.keys.Limit(), cols[keys:len(cols)-1])
}

// combiner is the first phase of an Aggregate: it groups the rows of a tick. Where
// that leaves more than one in combineRatio of them it may cost more than it saves,
// as it does for integers: see BenchmarkTwoPhases. The result goes on all the same,
// and the rows of the ticks that follow pass as they are, of more and more of
// them the more often that is so. Which ticks these are shows in nothing.
type combiner struct {
	by   []string
	aggs []Agg
	out  *arrow.Schema // shared with the Aggregate, which knows its batches by it

	mem  memory.Allocator
	keys *grouped.Keys
	set  *grouped.Set
	open bool
	ids  []uint32
	rows []int64  // by key: rows in this tick
	tick []uint32 // keys of this tick, as they came
	seen int      // rows of this tick
	pass int      // ticks that are still to pass
	last int      // how many were to pass the last time
}

const (
	combineRatio = 64      // rows of a group that make it worth it
	combineKeys  = 1 << 12 // that are remembered, so that they need not be new in every tick
	combineLeast = 1 << 8  // rows of a batch that make it worth it
	combinePause = 16      // ticks that pass the first time, twice as many the next time, up to
	combineSleep = 1 << 10
)

// Bind implements [arrowstream.Stage].
func (c *combiner) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	const what = "aggregate"
	var err error
	c.mem = env.Allocator
	if c.keys, err = grouped.BindKeys(what, in, c.by); err != nil {
		return nil, err
	}
	plan, err := grouped.Bind(what, c.aggs, in)
	if err != nil {
		return nil, err
	}
	if err := c.keys.Open(c.mem); err != nil {
		return nil, err
	}
	c.set, c.open = plan.NewSet(c.mem), true
	return c.out, nil
}

// Process implements [arrowstream.Stage].
// Cost: as much per row as in the Aggregate, and a test per row for its group.
func (c *combiner) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	n := int(b.NumRows())
	if c.pass > 0 || n < combineLeast && c.seen == 0 {
		return emit(b)
	}
	if cap(c.ids) < n {
		c.ids = make([]uint32, n)
	}
	c.ids, c.seen = c.ids[:n], c.seen+n
	if err := c.keys.Find(b, c.ids); err != nil {
		return err
	}
	c.rows = grown(c.rows, c.keys.Limit())
	for _, id := range c.ids {
		if c.rows[id] == 0 {
			c.tick = append(c.tick, id)
		}
		c.rows[id]++
	}
	return c.set.Update(b, c.ids, c.keys.Limit())
}

// Advance implements [arrowstream.Stage].
func (c *combiner) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	var err error
	if c.pass > 0 {
		c.pass--
	}
	if c.seen > 0 {
		if err = c.emit(emit); err == nil {
			err = c.clear()
		}
	}
	if w.Done() {
		err = errors.Join(err, c.Close())
	}
	return w, err
}

// emit emits the groups of the tick.
func (c *combiner) emit(emit arrowstream.Emit) error {
	cols, err := c.keys.Columns(c.tick)
	if err != nil {
		return err
	}
	defer func() { grouped.Release(cols) }()
	state, err := c.set.State(c.tick)
	if err != nil {
		return err
	}
	rows := make([]int64, len(c.tick))
	for i, id := range c.tick {
		rows[i] = c.rows[id]
	}
	cols = append(append(cols, state...), int64Array(c.mem, rows))
	b := array.NewRecord(c.out, cols, int64(len(rows)))
	defer b.Release()
	return emit(b)
}

// clear forgets the tick, and keys when there are many.
func (c *combiner) clear() error {
	if few := len(c.tick)*combineRatio <= c.seen; few {
		c.last = 0
	} else {
		c.last = min(max(2*c.last, combinePause), combineSleep)
		c.pass = c.last
	}
	c.set.Reset(c.tick)
	for _, id := range c.tick {
		c.rows[id] = 0
	}
	c.seen, c.tick = 0, c.tick[:0]
	if c.keys.Limit() <= combineKeys {
		return nil
	}
	c.keys.Release()
	return c.keys.Open(c.mem)
}

// Clone implements [arrowstream.Parallel].
func (c *combiner) Clone() arrowstream.Stage {
	return &combiner{by: c.by, aggs: c.aggs, out: c.out}
}

// Keys implements [arrowstream.Parallel]: ticks are independent of each other.
func (c *combiner) Keys() []string { return nil }

// Order implements [arrowstream.Parallel].
func (c *combiner) Order() []string { return nil }

// Counts implements [arrowstream.Counted].
func (c *combiner) Counts() arrowstream.Counts {
	return arrowstream.Counts{HeapBytes: int64(4*(cap(c.ids)+cap(c.tick)) + 8*cap(c.rows))}
}

// Close frees the memory of a stage that is given up; it may be called twice.
func (c *combiner) Close() error {
	if c.open {
		c.set.Release()
		c.keys.Release()
		c.open = false
	}
	return nil
}
