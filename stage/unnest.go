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
	"github.com/arrowstream/arrowstream/kernels"
)

// Unnest repeats every row for each element of a list column, which the output
// has in a column of its own at the end. In a changelog a row is taken back with
// all its elements, and another one may have more or fewer of them: -U and +U come
// out as -D and +I.
type Unnest struct {
	// Column is the list column; it stays in the output unless Drop is set.
	Column string
	Drop   bool
	// As is the name of the column of elements.
	As string
	// Ordinality, if set, is the name of a column with the position of the
	// element in its list, from 1.
	Ordinality string
	// Outer keeps rows whose list is empty or NULL, with a NULL element.
	Outer bool

	stateless
	mem  memory.Allocator
	list int
	out  *arrow.Schema
}

var _ arrowstream.Parallel = (*Unnest)(nil)

// Bind implements [arrowstream.Stage].
func (u *Unnest) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	u.mem = env.Allocator
	var err error
	if u.list, err = grouped.Column("unnest", in, u.Column); err != nil {
		return nil, err
	}
	if columnar.EventTime(in) == u.list && u.Drop {
		in = columnar.WithEventTime(in, "")
	}
	var elem arrow.DataType
	switch t := in.Field(u.list).Type.(type) {
	case arrow.ListLikeType:
		elem = t.Elem()
	default:
		return nil, planError("AS1301", fmt.Sprintf("unnest: column %q is %s and no list", u.Column, kernels.SQLName(t)), "")
	}
	fields := slices.Clone(in.Fields())
	change := columnar.Changelog(in)
	if change {
		fields = fields[:len(fields)-1]
	}
	if u.Drop {
		fields = slices.Delete(fields, u.list, u.list+1)
	}
	name := u.As
	if name == "" {
		name = u.Column
	}
	fields = append(fields, arrow.Field{Name: name, Type: elem, Nullable: true})
	if u.Ordinality != "" {
		fields = append(fields, arrow.Field{Name: u.Ordinality, Type: arrow.PrimitiveTypes.Int64, Nullable: u.Outer})
	}
	if change {
		fields = append(fields, in.Field(in.NumFields()-1))
	}
	if err := grouped.Distinct("unnest", fields); err != nil {
		return nil, err
	}
	md := in.Metadata()
	u.out = arrow.NewSchema(fields, &md)
	return u.out, nil
}

// unnestRows bounds the batches that rows with long lists grow to.
const unnestRows = 1 << 16

// Process implements [arrowstream.Stage].
func (u *Unnest) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	list := b.Column(u.list).(array.ListLike)
	var rows, elems []int32
	var ordinals []int64
	for i := range list.Len() {
		from, to := int64(0), int64(0)
		if list.IsValid(i) {
			from, to = list.ValueOffsets(i)
		}
		if from == to && u.Outer {
			rows, elems, ordinals = append(rows, int32(i)), append(elems, -1), append(ordinals, 0)
		}
		for k := from; k < to; k++ {
			rows, elems, ordinals = append(rows, int32(i)), append(elems, int32(k)), append(ordinals, k-from+1)
			if len(rows) >= unnestRows {
				if err := u.emit(b, list, rows, elems, ordinals, emit); err != nil {
					return err
				}
				rows, elems, ordinals = rows[:0], elems[:0], ordinals[:0]
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return u.emit(b, list, rows, elems, ordinals, emit)
}

func (u *Unnest) emit(b arrowstream.Batch, list array.ListLike, rows, elems []int32, ordinals []int64, emit arrowstream.Emit) error {
	var cols []arrow.Array
	defer func() { grouped.Release(cols) }()
	take := func(a arrow.Array, idx []int32) error {
		col, err := kernels.Take(u.mem, a, idx)
		if err == nil {
			cols = append(cols, col)
		}
		return err
	}
	n := int(b.NumCols())
	change := columnar.Changelog(b.Schema())
	if change {
		n--
	}
	for i := range n {
		if u.Drop && i == u.list {
			continue
		}
		if err := take(b.Column(i), rows); err != nil {
			return err
		}
	}
	if err := take(list.ListValues(), elems); err != nil {
		return err
	}
	if u.Ordinality != "" {
		all := int64Array(u.mem, ordinals)
		defer all.Release()
		idx := make([]int32, len(elems)) // -1 where there is no element
		for i, e := range elems {
			idx[i] = min(e, 0)
			if e >= 0 {
				idx[i] = int32(i)
			}
		}
		if err := take(all, idx); err != nil {
			return err
		}
	}
	if change {
		if err := take(b.Column(n), rows); err != nil {
			return err
		}
	}
	out := array.NewRecord(u.out, cols, int64(len(rows)))
	defer out.Release()
	if change {
		single := singly(u.mem, out)
		defer single.Release()
		return emit(single)
	}
	return emit(out)
}

// Clone implements [arrowstream.Parallel].
func (u *Unnest) Clone() arrowstream.Stage {
	return &Unnest{Column: u.Column, Drop: u.Drop, As: u.As, Ordinality: u.Ordinality, Outer: u.Outer}
}
