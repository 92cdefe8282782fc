package stage

import (
	"context"
	"errors"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
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
	shown := int64(0)
	if a.shown {
		shown = 1
	}
	return arrowstream.State{
		"meta":   grouped.Meta(a.mem, []string{"seen", "shown"}, a.seen, shown),
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
	defer grouped.Release(state)
	return array.NewRecord(arrow.NewSchema(a.stateFields(), nil), append(slices.Clone(keys), state...), int64(len(groups))), nil
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
	return ids, a.set.Merge(ids, a.keys.Limit(), b.Columns()[len(a.By):])
}

func (a *Aggregate) stateFields() []arrow.Field {
	fields := slices.Clone(a.keys.Fields())
	for i := range fields {
		fields[i].Nullable = true
	}
	return append(fields, a.plan.StateFields()...)
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
	meta, ok := grouped.ReadMeta(st["meta"], "seen", "shown")
	if !ok {
		return badState("aggregate", "meta")
	}
	a.seen, a.shown = grouped.Sum(meta[0], a.instance), meta[1][0] != 0
	if !a.Updates || len(a.By) == 0 {
		return a.restoreStates(b)
	}
	ids, err := a.mergeGroups(b)
	if err != nil {
		return err
	}
	const before = 1 // the first tick, which is over
	a.stamp, a.birth = grown(a.stamp, a.keys.Limit()), grown(a.birth, a.keys.Limit())
	for _, id := range ids {
		a.birth[id] = before
	}
	a.tick = before + 1
	return nil
}
