package stage

import (
	"fmt"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// Splittable reports whether the rows may be spread over clones in any way:
// the results are the same, to the bit, when the clones are absorbed by one of
// them in any order before its last Advance. That holds where no aggregate
// depends on the order of rows (counts, extremes, exact sums) and nothing is
// emitted before the end. A group then costs its clone a probe and an update
// per row, and the absorbing one a probe per group: rows are not exchanged.
func (a *Aggregate) Splittable() bool { return !a.Updates && a.plan.OrderFree() }

// Absorb adds what other, a clone, has aggregated, and closes it. Both are
// bound and Splittable.
func (a *Aggregate) Absorb(other arrowstream.Stage) error {
	o, ok := other.(*Aggregate)
	if !ok {
		return fmt.Errorf("aggregate: cannot absorb a %T", other)
	}
	groups := o.groups()
	state, err := o.set.State(groups)
	if err != nil {
		return err
	}
	cols, err := o.keys.Columns(groups)
	if err != nil {
		grouped.Release(state)
		return err
	}
	defer grouped.Release(append(cols, state...))
	ids := make([]uint32, len(groups))
	if err := a.keys.FindArrays(cols, ids); err != nil {
		return err
	}
	a.changed.Mark(ids, a.keys.Limit())
	if err := a.set.Merge(ids, a.keys.Limit(), state); err != nil {
		return err
	}
	a.seen += o.seen
	return o.Close()
}
