package arrowstream

import "slices"

// order notes for the partitions of each source which others are read to their
// end before, as [Loading] joins ask for. Where two joins ask for opposite
// things, the first one gets them.
func (d *driver) order() {
	before := map[*node][]*node{} // by source
	for _, n := range d.p.nodes {
		j, ok := n.join.(Loading)
		if !ok {
			continue
		}
		first := j.First()
		var rest []*node
		for i, in := range n.inputs {
			if !slices.Contains(first, i) {
				rest = append(rest, sourcesOf(in)...)
			}
		}
		for _, i := range first {
			tables := sourcesOf(n.inputs[i])
			if slices.ContainsFunc(tables, func(t *node) bool { return !t.source.bounded() || slices.Contains(rest, t) }) {
				continue
			}
			for _, t := range tables {
				for _, s := range rest {
					if !waitsFor(before, t, s) {
						before[s] = append(before[s], t)
					}
				}
			}
		}
	}
	for _, r := range d.readers {
		for _, t := range d.readers {
			if slices.Contains(before[r.node], t.node) {
				r.after = append(r.after, t)
			}
		}
		r.held.Store(len(r.after) > 0)
	}
}

// sourcesOf are the sources that s comes from.
func sourcesOf(s *Stream) []*node {
	if s.node.source != nil {
		return []*node{s.node}
	}
	var out []*node
	for _, in := range s.node.inputs {
		out = append(out, sourcesOf(in)...)
	}
	slices.SortFunc(out, func(a, b *node) int { return a.id - b.id })
	return slices.Compact(out)
}

// waitsFor reports whether a is b, or is read after b.
func waitsFor(before map[*node][]*node, a, b *node) bool {
	return a == b || slices.ContainsFunc(before[a], func(n *node) bool { return waitsFor(before, n, b) })
}

// over reports whether all rows of r have been taken.
func (r *reader) over() bool { return r.ended && r.head.len() == 0 }

// due reports whether all partitions that r is read after have ended.
func (r *reader) due() bool {
	if len(r.after) > 0 && !slices.ContainsFunc(r.after, func(t *reader) bool { return !t.over() }) {
		r.after = nil
		r.held.Store(false)
	}
	return len(r.after) == 0
}

// due are the partitions that rows are taken from now.
func (d *driver) due() []*reader {
	due := make([]*reader, 0, len(d.readers))
	for _, r := range d.readers {
		if r.due() {
			due = append(due, r)
		}
	}
	return due
}
