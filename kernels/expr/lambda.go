package expr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

// Lambda is x -> e or (x, y) -> e, an argument of transform, filter and reduce.
// In e the parameters are [Param]s, whose names no other lambda around or in it
// has.
type Lambda struct {
	Params []string
	Body   Expr
}

// Param is a parameter of the lambda it stands in.
type Param struct{ Name string }

func (Lambda) expr() {}
func (Param) expr()  {}

// paramColumn is the column that stands for a parameter where the body of a
// lambda is bound.
func paramColumn(name string) string { return "-> " + name }

// body is the body of a lambda, bound to the columns that it reads of those
// around it, and after them to its parameters.
type body struct {
	bound    *Bound
	in       *arrow.Schema
	captured []int
}

// bindBody binds a lambda whose parameters have the given types.
func (b *binder) bindBody(l Lambda, types ...arrow.DataType) (*body, error) {
	if len(l.Params) != len(types) {
		return nil, &Error{Code: kernels.CodeFunction, Msg: fmt.Sprintf("the lambda has %d parameters, want %d", len(l.Params), len(types))}
	}
	var names []string
	Walk(l.Body, func(e Expr) bool {
		switch e := e.(type) {
		case Col:
			names = append(names, e.Name)
		case Param:
			if !slices.Contains(l.Params, e.Name) {
				names = append(names, paramColumn(e.Name))
			}
		}
		return true
	})
	out := &body{}
	var fields []arrow.Field
	for _, name := range names {
		n, err := b.column(name)
		if c, ok := n.(*column); err == nil && ok && !slices.Contains(out.captured, c.index) {
			out.captured, fields = append(out.captured, c.index), append(fields, b.in.Field(c.index))
		} else if err != nil && !strings.HasPrefix(name, "-> ") {
			return nil, err
		}
	}
	for i, p := range l.Params {
		fields = append(fields, arrow.Field{Name: paramColumn(p), Type: types[i], Nullable: true})
	}
	out.in = arrow.NewSchema(fields, nil)
	var err error
	out.bound, err = Bind(l.Body, out.in)
	return out, err
}

// record is the rows of the frame as the body reads them, with the parameters.
// The caller releases it.
func (l *body) record(f *frame, mem memory.Allocator, rows []int32, params ...arrow.Array) (arrow.Record, error) {
	cols := make([]arrow.Array, 0, len(l.captured)+len(params))
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	for _, at := range l.captured {
		c, err := kernels.Take(mem, f.column(at), rows)
		if err != nil {
			return nil, err
		}
		cols = append(cols, c)
	}
	for _, p := range params {
		p.Retain()
		cols = append(cols, p)
	}
	return array.NewRecord(l.in, cols, int64(len(rows))), nil
}

// higher is the functions that take functions.
var higher = map[string]bool{"transform": true, "filter": true, "reduce": true}

// bindHigher binds transform(list, x -> e), filter(list, x -> condition) and
// reduce(list, start, (acc, x) -> e[, acc -> e]); nil if there is no lambda.
func (b *binder) bindHigher(name string, e Call, depth int) (node, error) {
	if len(e.Args) < 2 {
		return nil, nil
	}
	l, ok := e.Args[1].(Lambda)
	if name == "reduce" && len(e.Args) > 2 {
		l, ok = e.Args[2].(Lambda)
	}
	if !ok {
		return nil, nil
	}
	list, err := b.bind(e.Args[0], depth+1)
	if err != nil {
		return nil, err
	}
	elem, ok := kernels.ElemOf(list.info().typ)
	if !ok {
		return nil, &Error{Code: kernels.CodeFunction, Msg: fmt.Sprintf("%s of %s: want a list", name, kernels.SQLName(list.info().typ))}
	}
	if name == "reduce" {
		return b.bindReduce(e, l, list, elem, depth)
	}
	if len(e.Args) != 2 {
		return nil, &Error{Code: kernels.CodeFunction, Msg: fmt.Sprintf("%s takes a list and a lambda, not %d arguments", name, len(e.Args))}
	}
	fn, err := b.bindBody(l, elem)
	if err != nil {
		return nil, err
	}
	t := arrow.ListOf(fn.bound.Type())
	if name == "filter" {
		if id := fn.bound.Type().ID(); id != arrow.BOOL && id != arrow.NULL {
			return nil, &Error{Code: kernels.CodeTypes, Msg: "the condition is " + kernels.SQLName(fn.bound.Type()) + ", not BOOLEAN"}
		}
		t = arrow.ListOf(elem)
	}
	n := &mapped{filter: name == "filter", of: list, fn: fn, common: b.overBodies(e, t, []node{list}, fn)}
	return b.share(n), nil
}

// overBodies is what a node of lambdas knows.
func (b *binder) overBodies(e Call, t arrow.DataType, of []node, fns ...*body) common {
	c := combined(String(e), t, of)
	c.nullable, c.volatile = true, true // the bodies may be
	for _, fn := range fns {
		c.fails = c.fails || fn.bound.Fails()
		c.cols = append(c.cols, fn.captured...)
	}
	slices.Sort(c.cols)
	c.cols = slices.Compact(c.cols)
	return c
}

// mapped is transform and filter: the body is evaluated once, over the elements
// of all rows.
type mapped struct {
	common
	filter bool
	of     node
	fn     *body
}

func (m *mapped) eval(f *frame, mem memory.Allocator) (kernels.Datum, error) {
	heap := f.Allocator
	lists, constant, err := f.lists(m.of, len(m.fn.captured) == 0)
	if err != nil {
		return kernels.Datum{}, err
	}
	defer lists.Release()
	elements, parents, ends, err := kernels.Elements(heap, lists)
	if err != nil {
		return kernels.Datum{}, err
	}
	defer elements.Release()
	rec, err := m.fn.record(f, heap, parents, elements)
	if err != nil {
		return kernels.Datum{}, err
	}
	defer rec.Release()
	var values arrow.Array
	if !m.filter {
		values, err = m.fn.bound.Eval(heap, rec)
	} else if keep, serr := m.fn.bound.Select(heap, rec); serr != nil {
		err = serr
	} else {
		var rows []int32
		kept := make([]int32, len(ends))
		for i := range len(ends) - 1 {
			for k := ends[i]; k < ends[i+1]; k++ {
				if keep.Get(int(k)) {
					rows = append(rows, k)
				}
			}
			kept[i+1] = int32(len(rows))
		}
		ends = kept
		values, err = kernels.Take(heap, elements, rows)
	}
	if err != nil {
		return kernels.Datum{}, err
	}
	defer values.Release()
	return kernels.Datum{Array: kernels.Lists(mem, m.typ.(*arrow.ListType), lists, ends, values), Const: constant}, nil
}

// lists is a column of lists, of one row for a constant if alone says that
// nothing else differs between rows. The caller releases it.
func (f *frame) lists(n node, alone bool) (lists arrow.Array, constant bool, err error) {
	d, err := f.eval(n)
	if err != nil {
		return nil, false, err
	}
	defer d.Release()
	if d.Const && !alone {
		a, err := kernels.Repeat(f.Allocator, d.Array, f.n)
		return a, false, err
	}
	d.Array.Retain()
	return d.Array, d.Const, nil
}
