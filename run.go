package arrowstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// Run runs the pipeline until its input ends, it is drained or ctx is done. It
// returns what the run did, also when it failed. After an error or when ctx is
// done, sinks are told to leave nothing half-written behind.
func (p *Pipeline) Run(ctx context.Context) (*Summary, error) {
	if p.err != nil {
		return nil, p.err
	}
	if p.started.Swap(true) {
		return nil, errors.New("arrowstream: a pipeline runs once, and not after Close")
	}
	if !slices.ContainsFunc(p.nodes, func(n *node) bool { return n.source != nil }) {
		return nil, errors.New("arrowstream: the pipeline has no source")
	}
	start := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := p.spill.check()
	if err == nil {
		err = p.openCheckpoints(ctx, func(err error) { cancel(err) })
	}
	if err == nil {
		err = p.combine()
	}
	if err == nil {
		err = p.recover(ctx)
	}
	if err == nil && p.checkpoints.finished() {
		return p.alreadyFinished(start)
	}
	var d *driver
	if err == nil {
		d, err = p.open(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.closeSinks(err), p.closeStages(), p.checkpoints.close())
	}
	stopReport := p.report(d, start)
	go p.watchDrain(ctx, cancel)

	if p.opts.Workers == 1 {
		err = p.runSerial(ctx, d)
	} else {
		err = p.runParallel(ctx, d)
	}
	if err == nil {
		err = p.checkpoints.wait(ctx)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil && errors.Is(err, context.Canceled) {
		err = cause
	}
	if err == nil && !p.concluded {
		err = p.finish(ctx)
	}
	if closeErr := d.close(); err == nil {
		err = closeErr
	}
	err = errors.Join(err, p.closeSinks(err), p.closeStages(), p.checkpoints.close())
	stopReport()
	return p.summary(d, time.Since(start)), err
}

// recover brings stages and sinks to where the last commit left them; stages
// that will run in lanes get theirs when these are made.
func (p *Pipeline) recover(ctx context.Context) error {
	for _, n := range p.nodes {
		if st, ok := n.stateful(); ok && (p.opts.Workers == 1 || p.opts.chain(n) == nil) {
			if err := p.checkpoints.restore(ctx, n, []Stateful{st}); err != nil {
				return err
			}
		}
	}
	failpoint.Hit(failpoint.RecoverLoad)
	return p.checkpoints.resume(ctx)
}

// alreadyFinished is a run of a job whose input has come to its end before.
func (p *Pipeline) alreadyFinished(start time.Time) (*Summary, error) {
	err := errors.Join(p.closeSinks(nil), p.closeStages(), p.checkpoints.close())
	return &Summary{Duration: time.Since(start), Finished: true}, err
}

// watchDrain aborts a run that does not drain in time.
func (p *Pipeline) watchDrain(ctx context.Context, cancel context.CancelCauseFunc) {
	select {
	case <-ctx.Done():
		return
	case <-p.drain:
	}
	timer := time.NewTimer(p.opts.DrainTimeout)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
		cancel(fmt.Errorf("%w: draining took longer than %s", ErrStopped, p.opts.DrainTimeout))
	}
}

// finish lets stages leave behind what they have learned.
func (p *Pipeline) finish(ctx context.Context) error {
	p.concluded = true
	for _, n := range p.nodes {
		if f, ok := n.stage.(Finisher); ok {
			if err := f.Finish(ctx); err != nil {
				return n.wrap(err)
			}
		}
	}
	return nil
}

func (p *Pipeline) closeSinks(cause error) error {
	var errs []error
	for _, n := range p.nodes {
		if n.sink == nil || !n.bound {
			continue
		}
		if a, ok := n.sink.(Aborter); ok && cause != nil {
			a.Abort(cause)
		}
		if err := n.sink.Close(); err != nil {
			errs = append(errs, n.wrap(err))
		}
	}
	return errors.Join(errs...)
}

// closeStages frees what stages, their instances and joins still hold.
func (p *Pipeline) closeStages() error {
	var errs []error
	for _, n := range p.running() {
		if !n.bound {
			continue
		}
		for _, part := range append(n.instances, any(n.stage), any(n.join)) {
			if c, ok := part.(io.Closer); ok {
				errs = append(errs, c.Close())
			}
		}
	}
	return errors.Join(errs...)
}

// runSerial runs every tick through the whole graph in one goroutine.
func (p *Pipeline) runSerial(ctx context.Context, d *driver) error {
	inbox := make([][]message, len(p.nodes))
	outbox := make([][]message, len(p.nodes))
	for i, n := range p.nodes {
		inbox[i] = make([]message, len(n.inputs))
		outbox[i] = make([]message, len(n.ports))
		if n.source == nil && p.parts(n) {
			n.handOn(p.opts.partBytes(), func(out []message) error { return n.follower().passOn(ctx, out[0]) })
		}
	}
	deliver := func(n *node, out []message) {
		for port, users := range n.users {
			for i, e := range users {
				m := out[port]
				if i < len(users)-1 {
					m = m.share()
				}
				inbox[e.node.id][e.input] = m
			}
			if len(users) == 0 {
				out[port].release()
			}
		}
	}
	for {
		t, err := d.next(ctx)
		if err != nil {
			return err
		}
		d.inFlight.Add(1)
		for i, s := range d.sources {
			deliver(s, t.messages[i])
		}
		for _, n := range p.nodes {
			if n.source != nil {
				continue
			}
			err := n.step(ctx, inbox[n.id], outbox[n.id])
			if err == nil {
				err = n.tally(ctx, p.opts, outbox[n.id])
			}
			if err != nil {
				for _, rest := range p.nodes[n.id+1:] {
					for _, m := range inbox[rest.id] {
						m.release()
					}
				}
				return err
			}
			clear(inbox[n.id])
			deliver(n, outbox[n.id])
		}
		d.inFlight.Add(-1)
		if t.last {
			return nil
		}
	}
}
