package window

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// touchedWindow is a window of which results have been emitted and changed in
// this tick. The old results are computed before the first change, so nothing
// has to be kept of what was emitted.
type touchedWindow struct {
	start, end int64
	kids       []uint32
	has        map[uint32]bool
	fresh      []uint32 // kids of this batch whose old results are wanted
	before     images
}

// images are old results: row i is that of key kids[i].
type images struct {
	kids []uint32
	vals [][]arrow.Array // pieces, owned
}

func (im *images) release() {
	for _, v := range im.vals {
		grouped.Release(v)
	}
	im.kids, im.vals = nil, nil
}

// whole are the pieces as one; the caller releases it. There must be one.
func (im *images) whole(mem memory.Allocator) ([]arrow.Array, error) {
	out := make([]arrow.Array, 0, len(im.vals[0]))
	for i := range im.vals[0] {
		parts := make([]arrow.Array, len(im.vals))
		for k := range im.vals {
			parts[k] = im.vals[k][i]
		}
		col, err := concatArrays(mem, parts)
		if err != nil {
			return out, err
		}
		out = append(out, col)
	}
	return out, nil
}

// capture keeps the old results of the windows that the touches of this batch
// change; it is called before the accumulators are updated.
func (g *grid) capture() error {
	var fresh []*touchedWindow
	for _, t := range g.touches {
		for end := t.pane.first; end <= t.pane.last; end += max(g.layout.slide, 1) {
			if end <= g.bound || !g.opts.updates && end > g.horizon {
				continue
			}
			start := t.pane.start
			if !g.given {
				start = g.layout.start(end)
			}
			id := paneID{end, start}
			tw := g.touched[id]
			if tw == nil {
				tw = &touchedWindow{start: start, end: end, has: map[uint32]bool{}}
				g.touched[id] = tw
			}
			if tw.has[t.kid] {
				continue
			}
			tw.has[t.kid] = true
			tw.kids = append(tw.kids, t.kid)
			if g.wasIn(start, end, t.kid) {
				if len(tw.fresh) == 0 {
					fresh = append(fresh, tw)
				}
				tw.fresh = append(tw.fresh, t.kid)
			}
		}
	}
	g.touches = g.touches[:0]
	for _, tw := range fresh {
		vals, err := g.values(tw.start, tw.end, tw.fresh)
		if err != nil {
			return err
		}
		tw.before.kids, tw.before.vals = append(tw.before.kids, tw.fresh...), append(tw.before.vals, vals)
		tw.fresh = tw.fresh[:0]
	}
	return nil
}

// wasIn reports whether the window had rows of the key before this tick.
func (g *grid) wasIn(start, end int64, kid uint32) bool {
	for _, p := range g.inWindow(start, end) {
		if s, ok := p.index.get(kid); ok && g.birth[s] != g.tick {
			return true
		}
	}
	return false
}

// emitTouched emits the changes of this tick to results emitted before.
func (g *grid) emitTouched(res *result) error {
	if len(g.touched) == 0 {
		return nil
	}
	windows := make([]*touchedWindow, 0, len(g.touched))
	for _, tw := range g.touched {
		windows = append(windows, tw)
	}
	slices.SortFunc(windows, func(a, b *touchedWindow) int { return compareWindows(a.end, a.start, b.end, b.start) })
	for _, tw := range windows {
		vals, err := g.values(tw.start, tw.end, tw.kids)
		if err != nil {
			return err
		}
		if err := g.pair(tw, vals, res); err != nil {
			return err
		}
		if res.full() {
			if err := res.flush(); err != nil {
				return err
			}
		}
	}
	g.dropTouched()
	return nil
}

// pair adds -U and +U for results that changed and +I for new ones. It takes
// after over, the new results of tw.kids.
func (g *grid) pair(tw *touchedWindow, after []arrow.Array, res *result) error {
	defer grouped.Release(after)
	var before []arrow.Array
	old := make(map[uint32]int32, len(tw.before.kids))
	if len(tw.before.kids) > 0 {
		for i, kid := range tw.before.kids {
			old[kid] = int32(i)
		}
		var err error
		before, err = tw.before.whole(g.mem)
		defer func() { grouped.Release(before) }()
		if err != nil {
			return err
		}
	}
	var from, to []int32
	var fromKids, toKids []uint32
	var ops []int8
	for i, kid := range tw.kids {
		k, ok := old[kid]
		switch {
		case !ok:
			ops = append(ops, int8(columnar.Insert))
		case grouped.Equal(before, int(k), after, i):
			continue
		default:
			from, fromKids = append(from, k), append(fromKids, kid)
			ops = append(ops, int8(columnar.UpdateAfter))
		}
		to, toKids = append(to, int32(i)), append(toKids, kid)
	}
	if err := res.addTaken(tw.start, tw.end, fromKids, repeated(int8(columnar.UpdateBefore), len(from)), before, from); err != nil {
		return err
	}
	return res.addTaken(tw.start, tw.end, toKids, ops, after, to)
}

// addTaken adds rows of one window: the rows idx of vals, which it borrows.
func (r *result) addTaken(start, end int64, kids []uint32, ops []int8, vals []arrow.Array, idx []int32) error {
	return r.addRows(piece{starts: repeated(start, len(idx)), ends: repeated(end, len(idx)), kids: kids, ops: ops}, vals, idx)
}

// addRows adds p with the rows idx of vals, which it borrows.
func (r *result) addRows(p piece, vals []arrow.Array, idx []int32) error {
	if len(idx) == 0 {
		return nil
	}
	for _, v := range vals {
		col, err := kernels.Take(r.core.mem, v, idx)
		if err != nil {
			p.release()
			return err
		}
		p.vals = append(p.vals, col)
	}
	r.add(p)
	return nil
}

func (g *grid) dropTouched() {
	for _, tw := range g.touched {
		tw.before.release()
	}
	clear(g.touched)
}

// Close frees the memory of a stage that is given up.
func (g *grid) Close() error {
	g.dropTouched()
	g.panes, g.cur = nil, nil
	return g.core.Close()
}

func compareWindows(end1, start1, end2, start2 int64) int {
	switch {
	case end1 < end2 || end1 == end2 && start1 < start2:
		return -1
	case end1 == end2 && start1 == start2:
		return 0
	}
	return 1
}
