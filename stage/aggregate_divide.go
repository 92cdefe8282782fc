package stage

import (
	"context"
	"maps"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
)

var _ arrowstream.Divider = (*Aggregate)(nil)

// Divide implements [arrowstream.Divider]: every instance restores the groups of
// its part, so that each goes on from the bits it had.
func (a *Aggregate) Divide(ctx context.Context, others []arrowstream.Stage) error {
	st, err := a.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer st.Release()
	keys := make([]int, len(a.By))
	for i := range keys {
		keys[i] = i
	}
	var by kernels.Partitioner
	parts, err := by.Parts(st["groups"], keys, 1+len(others))
	if err != nil {
		return err
	}
	if err := a.empty(); err != nil {
		return err
	}
	for i, rows := range parts {
		to := a
		if i > 0 {
			to = others[i-1].(*Aggregate)
		}
		part := maps.Clone(st)
		if part["groups"], err = kernels.Filter(a.mem, st["groups"], rows); err != nil {
			return err
		}
		err = to.Restore(ctx, part)
		part["groups"].Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// empty forgets all groups.
func (a *Aggregate) empty() error {
	if err := a.Close(); err != nil {
		return err
	}
	if err := a.keys.Open(a.mem); err != nil {
		return err
	}
	a.set, a.open = a.plan.NewSet(a.mem), true
	a.stamp, a.birth = nil, nil
	return nil
}
