package stage

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// Snapshot implements [arrowstream.Stateful]: "rows" and "time" are what waits
// for the watermark, "keys" has a row per key and "store" the rows of keys that
// later ones look back at, those of a key one after the other.
func (o *Over) Snapshot(context.Context) (arrowstream.State, error) {
	return o.state(o.life.kids(), false)
}

// Delta implements [arrowstream.Incremental]: "keys" and "store" have the keys
// that had rows. Those that are forgotten follow from the time.
func (o *Over) Delta(context.Context) (arrowstream.State, error) {
	return o.state(slices.DeleteFunc(o.life.changed.IDs(), func(kid uint32) bool { return !o.life.of[kid].alive }), true)
}

func (o *Over) state(kids []uint32, delta bool) (st arrowstream.State, err error) {
	st = arrowstream.State{}
	defer func() {
		if err != nil {
			st.Release()
		}
	}()
	if err := o.timeline.save(st, delta); err != nil {
		return nil, err
	}
	slots, kidOf := o.life.slotsOf(kids)
	if st["keys"], err = o.keyRows(kids, slots); err != nil {
		delete(st, "keys")
		return st, err
	}
	if st["store"], err = o.store.save(o.groups, slots, kidOf); err != nil {
		delete(st, "store")
		return st, err
	}
	o.life.changed.Clear()
	return st, nil
}

var overKeyFields = []string{"__last", "__count", "__dense"}

// keyRows has a row for each key: the key, the time of its last row, how many
// there were and what the aggregates know of them.
func (o *Over) keyRows(kids, slots []uint32) (arrow.Record, error) {
	ints := make([][]int64, len(overKeyFields))
	for i, kid := range kids {
		ints[0] = append(ints[0], o.life.of[kid].last)
		ints[1], ints[2] = append(ints[1], o.count[slots[i]]), append(ints[2], o.dense[slots[i]])
	}
	cols, err := o.groups.Columns(kids)
	defer func() { grouped.Release(cols) }()
	if err != nil {
		return nil, err
	}
	for _, v := range ints {
		cols = append(cols, int64Array(o.mem, v))
	}
	for _, f := range o.frames {
		if f.open {
			state, err := f.set.State(slots)
			if err != nil {
				return nil, err
			}
			cols = append(cols, state...)
		}
	}
	return array.NewRecord(arrow.NewSchema(o.keyFields(), nil), cols, int64(len(kids))), nil
}

func (o *Over) keyFields() []arrow.Field {
	fields := keyFields(o.groups)
	for _, name := range overKeyFields {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64})
	}
	for _, f := range o.frames {
		if f.open {
			fields = append(fields, f.plan.StateFields()...)
		}
	}
	return fields
}

// keyFields are the columns of a key in a state.
func keyFields(keys *grouped.Keys) []arrow.Field {
	fields := slices.Clone(keys.Fields())
	for i := range fields {
		fields[i].Nullable = true
	}
	return fields
}

// Restore implements [arrowstream.Stateful].
func (o *Over) Restore(_ context.Context, st arrowstream.State) error { return o.restore(st) }

// Apply implements [arrowstream.Incremental].
func (o *Over) Apply(_ context.Context, st arrowstream.State) error { return o.restore(st) }

func (o *Over) restore(st arrowstream.State) error {
	if err := o.timeline.load(st); err != nil {
		return err
	}
	if o.ttl > 0 {
		o.forget(o.life.expired(o.mark, o.ttl))
	}
	b := st["keys"]
	if !sameTypes(b, o.keyFields()) {
		return badState("over", "keys")
	}
	k := len(o.By)
	kids := make([]uint32, b.NumRows())
	if err := o.groups.Restore(b.Columns()[:k], kids); err != nil {
		return err
	}
	last := columnar.Values[int64](b.Column(k))
	slots := make([]uint32, len(kids))
	for i, kid := range kids {
		slots[i] = o.life.restore(kid, last[i], o.groups.Limit())
	}
	slices.SortStableFunc(o.life.queue, byAge)
	o.count, o.dense = grows(o.count, o.life.slots.Len()), grows(o.dense, o.life.slots.Len())
	o.free(slots...)
	count, dense := columnar.Values[int64](b.Column(k+1)), columnar.Values[int64](b.Column(k+2))
	for i, slot := range slots {
		o.count[slot], o.dense[slot] = count[i], dense[i]
	}
	state := b.Columns()[k+len(overKeyFields):]
	for _, f := range o.frames {
		if f.open {
			if err := f.set.Merge(slots, o.life.slots.Len(), state); err != nil {
				return err
			}
			state = state[len(f.plan.StateFields()):]
		}
	}
	return o.store.load("over", st["store"], o.groups, &o.life)
}

// save is the blocks of slots, one after the other, with the columns of their
// keys before.
func (s *shelf) save(keys *grouped.Keys, slots, kids []uint32) (arrow.Record, error) {
	rows, starts, err := s.take(slots)
	if err != nil {
		return nil, err
	}
	defer rows.Release()
	var idx []int32
	var of []uint32
	for i, slot := range slots {
		n := s.of(slot).n
		idx = span(idx, starts[i], n)
		for range n {
			of = append(of, kids[i])
		}
	}
	inOrder, err := kernels.TakeRecord(s.mem, rows, idx)
	if err != nil {
		return nil, err
	}
	defer inOrder.Release()
	cols, err := keys.Columns(of)
	defer grouped.Release(cols)
	if err != nil {
		return nil, err
	}
	return array.NewRecord(arrow.NewSchema(append(keyFields(keys), s.schema.Fields()...), nil), append(slices.Clone(cols), inOrder.Columns()...), int64(len(of))), nil
}

// load puts what save wrote.
func (s *shelf) load(what string, b arrow.Record, keys *grouped.Keys, life *lives) error {
	n := len(keys.Fields())
	if !sameTypes(b, append(keyFields(keys), s.schema.Fields()...)) {
		return badState(what, "store")
	}
	ids := make([]uint32, b.NumRows())
	if err := keys.FindArrays(b.Columns()[:n], ids); err != nil {
		return err
	}
	var slots []uint32
	var ns []int32
	for i, kid := range ids {
		if i == 0 || kid != ids[i-1] {
			if int(kid) >= len(life.of) || !life.of[kid].alive {
				return badState(what, "store")
			}
			slots, ns = append(slots, life.of[kid].slot), append(ns, 0)
		}
		ns[len(ns)-1]++
	}
	return s.put(slots, ns, array.NewRecord(s.schema, b.Columns()[n:], b.NumRows()))
}
