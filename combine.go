package arrowstream

// Combining is implemented by stages that need not see every row: what rows of a
// tick amount to may be worked out before them, in several instances, and
// handed on in the place of the rows. It is the first of the two phases of an
// aggregate.
type Combining interface {
	Parallel
	// Combiner returns an unbound stage, to be bound to the schema of the input:
	// Parallel, without keys, and remembering nothing between two ticks. In every
	// tick it emits either the rows themselves or what they amount to, in batches
	// that Process takes for them and that have columns of the names of the Keys.
	// State and output must be those that the rows give, in the order of rows. It
	// is nil where there is no such stage; it is asked for once, after Bind.
	Combiner() Parallel
}

// combine puts the combiners of stages in front of them where rows are spread by
// their keys: that costs more than to combine them, see BenchmarkTwoPhases of
// package stage, and where they are not it only costs. Combiners are no nodes of
// the pipeline: nothing is kept of them in a state, and their rows and time count
// as those of the stage behind them.
func (p *Pipeline) combine() error {
	for _, n := range p.nodes {
		st, ok := n.stage.(Combining)
		if !ok || len(st.Keys()) == 0 || !p.opts.lanes(n, st) {
			continue
		}
		c := st.Combiner()
		if c == nil {
			continue
		}
		n.combiner = &node{
			id: len(p.nodes) + n.id, name: n.name, inputs: n.inputs, ports: n.ports[:1], users: [][]edge{{{n, 0}}}, stage: c, env: n.env, uid: n.uid,
		}
		if _, err := c.Bind(n.inputs[0].Schema(), n.env); err != nil {
			return n.wrap(err)
		}
		n.combiner.bound = true
		from := n.inputs[0]
		for i, e := range from.node.users[from.port] {
			if e.node == n {
				from.node.users[from.port][i].node = n.combiner
			}
		}
	}
	return nil
}

// running are the nodes of p with their combiners, inputs before their users.
func (p *Pipeline) running() []*node {
	all := make([]*node, 0, len(p.nodes))
	for _, n := range p.nodes {
		if n.combiner != nil {
			all = append(all, n.combiner)
		}
		all = append(all, n)
	}
	return all
}
