package stage

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

var patternKeyFields = []string{"__last", "__count", "__start", "__began", "__number"}

func (p *Pattern) keyFields() []arrow.Field {
	fields := keyFields(p.groups)
	for _, name := range patternKeyFields {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64})
	}
	return fields
}

// Snapshot implements [arrowstream.Stateful]: "rows" and "time" are what waits
// for the watermark, "keys" has a row per key with where its search began, and
// "store" the rows since. The ways to match follow from them.
func (p *Pattern) Snapshot(context.Context) (st arrowstream.State, err error) {
	st = arrowstream.State{}
	defer func() {
		if err != nil {
			st.Release()
		}
	}()
	if err := p.timeline.save(st, false); err != nil {
		return nil, err
	}
	kids := p.life.kids()
	slots, _ := p.life.slotsOf(kids)
	ints := make([][]int64, len(patternKeyFields))
	for i, kid := range kids {
		m := &p.state[slots[i]]
		for k, v := range []int64{p.life.of[kid].last, m.count, m.start, m.began, m.number} {
			ints[k] = append(ints[k], v)
		}
	}
	cols, err := p.groups.Columns(kids)
	defer func() { grouped.Release(cols) }()
	if err != nil {
		return st, err
	}
	for _, v := range ints {
		cols = append(cols, int64Array(p.mem, v))
	}
	store, err := p.store.save(p.groups, slots, kids)
	if err != nil {
		return st, err
	}
	st["store"] = store
	st["keys"] = array.NewRecord(arrow.NewSchema(p.keyFields(), nil), cols, int64(len(kids)))
	return st, nil
}

// Restore implements [arrowstream.Stateful].
func (p *Pattern) Restore(_ context.Context, st arrowstream.State) error {
	if err := p.timeline.load(st); err != nil {
		return err
	}
	b := st["keys"]
	if !sameTypes(b, p.keyFields()) {
		return badState("pattern", "keys")
	}
	k := len(p.By)
	kids := make([]uint32, b.NumRows())
	if err := p.groups.Restore(b.Columns()[:k], kids); err != nil {
		return err
	}
	ints := make([][]int64, len(patternKeyFields))
	for i := range ints {
		ints[i] = columnar.Values[int64](b.Column(k + i))
	}
	for i, kid := range kids {
		slot := p.life.restore(kid, ints[0][i], p.groups.Limit())
		p.state = grows(p.state, p.life.slots.Len())
		p.state[slot] = matcher{count: ints[1][i], start: ints[2][i], next: ints[2][i], began: ints[3][i], number: ints[4][i]}
	}
	slices.SortStableFunc(p.life.queue, byAge)
	return p.store.load("pattern", st["store"], p.groups, &p.life)
}
