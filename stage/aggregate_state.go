package stage

import (
	"context"
	"errors"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// Snapshot implements [arrowstream.Stateful]: "groups" has a row per key,
// "meta" the rest.
func (a *Aggregate) Snapshot(context.Context) (arrowstream.State, error) {
	return a.stateOf(a.groups())
}

// Delta implements [arrowstream.Incremental]: "groups" has a row for each key
// that had rows.
func (a *Aggregate) Delta(context.Context) (arrowstream.State, error) {
	return a.stateOf(a.changed.IDs())
}

func (a *Aggregate) stateOf(groups []uint32) (arrowstream.State, error) {
	if a.over != nil {
		return nil, errors.New("aggregate: what is spilled has a log, and no snapshot")
	}
	states, err := a.states(groups)
	if err != nil {
		return nil, err
	}
	a.changed.Clear()
	a.remove()
	shown := int64(0)
	if len(a.By) == 0 && len(a.shown) > 0 && a.shown.Has(0) {
		shown = 1
	}
	return arrowstream.State{
		"meta":   grouped.Meta(a.mem, []string{"seen", "shown", "mark"}, a.seen, shown, a.life.mark),
		"groups": states,
	}, nil
}

// states has a row for each of groups, its key and what the aggregates know of it.
func (a *Aggregate) states(groups []uint32) (arrow.Record, error) {
	keys, err := a.keys.Columns(groups)
	if err != nil {
		return nil, err
	}
	defer grouped.Release(keys)
	state, err := a.set.State(groups)
	if err != nil {
		return nil, err
	}
	defer func() { grouped.Release(state) }()
	for _, counter := range a.counters() {
		vals := make([]int64, len(groups))
		for i, id := range groups {
			vals[i] = (*counter)[id]
		}
		state = append(state, int64Array(a.mem, vals))
	}
	return array.NewRecord(arrow.NewSchema(a.stateFields(), nil), append(slices.Clone(keys), state...), int64(len(groups))), nil
}

// counters are the columns of groups that aggregates do not know.
func (a *Aggregate) counters() (c []*[]int64) {
	if a.counted {
		c = append(c, &a.rows)
	}
	if a.life.on {
		c = append(c, &a.life.last)
	}
	return c
}

// mergeStates puts groups into the table as [Aggregate.states] has them.
func (a *Aggregate) mergeStates(b arrow.Record) error {
	_, err := a.mergeGroups(b)
	return err
}

// mergeGroups is mergeStates and returns the groups.
func (a *Aggregate) mergeGroups(b arrow.Record) (ids []uint32, err error) {
	ids = make([]uint32, b.NumRows())
	if err := a.keys.Restore(b.Columns()[:len(a.By)], ids); err != nil {
		return nil, err
	}
	a.set.Reset(ids)
	state := b.Columns()[len(a.By):]
	for i, counter := range a.counters() {
		*counter = grown(*counter, a.keys.Limit())
		vals := columnar.Values[int64](state[len(a.plan.StateFields())+i])
		for row, id := range ids {
			(*counter)[id] = vals[row]
		}
	}
	return ids, a.set.Merge(ids, a.keys.Limit(), state[:len(a.plan.StateFields())])
}

func (a *Aggregate) stateFields() []arrow.Field {
	fields := slices.Clone(a.keys.Fields())
	for i := range fields {
		fields[i].Nullable = true
	}
	fields = append(fields, a.plan.StateFields()...)
	for i := range a.counters() {
		fields = append(fields, arrow.Field{Name: []string{"__rows", "__time"}[i], Type: arrow.PrimitiveTypes.Int64})
	}
	return fields
}

// Restore implements [arrowstream.Stateful].
func (a *Aggregate) Restore(ctx context.Context, st arrowstream.State) error {
	return a.Apply(ctx, st)
}

// Apply implements [arrowstream.Incremental]: a group of the delta is as it
// says, whatever it was. The parts of a log come alone, see [aggregateLog].
func (a *Aggregate) Apply(_ context.Context, st arrowstream.State) error {
	if count, ok := grouped.ReadMeta(st["count"], "seen"); ok {
		a.seen = grouped.Sum(count[0], a.instance)
		return nil
	}
	if rows := st["rows"]; rows != nil && len(a.By) > 0 && sameTypes(rows, a.input.Fields()) {
		return a.restoreRows(rows)
	}
	b := st["groups"]
	if !sameTypes(b, a.stateFields()) {
		return badState("aggregate", "groups")
	}
	if st["meta"] == nil {
		return a.restoreStates(b)
	}
	meta, ok := grouped.ReadMeta(st["meta"], "seen", "shown", "mark")
	if !ok { // of a version that forgot nothing
		if meta, ok = grouped.ReadMeta(st["meta"], "seen", "shown"); !ok {
			return badState("aggregate", "meta")
		}
		meta = append(meta, []int64{arrowstream.NoEventTime})
	}
	a.seen, a.life.mark = grouped.Sum(meta[0], a.instance), slices.Max(meta[2])
	if !a.Updates && !a.counted {
		return a.restoreStates(b)
	}
	ids, err := a.mergeGroups(b)
	if err != nil {
		return err
	}
	if a.counted {
		for _, id := range ids {
			if a.rows[id] <= 0 { // its key is all there is
				a.gone = append(a.gone, id)
			}
		}
	}
	if a.Updates {
		a.shown.Grow(a.keys.Limit())
		for _, id := range ids {
			a.shown.Set(id)
		}
		if len(a.By) == 0 && meta[1][0] == 0 {
			a.shown.Clear(0)
		}
		for _, id := range a.gone {
			a.shown.Clear(id)
		}
	}
	a.remove()
	return nil
}
