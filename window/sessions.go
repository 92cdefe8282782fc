package window

import (
	"context"
	"math"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// sessions is the operator behind Session. A session has a slot of the
// accumulators and a place in the list of its key, the latest first. Two
// sessions that a row joins become one at once; their slots are merged at the
// end of the tick, in the order in which they were joined.
//
// Whether a row is late is decided at the end of the tick too, since a row far
// behind may belong to a session that another row of the tick reaches: such
// rows are kept until then.
type sessions struct {
	core
	gap, span int64 // span is math.MaxInt64 for none
	own       int64 // length of a session of one row
	lo, hi    int64

	s    []session // by slot
	head []uint32  // last session of a key, slot+1, by key

	due  queue // sessions to fire, by end
	gone queue // sessions to forget, by end

	joined  []uint32            // sessions that others were joined to in this tick
	parts   map[uint32][]uint32 // their further slots, in order
	dead    []uint32            // slots to give back at the end of the tick
	touched []uint32            // sessions changed in this tick, for Updates
	before  oldSessions
	doubts  []arrow.Record // rows that are late unless a session reaches them
}

type session struct {
	start, last int64
	dueAt       int64 // end under which it stands in due, or none
	goneAt      int64 // the same for gone
	kid         uint32
	next        uint32 // session of the key before it, slot+1
	stamp       uint32 // tick of the last change; kept in changelog mode only
	live        bool
	emitted     bool // its row is downstream
}

const nowhere = math.MinInt64

func (g *sessions) bind(in *arrow.Schema, env arrowstream.Env, gap, span time.Duration, o options, clone func() arrowstream.Stage) (*arrow.Schema, error) {
	const what = "session"
	if err := g.findTime(what, in, o.time); err != nil {
		return nil, err
	}
	u, err := unitOf(in.Field(g.time).Name, in.Field(g.time).Type)
	if err != nil {
		return nil, err
	}
	if g.gap, err = u.exact(what, "gap", gap, 1); err != nil {
		return nil, err
	}
	g.span = math.MaxInt64
	if span != 0 {
		if g.span, err = u.exact(what, "max span", span, 1); err != nil {
			return nil, err
		}
	}
	g.own = min(g.gap, g.span)
	margin := g.gap
	if span != 0 {
		margin = max(g.gap, g.span)
	}
	if margin > math.MaxInt64/4 || margin > u.max/2 {
		return nil, planError("AS1404", "session: gap or max span is too great for the time column", "")
	}
	g.lo, g.hi = u.min+2*margin+1, u.max-2*margin-1
	if err := g.core.start(what, in, env, o, nil); err != nil {
		return nil, err
	}
	if err := g.plan.Mergeable(what); err != nil {
		return nil, err
	}
	g.tick, g.parts = 1, map[uint32][]uint32{}
	g.Over = g.divided(env, clone)
	return g.out, nil
}

func (g *sessions) end(x *session) int64 {
	if g.span == math.MaxInt64 {
		return x.last + g.gap
	}
	return min(x.last+g.gap, x.start+g.span)
}

// Process implements [arrowstream.Stage].
func (g *sessions) Process(ctx context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	if g.Over.On() {
		return g.Over.Process(ctx, 0, b, emit)
	}
	g.rowsCame = true
	ts := g.times(b, g.time)
	least, greatest := extremes(ts)
	if b.Column(g.time).NullN() == 0 && least >= g.lo && greatest <= g.hi && least > minus(g.bound, g.own) {
		return g.update(b, ts)
	}
	valid := columnar.Validity(b.Column(g.time))
	cl := &classified{}
	var doubts []int32
	for i, t := range ts {
		switch {
		case !valid.Get(i):
			cl.nulls++
		case t < g.lo || t > g.hi:
			return g.overflow(t)
		case t+g.own <= g.bound:
			doubts = append(doubts, int32(i))
		default:
			cl.keep = append(cl.keep, int32(i))
		}
	}
	rows, err := g.split(b, ts, cl, emit)
	if err != nil {
		return err
	}
	defer rows.Release()
	if len(doubts) > 0 {
		d, err := g.taken(b, doubts)
		if err != nil {
			return err
		}
		g.doubts = append(g.doubts, d)
	}
	if rows.NumRows() == 0 {
		return nil
	}
	return g.update(rows, g.times(rows, g.time))
}

// update aggregates the rows of b, none of which is late.
func (g *sessions) update(b arrow.Record, ts []int64) error {
	g.scratch(len(ts))
	if err := g.keys.Find(b, g.ids); err != nil {
		return err
	}
	g.head = grown(g.head, g.keys.Limit())
	g.changed.Mark(g.ids, g.keys.Limit())
	for i, t := range ts {
		kid := g.ids[i]
		if h := g.head[kid]; h != 0 {
			x := &g.s[h-1]
			if t >= x.start && t <= x.last+g.gap && g.span == math.MaxInt64 && (!g.changelog || x.stamp == g.tick) {
				x.last = max(x.last, t)
				g.at[i] = h - 1
				continue
			}
		}
		slot, ok := g.join(kid, t)
		if !ok {
			slot = g.create(kid, t)
		}
		g.at[i] = slot
	}
	return g.apply(b)
}

// apply adds the rows of b to the slots g.at.
func (g *sessions) apply(b arrow.Record) error {
	if err := g.before.capture(g); err != nil {
		return err
	}
	g.counted.RowsUpdated += b.NumRows()
	return g.set.Update(b, g.at, g.slots.Len())
}

// create opens a session for a row that touches none.
func (g *sessions) create(kid uint32, t int64) uint32 {
	slot := g.slots.Get()
	g.begin(slot, session{start: t, last: t, kid: kid, live: true, dueAt: nowhere, goneAt: nowhere})
	g.enqueue(slot)
	g.note(slot)
	return slot
}

// begin puts a session into a slot.
func (g *sessions) begin(slot uint32, x session) {
	for int(slot) >= len(g.s) {
		g.s = append(g.s, session{})
	}
	g.s[slot] = x
	g.link(slot)
}

// join adds time t to the first session of the key that it touches and may
// lengthen, and joins to it the next one if the longer session touches it. ok
// is false when there is none. Sessions of a key do not overlap, so their order
// by start is that by last; rows in the order of time look at one or two.
func (g *sessions) join(kid uint32, t int64) (slot uint32, ok bool) {
	var found, after, later uint32 // slot+1; after follows found in time
	for h := g.head[kid]; h != 0; later, h = h, g.s[h-1].next {
		x := &g.s[h-1]
		if t > x.last+g.gap {
			break
		}
		if t < x.start-g.gap {
			continue
		}
		longer := session{start: min(x.start, t), last: max(x.last, t)}
		if longer.last-longer.start < g.span && g.end(&longer) > g.bound {
			found, after = h, later
		}
	}
	if found == 0 {
		return 0, false
	}
	slot = found - 1
	g.change(slot)
	x := &g.s[slot]
	end := g.end(x)
	x.start, x.last = min(x.start, t), max(x.last, t)
	if after != 0 {
		y := &g.s[after-1]
		if y.start <= x.last+g.gap && y.last-x.start < g.span {
			g.absorb(slot, after-1)
		}
	}
	if g.end(x) < end {
		g.enqueue(slot)
	}
	return slot, true
}

// absorb joins session other to session slot of the same key.
func (g *sessions) absorb(slot, other uint32) {
	g.change(other)
	g.unlink(other)
	x, y := &g.s[slot], &g.s[other]
	x.last = max(x.last, y.last)
	y.live = false
	if _, ok := g.parts[slot]; !ok {
		g.joined = append(g.joined, slot)
	}
	g.parts[slot] = append(append(g.parts[slot], other), g.parts[other]...)
	delete(g.parts, other)
}

// change is called before a session changes: what was emitted of it is noted.
func (g *sessions) change(slot uint32) {
	if !g.changelog {
		return
	}
	x := &g.s[slot]
	if x.emitted {
		g.before.add(slot, x.kid, x.start, g.end(x))
		x.emitted = false
		if !g.opts.updates {
			g.enqueue(slot)
		}
	}
	g.note(slot)
}

func (g *sessions) note(slot uint32) {
	x := &g.s[slot]
	if g.changelog && x.stamp != g.tick {
		x.stamp = g.tick
		if g.opts.updates {
			g.touched = append(g.touched, slot)
		}
	}
}

// enqueue notes when the session is to be looked at.
func (g *sessions) enqueue(slot uint32) {
	x := &g.s[slot]
	if g.opts.updates {
		x.goneAt = g.end(x)
		g.gone.push(x.goneAt, slot)
		return
	}
	x.dueAt = g.end(x)
	g.due.push(x.dueAt, slot)
}

// link puts a session into the list of its key.
func (g *sessions) link(slot uint32) {
	x := &g.s[slot]
	at := &g.head[x.kid]
	for *at != 0 && g.s[*at-1].start > x.start {
		at = &g.s[*at-1].next
	}
	x.next = *at
	*at = slot + 1
}

// unlink takes a session out of the list of its key.
func (g *sessions) unlink(slot uint32) {
	x := &g.s[slot]
	at := &g.head[x.kid]
	for *at != slot+1 {
		at = &g.s[*at-1].next
	}
	*at = x.next
	x.next = 0
}

// Counts implements [arrowstream.Counted].
func (g *sessions) Counts() arrowstream.Counts {
	if g.Over.On() {
		return g.Over.Counts()
	}
	n := g.core.Counts()
	onHeap(&n, int64(int(unsafe.Sizeof(session{}))*cap(g.s)+4*cap(g.head)+16*(cap(g.due.h)+cap(g.gone.h))))
	return n
}

// Close frees the memory of a stage that is given up.
func (g *sessions) Close() error {
	for _, b := range g.doubts {
		b.Release()
	}
	g.doubts = nil
	g.before.release()
	g.s, g.head = nil, nil
	return g.core.Close()
}
