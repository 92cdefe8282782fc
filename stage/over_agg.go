package stage

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// overPiece is how many rows of frames are aggregated in one go.
const overPiece = 1 << 17

// pieces are rows and the slots that they are added to.
type pieces struct {
	rows  []int32
	slots []uint32
}

// span appends the rows from lo to hi-1 for a slot.
func (p *pieces) span(lo, hi int32, slot uint32) {
	for r := lo; r < hi; r++ {
		p.rows, p.slots = append(p.rows, r), append(p.slots, slot)
	}
}

func (p *pieces) flush(mem memory.Allocator, set *grouped.Set, args []arrow.Array, n int) error {
	if len(p.rows) == 0 {
		return nil
	}
	cols := make([]arrow.Array, len(args))
	defer grouped.Release(cols)
	for i, a := range args {
		var err error
		if cols[i], err = kernels.Take(mem, a, p.rows); err != nil {
			return err
		}
	}
	err := set.Add(cols, p.slots, n)
	p.rows, p.slots = p.rows[:0], p.slots[:0]
	return err
}

// overBlock is how many frames of a key that begin with it are computed side by
// side, each from a copy of what the key has so far.
const overBlock = 32

// running is the aggregates of a frame that begins with the key. They go on
// from those of the row before. Where a key has many rows, blocks of them are
// computed next to each other: each row's group is a copy of the state before
// the block, to which the rows of the block up to it are added, which gives the
// bits of adding one row after the other. Cost: half a block of updates a row.
func (o *Over) running(f *overFrame, b arrow.Record) ([]arrow.Array, error) {
	t := &o.tick
	args, err := f.set.Args(b)
	if err != nil {
		return nil, err
	}
	defer grouped.Release(args)
	most := int32(0)
	for _, p := range t.parts {
		most = max(most, p.frames(f.rows))
	}
	if f.last {
		most = 1
	}
	slots := o.life.slots.Len()
	if most <= 1 {
		of, all := make([]uint32, b.NumRows()), make([]int32, b.NumRows())
		groups := make([]uint32, len(t.parts))
		for i, p := range t.parts {
			groups[i] = p.slot
			for k := p.fresh; k < p.to; k++ {
				r := t.rows[k] - t.base
				of[r], all[r] = p.slot, int32(i)
			}
		}
		if err := f.set.Add(args, of, slots); err != nil {
			return nil, err
		}
		out, err := f.set.Final(groups, nil)
		if err != nil {
			return nil, err
		}
		return takeAll(o.mem, out, all)
	}
	if f.scratch == nil {
		f.scratch = f.plan.NewSet(o.mem)
	}
	n := len(t.first)
	if f.rows {
		n = len(t.at)
	}
	defer f.scratch.Reset(numbered(n))
	for from := int32(0); from < most; from += overBlock {
		if err := o.block(f, args, from, n, slots); err != nil {
			return nil, err
		}
	}
	out, err := f.scratch.Final(numbered(n), nil)
	if err != nil || f.rows {
		return out, err
	}
	return takeAll(o.mem, out, t.step)
}

// frames is the number of different frames of the new rows.
func (p *overPart) frames(rows bool) int32 {
	if rows {
		return p.to - p.fresh
	}
	return p.steps
}

// block computes the frames from, from+1, ... of every series.
func (o *Over) block(f *overFrame, args []arrow.Array, from int32, n, slots int) error {
	t := &o.tick
	var keys, groups []uint32
	var which []int32
	var frames, news pieces
	for i := range t.parts {
		p := &t.parts[i]
		to := min(from+overBlock, p.frames(f.rows))
		if from >= to {
			continue
		}
		begin := p.fresh + from
		if !f.rows {
			begin = t.first[p.step+from]
		}
		end := begin
		for s := from; s < to; s++ {
			slot := uint32(p.step + s)
			if end = p.fresh + s; f.rows {
				slot = uint32(t.rows[end] - t.base)
			} else {
				end = t.last[slot]
			}
			groups, which = append(groups, slot), append(which, int32(len(keys)))
			for k := begin; k <= end; k++ {
				frames.rows, frames.slots = append(frames.rows, t.rows[k]-t.base), append(frames.slots, slot)
			}
		}
		for k := begin; k <= end; k++ {
			news.rows, news.slots = append(news.rows, t.rows[k]-t.base), append(news.slots, p.slot)
		}
		keys = append(keys, p.slot)
	}
	state, err := f.set.State(keys)
	if err != nil {
		return err
	}
	if state, err = takeAll(o.mem, state, which); err != nil {
		return err
	}
	defer grouped.Release(state)
	if err := f.scratch.Merge(groups, n, state); err != nil {
		return err
	}
	if err := frames.flush(o.mem, f.scratch, args, n); err != nil {
		return err
	}
	return news.flush(o.mem, f.set, args, slots)
}

// takeAll is the rows idx of cols, which it releases.
func takeAll(mem memory.Allocator, cols []arrow.Array, idx []int32) ([]arrow.Array, error) {
	defer grouped.Release(cols)
	out := make([]arrow.Array, 0, len(cols))
	for _, c := range cols {
		col, err := kernels.Take(mem, c, idx)
		if err != nil {
			grouped.Release(out)
			return nil, err
		}
		out = append(out, col)
	}
	return out, nil
}

// numbered is 0, 1, ... n-1.
func numbered(n int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = uint32(i)
	}
	return out
}

// columnOfTimes is the time column of rows of the store.
func columnOfTimes(x arrow.Record) []int64 { return columnar.Values[int64](x.Column(0)) }

// concatColumns is a and then b, of the same type.
func concatColumns(mem memory.Allocator, a, b arrow.Array) (arrow.Array, error) {
	s := arrow.NewSchema([]arrow.Field{{Name: "value", Type: a.DataType(), Nullable: true}}, nil)
	x, y := array.NewRecord(s, []arrow.Array{a}, int64(a.Len())), array.NewRecord(s, []arrow.Array{b}, int64(b.Len()))
	defer x.Release()
	defer y.Release()
	both, err := kernels.Concat(mem, []arrow.Record{x, y})
	if err != nil {
		return nil, err
	}
	defer both.Release()
	both.Column(0).Retain()
	return both.Column(0), nil
}
