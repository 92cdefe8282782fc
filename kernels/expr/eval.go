package expr

import (
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// frame is the evaluation of an expression over the rows of a batch, or over
// some of them. It is used again for other batches.
type frame struct {
	*kernels.Scratch // of all but the result
	n                int
	batch            arrow.Record
	own              map[int]arrow.Array   // filtered columns
	memo             map[int]kernels.Datum // values of nodes used more than once
	values           []kernels.Datum       // owned: arguments that wait for the others
	rows             []columnar.Bitmap     // alike, the rows of branches
}

// frames keeps a frame for the next evaluation.
type frames struct{ idle atomic.Pointer[frame] }

// frame returns a frame for the rows of batch: that of the evaluation before,
// unless it is at work in another goroutine.
func (k *frames) frame(mem memory.Allocator, batch arrow.Record) *frame {
	f := k.idle.Swap(nil)
	if f == nil || f.Allocator != mem {
		f = &frame{Scratch: kernels.NewScratch(mem)}
	}
	f.batch, f.n = batch, int(batch.NumRows())
	return f
}

// done keeps f for the next batch.
func (k *frames) done(f *frame) {
	f.release()
	f.Reset()
	f.batch = nil
	k.idle.Store(f)
}

func (f *frame) release() {
	for _, a := range f.own {
		a.Release()
	}
	for _, d := range f.memo {
		d.Release()
	}
	clear(f.memo)
	f.drop(0, 0)
}

// drop releases the values from the i-th on, and forgets the rows from the k-th
// on.
func (f *frame) drop(i, k int) {
	for _, d := range f.values[i:] {
		d.Release()
	}
	clear(f.values[i:])
	f.values, f.rows = f.values[:i], f.rows[:k]
}

func (f *frame) column(i int) arrow.Array {
	if f.own != nil {
		return f.own[i]
	}
	return f.batch.Column(i)
}

// eval evaluates n, once per frame, as a part of another node.
func (f *frame) eval(n node) (kernels.Datum, error) {
	in := n.info()
	if in.uses < 2 || in.ready {
		return f.compute(n, f.Scratch)
	}
	if d, ok := f.memo[in.id]; ok {
		return d.Retain(), nil
	}
	d, err := f.compute(n, f.Scratch)
	if err != nil {
		return d, err
	}
	if f.memo == nil {
		f.memo = make(map[int]kernels.Datum)
	}
	f.memo[in.id] = d.Retain()
	return d, nil
}

// and sets out to the bits that are set in both.
func and(out, a, b columnar.Bitmap) columnar.Bitmap {
	out.CopyFrom(a)
	out.AndWith(b)
	return out
}

// without is the rows that are not among drop.
func (f *frame) without(rows, drop columnar.Bitmap) columnar.Bitmap {
	out := f.Bitmap(f.n)
	out.CopyFrom(drop)
	out.Invert()
	out.AndWith(rows)
	return out
}

// where evaluates n so that no row outside rows can make it fail. Those rows
// get any value.
func (f *frame) where(n node, rows columnar.Bitmap) (kernels.Datum, error) {
	in := n.info()
	if !in.fails {
		return f.eval(n)
	}
	count := rows.Count()
	switch count {
	case f.n:
		return f.eval(n)
	case 0:
		return kernels.Constant(kernels.Nulls(f.Scratch, in.typ, 1)), nil
	}
	// Mostly no row fails. When many count, evaluate all rows, which is cheaper
	// than to filter, and filter only after an error.
	if 4*count >= f.n {
		if d, err := f.eval(n); err == nil {
			return d, nil
		}
	}
	sub := &frame{Scratch: f.Scratch, n: count, own: make(map[int]arrow.Array, len(in.cols))}
	defer sub.release()
	for _, i := range in.cols {
		a, err := kernels.FilterArray(f.Scratch, f.column(i), rows)
		if err != nil {
			return kernels.Datum{}, err
		}
		sub.own[i] = a
	}
	d, err := sub.eval(n)
	if err != nil || d.Const {
		return d, err
	}
	defer d.Release()
	idx := make([]int32, f.n)
	for i := range idx {
		idx[i] = -1
	}
	k := int32(0)
	for i := range rows.Ones() {
		idx[i] = k
		k++
	}
	a, err := kernels.Take(f.Scratch, d.Array, idx)
	return kernels.Column(a), err
}

// Eval computes the expression for every row of batch, which has the schema of
// Bind. The caller owns the result; a bare column is the column of the batch,
// retained.
func (b *Bound) Eval(mem memory.Allocator, batch arrow.Record) (arrow.Array, error) {
	f := b.frame(mem, batch)
	defer b.done(f)
	return f.result(b.root, mem)
}

// result is the column of n in memory of mem, as a whole expression; one that is
// a part of others as well is that part.
func (f *frame) result(n node, mem memory.Allocator) (arrow.Array, error) {
	var d kernels.Datum
	var err error
	if in := n.info(); in.uses < 2 || in.ready {
		d, err = f.compute(n, mem)
	} else {
		d, err = f.eval(n)
	}
	if err != nil {
		return nil, err
	}
	if !d.Const {
		return f.Own(d.Array), nil
	}
	defer d.Release()
	return kernels.Repeat(mem, d.Array, f.n)
}

// Select is the rows of batch where a boolean expression is TRUE.
func (b *Bound) Select(mem memory.Allocator, batch arrow.Record) (columnar.Bitmap, error) {
	if id := b.Type().ID(); id != arrow.BOOL && id != arrow.NULL {
		return columnar.Bitmap{}, &Error{Code: kernels.CodeTypes, Msg: "the condition is " + kernels.SQLName(b.Type()) + ", not BOOLEAN"}
	}
	f := b.frame(mem, batch)
	defer b.done(f)
	rows, err := f.truths(b.root)
	if err != nil || rows.All() {
		return rows, err
	}
	out := columnar.NewBitmap(f.n)
	out.CopyFrom(rows)
	return out, nil
}

// truths is the rows for which n is TRUE, a bitmap of the frame unless all are.
// An AND is TRUE where its operands are, an OR where one of them is: without
// operands that can fail there is no need to know where they are FALSE or NULL,
// and no column is made of the result.
func (f *frame) truths(n node) (columnar.Bitmap, error) {
	if c, ok := n.(*connective); ok && c.uses < 2 && !c.fails {
		return f.connect(c)
	}
	d, err := f.eval(n)
	if err != nil {
		return columnar.Bitmap{}, err
	}
	defer d.Release()
	out := f.Bitmap(f.n)
	switch {
	case d.Type().ID() == arrow.NULL:
		clear(out.Bits)
		return out, nil
	case d.Const && !d.Null() && columnar.Bools(d.Array).Get(0):
		return columnar.Bitmap{N: f.n}, nil
	}
	kernels.Truths(out, d)
	return out, nil
}

// connect is truths for a connective.
func (f *frame) connect(c *connective) (columnar.Bitmap, error) {
	acc, err := f.truths(c.args[0])
	for _, n := range c.args[1:] {
		if err != nil {
			return acc, err
		}
		var next columnar.Bitmap
		next, err = f.truths(n)
		switch {
		case err != nil:
		case c.or && acc.All(), !c.or && next.All(): // acc it is
		case next.All(), acc.All():
			acc = next
		case c.or:
			acc.OrWith(next)
		default:
			acc.AndWith(next)
		}
	}
	return acc, err
}
