package window

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/internal/spill"
	"github.com/arrowstream/arrowstream/kernels"
)

// Advance implements [arrowstream.Stage].
func (g *sessions) Advance(ctx context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if g.Over.On() {
		return g.Over.Advance(ctx, w, emit)
	}
	if err := g.decide(emit); err != nil {
		return w, err
	}
	if err := g.mergeParts(); err != nil {
		return w, err
	}
	latest, anyOpen := g.latest()
	horizon := g.moved(w, latest, anyOpen)
	fired := g.fired(horizon)
	if g.changelog {
		g.markOf(fired)
	}
	if err := g.emitSessions(fired, emit); err != nil {
		return w, err
	}
	out := g.advanced(w, horizon)
	g.forget(fired)
	if w.Done() {
		return out, g.Close()
	}
	return out, g.Over.Check(ctx, spill.Alone(g), w, out)
}

// latest is the end of the last session that has not been emitted, if the
// timeout needs to know.
func (g *sessions) latest() (end int64, anyOpen bool) {
	if g.opts.timeout == 0 || g.rowsCame {
		return 0, false
	}
	for i := range g.s {
		if x := &g.s[i]; x.live && g.end(x) > g.horizon && (!anyOpen || g.end(x) > end) {
			end, anyOpen = g.end(x), true
		}
	}
	return end, anyOpen
}

// decide finds the late rows among those in doubt: from the last time to the
// first, a row that touches a session belongs to it, the others are late.
func (g *sessions) decide(emit arrowstream.Emit) error {
	if len(g.doubts) == 0 {
		return nil
	}
	rows, err := kernels.Concat(g.mem, g.doubts)
	for _, d := range g.doubts {
		d.Release()
	}
	g.doubts = g.doubts[:0]
	if err != nil {
		return err
	}
	defer rows.Release()
	ts := g.times(rows, g.time)
	g.scratch(len(ts))
	if err := g.keys.Find(rows, g.ids); err != nil {
		return err
	}
	g.head = grown(g.head, g.keys.Limit())
	g.changed.Mark(g.ids, g.keys.Limit())
	order := make([]int32, len(ts))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch {
		case ts[a] > ts[b]:
			return -1
		case ts[a] < ts[b]:
			return 1
		}
		return 0
	})
	const isLate = ^uint32(0)
	slots := make([]uint32, len(ts))
	for _, i := range order {
		slot, ok := g.join(g.ids[i], ts[i])
		if !ok {
			slot = isLate
		}
		slots[i] = slot
	}
	var late, keep []int32
	var strangers []uint32 // keys without a session
	for i, slot := range slots {
		if slot != isLate {
			keep = append(keep, int32(i))
			continue
		}
		late = append(late, int32(i))
		if kid := g.ids[i]; len(g.keys.Fields()) > 0 && g.head[kid] == 0 {
			strangers = append(strangers, kid)
		}
	}
	slices.Sort(strangers)
	g.drop(slices.Compact(strangers))
	if err := g.emitLate(rows, ts, late, emit); err != nil || len(keep) == 0 {
		return err
	}
	kept, err := g.taken(rows, keep)
	if err != nil {
		return err
	}
	defer kept.Release()
	g.at = g.at[:0]
	for _, i := range keep {
		g.at = append(g.at, slots[i])
	}
	return g.apply(kept)
}

// mergeParts merges the slots of sessions that were joined in this tick: the
// first further slots of all sessions, then the second ones.
func (g *sessions) mergeParts() error {
	var from, to []uint32
	for round := 0; ; round++ {
		from, to = from[:0], to[:0]
		for _, slot := range g.joined {
			if parts := g.parts[slot]; round < len(parts) {
				from, to = append(from, parts[round]), append(to, slot)
			}
		}
		if len(from) == 0 {
			break
		}
		if err := g.mergeSlots(from, to); err != nil {
			return err
		}
		g.dead = append(g.dead, from...)
	}
	clear(g.parts)
	g.joined = g.joined[:0]
	g.set.Reset(g.dead)
	g.slots.Put(g.dead...)
	g.dead = g.dead[:0]
	return nil
}

// fired are the sessions whose rows are to be emitted, ordered by end unless
// the output is a changelog.
func (g *sessions) fired(horizon int64) []uint32 {
	var out []uint32
	if g.opts.updates {
		for _, slot := range g.touched {
			if x := &g.s[slot]; x.live && x.stamp == g.tick && !x.emitted {
				x.emitted = true
				out = append(out, slot)
			}
		}
		g.touched = g.touched[:0]
		return out
	}
	for {
		end, slot, ok := g.due.pop(horizon)
		if !ok {
			return out
		}
		x := &g.s[slot]
		if !x.live || x.emitted || x.dueAt != end {
			continue
		}
		if x.dueAt = g.end(x); x.dueAt != end {
			g.due.push(x.dueAt, slot)
			continue
		}
		x.dueAt, x.emitted = nowhere, true
		out = append(out, slot)
		if g.lateness > 0 {
			x.goneAt = end
			g.gone.push(end, slot)
		}
	}
}

// emitSessions emits the rows of fired sessions and takes back what was
// emitted of sessions that have changed.
func (g *sessions) emitSessions(fired []uint32, emit arrowstream.Emit) error {
	res := &result{core: &g.core, emit: emit}
	defer res.release()
	defer g.before.release()
	if g.changelog {
		if err := g.pairSessions(fired, res); err != nil {
			return err
		}
		return res.flush()
	}
	for len(fired) > 0 {
		n := min(len(fired), emitRows)
		for n < len(fired) && g.end(&g.s[fired[n]]) == g.end(&g.s[fired[n-1]]) {
			n++
		}
		vals, err := g.set.Final(fired[:n], g.key(fired))
		if err != nil {
			return err
		}
		res.add(g.sessionPiece(fired[:n], nil, vals))
		if err := res.flush(); err != nil {
			return err
		}
		fired = fired[n:]
	}
	return nil
}

// key tells the key of the i-th of slots.
func (g *sessions) key(slots []uint32) func(i int) string {
	return func(i int) string { return g.keys.Text(g.s[slots[i]].kid) }
}

func (g *sessions) sessionPiece(slots []uint32, ops []int8, vals []arrow.Array) piece {
	p := piece{ops: ops, vals: vals}
	for _, slot := range slots {
		x := &g.s[slot]
		p.starts, p.ends, p.kids = append(p.starts, x.start), append(p.ends, g.end(x)), append(p.kids, x.kid)
	}
	return p
}

// forget gives back the slots of sessions that nothing can change any more.
func (g *sessions) forget(fired []uint32) {
	var slots []uint32
	if g.changelog {
		for {
			end, slot, ok := g.gone.pop(g.bound)
			if !ok {
				break
			}
			x := &g.s[slot]
			if !x.live || !x.emitted || x.goneAt != end {
				continue
			}
			if x.goneAt = g.end(x); x.goneAt != end {
				g.gone.push(x.goneAt, slot)
				continue
			}
			// A session that fired twice with the same end stands there twice.
			x.goneAt = nowhere
			slots = append(slots, slot)
		}
	} else {
		slots = fired
	}
	if len(slots) == 0 {
		return
	}
	var kids []uint32
	for _, slot := range slots {
		x := &g.s[slot]
		g.unlink(slot)
		x.live = false
		kids = append(kids, x.kid)
	}
	g.giveBack(slots)
	g.drop(kids)
}

// oldSessions are rows of sessions that were emitted and have changed since.
type oldSessions struct {
	fresh  []uint32 // slots whose old results are wanted
	kids   []uint32
	starts []int64
	ends   []int64
	images images
}

func (o *oldSessions) add(slot, kid uint32, start, end int64) {
	o.fresh = append(o.fresh, slot)
	o.kids, o.starts, o.ends = append(o.kids, kid), append(o.starts, start), append(o.ends, end)
}

// capture computes the old results, before the accumulators are updated.
func (o *oldSessions) capture(g *sessions) error {
	if len(o.fresh) == 0 {
		return nil
	}
	vals, err := g.set.Final(o.fresh, g.key(o.fresh))
	if err != nil {
		return err
	}
	o.images.vals = append(o.images.vals, vals)
	o.fresh = o.fresh[:0]
	return nil
}

func (o *oldSessions) release() {
	o.images.release()
	o.fresh, o.kids, o.starts, o.ends = o.fresh[:0], o.kids[:0], o.starts[:0], o.ends[:0]
}

// pairSessions adds -U and +U for sessions of the same bounds whose result has
// changed, -D for old ones that are no more and +I for new ones.
func (g *sessions) pairSessions(fired []uint32, res *result) error {
	type id struct {
		kid        uint32
		start, end int64
	}
	o := &g.before
	old := make(map[id]int32, len(o.kids))
	for i := range o.kids {
		old[id{o.kids[i], o.starts[i], o.ends[i]}] = int32(i)
	}
	var before []arrow.Array
	if len(o.kids) > 0 {
		var err error
		before, err = o.images.whole(g.mem)
		defer func() { grouped.Release(before) }()
		if err != nil {
			return err
		}
	}
	after, err := g.set.Final(fired, g.key(fired))
	if err != nil {
		return err
	}
	defer grouped.Release(after)
	gone := repeated(int8(columnar.Delete), len(o.kids))
	const same = -1
	var to []int32
	var slots []uint32
	var ops []int8
	for i, slot := range fired {
		x := &g.s[slot]
		op := columnar.Insert
		if k, ok := old[id{x.kid, x.start, g.end(x)}]; ok {
			if grouped.Equal(before, int(k), after, i) {
				gone[k] = same
				continue
			}
			gone[k], op = int8(columnar.UpdateBefore), columnar.UpdateAfter
		}
		to, slots, ops = append(to, int32(i)), append(slots, slot), append(ops, int8(op))
	}
	var from []int32
	var p piece
	for i, op := range gone {
		if op == same {
			continue
		}
		from = append(from, int32(i))
		p.kids, p.starts, p.ends, p.ops = append(p.kids, o.kids[i]), append(p.starts, o.starts[i]), append(p.ends, o.ends[i]), append(p.ops, op)
	}
	if err := res.addRows(p, before, from); err != nil {
		return err
	}
	return res.addRows(g.sessionPiece(slots, ops, nil), after, to)
}
