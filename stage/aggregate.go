package stage

import (
	"context"
	"slices"

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

	mem      memory.Allocator
	instance int
	keys     *grouped.Keys
	plan     *grouped.Plan
	set      *grouped.Set
	having   *expr.Bound
	rows     *arrow.Schema // result rows without the column of changes
	out      *arrow.Schema
	open     bool
	ids      []uint32
	seen     int64 // rows aggregated
	shown    bool  // the row of an aggregation without keys has been emitted
	changed  grouped.Dirty

	// What does not fit into memory.
	spill     *arrowstream.Spill // nil keeps all in memory
	over      *overflow          // nil until something has been spilled
	level     int                // of the parts of the table
	input     *arrow.Schema      // of spilled rows: keys and arguments
	spilled   int64              // bytes written
	restoring bool               // what is spilled comes from a store

	// For Updates: the groups of this tick, and their old results.
	tick   uint32
	stamp  []uint32 // tick of the last change, by group
	birth  []uint32 // tick of the first row, by group
	dirty  []uint32
	old    []uint32
	before [][]arrow.Array // pieces, row i of all of them is that of old[i]
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
	if err := grouped.AppendOnly(what, in); err != nil {
		return nil, err
	}
	a.mem, a.instance, a.tick = env.Allocator, env.Instance, 1
	var err error
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
	a.rows = arrow.NewSchema(fields, nil)
	if a.out = a.rows; a.Updates {
		a.out = columnar.WithChangelog(a.rows)
	}
	if a.Having != nil {
		if a.having, err = condition("having", a.Having, a.rows); err != nil {
			return nil, err
		}
	}
	if err := a.keys.Open(a.mem); err != nil {
		return nil, err
	}
	a.set, a.open = a.plan.NewSet(a.mem), true
	if env.Spill != nil && len(a.By) > 0 && !a.Updates {
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
	a.seen += b.NumRows()
	if len(a.By) == 0 {
		if a.Updates {
			if err := a.touch([]uint32{0}); err != nil {
				return err
			}
		}
		a.changed.Mark([]uint32{0}, 1)
		return a.set.Update(b, nil, 1)
	}
	if err := a.makeRoom(); err != nil {
		return err
	}
	if a.over != nil {
		return a.spillRows(b)
	}
	if cap(a.ids) < n {
		a.ids = make([]uint32, n)
	}
	a.ids = a.ids[:n]
	if err := a.keys.Find(b, a.ids); err != nil {
		return err
	}
	if a.Updates {
		if err := a.touch(a.ids); err != nil {
			return err
		}
	}
	a.changed.Mark(a.ids, a.keys.Limit())
	return a.set.Update(b, a.ids, a.keys.Limit())
}

// touch notes the groups that change for the first time in this tick, and the
// results that were emitted of them.
func (a *Aggregate) touch(ids []uint32) error {
	n := a.keys.Limit()
	a.stamp, a.birth = grown(a.stamp, n), grown(a.birth, n)
	from := len(a.old)
	for _, id := range ids {
		if a.stamp[id] == a.tick {
			continue
		}
		a.stamp[id] = a.tick
		a.dirty = append(a.dirty, id)
		if a.birth[id] == 0 {
			a.birth[id] = a.tick
		}
		if a.birth[id] < a.tick || len(a.By) == 0 && a.shown {
			a.old = append(a.old, id)
		}
	}
	if len(a.old) == from {
		return nil
	}
	vals, err := a.set.Final(a.old[from:])
	if err != nil {
		return err
	}
	a.before = append(a.before, vals)
	return nil
}

func grown(s []uint32, n int) []uint32 {
	if n <= len(s) {
		return s
	}
	return append(s, make([]uint32, max(n, 2*len(s))-len(s))...)
}

// Advance implements [arrowstream.Stage].
func (a *Aggregate) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	var err error
	switch {
	case a.Updates:
		if w.Done() && len(a.By) == 0 && !a.shown && len(a.dirty) == 0 {
			a.dirty = append(a.dirty, 0)
		}
		err = a.emitChanges(emit)
	case w.Done() && a.over != nil:
		err = a.emitSpilled(emit)
	case w.Done():
		err = a.emitTable(sortedRows, emit)
	}
	if err == nil && w.Done() {
		err = a.Close()
	}
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
	for len(order) > 0 {
		n := min(len(order), size)
		if err := a.emitSome(keys, order[:n], groups[:n], emit); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}

// emitSome emits the results of the groups in order, for which scratch has room.
func (a *Aggregate) emitSome(keys []arrow.Array, order []int32, scratch []uint32, emit arrowstream.Emit) error {
	cols := make([]arrow.Array, 0, a.rows.NumFields())
	defer func() { grouped.Release(cols) }()
	for _, key := range keys {
		col, err := kernels.Take(a.mem, key, order)
		if err != nil {
			return err
		}
		cols = append(cols, col)
	}
	for i, row := range order {
		scratch[i] = uint32(row)
	}
	vals, err := a.set.Final(scratch)
	if err != nil {
		return err
	}
	cols = append(cols, vals...)
	rows := array.NewRecord(a.rows, cols, int64(len(order)))
	defer rows.Release()
	if a.having == nil {
		return emit(rows)
	}
	keep, err := a.having.Select(a.mem, rows)
	if err != nil {
		return grouped.Error("having", err)
	}
	kept, err := kernels.Filter(a.mem, rows, keep)
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
	groups := make([]uint32, a.keys.Limit())
	for i := range groups {
		groups[i] = uint32(i)
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
	return array.NewRecord(a.rows, append(slices.Clone(keys), vals...), int64(len(groups))), nil
}

// sortedRows is how many rows of a result are emitted at a time.
const sortedRows = 1 << 15

// Clone implements [arrowstream.Parallel].
func (a *Aggregate) Clone() arrowstream.Stage {
	return &Aggregate{By: a.By, Aggs: a.Aggs, Having: a.Having, Updates: a.Updates}
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
		c.HeapBytes = a.changed.Bytes() + int64(4*(cap(a.ids)+cap(a.stamp)+cap(a.birth)+cap(a.dirty)+cap(a.old)))
		c.StateRows, c.StateBytes = int64(a.keys.Limit()), a.set.Bytes()+a.keys.Bytes()+c.HeapBytes
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
