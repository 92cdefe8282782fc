package expr

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

// compute evaluates n, in memory of mem for the result, for the entries of a
// dictionary instead of for rows where that is less and gives the same. Kernels
// do so one by one: what they make are rows, which the next one would read all.
func (f *frame) compute(n node, mem memory.Allocator) (kernels.Datum, error) {
	in := n.info()
	if !in.deep || in.volatile || len(in.cols) != 1 {
		return n.eval(f, mem)
	}
	d, ok := f.column(in.cols[0]).(*array.Dictionary)
	if !ok || 2*d.Dictionary().Len()+1 >= f.n || d.Indices().DataType().ID() != arrow.INT32 {
		return n.eval(f, mem)
	}
	if a, err := f.entries(n, d, mem); err == nil {
		return kernels.Column(a), nil
	}
	return n.eval(f, mem) // no row that needs the value may have the entry that fails
}

// entries evaluates n, which reads no column but d, for every entry of the
// dictionary of d and for NULL, and lets the rows look their value up.
func (f *frame) entries(n node, d *array.Dictionary, mem memory.Allocator) (arrow.Array, error) {
	each := kernels.Entries(f.Scratch, d)
	sub := &frame{Scratch: f.Scratch, n: each.Len(), own: map[int]arrow.Array{n.info().cols[0]: each}}
	defer sub.release()
	v, err := sub.eval(n)
	if err != nil {
		return nil, err
	}
	defer v.Release()
	if v.Const {
		return kernels.Repeat(mem, v.Array, f.n)
	}
	return kernels.LookUp(mem, d, v.Array)
}
