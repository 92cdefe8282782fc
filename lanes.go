package arrowstream

import (
	"context"
	"slices"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// exchangeFrom is the number of workers from which the rows of a keyed stage
// are spread. To hash the keys and to copy the rows costs processor time:
// with fewer workers the readers, the other stages and the sinks fill the cores
// as well.
const exchangeFrom = 4

// lanes reports whether n runs as several instances: a stage without keys that
// remembers nothing, or a keyed one if there are workers enough and its side
// outputs, which have no order to merge by, are not used.
func (o Options) lanes(n *node, par Parallel) bool {
	if s, ok := n.stage.(Spilling); ok && s.Spills() {
		return false
	}
	if len(par.Keys()) > 0 {
		return o.Workers >= exchangeFrom && !n.usedSides()
	}
	_, stateful := n.stage.(Stateful)
	return o.Workers > 1 && !stateful
}

func (n *node) usedSides() bool {
	for _, users := range n.users[1:] {
		if len(users) > 0 {
			return true
		}
	}
	return false
}

// chain is n and the nodes after it that the same lanes run: stages that each
// take what the one before made of a tick, and of which none remembers anything.
// A lane runs a tick through all of them while its columns are in cache, without
// a goroutine in between. A keyed stage is a chain of its own; nil means that n
// does not run in lanes.
func (o Options) chain(n *node) []*node {
	par, ok := n.stage.(Parallel)
	if !ok || !o.lanes(n, par) {
		return nil
	}
	chain := []*node{n}
	for len(par.Keys()) == 0 {
		if n = n.follower(); n == nil {
			break
		}
		if par, ok = n.stage.(Parallel); !ok || len(par.Keys()) > 0 || !o.lanes(n, par) {
			break
		}
		chain = append(chain, n)
	}
	return chain
}

// follower is the node that alone reads what n makes, nil if there is none or
// it reads anything else.
func (n *node) follower() *node {
	if n.tallies() || n.usedSides() || len(n.users[0]) != 1 {
		return nil
	}
	if next := n.users[0][0].node; len(next.inputs) == 1 {
		return next
	}
	return nil
}

// lane is one instance of the stages of a chain.
type lane struct {
	nodes   []*node
	in, out laneQueue
}

// laneQueue carries ticks to and from a lane.
type laneQueue chan laneMessage

// give sends m, or releases it when the run is over.
func (q laneQueue) give(ctx context.Context, m laneMessage) {
	select {
	case q <- m:
	case <-ctx.Done():
		m.release()
	}
}

// laneMessage is a tick for a lane, or what it made of it.
type laneMessage struct {
	messages []message
	// rows are the rows for the lane, for each batch of the message that all
	// lanes get; nil stands for all rows.
	rows []columnar.Bitmap
}

func (m laneMessage) release() {
	for _, x := range m.messages {
		x.release()
	}
}

// startLanes runs the stages of a chain as Workers instances. Without keys whole
// ticks go to the lanes in turn and are collected in the same turn; with keys
// every lane gets its rows of every tick.
func (g *graph) startLanes(ctx context.Context, chain []*node) error {
	lanes := make([]*lane, g.p.opts.Workers)
	for i := range lanes {
		lanes[i] = &lane{in: make(laneQueue, 1), out: make(laneQueue, 1)}
	}
	for _, n := range chain {
		metrics := make([]*operatorMetrics, len(lanes))
		var stateful []Stateful
		for i, l := range lanes {
			st := n.stage
			env := n.env
			env.Instance = i
			if i > 0 {
				st = n.stage.(Parallel).Clone()
				n.instances = append(n.instances, st)
				if _, err := st.Bind(n.inputs[0].Schema(), env); err != nil {
					return n.wrap(err)
				}
			}
			if s, ok := st.(Stateful); ok {
				stateful = append(stateful, s)
			}
			ln := &node{
				id: n.id, name: n.name, inputs: n.inputs, ports: n.ports, users: n.users, stage: st, env: env,
				uid: n.uid, checkpoints: n.checkpoints, epoch: n.epoch, onError: n.onError, rejects: n.rejects,
			}
			metrics[i] = &ln.metrics
			l.nodes = append(l.nodes, ln)
		}
		if len(stateful) > 0 {
			if err := g.p.checkpoints.restore(ctx, n, stateful); err != nil {
				return err
			}
			for _, l := range lanes {
				l.nodes[len(l.nodes)-1].flushed = n.flushed
			}
		}
		n.metrics.lanes.Store(&metrics)
		for i, l := range lanes {
			l.nodes[len(l.nodes)-1].peers = slices.Concat(metrics[:i], metrics[i+1:])
		}
	}
	first, last := chain[0], chain[len(chain)-1]
	par := first.stage.(Parallel)
	for _, l := range lanes {
		g.spawn(func() error { return g.runLane(ctx, l) })
	}
	g.spawn(func() error {
		defer func() {
			for _, l := range lanes {
				close(l.in)
			}
		}()
		return g.spread(ctx, first, lanes, par.Keys())
	})
	g.spawn(func() error { return g.collect(ctx, last, lanes, par) })
	return nil
}

func (g *graph) runLane(ctx context.Context, l *lane) error {
	defer close(l.out)
	for m := range l.in {
		if ctx.Err() != nil {
			m.release()
			continue
		}
		if m.rows != nil {
			if err := l.nodes[0].own(&m); err != nil {
				g.fail(err)
				continue
			}
		}
		out, err := l.run(ctx, m.messages)
		if err != nil {
			g.fail(err)
			continue
		}
		l.out.give(ctx, laneMessage{messages: out})
	}
	return nil
}

// run takes one tick through the stages of the lane.
func (l *lane) run(ctx context.Context, tick []message) ([]message, error) {
	for _, n := range l.nodes {
		out := make([]message, len(n.ports))
		if err := n.step(ctx, tick[:1], out); err != nil {
			return nil, err
		}
		tick = out
	}
	return tick, nil
}

// spread deals the ticks of n to its lanes.
func (g *graph) spread(ctx context.Context, n *node, lanes []*lane, keys []string) error {
	in := make([]message, 1)
	var split kernels.Partitioner
	for t := 0; ; t++ {
		if err := g.receive(ctx, n, in); err != nil {
			return err
		}
		m := in[0]
		if len(keys) == 0 {
			lanes[t%len(lanes)].in.give(ctx, laneMessage{messages: []message{m}})
		} else {
			parts, err := partition(&split, m, keys, len(lanes))
			if err != nil {
				m.release()
				return n.wrap(err)
			}
			for i, l := range lanes {
				l.in.give(ctx, laneMessage{[]message{m.share()}, parts[i]})
			}
			m.release()
		}
		if m.last {
			return nil
		}
	}
}

// partition tells for every lane which rows of m are its own, by the hash of
// their keys. Only that is done in one goroutine; the lanes copy their rows.
func partition(by *kernels.Partitioner, m message, keys []string, lanes int) ([][]columnar.Bitmap, error) {
	parts := make([][]columnar.Bitmap, lanes)
	for i := range parts {
		parts[i] = make([]columnar.Bitmap, len(m.batches))
	}
	at := make([]int, len(keys))
	for j, b := range m.batches {
		for k, name := range keys { // combined rows have them elsewhere
			at[k] = columnar.Index(b.Schema(), name)
		}
		split, err := by.Parts(b, at, lanes)
		if err != nil {
			return nil, err
		}
		for i, rows := range split {
			parts[i][j] = rows
		}
	}
	return parts, nil
}

// own takes the rows of the lane out of the message that all lanes share.
func (n *node) own(m *laneMessage) (err error) {
	in := m.messages[0]
	mine := in
	mine.batches = nil
	defer func() {
		in.release()
		if v := recover(); v != nil {
			err = n.recovered(v)
		}
		if err != nil {
			mine.release()
			err = n.wrap(err)
		}
	}()
	for i, b := range in.batches {
		part, err := kernels.Filter(n.env.Allocator, b, m.rows[i])
		if err != nil {
			return err
		}
		if part.NumRows() == 0 {
			part.Release()
			continue
		}
		mine.batches = append(mine.batches, part)
	}
	m.messages[0], m.rows = mine, nil
	return nil
}

// collect puts the output of the lanes back into the order of the ticks.
func (g *graph) collect(ctx context.Context, n *node, lanes []*lane, par Parallel) (err error) {
	defer func() {
		if err != nil {
			g.fail(err) // ends the lanes, so that the queues below are closed
		}
		for _, l := range lanes {
			for m := range l.out {
				m.release()
			}
		}
	}()
	order := par.Order()
	for t := 0; ; t++ {
		var out []message
		if len(par.Keys()) == 0 {
			m, ok := <-lanes[t%len(lanes)].out
			if !ok {
				return ctx.Err()
			}
			out = m.messages
		} else if out, err = mergeLanes(n, lanes, order); err != nil || out == nil {
			return err
		}
		last := out[0].last
		if err := n.tally(ctx, g.p.opts, out); err != nil {
			return err
		}
		if err := g.send(ctx, n, out); err != nil || last {
			return err
		}
	}
}

// mergeLanes takes one tick from every lane and orders its rows; nil when the
// run has failed.
func mergeLanes(n *node, lanes []*lane, order []string) (out []message, err error) {
	defer func() {
		if v := recover(); v != nil { // the memory for the merged rows, above all
			laneMessage{messages: out}.release()
			nodes := lanes[0].nodes
			out, err = nil, n.wrap(nodes[len(nodes)-1].recovered(v))
		}
	}()
	with := 0
	for _, l := range lanes {
		m, ok := <-l.out
		if !ok {
			laneMessage{messages: out}.release()
			return nil, nil
		}
		if out == nil {
			out = make([]message, len(m.messages))
			for i := range out {
				out[i].mark, out[i].last, out[i].epoch = m.messages[i].mark, m.messages[i].last, m.messages[i].epoch
			}
		}
		if len(m.messages[0].batches) > 0 {
			with++
		}
		for i := range out {
			out[i].batches = append(out[i].batches, m.messages[i].batches...)
			out[i].mark = MinWatermark(out[i].mark, m.messages[i].mark)
		}
	}
	if with > 1 {
		sorted, err := sortRows(n, out[0].batches, order)
		if err != nil {
			laneMessage{messages: out}.release()
			return nil, n.wrap(err)
		}
		out[0].release()
		out[0].batches = []Batch{sorted}
	}
	return out, nil
}

// sortRows is the rows of batches as one batch ordered by the named columns.
func sortRows(n *node, batches []Batch, order []string) (Batch, error) {
	all, err := kernels.Concat(n.env.Allocator, batches)
	if err != nil {
		return nil, err
	}
	defer all.Release()
	keys := make([]kernels.SortKey, len(order))
	for i, name := range order {
		keys[i].Col = all.Column(columnar.Index(all.Schema(), name))
	}
	defer columnar.Charge(n.env.Allocator, all.NumRows()*kernels.SortRowBytes)()
	idx, err := kernels.SortIndices(keys, int(all.NumRows()))
	if err != nil {
		return nil, err
	}
	return kernels.TakeRecord(n.env.Allocator, all, idx)
}
