package arrowstream

import (
	"context"
	"sync"
)

// graph runs a pipeline with a goroutine for every node and several for every
// chain of parallel stages. Edges are short channels: one message per tick and edge, so
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
	g := &graph{p: p, d: d, cancel: cancel, inbox: make([][]chan message, 2*len(p.nodes))}
	nodes := p.running()
	for _, n := range nodes {
		g.inbox[n.id] = make([]chan message, len(n.inputs))
		for i := range n.inputs {
			g.inbox[n.id][i] = make(chan message, edgeCapacity)
		}
		if n.leaf() {
			g.leaves++
		}
	}
	taken := map[*node]bool{} // by the lanes of a node before
	for _, n := range nodes {
		if n.source != nil || taken[n] {
			continue
		}
		chain := p.opts.chain(n)
		for _, c := range chain {
			taken[c] = true
		}
		if err := g.start(ctx, n, chain); err != nil {
			g.fail(err)
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
			if err := g.send(ctx, s, t.messages[i]); err != nil {
				rest := tick{messages: t.messages[i+1:]}
				rest.release()
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

// start runs n in one goroutine or, if there is one, a chain in several lanes.
func (g *graph) start(ctx context.Context, n *node, chain []*node) error {
	if len(chain) > 0 {
		return g.startLanes(ctx, chain)
	}
	if g.p.parts(n) {
		n.handOn(g.p.opts.partBytes(), func(out []message) error { return g.send(ctx, n, out) })
	}
	g.spawn(func() error {
		in, out := make([]message, len(n.inputs)), make([]message, len(n.ports))
		for {
			if err := g.receive(ctx, n, in); err != nil {
				return err
			}
			last, more := in[0].last, in[0].more
			if err := n.step(ctx, in, out); err != nil {
				return err
			}
			if err := n.tally(ctx, g.p.opts, out); err != nil {
				return err
			}
			if more && n.sink != nil {
				continue // the tick is in flight until it ends
			}
			if err := g.send(ctx, n, out); err != nil || last {
				return err
			}
		}
	})
	return nil
}
