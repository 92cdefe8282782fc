package stage

import (
	"context"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/internal/spill"
	"github.com/arrowstream/arrowstream/kernels"
)

// Distinct passes the first row of each key, in the order of arrival, and drops
// the others. The rows of a tick are emitted at its end, ordered by key.
//
// Of a changelog all columns are the key: it counts the copies of every row and
// emits a changelog, +I when a row is there and -D when its last copy is taken
// back. TTL then counts from when the row last came. The first row of a part of
// the columns is what [Top] keeps, with N 1 and no order.
//
// With a folder in [arrowstream.Env.Spill] it goes on there when the keys
// outgrow their share; rows may be emitted some seconds later then.
type Distinct struct {
	// By are the columns of the key; all columns if empty.
	By []string
	// TTL forgets a key that long after its first row, so that the state is
	// bounded: in event time if the input has one, else in processing time.
	// It takes effect between ticks. 0 remembers for ever.
	TTL time.Duration

	mem   memory.Allocator
	in    *arrow.Schema
	by    []string
	keys  *grouped.Keys
	open  bool
	ids   []uint32
	known []bool // by key
	live  int64  // how many are
	held  []arrow.Record
	fresh []uint32
	ages  []aged // keys in the order in which they came, for TTL
	mark  int64  // time of the last Advance, for TTL
	drops int64
	rows  *SetOp // of a changelog, which does all the work
	saved int    // ages, without TTL keys, that are in the last checkpoint
	divisible
}

// divisible is what a stage needs to go on in a folder.
type divisible = spill.Divisible

// aged is a key and the time of the tick in which it came, in microseconds.
type aged struct {
	kid  uint32
	time int64
}

var (
	_ arrowstream.Logged   = (*Distinct)(nil)
	_ arrowstream.Parallel = (*Distinct)(nil)
	_ arrowstream.Counted  = (*Distinct)(nil)
	_ arrowstream.Spilling = (*Distinct)(nil)
)

// Bind implements [arrowstream.Stage].
func (d *Distinct) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	const what = "distinct"
	if columnar.Changelog(in) {
		if len(d.By) > 0 {
			return nil, planError("AS1407", "distinct: the input updates rows, and the first row of a key may be taken back", "use the top row of each key")
		}
		d.rows = &SetOp{Kind: Except, Updates: true, TTL: d.TTL}
		return bindAlone(d.rows, in, env, &d.by)
	}
	if d.TTL < 0 {
		return nil, planError("AS1101", "distinct: negative TTL", "")
	}
	d.mem, d.in, d.by = env.Allocator, in, d.By
	d.mark = arrowstream.NoEventTime
	if len(d.by) == 0 {
		d.by = columnar.Names(in)
	}
	var err error
	if d.keys, err = grouped.BindKeys(what, in, d.by); err != nil {
		return nil, err
	}
	if err := d.keys.Open(d.mem); err != nil {
		return nil, err
	}
	d.open = true
	d.Over = spill.New(env, spill.Plan{
		Inputs: []*arrow.Schema{in}, Keys: [][]int{d.keys.Positions()},
		New: func(env arrowstream.Env) (spill.Operator, error) {
			one := &Distinct{By: d.By, TTL: d.TTL}
			_, err := one.Bind(in, env)
			return spill.Alone(one), err
		},
		StateKeys: func(name string, _ arrow.Record) []int { return firstOf(name == "keys", len(d.by)) },
	})
	return in, nil
}

// firstOf are the first n columns, nil unless there are any.
func firstOf(any bool, n int) []int {
	if !any {
		return nil
	}
	columns := make([]int, n)
	for i := range columns {
		columns[i] = i
	}
	return columns
}

// Process implements [arrowstream.Stage].
func (d *Distinct) Process(ctx context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if d.rows != nil {
		return d.rows.Process(ctx, 0, b, emit)
	}
	if d.Over.On() {
		return d.Over.Process(ctx, 0, b, emit)
	}
	n := int(b.NumRows())
	if n == 0 {
		return nil
	}
	if cap(d.ids) < n {
		d.ids = make([]uint32, n)
	}
	d.ids = d.ids[:n]
	if err := d.keys.Find(b, d.ids); err != nil {
		return err
	}
	if more := d.keys.Limit() - len(d.known); more > 0 {
		d.known = append(d.known, make([]bool, more)...)
	}
	var first []int32
	for i, id := range d.ids {
		if !d.known[id] {
			d.known[id] = true
			first = append(first, int32(i))
			d.fresh = append(d.fresh, id)
		}
	}
	d.live += int64(len(first))
	d.drops += int64(n - len(first))
	if len(first) == 0 {
		return nil
	}
	rows, err := kernels.TakeRecord(d.mem, b, first)
	if err != nil {
		return err
	}
	d.held = append(d.held, rows)
	return nil
}

// Advance implements [arrowstream.Stage].
func (d *Distinct) Advance(ctx context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if d.rows != nil {
		return d.rows.Advance(ctx, w, emit)
	}
	if d.Over.On() {
		return d.Over.Advance(ctx, w, emit)
	}
	if err := d.emitHeld(emit); err != nil {
		return w, err
	}
	if d.TTL > 0 && !w.Done() {
		d.expire(w)
	}
	d.fresh = d.fresh[:0]
	if w.Done() {
		return w, d.Close()
	}
	return w, d.Over.Check(ctx, spill.Alone(d), w, w)
}

func (d *Distinct) emitHeld(emit arrowstream.Emit) error {
	defer d.releaseHeld()
	if len(d.held) == 0 {
		return nil
	}
	rows, err := kernels.Concat(d.mem, d.held)
	if err != nil {
		return err
	}
	defer rows.Release()
	all, err := d.plainFloats(rows)
	if err != nil {
		return err
	}
	defer all.Release()
	var by []arrow.Array
	for _, name := range d.by {
		by = append(by, all.Column(columnar.Index(d.in, name)))
	}
	idx, err := grouped.Order(by, int(all.NumRows()))
	if err != nil {
		return err
	}
	out, err := kernels.TakeRecord(d.mem, all, idx)
	if err != nil {
		return err
	}
	defer out.Release()
	return emit(out)
}

// plainFloats is rows, which are those of d.fresh, with the floats of the key as
// a table of keys has them: 0 for -0, and one NaN. An aggregation shows the same.
func (d *Distinct) plainFloats(rows arrow.Record) (arrow.Record, error) {
	isFloat := func(name string) bool {
		return arrow.IsFloating(d.in.Field(columnar.Index(d.in, name)).Type.ID())
	}
	if !slices.ContainsFunc(d.by, isFloat) {
		rows.Retain()
		return rows, nil
	}
	keys, err := d.keys.Columns(d.fresh)
	if err != nil {
		return nil, err
	}
	defer grouped.Release(keys)
	cols := slices.Clone(rows.Columns())
	for i, name := range d.by {
		if isFloat(name) {
			cols[columnar.Index(d.in, name)] = keys[i]
		}
	}
	return array.NewRecord(d.in, cols, rows.NumRows()), nil
}

// expire forgets the keys whose time is over.
func (d *Distinct) expire(w arrowstream.Watermark) {
	now := w.Clock
	if columnar.EventTime(d.in) >= 0 {
		now = w.Event
	}
	d.mark = max(d.mark, now)
	for _, kid := range d.fresh {
		d.ages = append(d.ages, aged{kid, d.mark})
	}
	if d.mark == arrowstream.NoEventTime {
		return
	}
	// Keys that came before there was an event time begin to age now.
	for i := 0; i < len(d.ages) && d.ages[i].time == arrowstream.NoEventTime; i++ {
		d.ages[i].time, d.saved = d.mark, 0
	}
	n := 0
	for n < len(d.ages) && d.mark-d.ages[n].time >= d.TTL.Microseconds() {
		n++
	}
	d.drop(n)
}

// drop forgets the n keys that came first.
func (d *Distinct) drop(n int) {
	gone := make([]uint32, n)
	for i, a := range d.ages[:n] {
		gone[i] = a.kid
		d.known[a.kid] = false
	}
	d.live -= int64(n)
	d.ages = slices.Delete(d.ages, 0, n)
	d.saved = max(0, d.saved-n)
	d.keys.Remove(gone)
}

// Clone implements [arrowstream.Parallel].
func (d *Distinct) Clone() arrowstream.Stage { return &Distinct{By: d.By, TTL: d.TTL} }

// Keys implements [arrowstream.Parallel].
func (d *Distinct) Keys() []string {
	if len(d.By) == 0 {
		return d.by
	}
	return d.By
}

// Order implements [arrowstream.Parallel].
func (d *Distinct) Order() []string { return d.Keys() }

// Counts implements [arrowstream.Counted].
func (d *Distinct) Counts() arrowstream.Counts {
	if d.rows != nil {
		return d.rows.Counts()
	}
	if d.Over.On() {
		return d.Over.Counts()
	}
	var c arrowstream.Counts
	if d.open {
		c.StateRows = d.live
		c.HeapBytes = int64(cap(d.known) + 16*cap(d.ages) + 4*(cap(d.ids)+cap(d.fresh)))
		c.StateBytes = d.keys.Bytes() + c.HeapBytes
	}
	return c
}

func (d *Distinct) releaseHeld() {
	for _, b := range d.held {
		b.Release()
	}
	d.held = d.held[:0]
}

// Close frees the memory of a stage that is given up; it may be called twice.
func (d *Distinct) Close() error {
	if d.rows != nil {
		return d.rows.Close()
	}
	d.releaseHeld()
	if d.open {
		d.keys.Release()
		d.open = false
	}
	return d.Over.Close()
}
