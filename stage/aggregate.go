package stage

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// Agg is one aggregate column. It is the same type as window.Agg.
type Agg = grouped.Agg

// Aggregate groups the whole input by key, without windows. It emits the
// result at the end of time, ordered by key, or with Updates a changelog: at
// every tick one change for each key of the tick whose result is new.
//
// The input may be a changelog: rows that it takes back no longer count, and a
// group whose last row is taken back is gone. Sums and averages of float64 are
// exact then, see [agg.Spec.Retractable].
//
// Without keys there is one result row, also for an empty input.
type Aggregate struct {
	// By are the input columns of the key.
	By []string
	// Aggs are the aggregates; none yields the distinct keys.
	Aggs []Agg
	// Having keeps the result rows for which it is TRUE; nil keeps all.
	Having expr.Expr
	// Updates makes the output a changelog.
	Updates bool
	// TTL, with Updates, forgets a group that long after its last row, without
	// a change in the output, so that the state is bounded: in event time if
	// the input has one, else in processing time. It takes effect between
	// ticks. 0 remembers for ever.
	TTL time.Duration

	mem      memory.Allocator
	instance int
	keys     *grouped.Keys
	plan     *grouped.Plan
	set      *grouped.Set
	having   *expr.Bound
	result   *arrow.Schema // result rows without the column of changes
	out      *arrow.Schema
	combined *arrow.Schema // of rows that a combiner has put together, nil without one
	open     bool
	ids      []uint32
	seen     int64 // rows aggregated
	changed  grouped.Dirty

	// What does not fit into memory.
	spill     *arrowstream.Spill // nil keeps all in memory
	over      *overflow          // nil until something has been spilled
	level     int                // of the parts of the table
	input     *arrow.Schema      // of spilled rows: keys and arguments
	spilled   int64              // bytes written
	restoring bool               // what is spilled comes from a store

	// For Updates: the groups of this tick, and their old results.
	touched grouped.Bits // groups that are in dirty
	shown   grouped.Bits // groups that have a result, of a tick that is over
	dirty   []uint32
	old     []uint32        // those of dirty that are in shown
	before  [][]arrow.Array // pieces, row i of all of them is that of old[i]

	// For groups that go: see aggregate_gone.go.
	changes bool // the input is a changelog
	counted bool // rows is in use
	rows    []int64
	gone    []uint32
	life    lifetime
}

var (
	_ arrowstream.Incremental = (*Aggregate)(nil)
	_ arrowstream.Parallel    = (*Aggregate)(nil)
	_ arrowstream.Counted     = (*Aggregate)(nil)
	_ arrowstream.Spilling    = (*Aggregate)(nil)
)

// Bind implements [arrowstream.Stage].
func (a *Aggregate) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	const what = "aggregate"
	var err error
	a.mem, a.instance = env.Allocator, env.Instance
	a.changes = columnar.Changelog(in)
	a.life = newLifetime(a.TTL, in, a.Updates && len(a.By) > 0)
	a.counted = (a.changes || a.life.on) && len(a.By) > 0
	if a.keys, err = grouped.BindKeys(what, in, a.By); err != nil {
		return nil, err
	}
	if a.plan, err = grouped.Bind(what, a.Aggs, in); err != nil {
		return nil, err
	}
	fields := append(slices.Clone(a.keys.Fields()), a.plan.Fields()...)
	if err := grouped.Distinct(what, fields); err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		return nil, planError("AS1101", "aggregate: neither keys nor aggregates", "")
	}
	a.result = arrow.NewSchema(fields, nil)
	if a.out = a.result; a.Updates {
		a.out = columnar.WithChangelog(a.result)
	}
	if a.Having != nil {
		if a.having, err = condition("having", a.Having, a.result); err != nil {
			return nil, err
		}
	}
	if err := a.keys.Open(a.mem); err != nil {
		return nil, err
	}
	a.set, a.open = a.plan.NewSet(a.mem), true
	if env.Spill != nil && len(a.By) > 0 && !a.Updates && !a.changes {
		env.Spill.Join()
		a.spill = env.Spill
	}
	if len(a.By) > 0 {
		a.input = a.inputSchema()
	}
	return a.out, nil
}

// Process implements [arrowstream.Stage].
func (a *Aggregate) Process(_ context.Context, b arrowstream.Batch, _ arrowstream.Emit) error {
	n := int(b.NumRows())
	if n == 0 {
		return nil
	}
	if b.Schema() == a.combined {
		return a.addCombined(b)
	}
	a.seen += b.NumRows()
	if len(a.By) == 0 {
		if a.Updates {
			if err := a.touch([]uint32{0}); err != nil {
				return err
			}
		}
		a.changed.Mark([]uint32{0}, 1)
		return a.add(b, nil)
	}
	if err := a.makeRoom(); err != nil {
		return err
	}
	if a.over != nil {
		return a.spillRows(b)
	}
	if err := a.keys.Find(b, a.room(n)); err != nil {
		return err
	}
	if a.Updates {
		if err := a.touch(a.ids); err != nil {
			return err
		}
	}
	a.count(b)
	a.changed.Mark(a.ids, a.keys.Limit())
	return a.add(b, a.ids)
}

// room makes a.ids as long as a batch.
func (a *Aggregate) room(n int) []uint32 {
	if cap(a.ids) < n {
		a.ids = make([]uint32, n)
	}
	a.ids = a.ids[:n]
	return a.ids
}

// add gives rows to the aggregates.
func (a *Aggregate) add(b arrow.Record, ids []uint32) error {
	if a.changes {
		return a.set.Change(b, ids, a.keys.Limit())
	}
	return a.set.Update(b, ids, a.keys.Limit())
}

// Advance implements [arrowstream.Stage].
func (a *Aggregate) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	var err error
	switch {
	case a.Updates:
		if w.Done() && len(a.By) == 0 {
			err = a.touch([]uint32{0})
		}
		a.tell(w)
		if err == nil {
			err = a.emitChanges(emit)
		}
		a.sweep()
	case w.Done() && a.over != nil:
		err = a.emitSpilled(emit)
	case w.Done():
		err = a.emitTable(sortedRows, emit)
	}
	if w.Done() {
		return w, errors.Join(err, a.Close())
	}
	a.clean()
	return w, err
}

// emitTable emits the result of every group in memory, ordered by key, size rows
// at a time. The table of keys is given up for a copy of the keys and their
// order, and results are made as they are emitted, so that the end of a job takes
// little more than what led to it.
func (a *Aggregate) emitTable(size int, emit arrowstream.Emit) error {
	groups := a.groups()
	if len(groups) == 0 {
		return nil
	}
	keys, err := a.keys.Columns(groups)
	if err != nil {
		return err
	}
	defer grouped.Release(keys)
	a.keys.Release()
	sorting := columnar.Charge(a.mem, int64(len(groups))*kernels.SortRowBytes)
	order, err := grouped.Order(keys, len(groups))
	sorting()
	if err != nil {
		return err
	}
	scratch := make([]uint32, min(len(order), size))
	for len(order) > 0 {
		n := min(len(order), size)
		for i, row := range order[:n] {
			scratch[i] = groups[row]
		}
		if err := a.emitSome(keys, order[:n], scratch[:n], emit); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}

// emitSome emits the results of groups, the keys of which are rows of keys.
func (a *Aggregate) emitSome(keys []arrow.Array, rows []int32, groups []uint32, emit arrowstream.Emit) error {
	cols := make([]arrow.Array, 0, a.result.NumFields())
	defer func() { grouped.Release(cols) }()
	for _, key := range keys {
		col, err := kernels.Take(a.mem, key, rows)
		if err != nil {
			return err
		}
		cols = append(cols, col)
	}
	vals, err := a.set.Final(groups, func(i int) string { return grouped.KeyText(a.keys.Fields(), cols, i) })
	if err != nil {
		return err
	}
	cols = append(cols, vals...)
	out := array.NewRecord(a.result, cols, int64(len(rows)))
	defer out.Release()
	if a.having == nil {
		return emit(out)
	}
	keep, err := a.having.Select(a.mem, out)
	if err != nil {
		return grouped.Error("having", err)
	}
	kept, err := kernels.Filter(a.mem, out, keep)
	if err != nil {
		return err
	}
	defer kept.Release()
	if kept.NumRows() == 0 {
		return nil
	}
	return emit(kept)
}

// groups are all groups that have a result.
func (a *Aggregate) groups() []uint32 {
	groups := make([]uint32, 0, a.keys.Limit())
	for i := range a.keys.Limit() {
		if !a.counted || i < len(a.rows) && a.rows[i] > 0 {
			groups = append(groups, uint32(i))
		}
	}
	return groups
}

// record is the result rows of groups with the aggregates vals, borrowed.
func (a *Aggregate) record(groups []uint32, vals []arrow.Array) (arrow.Record, error) {
	keys, err := a.keys.Columns(groups)
	if err != nil {
		return nil, err
	}
	defer grouped.Release(keys)
	return array.NewRecord(a.result, append(slices.Clone(keys), vals...), int64(len(groups))), nil
}

// sortedRows is how many rows of a result are emitted at a time.
const sortedRows = 1 << 15

// Clone implements [arrowstream.Parallel].
func (a *Aggregate) Clone() arrowstream.Stage {
	return &Aggregate{By: a.By, Aggs: a.Aggs, Having: a.Having, Updates: a.Updates, TTL: a.TTL, combined: a.combined}
}

// Keys implements [arrowstream.Parallel].
func (a *Aggregate) Keys() []string { return a.By }

// Order implements [arrowstream.Parallel].
func (a *Aggregate) Order() []string {
	order := slices.Clone(a.By)
	if a.Updates {
		order = append(order, columnar.OpColumn)
	}
	return order
}

// Counts implements [arrowstream.Counted].
func (a *Aggregate) Counts() arrowstream.Counts {
	c := arrowstream.Counts{RowsUpdated: a.seen, Spilled: a.spilled}
	if a.open {
		c.HeapBytes = a.changed.Bytes() + a.touched.Bytes() + a.shown.Bytes() + int64(4*(cap(a.ids)+cap(a.dirty)+cap(a.old)+cap(a.gone))+8*cap(a.rows)) + a.life.bytes()
		c.StateRows, c.StateBytes = int64(a.keys.Live()), a.set.Bytes()+a.keys.Bytes()+c.HeapBytes
	}
	return c
}

// Close frees the memory of a stage that is given up; it may be called twice.
func (a *Aggregate) Close() error {
	a.dropOld()
	if a.over != nil {
		a.over.close()
	}
	if a.open {
		a.set.Release()
		a.keys.Release()
		a.open = false
	}
	return nil
}
