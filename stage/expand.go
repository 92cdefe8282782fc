package stage

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// Expand passes every row once for each of several sets of columns, with NULL in
// the columns of By that are not in the set and the number of the set in a
// column of its own: GROUPING SETS, ROLLUP and CUBE are an Aggregate behind it,
// whose key is By and ID. The rows of a tick come set by set, so a change is
// expanded into as many changes, and a -U has its +U in each set.
//
// Columns of By are copies under their own names: what aggregates read of them
// must have been copied under another name before, since it would be NULL.
type Expand struct {
	// By are the columns of all sets.
	By []string
	// Sets are the columns of each set, all of them in By.
	Sets [][]string
	// ID is the name of the column with GROUPING_ID of the set: a bit for each
	// column of By, the last one lowest, 1 where it is not in the set.
	ID string

	by   []int
	out  *arrow.Schema
	ids  []int64
	mem  memory.Allocator
	held []arrow.Record // of the tick
}

var _ arrowstream.Parallel = (*Expand)(nil)

// Bind implements [arrowstream.Stage].
func (e *Expand) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	const most = 63 // bits of an ID
	e.mem, e.by, e.ids = env.Allocator, nil, nil
	if len(e.Sets) == 0 || len(e.By) > most {
		return nil, planError("AS1101", fmt.Sprintf("expand: %d sets of %d columns: want a set at least, and at most %d columns", len(e.Sets), len(e.By), most), "")
	}
	fields, event := slices.Clone(in.Fields()), columnar.EventTime(in)
	for _, name := range e.By {
		c, err := grouped.Column("expand", in, name)
		if err != nil {
			return nil, err
		}
		e.by = append(e.by, c)
	}
	for _, set := range e.Sets {
		id := int64(1)<<len(e.By) - 1
		for _, name := range set {
			i := slices.Index(e.By, name)
			if i < 0 {
				return nil, planError("AS1203", fmt.Sprintf("expand: column %q of a set is not in By", name), "")
			}
			id &^= 1 << (len(e.By) - 1 - i)
		}
		e.ids = append(e.ids, id)
	}
	for i, c := range e.by {
		if e.sometimes(i) {
			fields[c].Nullable = true
			if c == event {
				event = -1
			}
		}
	}
	fields = slices.Insert(fields, e.visible(in), arrow.Field{Name: e.ID, Type: arrow.PrimitiveTypes.Int64})
	if err := grouped.Distinct("expand", fields); err != nil {
		return nil, err
	}
	md := in.Metadata()
	if e.out = arrow.NewSchema(fields, &md); event < 0 {
		e.out = columnar.WithEventTime(e.out, "")
	}
	return e.out, nil
}

// visible is the number of columns without that of changes.
func (e *Expand) visible(in *arrow.Schema) int {
	if columnar.Changelog(in) {
		return in.NumFields() - 1
	}
	return in.NumFields()
}

// sometimes tells whether a column of By is missing in a set.
func (e *Expand) sometimes(i int) bool {
	return slices.ContainsFunc(e.ids, func(id int64) bool { return e.without(id, i) })
}

func (e *Expand) without(id int64, i int) bool { return id>>(len(e.By)-1-i)&1 != 0 }

// Process implements [arrowstream.Stage].
func (e *Expand) Process(_ context.Context, b arrowstream.Batch, _ arrowstream.Emit) error {
	if b.NumRows() > 0 {
		b.Retain()
		e.held = append(e.held, b)
	}
	return nil
}

// Advance implements [arrowstream.Stage].
func (e *Expand) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	defer e.Close()
	for _, id := range e.ids {
		for _, b := range e.held {
			if err := e.emitSet(b, id, int(b.NumRows()), emit); err != nil {
				return w, err
			}
		}
	}
	return w, nil
}

// emitSet emits the rows of b for a set. Columns are shared; NULLs and numbers are
// made.
func (e *Expand) emitSet(b arrow.Record, id int64, n int, emit arrowstream.Emit) error {
	cols := slices.Clone(b.Columns())
	var made []arrow.Array
	defer func() { grouped.Release(made) }()
	for i, c := range e.by {
		if e.without(id, i) {
			cols[c] = array.MakeArrayOfNull(e.mem, b.Column(c).DataType(), n)
			made = append(made, cols[c])
		}
	}
	ids := int64Array(e.mem, slices.Repeat([]int64{id}, n))
	made = append(made, ids)
	out := array.NewRecord(e.out, slices.Insert(cols, e.visible(b.Schema()), ids), int64(n))
	defer out.Release()
	return emit(out)
}

// Clone implements [arrowstream.Parallel].
func (e *Expand) Clone() arrowstream.Stage { return &Expand{By: e.By, Sets: e.Sets, ID: e.ID} }

// Keys implements [arrowstream.Parallel]: rows are independent of each other.
func (e *Expand) Keys() []string { return nil }

// Order implements [arrowstream.Parallel].
func (e *Expand) Order() []string { return nil }

// Close lets go of the rows of the tick.
func (e *Expand) Close() error {
	for _, b := range e.held {
		b.Release()
	}
	e.held = e.held[:0]
	return nil
}
