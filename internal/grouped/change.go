package grouped

import (
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// Back are the rows of a batch of a changelog that take a row back: -U and -D.
// any tells whether there are some; none if b is not of a changelog. Cost: a byte
// read per row.
func Back(b arrow.Record, changes bool) (rows columnar.Bitmap, any bool) {
	if !changes {
		return columnar.Bitmap{}, false
	}
	ops := columnar.Values[int8](b.Column(int(b.NumCols()) - 1))
	rows = columnar.NewBitmap(len(ops))
	for i, op := range ops {
		if Takes(op) {
			rows.Set(i)
			any = true
		}
	}
	return rows, any
}

// Takes reports whether a change takes a row back.
func Takes(op int8) bool {
	return columnar.Change(op) == columnar.UpdateBefore || columnar.Change(op) == columnar.Delete
}

// Change is [Set.Update] for the rows of a changelog: those that take a row back
// are retracted, after the others have been added. That is the same as row by
// row, since no change takes back what is not there.
func (s *Set) Change(b arrow.Record, slots []uint32, n int) error {
	defer s.clear()
	if err := s.evaluate(b); err != nil {
		return err
	}
	back, any := Back(b, true)
	if !any {
		return s.add(first(b), slots, n, false)
	}
	ops, args := b.Column(int(b.NumCols())-1), s.args
	defer func() { s.args = args }()
	for _, takes := range []bool{false, true} {
		back.Invert()
		if err := s.some(ops, args, slots, n, back, takes); err != nil {
			return err
		}
	}
	return nil
}

// some adds the rows of a bitmap, or takes them back.
func (s *Set) some(ops arrow.Array, args []arrow.Array, slots []uint32, n int, rows columnar.Bitmap, back bool) error {
	if rows.Count() == 0 {
		return nil
	}
	s.args = make([]arrow.Array, len(args))
	defer func() { Release(s.args) }()
	for i, a := range args {
		var err error
		if s.args[i], err = kernels.FilterArray(s.mem, a, rows); err != nil {
			return err
		}
	}
	number, err := kernels.FilterArray(s.mem, ops, rows)
	if err != nil {
		return err
	}
	defer number.Release()
	var mine []uint32
	if slots != nil {
		mine = make([]uint32, 0, number.Len())
		for lo, hi := range rows.Runs() {
			mine = append(mine, slots[lo:hi]...)
		}
	}
	return s.add(number, mine, n, back)
}
