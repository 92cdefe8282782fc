package expr

import (
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// The nodes that evaluate parts of themselves only for the rows that need
// them: CASE and IF, COALESCE, AND and OR.
type (
	connective struct {
		common
		or     bool
		args   []node
		kernel kernels.Kernel
	}
	coalesce struct {
		common
		args []node
	}
	choice struct {
		common
		conds, thens []node
		els          node
	}
)

// eval combines the operands one after the other; one that can fail is
// evaluated only where those before it do not decide.
func (c *connective) eval(f *frame) (kernels.Datum, error) {
	acc, err := f.eval(c.args[0])
	for _, n := range c.args[1:] {
		if err != nil {
			return acc, err
		}
		acc, err = c.step(f, acc, n)
	}
	return acc, err
}

// step takes over acc.
func (c *connective) step(f *frame, acc kernels.Datum, n node) (kernels.Datum, error) {
	defer acc.Release()
	rows := f.n
	var d kernels.Datum
	var err error
	if n.info().fails {
		decided := kernels.Truths(acc, rows)
		if !c.or {
			decided = kernels.Falses(acc, rows)
		}
		d, err = f.where(n, kernels.Complement(decided))
	} else {
		d, err = f.eval(n)
	}
	if err != nil {
		return kernels.Datum{}, err
	}
	defer d.Release()
	constant := acc.Const && d.Const
	if constant {
		rows = 1
	}
	a, err := c.kernel(f.mem, rows, []kernels.Datum{acc, d})
	return kernels.Datum{Array: a, Const: constant}, err
}

// eval asks for the next argument only where those before it are NULL.
func (c *coalesce) eval(f *frame) (kernels.Datum, error) {
	left := columnar.Bitmap{N: f.n}
	var which []columnar.Bitmap
	var values []kernels.Datum
	defer func() {
		for _, d := range values {
			d.Release()
		}
	}()
	for _, n := range c.args {
		d, err := f.where(n, left)
		if err != nil {
			return d, err
		}
		values = append(values, d)
		valid := kernels.ValidRows(d, f.n)
		which = append(which, columnar.And(left, valid))
		left = columnar.And(left, kernels.Complement(valid))
		if left.Count() == 0 {
			break
		}
	}
	if len(values) == 1 && !values[0].Const {
		return values[0].Retain(), nil
	}
	a, err := kernels.Choose(f.mem, c.typ, f.n, which, values)
	return kernels.Column(a), err
}

// eval tests each condition on the rows that are left and evaluates its value
// on those where it is TRUE.
func (c *choice) eval(f *frame) (kernels.Datum, error) {
	left := columnar.Bitmap{N: f.n}
	which := make([]columnar.Bitmap, 0, len(c.conds)+1)
	values := make([]kernels.Datum, 0, len(c.conds)+1)
	defer func() {
		for _, d := range values {
			d.Release()
		}
	}()
	take := func(n node, rows columnar.Bitmap) error {
		d, err := f.where(n, rows)
		if err != nil {
			return err
		}
		which, values = append(which, rows), append(values, d)
		return nil
	}
	for i, cond := range c.conds {
		d, err := f.where(cond, left)
		if err != nil {
			return d, err
		}
		rows := columnar.And(left, kernels.Truths(d, f.n))
		d.Release()
		if err := take(c.thens[i], rows); err != nil {
			return kernels.Datum{}, err
		}
		left = columnar.And(left, kernels.Complement(rows))
	}
	if err := take(c.els, left); err != nil {
		return kernels.Datum{}, err
	}
	a, err := kernels.Choose(f.mem, c.typ, f.n, which, values)
	return kernels.Column(a), err
}
