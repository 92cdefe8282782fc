package expr

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

// node is a bound expression. eval returns a datum the caller releases, in
// memory of mem: that of the frame for a part of another node.
type node interface {
	info() *common
	eval(f *frame, mem memory.Allocator) (kernels.Datum, error)
}

// common is what every node knows.
type common struct {
	typ      arrow.DataType
	nullable bool
	fails    bool   // some input values are errors
	cols     []int  // input columns used, ascending
	key      string // equal nodes have equal keys
	id       int    // number within the expression
	uses     int    // how many nodes it is part of
	ready    bool   // a column or a constant: nothing is computed
	deep     bool   // it is computed of what is computed of columns
	volatile bool   // it is not known to be a function of its columns alone
}

func (c *common) info() *common { return c }

type (
	constant struct {
		common
		value   arrow.Array
		literal bool // written as text: takes the type of what it meets
	}
	column struct {
		common
		index int
	}
	field struct {
		common
		of    node
		index int
	}
	cast struct {
		common
		of  node
		try bool
	}
	function struct {
		common
		args   []node
		kernel kernels.Kernel
	}
)

func (c *constant) eval(*frame, memory.Allocator) (kernels.Datum, error) {
	return kernels.Constant(c.value).Retain(), nil
}

func (c *column) eval(f *frame, _ memory.Allocator) (kernels.Datum, error) {
	return kernels.Column(f.column(c.index)).Retain(), nil
}

func (e *field) eval(f *frame, mem memory.Allocator) (kernels.Datum, error) {
	of, err := f.eval(e.of)
	if err != nil {
		return of, err
	}
	defer of.Release()
	var a arrow.Array
	if s, ok := of.Array.(*array.Struct); ok {
		a, err = kernels.StructField(mem, s, e.index)
	} else {
		a, err = kernels.ListField(mem, of.Array, e.index)
	}
	return kernels.Datum{Array: a, Const: of.Const}, err
}

func (c *cast) eval(f *frame, mem memory.Allocator) (kernels.Datum, error) {
	of, err := f.eval(c.of)
	if err != nil {
		return of, err
	}
	defer of.Release()
	a, err := kernels.Cast(mem, of.Array, c.typ, c.try)
	return kernels.Datum{Array: a, Const: of.Const}, err
}

func (c *function) eval(f *frame, mem memory.Allocator) (kernels.Datum, error) {
	at := len(f.values)
	defer f.drop(at, len(f.rows))
	constant := !c.volatile
	for _, n := range c.args {
		d, err := f.eval(n)
		if err != nil {
			return kernels.Datum{}, err
		}
		f.values = append(f.values, d)
		constant = constant && d.Const
	}
	return f.call(mem, c.kernel, f.values[at:], constant)
}

// call runs a kernel; of constants only it makes a constant.
func (f *frame) call(mem memory.Allocator, k kernels.Kernel, args []kernels.Datum, constant bool) (kernels.Datum, error) {
	n := f.n
	if constant {
		n = 1
	}
	a, err := k(mem, n, args)
	return kernels.Datum{Array: a, Const: constant}, err
}
