package window

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
)

var (
	countKeyColumns  = []string{"seen", "fired"}
	countPaneColumns = []string{"pane", "first", "last"}
)

// Snapshot implements [arrowstream.Stateful]: "keys" has a row per key,
// "groups" a row per pane, "rows" the rows that wait, "meta" the rest.
func (g *counts) Snapshot(context.Context) (arrowstream.State, error) {
	all := make([]uint32, len(g.k))
	for i := range all {
		all[i] = uint32(i)
	}
	return g.stateOf(all)
}

// Delta implements [arrowstream.Incremental]: "keys" and "groups" are those of
// the keys that had rows, "rows" is complete.
func (g *counts) Delta(context.Context) (arrowstream.State, error) { return g.stateOf(g.changed.IDs()) }

// stateOf is the state of some keys.
func (g *counts) stateOf(kids []uint32) (st arrowstream.State, err error) {
	st = arrowstream.State{"meta": g.meta()}
	defer func() {
		if err != nil {
			st.Release()
			st = nil
		}
	}()
	keys, panes := make([][]int64, 2), make([][]int64, 3)
	var paneKids, slots []uint32
	for _, kid := range kids {
		k := &g.k[kid]
		keys[0], keys[1] = append(keys[0], k.seen), append(keys[1], k.fired)
		for _, p := range k.panes {
			panes[0], panes[1], panes[2] = append(panes[0], p.index), append(panes[1], p.first), append(panes[2], p.last)
			paneKids, slots = append(paneKids, kid), append(slots, p.slot)
		}
	}
	b, err := g.slotState(countKeyColumns, keys, kids)
	if err != nil {
		return st, err
	}
	st["keys"] = b
	if b, err = g.slotState(countPaneColumns, panes, paneKids, slots); err != nil {
		return st, err
	}
	st["groups"] = b
	g.changed.Clear()
	if len(g.buffer) == 0 {
		st["rows"] = emptyRecord(g.mem, g.in)
		return st, nil
	}
	if b, err = kernels.Concat(g.mem, g.buffer); err != nil {
		return st, err
	}
	st["rows"] = b
	return st, nil
}

// Restore implements [arrowstream.Stateful].
func (g *counts) Restore(ctx context.Context, st arrowstream.State) error { return g.Apply(ctx, st) }

// Apply implements [arrowstream.Incremental].
func (g *counts) Apply(_ context.Context, st arrowstream.State) error {
	if err := g.restoreMeta(st); err != nil {
		return err
	}
	ints, kids, err := g.restoreKeys(st["keys"], countKeyColumns, nil)
	if err != nil {
		return err
	}
	g.k = append(g.k, make([]keyCount, g.keys.Limit()-len(g.k))...)
	var old []uint32
	for i, kid := range kids {
		for _, p := range g.k[kid].panes {
			old = append(old, p.slot)
		}
		g.k[kid] = keyCount{seen: ints[0][i], fired: ints[1][i]}
	}
	g.giveBack(old)
	err = g.restoreSlots(st["groups"], countPaneColumns, func(ints [][]int64, kids, slots []uint32) {
		for i, kid := range kids {
			slots[i] = g.slots.Get()
			k := &g.k[kid]
			k.panes = append(k.panes, countPane{index: ints[0][i], first: ints[1][i], last: ints[2][i], slot: slots[i]})
		}
	})
	if err != nil {
		return err
	}
	rows := st["rows"]
	if rows == nil || !slices.EqualFunc(rows.Schema().Fields(), g.in.Fields(), func(a, b arrow.Field) bool { return arrow.TypeEqual(a.Type, b.Type) }) {
		return g.badState("rows")
	}
	g.dropBuffer()
	if rows.NumRows() > 0 {
		g.buffer = append(g.buffer, array.NewRecord(g.in, rows.Columns(), rows.NumRows()))
	}
	return nil
}
