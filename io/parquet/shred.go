package parquet

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// shredded is a run of rows of a nested column as levels and positions of the
// values in the leaf array.
type shredded struct {
	leaf arrow.Array
	idx  []int32 // position of each value; -1 where there is none
	def  []uint8
	rep  []uint8
	rows int
}

// shred walks down from rows [from, to) of a top-level column to a leaf. One
// entry per level of nesting and row; lists multiply entries.
func (l *outLeaf) shred(col arrow.Array, from, to int, out *shredded) error {
	out.idx, out.def, out.rep = out.idx[:0], out.def[:0], out.rep[:0]
	out.rows = to - from
	for i := from; i < to; i++ {
		out.idx, out.def, out.rep = append(out.idx, int32(i)), append(out.def, 0), append(out.rep, 0)
	}
	rep := uint8(0)
	for _, s := range l.steps {
		if s.nullable {
			for i, at := range out.idx {
				if at >= 0 {
					if col.IsNull(int(at)) {
						out.idx[i] = -1
					} else {
						out.def[i]++
					}
				}
			}
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

// enter replaces every list by its elements.
func (s *shredded) enter(list array.ListLike, rep uint8) {
	var idx []int32
	var def, reps []uint8
	for i, at := range s.idx {
		if at < 0 {
			idx, def, reps = append(idx, -1), append(def, s.def[i]), append(reps, s.rep[i])
			continue
		}
		from, to := list.ValueOffsets(int(at))
		if from == to {
			idx, def, reps = append(idx, -1), append(def, s.def[i]), append(reps, s.rep[i])
			continue
		}
		for e := from; e < to; e++ {
			r := rep
			if e == from {
				r = s.rep[i]
			}
			idx, def, reps = append(idx, int32(e)), append(def, s.def[i]+1), append(reps, r)
		}
	}
	s.idx, s.def, s.rep = idx, def, reps
}
