package arrowstream

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// checkpoints drives the epochs of a run. The driver marks the tick that ends
// an epoch; every part of the graph adds what it remembers when that tick has
// passed it, so nothing stops and nothing is in flight in what is added. When
// all have, a goroutine commits the epoch and publishes it while the ticks of
// the next one pass. At most one epoch is on its way.
type checkpoints struct {
	p     *Pipeline
	log   EpochLog
	start Start
	fail  func(error) // ends the run

	// Owned by the driver.
	epoch Epoch // of the tick that is cut next
	dirty bool  // something has happened since the last epoch
	due   time.Time

	written atomic.Bool   // a sink has taken rows since the last epoch
	slot    chan struct{} // holds a token while an epoch is on its way
	running sync.WaitGroup
	parts   int // what every epoch waits for

	mu      sync.Mutex
	current *pendingEpoch
	history map[string]*deltaChain
}

// pendingEpoch collects what the parts of the graph add to an epoch.
type pendingEpoch struct {
	commit    Commit
	last      bool // of this process
	driver    driverState
	missing   int
	states    map[string][]State // per stage, by instance
	logs      map[string]Log     // of stages that keep one
	delta     map[string]bool    // stages that add a delta
	positions []acknowledgement
}

type acknowledgement struct {
	part Acknowledger
	pos  []byte
}

// deltaChain is what has been written for a stage since its last snapshot.
type deltaChain struct {
	deltas, snapshotBytes, deltaBytes int64
}

// maxDeltas bounds the files that a restart reads for one stage.
const maxDeltas = 100

// wantsDelta reports whether the next state may be a delta: not for ever, and
// not when the deltas have become as much to read as half the snapshot.
func (c *deltaChain) wantsDelta() bool {
	return c != nil && c.deltas < maxDeltas && c.deltaBytes <= c.snapshotBytes/2
}

// openCheckpoints opens the store of p; nil without one.
func (p *Pipeline) openCheckpoints(ctx context.Context, fail func(error)) error {
	if p.opts.State == nil {
		if p.opts.Record {
			return &Error{
				Code: "AS1504", Msg: "a record is kept with the state of a job, and this job has none",
				Hint: "give it a folder with --state DIR or SET job.NAME.state, or leave the record out",
			}
		}
		return nil
	}
	job := p.identify()
	log, err := p.opts.State.Open(ctx, job)
	if err != nil {
		return err
	}
	c := &checkpoints{
		p: p, log: log, start: log.Start(), fail: fail, epoch: 1, slot: make(chan struct{}, 1),
		due: time.Now().Add(p.opts.CheckpointInterval), history: map[string]*deltaChain{},
	}
	if c.start.Last != nil {
		c.epoch = c.start.Last.Epoch + 1
	}
	p.checkpoints = c
	if c.past() {
		return nil // nothing is committed: the parts work as they do without a store
	}
	for _, n := range p.nodes {
		n.checkpoints, n.epoch = c, c.epoch
		c.start.Unbounded = c.start.Unbounded || n.source != nil && !n.source.bounded()
		_, stateful := n.stateful()
		switch {
		case n.sink != nil, stateful && (p.opts.Workers == 1 || p.opts.chain(n) == nil):
			c.parts++
		case stateful:
			c.parts += p.opts.Workers
		}
		if n.tallies() {
			c.parts++
		}
	}
	return nil
}

// past reports whether the run repeats what the store has recorded.
func (c *checkpoints) past() bool { return c != nil && c.start.Past }

// finished reports whether the last run came to the end of its input.
func (c *checkpoints) finished() bool {
	return c != nil && c.start.Last != nil && c.start.Last.Finished
}

// number is the epoch of the tick that is cut next; 0 without a store.
func (c *checkpoints) number() Epoch {
	if c == nil {
		return 0
	}
	return c.epoch
}

// cut decides whether t is the last tick of an epoch, and marks it. Between two
// epochs at least the interval passes, the one before is published, and
// something has happened: an epoch without anything in it is not written. The
// last tick always ends an epoch, for which cut waits.
func (c *checkpoints) cut(ctx context.Context, d *driver, t *tick, moved bool) error {
	if c == nil || c.past() {
		return nil
	}
	c.dirty = c.dirty || moved || t.rows() > 0
	finished := t.last && t.ended
	if len(d.plan) > 0 {
		return nil // all of what is executed again is one epoch, or none of it
	}
	if !t.last && time.Now().Before(c.due) {
		return nil
	}
	if !c.dirty && !c.written.Load() && !finished && !c.waiting(t.last) {
		return nil
	}
	if t.last {
		select {
		case c.slot <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	} else {
		select {
		case c.slot <- struct{}{}:
		default:
			return nil // the one before is still on its way
		}
	}
	state, positions := d.state()
	pending := &pendingEpoch{
		last:    t.last,
		commit:  Commit{Epoch: c.epoch, Finished: finished, Sinks: map[string]SinkCommit{}},
		driver:  state,
		missing: c.parts, states: map[string][]State{}, logs: map[string]Log{}, delta: map[string]bool{}, positions: positions,
	}
	c.mu.Lock()
	c.current = pending
	for uid, chain := range c.history {
		pending.delta[uid] = chain.wantsDelta()
	}
	c.mu.Unlock()
	for _, ports := range t.messages {
		for i := range ports {
			ports[i].epoch = c.epoch
		}
	}
	c.epoch++
	c.dirty, c.due = false, time.Now().Add(c.p.opts.CheckpointInterval)
	c.written.Store(false)
	if c.parts == 0 {
		c.finish(ctx, pending)
	}
	return nil
}

// waiting reports whether a sink wants an epoch for rows it has; the last one of
// the process concludes.
func (c *checkpoints) waiting(last bool) bool {
	return slices.ContainsFunc(c.p.nodes, func(n *node) bool {
		s, ok := n.sink.(Concluder)
		return ok && (last || s.Waiting())
	})
}

// checkpoint adds what n remembers to the epoch e, whose last tick it has done.
func (n *node) checkpoint(ctx context.Context, e Epoch) error {
	c := n.checkpoints
	st, stateful := n.stateful()
	if c == nil || !stateful && n.sink == nil {
		return nil
	}
	c.mu.Lock()
	pending := c.current
	delta, begun := pending.delta[n.uid], c.history[n.uid] != nil
	c.mu.Unlock()
	var state State
	var log Log
	var sunk SinkCommit
	var err error
	if n.sink != nil {
		sunk, err = n.prepare(ctx, e, pending)
	} else if n.forgotten() {
		// It has emitted everything and is not called again.
	} else if l, ok := st.(Logged); ok && l.Logs() {
		delta = begun && !l.Renews()
		state, log, err = l.Log(ctx)
	} else if inc, ok := st.(Incremental); ok && delta {
		state, err = inc.Delta(ctx)
	} else {
		delta = false
		state, err = st.Snapshot(ctx)
	}
	if err != nil {
		return err
	}
	n.epoch = e + 1
	c.mu.Lock()
	switch {
	case n.sink != nil:
		if sunk.Prepared != nil || sunk.Rows > 0 {
			pending.commit.Sinks[n.uid] = sunk
		}
	case n.forgotten():
	default:
		states := pending.states[n.uid]
		for len(states) <= n.env.Instance {
			states = append(states, nil)
		}
		states[n.env.Instance] = state
		pending.states[n.uid], pending.delta[n.uid] = states, delta
		if log != nil {
			pending.logs[n.uid] = log
		}
	}
	if n.flushed && n.sink == nil && n.env.Instance == 0 {
		pending.commit.Flushed = append(pending.commit.Flushed, n.uid)
	}
	pending.missing--
	complete := pending.missing == 0
	c.mu.Unlock()
	if complete {
		c.finish(ctx, pending)
	}
	return nil
}

// tallied adds the dead letters of n to the epoch e, whose last tick it has done.
func (c *checkpoints) tallied(ctx context.Context, n *node, e Epoch) {
	c.mu.Lock()
	pending := c.current
	if pending.driver.Stages == nil {
		pending.driver.Stages = map[string]deadLetters{}
	}
	pending.driver.Stages[n.uid] = n.dead.clone()
	pending.missing--
	complete := pending.missing == 0
	c.mu.Unlock()
	if complete {
		c.finish(ctx, pending)
	}
}

// forgotten reports whether n needs no state any more: it has emitted all it will,
// and leaves nothing behind.
func (n *node) forgotten() bool {
	_, finishes := n.stage.(Finisher)
	return n.flushed && !finishes
}

// prepare makes what the sink of n has taken in the epoch e ready to publish.
func (n *node) prepare(ctx context.Context, e Epoch, pending *pendingEpoch) (SinkCommit, error) {
	switch sink := n.sink.(type) {
	case Committer:
		if c, ok := sink.(Concluder); ok && pending.last {
			if err := c.Conclude(ctx, pending.commit.Finished); err != nil {
				return SinkCommit{}, err
			}
		}
		failpoint.Hit(failpoint.PrepareBefore)
		prepared, err := sink.Prepare(ctx, e)
		failpoint.Hit(failpoint.PrepareAfter)
		return SinkCommit{Prepared: prepared}, err
	case Publisher:
		rows := n.outboxRows
		n.outbox, n.outboxRows = nil, 0
		return SinkCommit{Rows: rows}, nil
	}
	return SinkCommit{}, nil
}

// finish commits and publishes an epoch in a goroutine of its own.
func (c *checkpoints) finish(ctx context.Context, pending *pendingEpoch) {
	c.running.Go(func() {
		if err := c.commit(ctx, pending); err != nil {
			c.fail(err)
		}
		<-c.slot
	})
}

func (c *checkpoints) commit(ctx context.Context, pending *pendingEpoch) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("checkpoint %d: %w", pending.commit.Epoch, recovered(v, ""))
		}
	}()
	states, err := c.merge(pending)
	if err != nil {
		return err
	}
	pending.commit.Driver, err = json.Marshal(pending.driver)
	if err == nil && pending.commit.Finished {
		// What stages leave behind must be there when the job is known to be at
		// its end: no later run would write it.
		err = c.p.finish(ctx)
	}
	if err == nil {
		err = c.log.Commit(ctx, pending.commit, states)
	}
	c.remember(states)
	for _, s := range states {
		s.Release()
	}
	if err != nil {
		return err
	}
	for _, n := range c.p.nodes {
		if n.sink == nil {
			continue
		}
		if sunk, ok := pending.commit.Sinks[n.uid]; ok {
			if err := c.publish(ctx, n, pending.commit.Epoch, sunk); err != nil {
				return n.wrap(err)
			}
		}
	}
	for _, a := range pending.positions {
		if err := a.part.Acknowledge(ctx, a.pos); err != nil {
			return err
		}
	}
	failpoint.Hit(failpoint.Acknowledged)
	return nil
}

// remember counts what was written since the last snapshot of each stage.
func (c *checkpoints) remember(states []StageState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range states {
		size := int64(0)
		for _, b := range s.State {
			size += rowBits(b, 0, int(b.NumRows())) / 8
		}
		if s.Delta {
			c.history[s.UID].deltas++
			c.history[s.UID].deltaBytes += size
		} else {
			c.history[s.UID] = &deltaChain{snapshotBytes: size}
		}
	}
}

// publish makes an epoch visible in the sink of n.
func (c *checkpoints) publish(ctx context.Context, n *node, e Epoch, sunk SinkCommit) error {
	failpoint.Hit(failpoint.PublishBefore)
	switch sink := n.sink.(type) {
	case Committer:
		if err := sink.Commit(ctx, e, sunk.Prepared); err != nil {
			return err
		}
	case Publisher:
		rows := c.log.Outbox(n.uid, e).Rows(n.env.Allocator)
		err := sink.Publish(ctx, Publication{
			Job: c.start.ID, Sink: n.uid, Epoch: e, Incarnation: c.start.Incarnation, Rows: rows, Count: sunk.Rows,
		})
		if err != nil {
			return err
		}
	}
	failpoint.Hit(failpoint.PublishAfter)
	return c.log.Published(n.uid, e)
}

// wait waits until no epoch is on its way.
func (c *checkpoints) wait(ctx context.Context) error {
	if c == nil {
		return nil
	}
	select {
	case c.slot <- struct{}{}:
		<-c.slot
		return context.Cause(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close frees what an unfinished epoch has collected, and the store.
func (c *checkpoints) close() error {
	if c == nil {
		return nil
	}
	c.running.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && c.current.missing > 0 {
		for _, states := range c.current.states {
			for _, s := range states {
				s.Release()
			}
		}
		for _, log := range c.current.logs {
			log.Release()
		}
	}
	return c.log.Close()
}
