package expr

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

// reduce folds the elements of each list, from the first to the last: the body
// is evaluated once per position, over the rows whose lists are that long. It
// costs a copy of the rows that are left per position.
type reduce struct {
	common
	of, start node
	fn        *body
	finish    *body // nil without
}

func (b *binder) bindReduce(e Call, l Lambda, list node, elem arrow.DataType, depth int) (node, error) {
	usage := &Error{Code: kernels.CodeFunction, Msg: "reduce takes a list, a start and one or two lambdas", Hint: "usage: reduce(list, start, (acc, x) -> e[, acc -> e])"}
	if len(e.Args) < 3 || len(e.Args) > 4 {
		return nil, usage
	}
	start, err := b.bind(e.Args[1], depth+1)
	if err != nil {
		return nil, err
	}
	acc := start.info().typ
	fn, err := b.bindBody(l, acc, elem)
	if err != nil {
		return nil, err
	}
	if t := fn.bound.Type(); !arrow.TypeEqual(t, acc) {
		if acc, err = kernels.CommonType("reduce", []kernels.Arg{{Type: acc}, {Type: t}}); err != nil {
			return nil, err
		}
		l.Body = Cast{Of: l.Body, To: acc}
		if fn, err = b.bindBody(l, acc, elem); err != nil {
			return nil, err
		}
	}
	if start, err = b.coerce(start, acc); err != nil {
		return nil, err
	}
	n := &reduce{of: list, start: start, fn: fn}
	fns, out := []*body{fn}, acc
	if len(e.Args) == 4 {
		last, ok := e.Args[3].(Lambda)
		if !ok {
			return nil, usage
		}
		if n.finish, err = b.bindBody(last, acc); err != nil {
			return nil, err
		}
		fns, out = append(fns, n.finish), n.finish.bound.Type()
	}
	n.common = b.overBodies(e, out, []node{list, start}, fns...)
	return b.share(n), nil
}

func (r *reduce) eval(f *frame, mem memory.Allocator) (kernels.Datum, error) {
	heap := f.Allocator
	lists, _, err := f.lists(r.of, false)
	if err != nil {
		return kernels.Datum{}, err
	}
	defer lists.Release()
	start, _, err := f.lists(r.start, false)
	if err != nil {
		return kernels.Datum{}, err
	}
	defer start.Release()
	out, err := r.fold(f, heap, lists, start)
	if err != nil || r.finish == nil {
		return kernels.Column(out), err
	}
	defer out.Release()
	rows := make([]int32, f.n)
	for i := range rows {
		rows[i] = int32(i)
	}
	rec, err := r.finish.record(f, heap, rows, out)
	if err != nil {
		return kernels.Datum{}, err
	}
	defer rec.Release()
	done, err := r.finish.bound.Eval(heap, rec)
	return kernels.Column(done), err
}

// fold is the last value of the body for each list, NULL for a list that is.
func (r *reduce) fold(f *frame, mem memory.Allocator, lists, start arrow.Array) (arrow.Array, error) {
	elements, _, ends, err := kernels.Elements(mem, lists)
	if err != nil {
		return nil, err
	}
	defer elements.Release()
	var rows []int32 // whose lists go on
	for i := range lists.Len() {
		if lists.IsValid(i) {
			rows = append(rows, int32(i))
		}
	}
	place := make([]int32, lists.Len()) // of the result of a row in the pieces
	for i := range place {
		place[i] = -1
	}
	var pieces []arrow.Array
	defer func() {
		for _, p := range pieces {
			p.Release()
		}
	}()
	acc, err := kernels.Take(mem, start, rows)
	if err != nil {
		return nil, err
	}
	defer func() { acc.Release() }()
	for k, done := int32(0), int32(0); ; k++ {
		var over, on, left, x []int32
		for i, row := range rows {
			if ends[row]+k == ends[row+1] {
				over = append(over, int32(i))
				place[row] = done
				done++
				continue
			}
			on, left, x = append(on, int32(i)), append(left, row), append(x, ends[row]+k)
		}
		if len(over) > 0 || k == 0 {
			p, err := kernels.Take(mem, acc, over)
			if err != nil {
				return nil, err
			}
			pieces = append(pieces, p)
		}
		if len(on) == 0 {
			break
		}
		next, err := r.step(f, mem, acc, on, left, elements, x)
		if err != nil {
			return nil, err
		}
		acc.Release()
		acc, rows = next, left
	}
	all, err := kernels.Join(mem, pieces)
	if err != nil {
		return nil, err
	}
	defer all.Release()
	return kernels.Take(mem, all, place)
}

// step is the body for the rows on of acc, which are those rows of the frame,
// with the elements x.
func (r *reduce) step(f *frame, mem memory.Allocator, acc arrow.Array, on, rows []int32, elements arrow.Array, x []int32) (arrow.Array, error) {
	before, err := kernels.Take(mem, acc, on)
	if err != nil {
		return nil, err
	}
	defer before.Release()
	values, err := kernels.Take(mem, elements, x)
	if err != nil {
		return nil, err
	}
	defer values.Release()
	rec, err := r.fn.record(f, mem, rows, before, values)
	if err != nil {
		return nil, err
	}
	defer rec.Release()
	return r.fn.bound.Eval(mem, rec)
}
