package window

import (
	"context"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/spill"
)

var (
	sessionColumns    = []string{"session_start", "session_last", "emitted"}
	sessionKeyColumns = []string{"sessions"}
)

// Snapshot implements [arrowstream.Stateful]: "groups" has a row per session,
// "keys" a row for each key that a delta replaces, "meta" the rest.
func (g *sessions) Snapshot(context.Context) (arrowstream.State, error) {
	changed := g.changed.IDs()
	g.changed.Clear()
	var all []uint32
	for kid, h := range g.head {
		if h != 0 {
			all = append(all, uint32(kid))
		}
	}
	st, err := g.stateOf(nil, all)
	g.removeIdle(changed)
	return st, err
}

// Delta implements [arrowstream.Incremental]: "keys" has the keys whose sessions
// have changed, been emitted or are over, and "groups" the sessions they have now.
func (g *sessions) Delta(context.Context) (arrowstream.State, error) {
	changed := g.changed.IDs()
	g.changed.Clear()
	st, err := g.stateOf(changed, changed)
	g.removeIdle(changed)
	return st, err
}

// stateOf names the keys replaced and has the sessions of the keys of.
func (g *sessions) stateOf(replaced, of []uint32) (arrowstream.State, error) {
	count := make([]int64, len(replaced))
	ints := make([][]int64, 3)
	var kids, slots []uint32
	for i, kid := range of {
		for h := g.head[kid]; h != 0; h = g.s[h-1].next {
			x := &g.s[h-1]
			emitted := int64(0)
			if x.emitted {
				emitted = 1
			}
			if len(count) > 0 {
				count[i]++
			}
			ints[0], ints[1], ints[2] = append(ints[0], x.start), append(ints[1], x.last), append(ints[2], emitted)
			kids, slots = append(kids, kid), append(slots, h-1)
		}
	}
	keys, err := g.slotState(sessionKeyColumns, [][]int64{count}, replaced)
	if err != nil {
		return nil, err
	}
	groups, err := g.slotState(sessionColumns, ints, kids, slots)
	if err != nil {
		keys.Release()
		return nil, err
	}
	return arrowstream.State{"meta": g.meta(), "keys": keys, "groups": groups}, nil
}

// Restore implements [arrowstream.Stateful].
func (g *sessions) Restore(ctx context.Context, st arrowstream.State) error { return g.Apply(ctx, st) }

// Apply implements [arrowstream.Incremental].
func (g *sessions) Apply(_ context.Context, st arrowstream.State) error {
	if spill.IsDivided(st) {
		return g.Over.Apply(st)
	}
	if err := g.restoreMeta(st); err != nil {
		return err
	}
	_, replaced, err := g.restoreKeys(st["keys"], sessionKeyColumns, nil)
	if err != nil {
		return err
	}
	g.head = grown(g.head, g.keys.Limit())
	var old []uint32
	for _, kid := range replaced {
		for g.head[kid] != 0 {
			slot := g.head[kid] - 1
			g.unlink(slot)
			g.s[slot].live = false
			old = append(old, slot)
		}
	}
	g.giveBack(old)
	err = g.restoreSlots(st["groups"], sessionColumns, func(ints [][]int64, kids, slots []uint32) {
		g.head = grown(g.head, g.keys.Limit())
		for i, kid := range kids {
			slot := g.slots.Get()
			slots[i] = slot
			g.begin(slot, session{
				start: ints[0][i], last: ints[1][i], kid: kid, live: true, emitted: ints[2][i] != 0, dueAt: nowhere, goneAt: nowhere,
			})
			x := &g.s[slot]
			if x.emitted || g.opts.updates {
				x.goneAt = g.end(x)
				g.gone.push(x.goneAt, slot)
			} else {
				g.enqueue(slot)
			}
		}
	})
	g.removeIdle(replaced)
	return err
}

// markOf notes that the sessions of slots have changed.
func (g *sessions) markOf(slots []uint32) {
	if g.changed.On() {
		for _, slot := range slots {
			g.changed.Mark([]uint32{g.s[slot].kid}, g.keys.Limit())
		}
	}
}

// drop forgets those of kids that have no sessions any more: at once, or at the
// next checkpoint, which has to say that they are gone.
func (g *sessions) drop(kids []uint32) {
	if g.changed.On() {
		g.changed.Mark(kids, g.keys.Limit())
	} else {
		g.removeIdle(kids)
	}
}

// removeIdle forgets those of kids that have no sessions.
func (g *sessions) removeIdle(kids []uint32) {
	var idle []uint32
	for _, kid := range kids {
		if g.head[kid] == 0 {
			idle = append(idle, kid)
		}
	}
	g.keys.Remove(idle)
}
