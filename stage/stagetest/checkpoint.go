package stagetest

import (
	"context"
	"fmt"

	"github.com/arrowstream/arrowstream"
)

// checkpoint takes a snapshot or a delta after a tick, and goes on with a new
// instance, as the variant says; again asks for a snapshot and a new instance.
func (r *run) checkpoint(ctx context.Context, again, last bool) error {
	save, restore := again, again
	switch {
	case again:
		r.forget()
	case last:
	case r.v.saves != nil:
		save, restore = r.v.saves(r.tick)
	case r.v.snapshot != nil:
		save, restore = r.v.snapshot(r.tick), r.v.restore
		r.forget()
	}
	if !save {
		return nil
	}
	if err := r.save(ctx); err != nil || !restore {
		return err
	}
	if err := r.renew(ctx); err != nil || r.v.saves == nil {
		return err
	}
	// The next delta is one to a snapshot of the new instance.
	return r.save(ctx)
}

// save adds a delta to what is saved, a snapshot if there is nothing.
func (r *run) save(ctx context.Context) (err error) {
	var st arrowstream.State
	if len(r.saved) > 0 {
		st, err = r.nodes[0].any().(arrowstream.Incremental).Delta(ctx)
	} else {
		st, err = r.nodes[0].any().(snapshooter).Snapshot(ctx)
	}
	if err != nil {
		return err
	}
	defer st.Release()
	own, err := copied(r.mem, st)
	if err != nil {
		return err
	}
	r.saved = append(r.saved, own)
	return nil
}

// renew replaces the stage by a new instance that restores what is saved.
func (r *run) renew(ctx context.Context) (err error) {
	defer r.forget()
	was := r.nodes[0].counts().StateRows
	if err := r.nodes[0].close(ctx, false); err != nil {
		return err
	}
	if r.nodes[0], err = r.newNode(); err != nil {
		return err
	}
	for i, st := range r.saved {
		if i == 0 {
			err = r.nodes[0].any().(snapshooter).Restore(ctx, st)
		} else {
			err = r.nodes[0].any().(arrowstream.Incremental).Apply(ctx, st)
		}
		if err != nil {
			return err
		}
	}
	if is := r.nodes[0].counts().StateRows; is != was {
		return fmt.Errorf("the new instance has %d rows of state instead of %d", is, was)
	}
	return nil
}

func (r *run) forget() {
	for _, st := range r.saved {
		st.Release()
	}
	r.saved = nil
}
