package arrowstream

import (
	"context"
	"sync"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// graph runs a pipeline with a goroutine for every node and several for every
// parallel stage. Edges are short channels: one message per tick and edge, so
// a full one only means that a later node is slower, and nothing can deadlock.
type graph struct {
	p      *Pipeline
	d      *driver
	leaves int64
	inbox  [][]chan message // per node and input
	wg     sync.WaitGroup
	cancel context.CancelFunc

	mu  sync.Mutex
	err error
}

const edgeCapacity = 2

func (p *Pipeline) runParallel(ctx context.Context, d *driver) error {
	// Without an error the context lives as long as the run: a sink may still
	// wait for it while it is closed.
	ctx, cancel := context.WithCancel(ctx)
	g := &graph{p: p, d: d, cancel: cancel, inbox: make([][]chan message, len(p.nodes))}
	for _, n := range p.nodes {
		g.inbox[n.id] = make([]chan message, len(n.inputs))
		for i := range n.inputs {
			g.inbox[n.id][i] = make(chan message, edgeCapacity)
		}
		if n.leaf() {
			g.leaves++
		}
	}
	for _, n := range p.nodes {
		if n.source == nil {
			if err := g.start(ctx, n); err != nil {
				g.fail(err)
			}
		}
	}
	g.spawn(func() error { return g.drive(ctx) })
	g.wg.Wait()
	for _, inputs := range g.inbox {
		for _, c := range inputs {
			close(c)
			for m := range c {
				m.release()
			}
		}
	}
	return g.err
}

// leaf reports whether nothing reads from n.
func (n *node) leaf() bool {
	for _, users := range n.users {
		if len(users) > 0 {
			return false
		}
	}
	return true
}

func (g *graph) spawn(f func() error) {
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		if err := f(); err != nil {
			g.fail(err)
		}
	}()
}

// fail keeps the first error and ends the run.
func (g *graph) fail(err error) {
	g.mu.Lock()
	if g.err == nil {
		g.err = err
	}
	g.mu.Unlock()
	g.cancel()
}

func (g *graph) drive(ctx context.Context) error {
	for {
		t, err := g.d.next(ctx)
		if err != nil {
			return err
		}
		g.d.inFlight.Add(g.leaves)
		for i, s := range g.d.sources {
			if err := g.send(ctx, s, t.messages[i:i+1]); err != nil {
				for _, m := range t.messages[i+1:] {
					m.release()
				}
				return err
			}
		}
		if t.last {
			return nil
		}
	}
}

// send hands the output of one tick of n to its users.
func (g *graph) send(ctx context.Context, n *node, out []message) error {
	if n.leaf() {
		g.d.inFlight.Add(-1)
	}
	for port, users := range n.users {
		m := out[port]
		if len(users) == 0 {
			m.release()
			continue
		}
		for _, b := range m.batches {
			settle(b)
		}
		for range users[1:] {
			m.share()
		}
		for i, e := range users {
			if ctx.Err() == nil {
				select {
				case g.inbox[e.node.id][e.input] <- m:
					continue
				case <-ctx.Done():
				}
			}
			for range users[i:] {
				m.release()
			}
			for _, rest := range out[port+1:] {
				rest.release()
			}
			return ctx.Err()
		}
	}
	return nil
}

// receive takes one message from every input of n.
func (g *graph) receive(ctx context.Context, n *node, in []message) error {
	for i, c := range g.inbox[n.id] {
		select {
		case in[i] = <-c:
		case <-ctx.Done():
			for _, m := range in[:i] {
				m.release()
			}
			return ctx.Err()
		}
	}
	return nil
}

// exchangeFrom is the number of workers from which rows are spread by key. The
// exchange copies every row; with fewer cores other stages use them better.
const exchangeFrom = 4

// start runs n, as several instances if its stage can.
func (g *graph) start(ctx context.Context, n *node) error {
	if par, ok := n.stage.(Parallel); ok && g.p.opts.lanes(n, par) {
		return g.startLanes(ctx, n, par)
	}
	g.spawn(func() error {
		in, out := make([]message, len(n.inputs)), make([]message, len(n.ports))
		for {
			if err := g.receive(ctx, n, in); err != nil {
				return err
			}
			last := in[0].last
			if err := n.step(ctx, in, out); err != nil {
				return err
			}
			if err := g.send(ctx, n, out); err != nil || last {
				return err
			}
		}
	})
	return nil
}

// lanes reports whether n runs as several instances: a stage without keys that
// remembers nothing, or a keyed one if there are workers enough and its side
// outputs, which have no order to merge by, are not used.
func (o Options) lanes(n *node, par Parallel) bool {
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

// lane is one instance of a parallel stage.
type lane struct {
	node    *node
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
type laneMessage struct{ messages []message }

func (m laneMessage) release() {
	for _, x := range m.messages {
		x.release()
	}
}

// startLanes runs the stage of n as Workers instances. Without keys whole
// ticks go to the lanes in turn and are collected in the same turn; with keys
// every lane gets its rows of every tick.
func (g *graph) startLanes(ctx context.Context, n *node, par Parallel) error {
	schema := n.inputs[0].Schema()
	keys := make([]int, len(par.Keys()))
	for i, name := range par.Keys() {
		keys[i] = columnar.Index(schema, name)
	}
	lanes := make([]*lane, g.p.opts.Workers)
	metrics := make([]*operatorMetrics, len(lanes))
	for i := range lanes {
		var st Stage = par
		if i > 0 {
			st = par.Clone()
			n.instances = append(n.instances, st)
			if _, err := st.Bind(schema, n.env); err != nil {
				return n.wrap(err)
			}
		}
		ln := &node{id: n.id, name: n.name, inputs: n.inputs, ports: n.ports, users: n.users, stage: st, env: n.env}
		metrics[i] = &ln.metrics
		lanes[i] = &lane{node: ln, in: make(laneQueue, 1), out: make(laneQueue, 1)}
	}
	n.metrics.lanes.Store(&metrics)
	for _, l := range lanes {
		g.spawn(func() error { return g.runLane(ctx, l) })
	}
	g.spawn(func() error {
		defer func() {
			for _, l := range lanes {
				close(l.in)
			}
		}()
		return g.spread(ctx, n, lanes, keys)
	})
	g.spawn(func() error { return g.collect(ctx, n, lanes, par) })
	return nil
}

func (g *graph) runLane(ctx context.Context, l *lane) error {
	defer close(l.out)
	for m := range l.in {
		if ctx.Err() != nil {
			m.release()
			continue
		}
		out := make([]message, len(l.node.ports))
		if err := l.node.step(ctx, m.messages, out); err != nil {
			g.fail(err)
			continue
		}
		l.out.give(ctx, laneMessage{out})
	}
	return nil
}

// spread deals the ticks of n to its lanes.
func (g *graph) spread(ctx context.Context, n *node, lanes []*lane, keys []int) error {
	in := make([]message, 1)
	for t := 0; ; t++ {
		if err := g.receive(ctx, n, in); err != nil {
			return err
		}
		m := in[0]
		if len(keys) == 0 {
			lanes[t%len(lanes)].in.give(ctx, laneMessage{[]message{m}})
		} else {
			parts, err := partition(n, m, keys, len(lanes))
			m.release()
			if err != nil {
				return n.wrap(err)
			}
			for i, l := range lanes {
				l.in.give(ctx, laneMessage{[]message{parts[i]}})
			}
		}
		if m.last {
			return nil
		}
	}
}

// partition splits the rows of m by the hash of their keys.
func partition(n *node, m message, keys []int, lanes int) ([]message, error) {
	parts := make([]message, lanes)
	for i := range parts {
		parts[i].mark, parts[i].last = m.mark, m.last
	}
	for _, b := range m.batches {
		split, err := kernels.Partition(n.env.Allocator, b, keys, lanes)
		if err != nil {
			for _, p := range parts {
				p.release()
			}
			return nil, err
		}
		for i, s := range split {
			if s.NumRows() == 0 {
				s.Release()
				continue
			}
			parts[i].batches = append(parts[i].batches, s)
		}
	}
	return parts, nil
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
		if err := g.send(ctx, n, out); err != nil || last {
			return err
		}
	}
}

// mergeLanes takes one tick from every lane and orders its rows; nil when the
// run has failed.
func mergeLanes(n *node, lanes []*lane, order []string) ([]message, error) {
	var out []message
	with := 0
	for _, l := range lanes {
		m, ok := <-l.out
		if !ok {
			laneMessage{out}.release()
			return nil, nil
		}
		if out == nil {
			out = make([]message, len(m.messages))
			for i := range out {
				out[i].mark, out[i].last = m.messages[i].mark, m.messages[i].last
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
			laneMessage{out}.release()
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
	idx, err := kernels.SortIndices(keys, int(all.NumRows()))
	if err != nil {
		return nil, err
	}
	return kernels.TakeRecord(n.env.Allocator, all, idx)
}
