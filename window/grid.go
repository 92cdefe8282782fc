package window

import (
	"context"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/internal/spill"
)

// grid is the operator behind tumbling, hopping and cumulating windows and
// Regroup. Keys are numbered once for all panes; a pane maps key numbers to
// slots of the accumulators, so a row costs one probe for its key, one array
// look-up and the update. Windows of several panes merge them, in the order of
// time, when they fire.
type grid struct {
	core
	layout   layout
	given    bool // Regroup: rows carry their window
	startCol int  // Regroup: column of the window's start

	panes   panes
	cur     *pane    // of the last row
	refs    []uint32 // panes that hold a key, by key
	hasHole bool     // some times are in no window

	// For changelogs.
	stamp   []uint32 // tick of the last change, by slot
	birth   []uint32 // tick of the first row, by slot
	touches []touch
	touched map[paneID]*touchedWindow

	// Scratch of merging.
	pos  []uint32 // by key
	seen []uint32 // generation, by key
	gen  uint32
}

type paneID struct{ end, start int64 }

// touch is a key whose state in a hot pane changes in this batch, for the
// first time in the tick.
type touch struct {
	pane *pane
	kid  uint32
}

func (g *grid) bind(in *arrow.Schema, env arrowstream.Env, lc layoutConfig, o options, clone func() arrowstream.Stage) (*arrow.Schema, error) {
	if err := g.findTime(lc.kind, in, o.time); err != nil {
		return nil, err
	}
	u, err := unitOf(in.Field(g.time).Name, in.Field(g.time).Type)
	if err != nil {
		return nil, err
	}
	if g.given = lc.kind == "regroup"; g.given {
		if g.startCol, err = grouped.Column(lc.kind, in, lc.start); err != nil {
			return nil, err
		}
		if !arrow.TypeEqual(in.Field(g.startCol).Type, u.typ) {
			return nil, planError("AS1407", fmt.Sprintf("regroup: columns %q and %q have different types", lc.start, o.time), "")
		}
		g.layout.lo, g.layout.hi = u.min+1, u.max
	} else if g.layout, err = newLayout(lc, u); err != nil {
		return nil, err
	}
	g.hasHole = !g.given && g.layout.slide > g.layout.size
	if err := g.start(lc.kind, in, env, o, nil); err != nil {
		return nil, err
	}
	if !g.given && g.layout.size != g.layout.slide {
		if err := g.plan.Mergeable(lc.kind); err != nil {
			return nil, err
		}
	}
	g.tick = 1
	if g.changelog {
		g.touched = map[paneID]*touchedWindow{}
	}
	g.Over = g.divided(env, clone)
	return g.out, nil
}

// Process implements [arrowstream.Stage].
func (g *grid) Process(ctx context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	if g.Over.On() {
		return g.Over.Process(ctx, 0, b, emit)
	}
	g.rowsCame = true
	ts := g.times(b, g.time)
	var starts []int64
	if g.given {
		starts = g.times(b, g.startCol)
	}
	if g.plainRows(b, ts) {
		return g.update(b, ts, starts)
	}
	cl, err := g.classify(b, ts)
	if err != nil {
		return err
	}
	rows, err := g.split(b, ts, cl, emit)
	if err != nil {
		return err
	}
	defer rows.Release()
	if rows.NumRows() == 0 {
		return nil
	}
	ts = g.times(rows, g.time)
	if g.given {
		starts = g.times(rows, g.startCol)
	}
	return g.update(rows, ts, starts)
}

// plainRows reports whether every row can be aggregated as it is: none is late,
// without time, in a gap or out of range.
func (g *grid) plainRows(b arrow.Record, ts []int64) bool {
	if g.hasHole || b.Column(g.time).NullN() > 0 || g.given && b.Column(g.startCol).NullN() > 0 {
		return false
	}
	least, greatest := extremes(ts)
	return least >= g.firstOpen() && least >= g.layout.lo && greatest <= g.layout.hi
}

// firstOpen is the first time that is not late.
func (g *grid) firstOpen() int64 {
	if g.given {
		if g.bound == math.MaxInt64 {
			return g.bound
		}
		return g.bound + 1
	}
	return g.layout.firstOpen(g.bound)
}

func (g *grid) classify(b arrow.Record, ts []int64) (*classified, error) {
	valid := columnar.Validity(b.Column(g.time))
	if g.given {
		valid = columnar.And(valid, columnar.Validity(b.Column(g.startCol)))
	}
	firstOpen := g.firstOpen()
	cl := &classified{}
	for i, t := range ts {
		switch {
		case !valid.Get(i):
			cl.nulls++
			continue
		case t < g.layout.lo || t > g.layout.hi:
			return nil, g.overflow(t)
		case g.hasHole:
			if _, _, ok := g.layout.pane(t); !ok {
				cl.unwindowed++
				continue
			}
		}
		if t < firstOpen {
			cl.late = append(cl.late, int32(i))
		} else {
			cl.keep = append(cl.keep, int32(i))
		}
	}
	return cl, nil
}

// update aggregates the rows of b, all of which belong to open windows.
func (g *grid) update(b arrow.Record, ts, starts []int64) error {
	g.scratch(len(ts))
	if err := g.keys.Find(b, g.ids); err != nil {
		return err
	}
	g.refs = grown(g.refs, g.keys.Limit())
	switch {
	case g.given:
		g.assignGiven(starts, ts)
	default:
		g.assign(ts)
	}
	if len(g.touches) > 0 {
		if err := g.capture(); err != nil {
			return err
		}
	}
	g.counted.RowsUpdated += int64(len(ts))
	g.changed.Mark(g.at, g.slots.Len())
	return g.set.Update(b, g.at, g.slots.Len())
}

// assign gives every row its slot. Rows are mostly of the pane of the row
// before: a comparison, an array look-up and a store per row.
func (g *grid) assign(ts []int64) {
	ids, at := g.ids[:len(ts)], g.at[:len(ts)]
	p := g.cur
	for i, t := range ts {
		if p == nil || t < p.start || t >= p.end {
			p = g.paneOf(t)
		}
		kid := ids[i]
		if int(kid) < len(p.index.dense) && !p.hot {
			if s := p.index.dense[kid]; s != 0 {
				at[i] = s - 1
				continue
			}
		}
		at[i] = g.slot(p, kid)
	}
	g.cur = p
}

func (g *grid) assignGiven(starts, ends []int64) {
	p := g.cur
	for i, end := range ends {
		if p == nil || p.end != end || p.start != starts[i] {
			p = g.paneFor(starts[i], end)
		}
		g.at[i] = g.slot(p, g.ids[i])
	}
	g.cur = p
}

// paneOf is the pane of time t, which is in a window.
func (g *grid) paneOf(t int64) *pane {
	if p := g.panes.holding(t); p != nil {
		return p
	}
	start, end, _ := g.layout.pane(t)
	return g.addPane(start, end)
}

func (g *grid) paneFor(start, end int64) *pane {
	if i := g.panes.at(end, start); i < len(g.panes) && g.panes[i].end == end && g.panes[i].start == start {
		return g.panes[i]
	}
	return g.addPane(start, end)
}

func (g *grid) addPane(start, end int64) *pane {
	p := &pane{start: start, end: end, first: end, last: end}
	if !g.given {
		p.first, p.last = g.layout.firstEnd(start, end), g.layout.lastEnd(start)
	}
	p.hot = g.isHot(p)
	g.panes = g.panes.insert(p)
	return p
}

func (g *grid) isHot(p *pane) bool {
	return g.opts.updates || g.changelog && p.first <= g.horizon
}

// slot is the slot of a key in a pane; it notes the change if the pane is hot.
func (g *grid) slot(p *pane, kid uint32) uint32 {
	s, ok := p.index.get(kid)
	if !ok {
		s = g.slots.Get()
		p.index.put(kid, s)
		p.kids, p.slots = append(p.kids, kid), append(p.slots, s)
		g.refs[kid]++
		if g.changelog {
			g.birth, g.stamp = grown(g.birth, g.slots.Len()), grown(g.stamp, g.slots.Len())
			g.birth[s], g.stamp[s] = g.tick, 0
		}
	}
	if p.hot && g.stamp[s] != g.tick {
		g.stamp[s] = g.tick
		g.touches = append(g.touches, touch{p, kid})
	}
	return s
}

// Advance implements [arrowstream.Stage]: it emits corrections, fires the
// windows that the watermark has reached and forgets those that no row can
// change any more.
func (g *grid) Advance(ctx context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if g.Over.On() {
		return g.Over.Advance(ctx, w, emit)
	}
	var latest int64
	if n := len(g.panes); n > 0 {
		latest = g.panes[n-1].last
	}
	horizon := g.moved(w, latest, len(g.panes) > 0 && latest > g.horizon)
	res := &result{core: &g.core, emit: emit}
	defer res.release()
	if err := g.emitTouched(res); err != nil {
		return w, err
	}
	if !g.opts.updates {
		if err := g.fire(horizon, res); err != nil {
			return w, err
		}
	}
	if err := res.flush(); err != nil {
		return w, err
	}
	out := g.advanced(w, horizon)
	g.forget()
	if w.Done() {
		return out, g.Close()
	}
	g.heat()
	return out, g.Over.Check(ctx, spill.Alone(g), w, out)
}

// heat finds the panes that are hot since the horizon has moved.
func (g *grid) heat() {
	if g.changelog {
		for _, p := range g.panes {
			p.hot = g.isHot(p)
		}
	}
}

// fire emits the windows that end in (g.horizon, horizon] and hold rows.
func (g *grid) fire(horizon int64, res *result) error {
	var f firing
	defer func() { g.giveBack(f.merged) }()
	last := g.horizon
	for _, p := range g.panes {
		if p.first > horizon {
			break
		}
		if p.last <= last {
			continue
		}
		if g.given { // last stays: windows may end at the same time
			if err := g.fireWindow(p.start, p.end, &f, res); err != nil {
				return err
			}
			continue
		}
		end := p.first
		if end <= last {
			end += floor(last-end, g.layout.slide) + g.layout.slide
		}
		for ; end <= min(horizon, p.last); end += g.layout.slide {
			if err := g.fireWindow(g.layout.start(end), end, &f, res); err != nil {
				return err
			}
			last = end
		}
	}
	return g.finish(&f, res)
}

// forget drops the panes whose last window can change no more.
func (g *grid) forget() {
	n := 0
	var slots, kids []uint32
	for n < len(g.panes) && g.panes[n].last <= g.bound {
		p := g.panes[n]
		slots = append(slots, p.slots...)
		for _, kid := range p.kids {
			if g.refs[kid]--; g.refs[kid] == 0 {
				kids = append(kids, kid)
			}
		}
		n++
	}
	if n == 0 {
		return
	}
	clear(g.panes[:n])
	g.panes = g.panes[n:]
	g.cur = nil
	g.set.Reset(slots)
	g.slots.Put(slots...)
	g.keys.Remove(kids)
}

// Counts implements [arrowstream.Counted].
func (g *grid) Counts() arrowstream.Counts {
	if g.Over.On() {
		return g.Over.Counts()
	}
	n := g.core.Counts()
	onHeap(&n, int64(4*(cap(g.refs)+cap(g.stamp)+cap(g.birth)+cap(g.pos)+cap(g.seen))))
	for _, p := range g.panes {
		onHeap(&n, p.index.bytes()+int64(4*(cap(p.kids)+cap(p.slots))))
	}
	return n
}

// grown is s with at least n elements, the new ones zero.
func grown(s []uint32, n int) []uint32 {
	if n <= len(s) {
		return s
	}
	return append(s, make([]uint32, max(n, 2*len(s))-len(s))...)
}
