package stage

import (
	"cmp"
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/internal/spill"
)

// Snapshot implements [arrowstream.Stateful]: "keys" has the known keys in the
// order in which they came, with the time of their tick.
func (d *Distinct) Snapshot(ctx context.Context) (arrowstream.State, error) {
	if d.rows != nil {
		return d.rows.Snapshot(ctx)
	}
	return d.stateFrom(0)
}

// Delta implements [arrowstream.Incremental]: "keys" has the keys that have come
// and are known still, or have begun to age. Those that are forgotten follow
// from the time. Of a changelog it is the whole state.
func (d *Distinct) Delta(ctx context.Context) (arrowstream.State, error) {
	if d.rows != nil {
		return d.rows.Snapshot(ctx)
	}
	return d.stateFrom(d.saved)
}

// stateFrom leaves out the first ages or, without TTL, whose keys are never
// removed, the first keys.
func (d *Distinct) stateFrom(from int) (arrowstream.State, error) {
	var kids []uint32
	var times []int64
	if d.TTL > 0 {
		for _, a := range d.ages[from:] {
			kids, times = append(kids, a.kid), append(times, a.time)
		}
		d.saved = len(d.ages)
	} else {
		for kid := from; kid < len(d.known); kid++ {
			kids = append(kids, uint32(kid))
		}
		times, d.saved = make([]int64, len(kids)), len(d.known)
	}
	keys, err := d.keys.Columns(kids)
	if err != nil {
		return nil, err
	}
	cols := append(keys, int64Array(d.mem, times))
	defer grouped.Release(cols)
	return arrowstream.State{
		"meta": grouped.Meta(d.mem, []string{"mark"}, d.mark),
		"keys": array.NewRecord(arrow.NewSchema(d.stateFields(), nil), cols, int64(len(kids))),
	}, nil
}

func (d *Distinct) stateFields() []arrow.Field {
	fields := slices.Clone(d.keys.Fields())
	for i := range fields {
		fields[i].Nullable = true
	}
	return append(fields, arrow.Field{Name: "__time", Type: arrow.PrimitiveTypes.Int64})
}

// Restore implements [arrowstream.Stateful].
func (d *Distinct) Restore(ctx context.Context, st arrowstream.State) error { return d.Apply(ctx, st) }

// Apply implements [arrowstream.Incremental].
func (d *Distinct) Apply(ctx context.Context, st arrowstream.State) error {
	if d.rows != nil {
		return d.rows.Restore(ctx, st)
	}
	if spill.IsDivided(st) {
		return d.Over.Apply(st)
	}
	meta, ok := grouped.ReadMeta(st["meta"], "mark")
	if !ok {
		return badState("distinct", "meta")
	}
	b := st["keys"]
	if !sameTypes(b, d.stateFields()) {
		return badState("distinct", "keys")
	}
	d.mark = slices.Max(meta[0])
	d.outlive()
	n := int(b.NumCols()) - 1
	ids := make([]uint32, b.NumRows())
	if err := d.keys.Restore(b.Columns()[:n], ids); err != nil {
		return err
	}
	d.known = append(d.known, make([]bool, d.keys.Limit()-len(d.known))...)
	d.live += int64(len(ids))
	times := columnar.Values[int64](b.Column(n))
	for i, kid := range ids {
		d.known[kid] = true
		if d.TTL > 0 {
			d.ages = append(d.ages, aged{kid, times[i]})
		}
	}
	// Those of several instances come one after the other.
	slices.SortStableFunc(d.ages, func(a, b aged) int { return cmp.Compare(a.time, b.time) })
	return nil
}

// outlive forgets the keys that are over at the mark of a delta. Those that had
// no time when there is one now are in the delta, unless they are over too.
func (d *Distinct) outlive() {
	n := 0
	if d.mark != arrowstream.NoEventTime {
		for n < len(d.ages) && (d.ages[n].time == arrowstream.NoEventTime || d.mark-d.ages[n].time >= d.TTL.Microseconds()) {
			n++
		}
	}
	d.drop(n)
}
