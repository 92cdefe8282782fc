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

// Snapshot implements [arrowstream.Stateful]: "keys" has a row per key with the
// time of its last row, "rows" the rows of each key in order, "meta" the rest.
func (t *Top) Snapshot(context.Context) (arrowstream.State, error) { return t.stateOf(t.live()) }

// Delta implements [arrowstream.Incremental]: "keys" has the keys that have
// changed, and "rows" those of their rows that there are.
func (t *Top) Delta(context.Context) (arrowstream.State, error) { return t.stateOf(t.changed.IDs()) }

func (t *Top) stateOf(ids []uint32) (arrowstream.State, error) {
	keys, err := t.keys.Columns(ids)
	if err != nil {
		return nil, err
	}
	times, numbers := make([]int64, len(ids)), []uint32{}
	for i, id := range ids {
		if t.life.on {
			times[i] = t.life.last[id]
		}
		numbers = append(numbers, t.lists[id]...)
	}
	cols := append(keys, int64Array(t.mem, times))
	defer func() { grouped.Release(cols) }()
	rows := emptyRecord(t.mem, t.stored)
	if len(numbers) > 0 {
		rows.Release()
		if rows, err = t.rows.take(numbers); err != nil {
			return nil, err
		}
	}
	st := arrowstream.State{
		"meta": grouped.Meta(t.mem, []string{"mark", "closed", "late"}, t.life.mark, t.closed, t.late),
		"keys": array.NewRecord(arrow.NewSchema(t.keyFields(), nil), cols, int64(len(ids))),
		"rows": rows,
	}
	t.changed.Clear()
	t.remove()
	return st, nil
}

func (t *Top) keyFields() []arrow.Field {
	fields := slices.Clone(t.keys.Fields())
	for i := range fields {
		fields[i].Nullable = true
	}
	return append(fields, arrow.Field{Name: "__time", Type: arrow.PrimitiveTypes.Int64})
}

// Restore implements [arrowstream.Stateful].
func (t *Top) Restore(ctx context.Context, st arrowstream.State) error { return t.Apply(ctx, st) }

// Apply implements [arrowstream.Incremental]: the rows of a key of the delta are
// as it says.
func (t *Top) Apply(_ context.Context, st arrowstream.State) error {
	meta, ok := grouped.ReadMeta(st["meta"], "mark", "closed", "late")
	if !ok {
		return badState("top", "meta")
	}
	b, rows := st["keys"], st["rows"]
	if !sameTypes(b, t.keyFields()) {
		return badState("top", "keys")
	}
	if !sameTypes(rows, t.stored.Fields()) {
		return badState("top", "rows")
	}
	t.life.mark, t.closed, t.late = slices.Max(meta[0]), slices.Max(meta[1]), grouped.Sum(meta[2], t.instance)
	ids := make([]uint32, b.NumRows())
	if err := t.keys.Restore(b.Columns()[:len(t.By)], ids); err != nil {
		return err
	}
	t.lists = grown(t.lists, t.keys.Limit())
	t.life.grow(t.keys.Limit())
	times := columnar.Values[int64](b.Column(len(t.By)))
	for i, id := range ids {
		t.rows.drop(t.lists[id])
		t.lists[id] = nil
		if t.life.on {
			t.life.last[id] = times[i]
		}
	}
	if err := t.restoreRows(rows); err != nil {
		return err
	}
	for _, id := range ids {
		if len(t.lists[id]) == 0 {
			t.gone = append(t.gone, id)
		}
	}
	t.remove()
	return t.rows.tidy()
}

// restoreRows adds rows in the order of their lists.
func (t *Top) restoreRows(rows arrow.Record) error {
	ids := make([]uint32, rows.NumRows())
	if err := t.keys.FindArrays(t.keys.Of(rows), ids); err != nil {
		return err
	}
	whole := withSchema(rows, t.stored)
	defer whole.Release()
	numbers := t.rows.add(whole)
	t.marks = grown(t.marks, len(t.rows.places))
	for i, id := range ids {
		if t.lists[id] = append(t.lists[id], numbers[i]); t.end >= 0 && len(t.lists[id]) == 1 {
			end := t.endOf(rows, i)
			t.ends[end] = append(t.ends[end], id)
		}
	}
	return nil
}
