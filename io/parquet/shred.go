package parquet

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
)

// levels are the entries of a nested column on one level of nesting.
type levels struct {
	idx []int32 // position of each value; -1 where there is none
	def []uint8
	rep []uint8
}

// shredder walks down nested columns, one after the other. It remembers the
// way to the leaf before: the leaves of a column share most of it.
type shredder struct {
	col      arrow.Array // the column, nil after forget
	from, to int
	steps    []step
	arrays   []arrow.Array // before the first step, after it, and so on
	levels   []levels      // alike
}

// forget lets go of the column.
func (s *shredder) forget() {
	clear(s.arrays)
	s.col, s.arrays, s.steps = nil, s.arrays[:0], nil
}

// shred walks down from rows [from, to) of a top-level column to a leaf. One
// entry per level of nesting and row; lists multiply entries. About 1 ns an
// entry and step. The result is valid until the next call.
func (s *shredder) shred(col arrow.Array, from, to int, steps []step) (leaf arrow.Array, out levels, err error) {
	done := 0
	if s.col == col && s.from == from && s.to == to {
		for done < min(len(s.steps), len(steps)) && s.steps[done] == steps[done] {
			done++
		}
	} else {
		s.col, s.from, s.to = col, from, to
		s.arrays = append(s.arrays[:0], col)
		s.levels = resizeKeeping(s.levels, 1)
		s.levels[0].begin(from, to)
	}
	s.steps, s.arrays, s.levels = nil, s.arrays[:done+1], resizeKeeping(s.levels, len(steps)+1)
	for k := done; k < len(steps); k++ {
		if err := s.step(k, steps[:k+1]); err != nil {
			s.forget()
			return nil, out, err
		}
	}
	s.steps = steps
	return s.arrays[len(steps)], s.levels[len(steps)], nil
}

// resizeKeeping is v with n elements, among them all it ever had, whose memory
// is of use again.
func resizeKeeping(v []levels, n int) []levels {
	for cap(v) < n {
		v = append(v[:cap(v)], levels{})
	}
	return v[:n]
}

// begin has an entry for each row.
func (l *levels) begin(from, to int) {
	n := to - from
	l.idx, l.def, l.rep = resize(l.idx, n), resize(l.def, n), resize(l.rep, n)
	for i := range l.idx {
		l.idx[i] = int32(from + i)
	}
	clear(l.def)
	clear(l.rep)
}

// step takes the last of steps.
func (s *shredder) step(k int, steps []step) error {
	col, in, out := s.arrays[k], &s.levels[k], &s.levels[k+1]
	st := steps[k]
	switch {
	case st.list:
		list, ok := col.(array.ListLike)
		if !ok {
			return fmt.Errorf("%s is not a list", col.DataType())
		}
		if st.nullable {
			in.define(columnar.Validity(col))
		}
		rep := uint8(0)
		for _, before := range steps {
			if before.list {
				rep++
			}
		}
		out.enter(in, list, rep)
		col = list.ListValues()
	default:
		out.idx, out.def, out.rep = append(out.idx[:0], in.idx...), append(out.def[:0], in.def...), append(out.rep[:0], in.rep...)
		if st.nullable {
			out.define(columnar.Validity(col))
		}
		if st.child >= 0 {
			parent, ok := col.(*array.Struct)
			if !ok {
				return fmt.Errorf("%s is not a struct", col.DataType())
			}
			col = parent.Field(st.child)
		}
	}
	s.arrays = append(s.arrays, col)
	return nil
}

// define raises the definition level of the entries that are not null.
func (l *levels) define(valid columnar.Bitmap) {
	if valid.All() {
		for i, at := range l.idx {
			l.def[i] += uint8(1 + at>>31)
		}
		return
	}
	for i, at := range l.idx {
		switch {
		case at < 0:
		case valid.Get(int(at)):
			l.def[i]++
		default:
			l.idx[i] = -1
		}
	}
}

// enter has the elements of the lists of in. An entry without any stays.
func (l *levels) enter(in *levels, list array.ListLike, rep uint8) {
	n := 0
	for _, at := range in.idx {
		from, to := elements(list, at)
		n += max(1, int(to-from))
	}
	l.idx, l.def, l.rep = resize(l.idx, n), resize(l.def, n), resize(l.rep, n)
	k := 0
	for i, at := range in.idx {
		from, to := elements(list, at)
		if from == to {
			l.idx[k], l.def[k], l.rep[k] = -1, in.def[i], in.rep[i]
			k++
			continue
		}
		first, def := k, in.def[i]+1
		for e := from; e < to; e++ {
			l.idx[k], l.def[k], l.rep[k] = int32(e), def, rep
			k++
		}
		l.rep[first] = in.rep[i]
	}
}

// elements are those of list at, none for -1.
func elements(list array.ListLike, at int32) (from, to int64) {
	if at < 0 {
		return 0, 0
	}
	if l, ok := list.(*array.List); ok { // a call that can be inlined
		return l.ValueOffsets(int(at))
	}
	return list.ValueOffsets(int(at))
}
