package window

import (
	"context"

	"github.com/arrowstream/arrowstream"
)

var sessionColumns = []string{"session_start", "session_last", "emitted"}

// Snapshot implements [arrowstream.Stateful]: "groups" has a row per session,
// "meta" the rest.
func (g *sessions) Snapshot(context.Context) (arrowstream.State, error) {
	ints := make([][]int64, 3)
	var kids, slots []uint32
	for i := range g.s {
		x := &g.s[i]
		if !x.live {
			continue
		}
		emitted := int64(0)
		if x.emitted {
			emitted = 1
		}
		ints[0], ints[1], ints[2] = append(ints[0], x.start), append(ints[1], x.last), append(ints[2], emitted)
		kids, slots = append(kids, x.kid), append(slots, uint32(i))
	}
	groups, err := g.slotState(sessionColumns, ints, kids, slots)
	if err != nil {
		return nil, err
	}
	return arrowstream.State{"meta": g.meta(), "groups": groups}, nil
}

// Restore implements [arrowstream.Stateful].
func (g *sessions) Restore(_ context.Context, st arrowstream.State) error {
	if err := g.restoreMeta(st); err != nil {
		return err
	}
	return g.restoreSlots(st["groups"], sessionColumns, func(ints [][]int64, kids, slots []uint32) {
		g.head = grown(g.head, g.keys.Limit())
		for i, kid := range kids {
			slot := g.slots.Get()
			slots[i] = slot
			g.s = append(g.s, session{
				start: ints[0][i], last: ints[1][i], kid: kid, live: true, emitted: ints[2][i] != 0, dueAt: nowhere, goneAt: nowhere,
			})
			g.link(slot)
			x := &g.s[slot]
			if x.emitted || g.opts.updates {
				x.goneAt = g.end(x)
				g.gone.push(x.goneAt, slot)
			} else {
				g.enqueue(slot)
			}
		}
	})
}
