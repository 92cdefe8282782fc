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
	if a.timed {
		a.last = grown(a.last, a.keys.Limit())
	}
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

// grown is s with room for n values, new ones zero.
func grown[T any](s []T, n int) []T {
	if n <= len(s) {
		return s
	}
	return append(s, make([]T, max(n, 2*len(s))-len(s))...)
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

// tooOld tells whether the last row of a group is older than TTL.
func (a *Aggregate) tooOld(id uint32) bool {
	return a.mark != arrowstream.NoEventTime && a.mark-a.last[id] >= a.TTL.Microseconds()
}

// tell moves the time on.
func (a *Aggregate) tell(w arrowstream.Watermark) {
	if !a.timed || w.Done() {
		return
	}
	now := w.Clock
	if a.event {
		now = w.Event
	}
	if a.mark == arrowstream.NoEventTime && now > a.mark {
		// Groups that came before there was a time begin to age now.
		all := a.groups()
		for _, id := range all {
			a.last[id] = now
		}
		a.changed.Mark(all, a.keys.Limit())
		a.swept = now
	}
	a.mark = max(a.mark, now)
}

// sweep looks for groups that are too old, several times per TTL. One that has a
// row before it is found begins anew, so when it is found does not show.
func (a *Aggregate) sweep() {
	const times = 8
	if !a.timed || a.mark == arrowstream.NoEventTime || a.mark-a.swept < a.TTL.Microseconds()/times {
		return
	}
	a.swept = a.mark
	var old []uint32
	for _, id := range a.groups() {
		if a.tooOld(id) {
			old = append(old, id)
		}
	}
	a.forget(old)
	a.changed.Mark(old, a.keys.Limit())
	a.gone = append(a.gone, old...)
}
