package arrowstream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/failpoint"
	"github.com/arrowstream/arrowstream/kernels"
)

// identify names the parts of p by what they are, not by where they stand, and
// describes them to the store. A source and a sink have their own names; a
// stage is its kind, its keys and what it reads, or its kind and the name that it
// was given.
func (p *Pipeline) identify() Job {
	job := Job{Name: p.opts.Name, Program: p.opts.Program}
	for _, name := range slices.Sorted(maps.Keys(p.opts.Code)) {
		job.Code = append(job.Code, Part{UID: name, Kind: "code", Config: p.opts.Code[name]})
	}
	used := map[string]int{}
	for _, n := range p.nodes {
		n.uid = n.identity()
		if used[n.uid]++; used[n.uid] > 1 {
			n.uid = fmt.Sprintf("%s-%d", n.uid, used[n.uid])
		}
		_, stateful := n.stateful()
		switch {
		case n.source != nil:
			job.Sources = append(job.Sources, Part{UID: n.uid, Kind: typeName(n.source.source), Schema: n.ports[0]})
		case n.sink != nil:
			job.Sinks = append(job.Sinks, Part{UID: n.uid, Kind: typeName(n.sink), Schema: n.inputs[0].Schema()})
		case stateful:
			job.Stages = append(job.Stages, Part{UID: n.uid, Kind: n.kind(), Config: n.config(), Schema: n.ports[0]})
		}
	}
	return job
}

func (n *node) identity() string {
	if n.source != nil || n.sink != nil {
		return n.name
	}
	if n.given != "" {
		return n.kind() + "-" + n.given
	}
	h := sha256.New()
	fmt.Fprintln(h, n.kind())
	if par, ok := n.stage.(Parallel); ok {
		fmt.Fprintf(h, "%q\n", par.Keys())
	}
	for _, in := range n.inputs {
		if _, same := in.node.stage.(transparent); same {
			in = in.node.inputs[0]
		}
		fmt.Fprintln(h, in.node.uid, in.port)
	}
	return n.kind() + "-" + hex.EncodeToString(h.Sum(nil)[:4])
}

// transparent is a Rowwise stage that passes the rows it does not fail for as they
// are, which changes nothing for the state of the stages behind it.
type transparent interface {
	Rowwise
	Transparent()
}

func (n *node) kind() string {
	switch {
	case n.stage != nil:
		return kindOf(n.stage)
	case n.join != nil:
		return kindOf(n.join)
	}
	return "merge"
}

func (n *node) config() string {
	if n.join != nil {
		return configuration(n.join)
	}
	return configuration(n.stage)
}

// stateful is the part of n that remembers something.
func (n *node) stateful() (Stateful, bool) {
	if st, ok := n.stage.(Stateful); ok {
		return st, true
	}
	st, ok := n.join.(Stateful)
	return st, ok
}

// merge puts the states of the instances of each stage together.
func (c *checkpoints) merge(pending *pendingEpoch) (merged []StageState, err error) {
	defer func() {
		for _, states := range pending.states {
			for _, s := range states {
				s.Release()
			}
		}
		for _, log := range pending.logs {
			log.Release()
		}
	}()
	for _, n := range c.p.nodes {
		states := pending.states[n.uid]
		if len(states) == 0 {
			continue
		}
		all := State{}
		merged = append(merged, StageState{UID: n.uid, Delta: pending.delta[n.uid], State: all, Log: pending.logs[n.uid]})
		delete(pending.logs, n.uid)
		for _, name := range slices.Sorted(maps.Keys(states[0])) {
			var parts []Batch
			for _, s := range states {
				parts = append(parts, s[name])
			}
			if all[name], err = kernels.Concat(n.env.Allocator, parts); err != nil {
				delete(all, name)
				for _, m := range merged {
					m.Release()
				}
				return nil, n.wrap(err)
			}
		}
	}
	return merged, nil
}

// restore gives the instances of n what the last commit remembers.
func (c *checkpoints) restore(ctx context.Context, n *node, instances []Stateful) (err error) {
	if c == nil || c.start.Last == nil {
		return nil
	}
	if n.flushed = slices.Contains(c.start.Last.Flushed, n.uid); n.forgotten() {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			n.metrics.read(n)
			err = n.recovered(v)
		}
		if err != nil {
			err = n.wrap(err)
		}
	}()
	first := true
	for s, err := range c.log.Load(ctx, n.env.Allocator, n.uid) {
		if err == nil {
			err = n.apply(ctx, s, first, instances)
		}
		if err != nil {
			return err
		}
		first = false
	}
	if !first {
		// There is something for a log to go on with, but no snapshot of this
		// process for a delta.
		c.mu.Lock()
		c.history[n.uid] = &deltaChain{deltas: maxDeltas}
		c.mu.Unlock()
	}
	return nil
}

// apply gives the instances of n their rows of s, which it releases: the first
// state, or what has changed since.
func (n *node) apply(ctx context.Context, s State, first bool, instances []Stateful) error {
	defer s.Release()
	parts, err := n.split(s, len(instances))
	if err != nil {
		return err
	}
	for j, instance := range instances {
		if err == nil && first {
			err = instance.Restore(ctx, parts[j])
		} else if err == nil {
			inc, ok := instance.(Incremental)
			if !ok {
				err = &Error{Code: "AS5003", Msg: fmt.Sprintf("state of %s has a delta, which %T does not know", n.uid, instance)}
			} else {
				err = inc.Apply(ctx, parts[j])
			}
		}
		parts[j].Release()
	}
	return err
}

// split deals the rows of a state to instances: each gets the rows of its keys,
// and all of those without keys.
func (n *node) split(s State, instances int) ([]State, error) {
	parts := make([]State, instances)
	for i := range parts {
		parts[i] = State{}
	}
	var keys []string
	if par, ok := n.stage.(Parallel); ok {
		keys = par.Keys()
	}
	var by kernels.Partitioner
	for name, b := range s {
		columns := columnsOf(b.Schema(), keys)
		if instances == 1 || len(columns) == 0 {
			for _, p := range parts {
				b.Retain()
				p[name] = b
			}
			continue
		}
		split, err := by.Split(n.env.Allocator, b, columns, instances)
		if err != nil {
			for _, p := range parts {
				p.Release()
			}
			return nil, err
		}
		for i, b := range split {
			parts[i][name] = b
		}
	}
	return parts, nil
}

// columnsOf are the indices of the named columns, nil if one is missing.
func columnsOf(schema *arrow.Schema, names []string) []int {
	var columns []int
	for _, name := range names {
		i := columnar.Index(schema, name)
		if i < 0 {
			return nil
		}
		columns = append(columns, i)
	}
	return columns
}

// resume brings sinks to where the last commit left them, shuts out earlier
// processes, and publishes what they could not publish any more.
func (c *checkpoints) resume(ctx context.Context) error {
	if c == nil || c.past() {
		return nil
	}
	for _, n := range c.p.nodes {
		var err error
		switch sink := n.sink.(type) {
		case Committer:
			var prepared []byte
			if c.start.Last != nil {
				prepared = c.start.Last.Sinks[n.uid].Prepared
			}
			err = sink.Resume(ctx, c.start, prepared)
		case Publisher:
			err = sink.Claim(ctx, Publication{Job: c.start.ID, Sink: n.uid, Epoch: c.epoch - 1, Incarnation: c.start.Incarnation})
		}
		if err != nil {
			return n.wrap(err)
		}
	}
	failpoint.Hit(failpoint.RecoverPublish)
	for _, u := range c.start.Unpublished {
		i := slices.IndexFunc(c.p.nodes, func(n *node) bool { return n.sink != nil && n.uid == u.Sink })
		if i < 0 {
			return &Error{
				Code: "AS5008", Msg: fmt.Sprintf("epoch %d has rows for %s, which the program does not write any more", u.Commit.Epoch, u.Sink),
				Hint: "run the old program once more, so that it publishes them",
			}
		}
		if err := c.publish(ctx, c.p.nodes[i], u.Commit.Epoch, u.Commit.Sinks[u.Sink]); err != nil {
			return c.p.nodes[i].wrap(err)
		}
	}
	return nil
}

// driverState is where the driver stands, as it is written into a commit.
type driverState struct {
	Turn     int           `json:"turn"`
	MaxEvent int64         `json:"maxEvent"`
	Clock    int64         `json:"clock"`
	Sources  []sourceState `json:"sources"`
	// Stages are the dead letters of Rowwise stages, by UID.
	Stages map[string]deadLetters `json:"stages,omitempty"`
}

type sourceState struct {
	UID        string           `json:"uid"`
	Mark       int64            `json:"watermark"`
	Partitions []partitionState `json:"partitions"`
	Dead       deadLetters      `json:"deadLetters,omitzero"`
}

// partitionState is where a partition stands: Skip rows behind Position, and
// SkipBad dead letters.
type partitionState struct {
	Position []byte `json:"position,omitempty"`
	Skip     int64  `json:"skip,omitempty"`
	SkipBad  int64  `json:"skipBad,omitempty"`
	MaxEvent int64  `json:"maxEvent"`
	Rows     int64  `json:"rows"`
	Done     bool   `json:"done,omitempty"` // it has ended, and holds no watermark back
}

// state is where the driver stands behind the tick it has cut last.
func (d *driver) state() (driverState, []acknowledgement) {
	s := driverState{Turn: d.turn, MaxEvent: d.maxEvent.Load(), Clock: d.clock}
	var done []acknowledgement
	for i, n := range d.sources {
		source := sourceState{UID: n.uid, Mark: d.marks[i].Load(), Dead: n.dead.clone()}
		for _, r := range d.readers {
			if r.node != n {
				continue
			}
			source.Partitions = append(source.Partitions, partitionState{Position: r.at.pos, Skip: r.at.rows, SkipBad: r.at.bad, MaxEvent: r.time.max, Rows: r.rows.Load(), Done: r.time.done})
			if a, ok := r.part.(Acknowledger); ok {
				done = append(done, acknowledgement{a, r.at.pos})
			}
		}
		s.Sources = append(s.Sources, source)
	}
	return s, done
}

// restore makes the readers keep their places, and moves the driver to where
// saved says, a driverState; nil is the beginning.
func (d *driver) restore(ctx context.Context, saved []byte) error {
	s := driverState{MaxEvent: NoEventTime}
	if saved != nil {
		if err := json.Unmarshal(saved, &s); err != nil {
			return &Error{Code: "AS5003", Msg: "positions of the sources cannot be read", Err: err}
		}
	}
	d.maxEvent.Store(s.MaxEvent)
	d.clock = s.Clock
	if s.Turn >= 0 && s.Turn < len(d.readers) {
		d.turn = s.Turn
	}
	for _, n := range d.p.nodes {
		if n.stage != nil {
			n.dead = s.Stages[n.uid]
			n.metrics.dead.Store(n.dead.Count)
		}
	}
	for i, n := range d.sources {
		source := sourceState{Mark: NoEventTime}
		if j := slices.IndexFunc(s.Sources, func(o sourceState) bool { return o.UID == n.uid }); j >= 0 {
			source = s.Sources[j]
		}
		d.marks[i].Store(source.Mark)
		n.dead = source.Dead
		n.metrics.dead.Store(source.Dead.Count)
		next := 0
		for _, r := range d.readers {
			if r.node != n {
				continue
			}
			var at *partitionState
			if next < len(source.Partitions) {
				at = &source.Partitions[next]
			}
			if err := r.follow(ctx, at); err != nil {
				return n.wrap(err)
			}
			next++
		}
		if next < len(source.Partitions) {
			return &Error{
				Code: "AS5005", Msg: fmt.Sprintf("%s has %d partitions, and had %d", n.uid, next, len(source.Partitions)),
				Hint: "rows that have been read are part of the state: bring the input back",
			}
		}
	}
	return nil
}
