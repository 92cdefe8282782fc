package expr

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// frame is the evaluation of an expression over the rows of a batch, or over
// some of them.
type frame struct {
	mem  memory.Allocator
	n    int
	cols func(i int) arrow.Array
	own  map[int]arrow.Array   // filtered columns
	memo map[int]kernels.Datum // values of nodes used more than once
}

func (f *frame) release() {
	for _, a := range f.own {
		a.Release()
	}
	for _, d := range f.memo {
		d.Release()
	}
}

func (f *frame) column(i int) arrow.Array {
	if f.own != nil {
		return f.own[i]
	}
	return f.cols(i)
}

// eval evaluates n, once per frame.
func (f *frame) eval(n node) (kernels.Datum, error) {
	in := n.info()
	if in.uses < 2 {
		return n.eval(f)
	}
	if d, ok := f.memo[in.id]; ok {
		return d.Retain(), nil
	}
	d, err := n.eval(f)
	if err != nil {
		return d, err
	}
	if f.memo == nil {
		f.memo = make(map[int]kernels.Datum)
	}
	f.memo[in.id] = d.Retain()
	return d, nil
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
		return kernels.Constant(kernels.Nulls(f.mem, in.typ, 1)), nil
	}
	// Mostly no row fails. When many count, evaluate all rows, which is cheaper
	// than to filter, and filter only after an error.
	if 4*count >= f.n {
		if d, err := f.eval(n); err == nil {
			return d, nil
		}
	}
	sub := &frame{mem: f.mem, n: count, own: make(map[int]arrow.Array, len(in.cols))}
	defer sub.release()
	for _, i := range in.cols {
		a, err := kernels.FilterArray(f.mem, f.column(i), rows)
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
	a, err := kernels.Take(f.mem, d.Array, idx)
	return kernels.Column(a), err
}

// evaluate is the value of the root over b.
func (b *Bound) evaluate(mem memory.Allocator, batch arrow.Record) (kernels.Datum, error) {
	f := &frame{mem: mem, n: int(batch.NumRows()), cols: batch.Column}
	defer f.release()
	return f.eval(b.root)
}

// Eval computes the expression for every row of batch, which has the schema of
// Bind. The caller owns the result; a bare column is the column of the batch,
// retained.
func (b *Bound) Eval(mem memory.Allocator, batch arrow.Record) (arrow.Array, error) {
	d, err := b.evaluate(mem, batch)
	if err != nil {
		return nil, err
	}
	if !d.Const {
		return d.Array, nil
	}
	defer d.Release()
	return kernels.Repeat(mem, d.Array, int(batch.NumRows()))
}

// Select is the rows of batch where a boolean expression is TRUE.
func (b *Bound) Select(mem memory.Allocator, batch arrow.Record) (columnar.Bitmap, error) {
	if id := b.Type().ID(); id != arrow.BOOL && id != arrow.NULL {
		return columnar.Bitmap{}, &Error{Code: kernels.CodeTypes, Msg: "the condition is " + kernels.SQLName(b.Type()) + ", not BOOLEAN"}
	}
	f := &frame{mem: mem, n: int(batch.NumRows()), cols: batch.Column}
	defer f.release()
	return f.truths(b.root)
}

// truths is the rows for which n is TRUE, a new bitmap unless all are. An AND
// is TRUE where its operands are, an OR where one of them is: without operands
// that can fail there is no need to know where they are FALSE or NULL, and no
// column is made of the result.
func (f *frame) truths(n node) (columnar.Bitmap, error) {
	if c, ok := n.(*connective); ok && c.uses < 2 && !c.fails {
		return f.connect(c)
	}
	d, err := f.eval(n)
	if err != nil {
		return columnar.Bitmap{}, err
	}
	defer d.Release()
	switch {
	case d.Type().ID() == arrow.NULL:
		return columnar.NewBitmap(f.n), nil
	case d.Const && !d.Null() && kernels.Truths(d, 1).Get(0):
		return columnar.Bitmap{N: f.n}, nil
	}
	return kernels.Truths(d, f.n), nil
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
			for w := range acc.Words() {
				acc.PutWord(w, acc.Word(w)|next.Word(w))
			}
		default:
			for w := range acc.Words() {
				acc.PutWord(w, acc.Word(w)&next.Word(w))
			}
		}
	}
	return acc, err
}
