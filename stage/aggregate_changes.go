package stage

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// emitChanges emits one change for each group of this tick whose result row is
// another one than before: +I, -U and +U, or, when the row does not pass Having
// any more, -D.
func (a *Aggregate) emitChanges(emit arrowstream.Emit) error {
	defer a.dropOld()
	if len(a.dirty) == 0 {
		return nil
	}
	vals, err := a.set.Final(a.dirty)
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
	idx, ops, err := a.changes(before, after)
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
	op := opArray(a.mem, ops)
	defer op.Release()
	order, err := grouped.Order(append(slices.Clone(rows.Columns()[:len(a.By)]), op), len(idx))
	if err != nil {
		return err
	}
	whole := array.NewRecord(a.out, append(slices.Clone(rows.Columns()), op), int64(len(idx)))
	defer whole.Release()
	out, err := kernels.TakeRecord(a.mem, whole, order)
	if err != nil {
		return err
	}
	defer out.Release()
	return emit(out)
}

// changes pairs the rows of a.old, in before, with those of a.dirty, in after.
// It returns rows of before followed by after, and what becomes of them.
func (a *Aggregate) changes(before, after arrow.Record) (idx []int32, ops []int8, err error) {
	was, is := columnar.Bitmap{N: int(before.NumRows())}, columnar.Bitmap{N: int(after.NumRows())}
	if a.having != nil {
		if was, err = a.having.Select(a.mem, before); err != nil {
			return nil, nil, grouped.Error("having", err)
		}
		if is, err = a.having.Select(a.mem, after); err != nil {
			return nil, nil, grouped.Error("having", err)
		}
	}
	add := func(i int, op columnar.Change) { idx, ops = append(idx, int32(i)), append(ops, int8(op)) }
	old, shift := make(map[uint32]int, len(a.old)), int(before.NumRows())
	for i, id := range a.old {
		old[id] = i
	}
	for i, id := range a.dirty {
		k, ok := old[id]
		passed := ok && was.Get(k)
		switch passes := is.Get(i); {
		case passed && passes && grouped.Equal(before.Columns(), k, after.Columns(), i):
		case passed && passes:
			add(k, columnar.UpdateBefore)
			add(shift+i, columnar.UpdateAfter)
		case passed:
			add(k, columnar.Delete)
		case passes:
			add(shift+i, columnar.Insert)
		}
	}
	return idx, ops, nil
}

// oldRows are the result rows that a.old had before this tick.
func (a *Aggregate) oldRows() (arrow.Record, error) {
	if len(a.old) == 0 {
		return emptyRecord(a.mem, a.rows), nil
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

// dropOld forgets the changes of the tick.
func (a *Aggregate) dropOld() {
	for _, piece := range a.before {
		grouped.Release(piece)
	}
	if len(a.dirty) > 0 && len(a.By) == 0 {
		a.shown = true
	}
	a.before, a.old, a.dirty = a.before[:0], a.old[:0], a.dirty[:0]
	a.tick++
}
