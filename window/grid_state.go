package window

import (
	"context"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/spill"
)

var paneColumns = []string{"pane_start", "pane_end"}

// Snapshot implements [arrowstream.Stateful]: "groups" has a row per pane and
// key, "meta" the rest.
func (g *grid) Snapshot(context.Context) (arrowstream.State, error) {
	return g.stateOf(func(uint32) bool { return true })
}

// Delta implements [arrowstream.Incremental]: "groups" has a row for each key
// that had rows in an open pane. Which panes are closed follows from the horizon.
func (g *grid) Delta(context.Context) (arrowstream.State, error) { return g.stateOf(g.changed.Has) }

// stateOf is the state of the chosen slots.
func (g *grid) stateOf(chosen func(slot uint32) bool) (arrowstream.State, error) {
	ints := make([][]int64, 2)
	var kids, slots []uint32
	for _, p := range g.panes {
		for i, slot := range p.slots {
			if chosen(slot) {
				ints[0], ints[1] = append(ints[0], p.start), append(ints[1], p.end)
				kids, slots = append(kids, p.kids[i]), append(slots, slot)
			}
		}
	}
	groups, err := g.slotState(paneColumns, ints, kids, slots)
	if err != nil {
		return nil, err
	}
	g.changed.Clear()
	return arrowstream.State{"meta": g.meta(), "groups": groups}, nil
}

// Restore implements [arrowstream.Stateful].
func (g *grid) Restore(ctx context.Context, st arrowstream.State) error { return g.Apply(ctx, st) }

// Apply implements [arrowstream.Incremental].
func (g *grid) Apply(_ context.Context, st arrowstream.State) error {
	if spill.IsDivided(st) {
		return g.Over.Apply(st)
	}
	if err := g.restoreMeta(st); err != nil {
		return err
	}
	g.forget()
	g.heat()
	return g.restoreSlots(st["groups"], paneColumns, func(ints [][]int64, kids, slots []uint32) {
		g.refs = grown(g.refs, g.keys.Limit())
		for i, kid := range kids {
			p := g.cur
			if p == nil || p.start != ints[0][i] || p.end != ints[1][i] {
				p = g.paneFor(ints[0][i], ints[1][i])
				g.cur = p
			}
			hot := p.hot
			p.hot = false // restoring is no change
			slots[i] = g.slot(p, kid)
			p.hot = hot
			if g.changelog {
				g.birth[slots[i]] = 0
			}
		}
	})
}
