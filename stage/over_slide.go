package stage

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// overSlide is the frames of a tick in the order of their places. The rows that
// they are made of stand one after the other, series by series; lo and hi number
// those.
type overSlide struct {
	rows   []int32   // at hand
	lo, hi []int32   // by frame: the first row and the one behind the last
	runs   []overRun // the rows of each series
	of     []int32   // by new row: its frame
}

// overRun is the rows from begin to end, the first of which is number ordinal of
// its key.
type overRun struct {
	begin, end int32
	ordinal    int64
}

// sliding is the aggregates of a bounded frame. Frames move along the rows of
// their series, so those that can take rows back do, at a constant cost per row.
// The others have the rows of their frame put together from blocks, see
// [overTree], or, if their states grow with their rows, each frame is a group of
// its own, to which its rows are added.
func (o *Over) sliding(f *overFrame, x arrow.Record, axis []int64) (out []arrow.Array, err error) {
	t := &o.tick
	t.bound(f.overBounds, axis)
	s := t.slide(f.rows)
	args := slices.Clone(x.Columns()[f.column : f.column+len(f.plan.ArgFields())])
	for i := range args {
		if args[i], err = kernels.Take(o.mem, args[i], s.rows); err != nil {
			grouped.Release(args[:i])
			return nil, err
		}
	}
	defer grouped.Release(args)
	if out, err = f.plan.Slide(o.mem, s.lo, s.hi, args); err == nil && f.others != nil {
		err = o.slideOthers(f, s, args, out)
	}
	if err != nil {
		grouped.Release(out)
		return nil, err
	}
	return takeAll(o.mem, out, s.of)
}

// slideOthers fills in the columns of aggregates that cannot take rows back.
func (o *Over) slideOthers(f *overFrame, s *overSlide, args, out []arrow.Array) error {
	n := len(s.lo)
	if f.scratch == nil {
		f.scratch = f.others.NewSet(o.mem)
	}
	defer f.scratch.Reset(numbered(n))
	var err error
	if longest := s.longest(); f.merges && longest >= overLeaf {
		tree := overTree{mem: o.mem, slide: s, set: f.others.NewSet(o.mem)}
		defer tree.set.Release()
		if err = tree.build(args, int64(longest)); err == nil {
			err = tree.combine(f.scratch, args)
		}
	} else {
		err = s.add(o.mem, f.scratch, args)
	}
	if err != nil {
		return err
	}
	cols, err := f.scratch.Final(numbered(n), nil)
	if err != nil {
		return err
	}
	for i := range out {
		if out[i] == nil {
			out[i], cols = cols[0], cols[1:]
		}
	}
	return nil
}

// add adds the rows of each frame to a group of its own.
func (s *overSlide) add(mem memory.Allocator, set *grouped.Set, args []arrow.Array) error {
	var p pieces
	for i, lo := range s.lo {
		if p.span(lo, s.hi[i], uint32(i)); len(p.rows) >= overPiece {
			if err := p.flush(mem, set, args, len(s.lo)); err != nil {
				return err
			}
		}
	}
	return p.flush(mem, set, args, len(s.lo))
}

// slide lays out the frames that bound has found: by row or by peers.
func (t *overTick) slide(rows bool) *overSlide {
	s := &t.slid
	n := len(t.at)
	s.rows, s.lo, s.hi, s.runs, s.of = s.rows[:0], s.lo[:0], s.hi[:0], s.runs[:0], sized(s.of, n)
	for _, p := range t.parts {
		run := overRun{begin: int32(len(s.rows)), ordinal: p.count - int64(p.fresh-p.tail)}
		s.rows = append(s.rows, t.rows[p.tail:p.to]...)
		run.end = int32(len(s.rows))
		s.runs = append(s.runs, run)
		shift, frames := run.begin-p.tail, p.frames(rows)
		for k := range frames {
			i := p.step + k
			if rows {
				i = t.rows[p.fresh+k] - t.base
				s.of[i] = int32(len(s.lo))
			}
			// Frames may lie beyond the partition or have no rows.
			lo := min(t.lo[i], p.to)
			s.lo, s.hi = append(s.lo, lo+shift), append(s.hi, max(t.hi[i]+1, lo)+shift)
		}
	}
	if !rows {
		copy(s.of, t.step)
	}
	return s
}

// longest is the number of rows of the longest frame.
func (s *overSlide) longest() int32 {
	n := int32(0)
	for i, lo := range s.lo {
		n = max(n, s.hi[i]-lo)
	}
	return n
}

// words is the memory held, in words of 4 bytes.
func (s *overSlide) words() int {
	return cap(s.rows) + cap(s.lo) + cap(s.hi) + 4*cap(s.runs) + cap(s.of)
}
