package arrowstream

import "context"

// What a stage emits in one tick may be more than memory holds: a whole result
// at the end of time. Where it flows straight on to one sink, a node therefore
// hands it on in parts. The nodes behind process a part as more batches of the
// same tick and advance with its last message only, so that nothing depends on
// where a tick was cut.

// parts reports whether n may hand on its output in parts: every node from here
// to a sink is the only reader of the one before and has no other input. Keyed
// lanes sort whole ticks, and a [Rowwise] stage may have to take back what it has
// emitted. An epoch ends with the last part of its tick.
func (p *Pipeline) parts(n *node) bool {
	if n.sink != nil || n.rowwise() {
		return false
	}
	for n.sink == nil {
		next := n.follower()
		if next == nil {
			return false
		}
		if par, ok := next.stage.(Parallel); ok && len(par.Keys()) > 0 && p.opts.lanes(next, par) {
			return false
		}
		n = next
	}
	return true
}

// partBytes is the size of a part: some of them wait at every edge.
func (o Options) partBytes() int64 { return o.readBytes() / 2 }

// handOn makes n hand on its output in parts of size bytes by give, which takes
// them over.
func (n *node) handOn(size int64, give func(out []message) error) { n.partBytes, n.give = size, give }

// cut hands on what n has put into its output so far when that is a part. The
// error of a node behind n keeps its name.
func (n *node) cut(b Batch) error {
	for _, col := range b.Columns() {
		n.partSize += int64(col.Data().SizeInBytes())
	}
	if n.partSize < n.partBytes {
		return nil
	}
	part := make([]message, len(n.ports))
	part[0], n.out[0].batches, n.partSize = message{batches: n.out[0].batches, more: true}, nil, 0
	n.behind = n.give(part)
	return n.behind
}

// passOn runs a part through n and the nodes behind it.
func (n *node) passOn(ctx context.Context, part message) error {
	out := make([]message, len(n.ports))
	if err := n.step(ctx, []message{part}, out); err != nil {
		return err
	}
	if n.sink != nil {
		return nil
	}
	return n.follower().passOn(ctx, out[0])
}
