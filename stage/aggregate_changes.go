package stage

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// touch notes the groups that change for the first time in this tick, and the
// results that were emitted of them. Cost: a test of a bit per row.
func (a *Aggregate) touch(ids []uint32) error {
	n := a.keys.Limit()
	a.touched.Grow(n)
	a.shown.Grow(n)
	from, lapsed := len(a.old), []uint32(nil)
	for _, id := range ids {
		if a.touched.Has(id) {
			continue
		}
		a.touched.Set(id)
		a.dirty = append(a.dirty, id)
		switch {
		case !a.shown.Has(id):
		case a.life.over(id):
			lapsed = append(lapsed, id)
		default:
			a.old = append(a.old, id)
		}
	}
	a.forget(lapsed)
	if len(a.old) == from {
		return nil
	}
	vals, err := a.set.Final(a.old[from:], func(i int) string { return a.keys.Text(a.old[from+i]) })
	if err != nil {
		return err
	}
	a.before = append(a.before, vals)
	return nil
}

// emitChanges emits one change for each group of this tick whose result row is
// another one than before, in the order of keys: +I, -U and +U, or, when the row
// does not pass Having any more or the group has no rows, -D.
func (a *Aggregate) emitChanges(emit arrowstream.Emit) error {
	defer a.dropOld()
	if len(a.dirty) == 0 {
		return nil
	}
	vals, err := a.set.Final(a.dirty, func(i int) string { return a.keys.Text(a.dirty[i]) })
	if err != nil {
		return err
	}
	after, err := a.record(a.dirty, vals)
	grouped.Release(vals)
	if err != nil {
		return err
	}
	defer after.Release()
	before, err := a.oldRows()
	if err != nil {
		return err
	}
	defer before.Release()
	idx, ops, err := a.pair(before, after)
	if err != nil || len(idx) == 0 {
		return err
	}
	both, err := kernels.Concat(a.mem, []arrow.Record{before, after})
	if err != nil {
		return err
	}
	defer both.Release()
	rows, err := kernels.TakeRecord(a.mem, both, idx)
	if err != nil {
		return err
	}
	defer rows.Release()
	out := withOps(a.mem, a.out, rows, ops)
	defer out.Release()
	return emit(out)
}

// pair pairs the rows of a.old, in before, with those of a.dirty, in after. It
// returns rows of before followed by after, and what becomes of them.
func (a *Aggregate) pair(before, after arrow.Record) (idx []int32, ops []int8, err error) {
	was, is := columnar.Bitmap{N: int(before.NumRows())}, columnar.Bitmap{N: int(after.NumRows())}
	if a.having != nil {
		if was, err = a.having.Select(a.mem, before); err != nil {
			return nil, nil, grouped.Error("having", err)
		}
		if is, err = a.having.Select(a.mem, after); err != nil {
			return nil, nil, grouped.Error("having", err)
		}
	}
	// a.old is a part of a.dirty, in the same order.
	of, at, to := make([]int32, len(a.dirty)), make([]int32, len(a.old)), make([]int32, len(a.old))
	for i, k := 0, 0; i < len(a.dirty); i++ {
		if of[i] = -1; k < len(a.old) && a.old[k] == a.dirty[i] {
			of[i], at[k], to[k] = int32(k), int32(k), int32(i)
			k++
		}
	}
	keys, shift := len(a.By), int32(before.NumRows())
	differ := grouped.Differ(before.Columns()[keys:], after.Columns()[keys:], at, to)
	order, err := grouped.Order(after.Columns()[:keys], len(a.dirty))
	if err != nil {
		return nil, nil, err
	}
	idx, ops = make([]int32, 0, 2*len(order)), make([]int8, 0, 2*len(order))
	for _, i := range order {
		k := of[i]
		passed := k >= 0 && was.Get(int(k))
		passes := is.Get(int(i)) && (!a.counted || a.rows[a.dirty[i]] > 0)
		switch {
		case passed && passes && differ.Get(int(k)):
			idx, ops = append(idx, k, shift+i), append(ops, int8(columnar.UpdateBefore), int8(columnar.UpdateAfter))
		case passed && !passes:
			idx, ops = append(idx, k), append(ops, int8(columnar.Delete))
		case passes && !passed:
			idx, ops = append(idx, shift+i), append(ops, int8(columnar.Insert))
		}
	}
	return idx, ops, nil
}

// oldRows are the result rows that a.old had before this tick.
func (a *Aggregate) oldRows() (arrow.Record, error) {
	if len(a.old) == 0 {
		return emptyRecord(a.mem, a.result), nil
	}
	vals := make([]arrow.Array, len(a.before[0]))
	defer func() { grouped.Release(vals) }()
	for c := range vals {
		parts := make([]arrow.Array, len(a.before))
		for i, piece := range a.before {
			parts[i] = piece[c]
		}
		var err error
		if vals[c], err = array.Concatenate(parts, a.mem); err != nil {
			return nil, err
		}
	}
	return a.record(a.old, vals)
}

// dropOld forgets the changes of the tick, which have been emitted.
func (a *Aggregate) dropOld() {
	for _, piece := range a.before {
		grouped.Release(piece)
	}
	for _, id := range a.dirty {
		a.touched.Clear(id)
		if a.counted && a.rows[id] <= 0 {
			a.shown.Clear(id)
		} else {
			a.shown.Set(id)
		}
		a.life.see(id)
	}
	a.before, a.old, a.dirty = a.before[:0], a.old[:0], a.dirty[:0]
}
