package stage

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// A group goes when its last row is taken back, or when it is too old. Its key
// leaves the table between two ticks, but not before a checkpoint has told that
// it is gone, if there are checkpoints: rows is 0 until then.

// count counts the rows of the groups in a.ids.
func (a *Aggregate) count(b arrow.Record) {
	if !a.counted {
		return
	}
	a.rows = grown(a.rows, a.keys.Limit())
	a.life.grow(a.keys.Limit())
	back, any := grouped.Back(b, a.changes)
	if !any {
		for _, id := range a.ids {
			a.rows[id]++
		}
		return
	}
	for i, id := range a.ids {
		if !back.Get(i) {
			a.rows[id]++
		} else if a.rows[id]--; a.rows[id] <= 0 {
			a.gone = append(a.gone, id)
		}
	}
}

// forget puts groups back as if they had never had a row.
func (a *Aggregate) forget(ids []uint32) {
	a.set.Reset(ids)
	for _, id := range ids {
		a.rows[id] = 0
		if a.Updates {
			a.shown.Clear(id)
		}
	}
}

// clean resets the groups that have gone in this tick, and removes them if there
// are no checkpoints that must be told.
func (a *Aggregate) clean() {
	if len(a.gone) == 0 {
		return
	}
	slices.Sort(a.gone)
	a.gone = slices.DeleteFunc(slices.Compact(a.gone), func(id uint32) bool { return a.rows[id] > 0 })
	if a.Updates {
		a.shown.Grow(a.keys.Limit())
	}
	a.forget(a.gone)
	if !a.changed.On() {
		a.remove()
	}
}

// remove removes the groups that have gone and have not come again.
func (a *Aggregate) remove() {
	a.keys.Remove(slices.DeleteFunc(a.gone, func(id uint32) bool { return a.rows[id] > 0 }))
	a.gone = a.gone[:0]
}

// tell moves the time on.
func (a *Aggregate) tell(w arrowstream.Watermark) {
	if !a.life.tell(w) {
		return
	}
	all := a.groups()
	for _, id := range all {
		a.life.see(id)
	}
	a.changed.Mark(all, a.keys.Limit())
}

// sweep forgets the groups that are too old.
func (a *Aggregate) sweep() {
	if !a.life.due() {
		return
	}
	var old []uint32
	for _, id := range a.groups() {
		if a.life.over(id) {
			old = append(old, id)
		}
	}
	a.forget(old)
	a.changed.Mark(old, a.keys.Limit())
	a.gone = append(a.gone, old...)
}
