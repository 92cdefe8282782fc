package stage

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/internal/spill"
	"github.com/arrowstream/arrowstream/kernels"
)

var _ arrowstream.Logged = (*HashJoin)(nil)

// sideNames are the names of the inputs in a state.
var sideNames = [2]string{"left", "right"}

// Snapshot implements [arrowstream.Stateful]: "left" and "right" have the rows in
// the order in which they came, with their slots, matches and times; "meta" says
// which inputs have ended.
func (j *HashJoin) Snapshot(context.Context) (arrowstream.State, error) { return j.state(false) }

// Delta implements [arrowstream.Incremental]: the rows that have come and are
// there still, in "left.gone" the slots of those that have gone, which comes
// first, and in "left.matches" the matches of others that have changed.
func (j *HashJoin) Delta(context.Context) (arrowstream.State, error) { return j.state(true) }

func (j *HashJoin) state(delta bool) (st arrowstream.State, err error) {
	st = arrowstream.State{}
	defer func() {
		if err != nil {
			st.Release()
			st = nil
		}
	}()
	meta := []int64{j.seen, j.list.rows, j.list.nulls}
	for i, name := range sideNames {
		s := &j.sides[i]
		r := s.rows
		ended := int64(0)
		if s.ended {
			ended = 1
		}
		meta = append(meta, ended, s.mark, s.since)
		if r == nil {
			r = &joinRows{mem: j.mem, schema: j.plan.inputs[i].schema, timed: s.ttl > 0}
		}
		if st[name], err = r.state(delta); err != nil {
			return st, err
		}
		if delta {
			st[name+".gone"] = slotRecord(j.mem, r.gone, nil)
			st[name+".matches"] = slotRecord(j.mem, r.turned(), r)
		}
		r.saved()
	}
	st["meta"] = grouped.Meta(j.mem, metaNames, meta...)
	return st, nil
}

var metaNames = []string{"seen", "listRows", "listNulls", "leftEnded", "leftMark", "leftSince", "rightEnded", "rightMark", "rightSince"}

// stateFields are the columns of rows in a state.
func (r *joinRows) stateFields() []arrow.Field {
	fields := append(slices.Clone(r.schema.Fields()), slotFields...)
	for i := range fields {
		fields[i].Nullable = true
	}
	if r.timed {
		fields = append(fields, arrow.Field{Name: "__time", Type: arrow.PrimitiveTypes.Int64})
	}
	return fields
}

var slotFields = []arrow.Field{{Name: "__slot", Type: arrow.PrimitiveTypes.Int64}, {Name: "__matches", Type: arrow.PrimitiveTypes.Int64}}

// state has all rows, or only those that are in no checkpoint.
func (r *joinRows) state(fresh bool) (arrow.Record, error) {
	var places []kernels.Place
	var slots, matches, times []int64
	from := 0
	if fresh { // the rows that are saved come first
		for from = len(r.order); from > 0 && r.chunks[r.order[from-1]].saved == 0; from-- {
		}
		from = max(0, from-1)
	}
	for _, n := range r.order[from:] {
		c := r.chunks[n]
		first := 0
		if fresh {
			first = c.saved
		}
		for i := first; i < len(c.slots); i++ {
			at, slot := kernels.Place{Chunk: n, Row: uint32(i)}, c.slots[i]
			if r.rows[slot].place != at {
				continue
			}
			places, slots, matches = append(places, at), append(slots, int64(slot)), append(matches, int64(r.rows[slot].matches))
			if r.timed {
				times = append(times, c.times[i])
			}
		}
	}
	rows, err := r.gather(places)
	if err != nil {
		return nil, err
	}
	defer rows.Release()
	extra := []arrow.Array{int64Array(r.mem, slots), int64Array(r.mem, matches)}
	if r.timed {
		extra = append(extra, int64Array(r.mem, times))
	}
	defer grouped.Release(extra)
	return array.NewRecord(arrow.NewSchema(r.stateFields(), nil), append(slices.Clone(rows.Columns()), extra...), int64(len(places))), nil
}

// turned are the slots of saved rows whose matches have changed.
func (r *joinRows) turned() []uint32 {
	var slots []uint32
	for _, slot := range r.touched.IDs() {
		if at := r.rows[slot].place; at != kernels.NoPlace && int(at.Row) < r.chunks[at.Chunk].saved {
			slots = append(slots, slot)
		}
	}
	return slots
}

// slotRecord has slots and, of r if it is not nil, their matches.
func slotRecord(mem memory.Allocator, slots []uint32, r *joinRows) arrow.Record {
	ids, matches := make([]int64, len(slots)), make([]int64, len(slots))
	for i, slot := range slots {
		if ids[i] = int64(slot); r != nil {
			matches[i] = int64(r.rows[slot].matches)
		}
	}
	cols := []arrow.Array{int64Array(mem, ids), int64Array(mem, matches)}
	defer grouped.Release(cols)
	return array.NewRecord(arrow.NewSchema(slotFields, nil), cols, int64(len(slots)))
}

// saved notes that all rows are in a checkpoint.
func (r *joinRows) saved() {
	for k := len(r.order) - 1; k >= 0; k-- {
		c := r.chunks[r.order[k]]
		c.saved = len(c.slots)
	}
	r.gone = r.gone[:0]
	r.touched.Clear()
}

// Restore implements [arrowstream.Stateful].
func (j *HashJoin) Restore(ctx context.Context, st arrowstream.State) error { return j.Apply(ctx, st) }

// Apply implements [arrowstream.Incremental].
func (j *HashJoin) Apply(_ context.Context, st arrowstream.State) error {
	if spill.IsDivided(st) {
		return j.Over.Apply(st)
	}
	meta, ok := grouped.ReadMeta(st["meta"], metaNames...)
	if !ok {
		return badState("join", "meta")
	}
	j.seen, j.list.rows, j.list.nulls = meta[0][0], meta[1][0], meta[2][0]
	for i, name := range sideNames {
		s := &j.sides[i]
		s.ended, s.mark, s.since = meta[3+3*i][0] != 0, meta[4+3*i][0], meta[5+3*i][0]
		if s.rows == nil {
			continue
		}
		if s.since != arrowstream.NoEventTime {
			s.rows.date(s.since) // those that came before, and are in an earlier part
		}
		for _, part := range []string{name + ".gone", name + ".matches"} {
			if b := st[part]; b != nil && !sameTypes(b, slotFields) {
				return badState("join", part)
			}
		}
		if b := st[name]; !sameTypes(b, s.rows.stateFields()) {
			return badState("join", name)
		}
		if b := st[name+".gone"]; b != nil {
			if err := j.removeSaved(i, columnar.Values[int64](b.Column(0))); err != nil {
				return err
			}
		}
		if b := st[name+".matches"]; b != nil {
			matches := columnar.Values[int64](b.Column(1))
			for k, slot := range columnar.Values[int64](b.Column(0)) {
				s.rows.rows[slot].matches = uint32(matches[k])
			}
		}
		if err := j.addSaved(i, st[name]); err != nil {
			return err
		}
	}
	for i := range j.sides {
		if j.sides[i].ended {
			j.drop(1 - i)
		}
	}
	j.removeLoose()
	return nil
}

// removeSaved forgets the rows in slots.
func (j *HashJoin) removeSaved(input int, ids []int64) error {
	r := j.sides[input].rows
	slots := make([]uint32, len(ids))
	for i, id := range ids {
		if id < 0 || int(id) >= len(r.rows) || r.rows[id].place == kernels.NoPlace {
			return badState("join", sideNames[input]+".gone")
		}
		slot := uint32(id)
		slots[i] = slot
		at := r.rows[slot].place
		kid := r.chunks[at.Chunk].keys[at.Row]
		r.unlinkSlot(kid, slot)
		j.loose = append(j.loose, kid)
	}
	r.drop(slots)
	return r.tidy()
}

// addSaved adds the rows of a state in their slots.
func (j *HashJoin) addSaved(input int, b arrow.Record) error {
	r := j.sides[input].rows
	n := int(b.NumRows())
	if n == 0 {
		return nil
	}
	rows := withoutChanges(b, r.schema)
	defer rows.Release()
	kids := make([]uint32, n)
	if j.groups.Len() == 0 {
		j.groups.Reserve(n)
	}
	if err := j.groups.Find(j.plan.inputs[input].keysOf(rows, nil), kids); err != nil {
		return grouped.Error(j.plan.what, err)
	}
	r.growKeys(j.groups.Len())
	columns := r.schema.NumFields()
	slots, matches := make([]uint32, n), columnar.Values[int64](b.Column(columns+1))
	for i, id := range columnar.Values[int64](b.Column(columns)) {
		slots[i] = uint32(id)
	}
	if !r.claim(slots) {
		return badState("join", sideNames[input])
	}
	hashes, err := r.hash(rows)
	if err != nil {
		return err
	}
	kept, err := kernels.TakeRecord(j.mem, rows, allRows(n))
	if err != nil {
		return err
	}
	for i, slot := range slots {
		r.rows[slot].matches = uint32(matches[i])
		r.setHash(slot, hashes, i)
	}
	r.add(kept, kids, slots)
	if j.spanOf != nil {
		j.from, j.until = sized(j.from, n), sized(j.until, n)
		j.spanOf(input, rows, j.from, j.until)
		r.setSpans(j.from, j.until, allRows(n))
	}
	if r.timed {
		copy(r.chunks[r.order[len(r.order)-1]].times, columnar.Values[int64](b.Column(columns+2)))
	}
	return r.tidy()
}

// claim hands out the given slots; false if one of them is in use.
func (r *joinRows) claim(slots []uint32) bool {
	r.claimed = true
	for _, slot := range slots {
		for len(r.rows) <= int(slot) {
			r.rows = append(r.rows, joinRow{place: kernels.NoPlace})
		}
		if r.rows[slot].place != kernels.NoPlace {
			return false
		}
		r.rows[slot].place = kernels.Place{}
	}
	return true
}

// recount makes the list of free slots anew after some were claimed.
func (r *joinRows) recount() {
	if !r.claimed {
		return
	}
	r.claimed, r.slots = false, grouped.Slots{}
	var free []uint32
	for slot := range r.rows {
		if r.slots.Get(); r.rows[slot].place == kernels.NoPlace {
			free = append(free, uint32(slot))
		}
	}
	r.slots.Put(free...)
}

// allRows are the positions of n rows.
func allRows(n int) []int32 {
	idx := make([]int32, n)
	for i := range idx {
		idx[i] = int32(i)
	}
	return idx
}
