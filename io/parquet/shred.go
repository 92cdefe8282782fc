package parquet

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
)

// shredded is a run of rows of a nested column as levels and positions of the
// values in the leaf array.
type shredded struct {
	levels
	leaf  arrow.Array
	spare levels // what enter writes to
}

// levels are the entries of a column on one level of nesting.
type levels struct {
	idx []int32 // position of each value; -1 where there is none
	def []uint8
	rep []uint8
}

// shred walks down from rows [from, to) of a top-level column to a leaf. One
// entry per level of nesting and row; lists multiply entries. About 1 ns an
// entry and step.
func (l *outLeaf) shred(col arrow.Array, from, to int, out *shredded) error {
	n := to - from
	out.idx, out.def, out.rep = resize(out.idx, n), resize(out.def, n), resize(out.rep, n)
	for i := range out.idx {
		out.idx[i] = int32(from + i)
	}
	clear(out.def)
	clear(out.rep)
	rep := uint8(0)
	for _, s := range l.steps {
		if s.nullable {
			out.define(columnar.Validity(col))
		}
		switch {
		case s.list:
			rep++
			list, ok := col.(array.ListLike)
			if !ok {
				return fmt.Errorf("%s is not a list", col.DataType())
			}
			out.enter(list, rep)
			col = list.ListValues()
		case s.child >= 0:
			st, ok := col.(*array.Struct)
			if !ok {
				return fmt.Errorf("%s is not a struct", col.DataType())
			}
			col = st.Field(s.child)
		}
	}
	out.leaf = col
	return nil
}

// define raises the definition level of the entries that are not null.
func (l *levels) define(valid columnar.Bitmap) {
	for i, at := range l.idx {
		switch {
		case at < 0:
		case valid.All() || valid.Get(int(at)):
			l.def[i]++
		default:
			l.idx[i] = -1
		}
	}
}

// enter replaces every list by its elements. An entry without elements stays.
func (s *shredded) enter(list array.ListLike, rep uint8) {
	in := s.levels
	idx, def, reps := s.spare.idx[:0], s.spare.def[:0], s.spare.rep[:0]
	for i, at := range in.idx {
		var from, to int64
		if at >= 0 {
			from, to = list.ValueOffsets(int(at))
		}
		if from == to {
			idx, def, reps = append(idx, -1), append(def, in.def[i]), append(reps, in.rep[i])
			continue
		}
		r := in.rep[i]
		for e := from; e < to; e++ {
			idx, def, reps = append(idx, int32(e)), append(def, in.def[i]+1), append(reps, r)
			r = rep
		}
	}
	s.levels, s.spare = levels{idx, def, reps}, in
}
