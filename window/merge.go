package window

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// inWindow are the panes of the window [start, end).
func (g *grid) inWindow(start, end int64) panes {
	if !g.given {
		return g.panes.within(start, end)
	}
	i := g.panes.at(end, start)
	if i < len(g.panes) && g.panes[i].end == end && g.panes[i].start == start {
		return g.panes[i : i+1]
	}
	return nil
}

// windowKids are the keys with rows in the window, in the order in which its
// panes got them.
func (g *grid) windowKids(start, end int64) []uint32 {
	ps := g.inWindow(start, end)
	if len(ps) == 1 {
		return slices.Clone(ps[0].kids)
	}
	g.generation()
	var kids []uint32
	for _, p := range ps {
		for _, kid := range p.kids {
			if g.seen[kid] != g.gen {
				g.seen[kid] = g.gen
				kids = append(kids, kid)
			}
		}
	}
	return kids
}

// generation makes seen ready for a new set of keys.
func (g *grid) generation() {
	g.seen, g.pos = grown(g.seen, g.keys.Limit()), grown(g.pos, g.keys.Limit())
	g.gen++
	if g.gen == 0 {
		clear(g.seen)
		g.gen = 1
	}
}

// values are the results of the window for kids, in that order.
func (g *grid) values(start, end int64, kids []uint32) ([]arrow.Array, error) {
	at, merged, err := g.resolve(start, end, kids)
	if merged {
		defer g.giveBack(at)
	}
	if err != nil {
		return nil, err
	}
	return g.final(at, kids)
}

// resolve finds the slots that hold the results of the window for kids. A
// window of one pane has them in its slots; otherwise the states of its panes
// are merged, in the order of time, into slots that the caller gives back, also
// after an error.
func (g *grid) resolve(start, end int64, kids []uint32) (at []uint32, merged bool, err error) {
	ps := g.inWindow(start, end)
	at = make([]uint32, len(kids))
	if len(ps) == 1 {
		for i, kid := range kids {
			at[i], _ = ps[0].index.get(kid)
		}
		return at, false, nil
	}
	g.generation()
	for i, kid := range kids {
		at[i] = g.slots.Get()
		g.seen[kid], g.pos[kid] = g.gen, uint32(i)
	}
	var from, to []uint32
	for _, p := range ps {
		from, to = from[:0], to[:0]
		for i, kid := range p.kids {
			if g.seen[kid] == g.gen {
				from, to = append(from, p.slots[i]), append(to, at[g.pos[kid]])
			}
		}
		if err := g.mergeSlots(from, to); err != nil {
			return at, true, err
		}
	}
	return at, true, nil
}

// giveBack resets slots and gives them back.
func (c *core) giveBack(slots []uint32) {
	c.set.Reset(slots)
	c.slots.Put(slots...)
}

// firing collects the windows that fire, so that their results are computed
// together: windows may be many and small.
type firing struct {
	p      piece
	slots  []uint32
	merged []uint32 // those of slots that are given back
}

// fireWindow adds the results of a window.
func (g *grid) fireWindow(start, end int64, f *firing, res *result) error {
	from := len(f.p.kids)
	ps := g.inWindow(start, end)
	if len(ps) == 1 {
		f.p.kids, f.slots = append(f.p.kids, ps[0].kids...), append(f.slots, ps[0].slots...)
	} else {
		kids := g.windowKids(start, end)
		at, merged, err := g.resolve(start, end, kids)
		if merged {
			f.merged = append(f.merged, at...)
		}
		if err != nil {
			return err
		}
		f.p.kids, f.slots = append(f.p.kids, kids...), append(f.slots, at...)
	}
	for range len(f.p.kids) - from {
		f.p.starts, f.p.ends, f.p.ops = append(f.p.starts, start), append(f.p.ends, end), append(f.p.ops, int8(columnar.Insert))
	}
	if len(f.slots) >= emitRows {
		return g.finish(f, res)
	}
	return nil
}

// finish computes the results that f has collected and emits them.
func (g *grid) finish(f *firing, res *result) error {
	if len(f.slots) == 0 {
		return nil
	}
	vals, err := g.final(f.slots, f.p.kids)
	if err != nil {
		return err
	}
	f.p.vals = vals
	res.add(f.p)
	if len(f.merged) > 0 {
		g.giveBack(f.merged)
	}
	*f = firing{}
	return res.flush()
}

// final are the results of slots, whose keys are kids.
func (c *core) final(slots, kids []uint32) ([]arrow.Array, error) {
	return c.set.Final(slots, func(i int) string { return c.keys.Text(kids[i]) })
}

// mergeSlots adds the state of slot from[i] to slot to[i].
func (c *core) mergeSlots(from, to []uint32) error {
	if len(from) == 0 {
		return nil
	}
	state, err := c.set.State(from)
	if err != nil {
		return err
	}
	defer grouped.Release(state)
	return c.set.Merge(to, c.slots.Len(), state)
}
