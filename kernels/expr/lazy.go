package expr

import (
	"github.com/apache/arrow/go/v17/arrow/memory"

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
func (c *connective) eval(f *frame, mem memory.Allocator) (kernels.Datum, error) {
	acc, err := f.eval(c.args[0])
	for i, n := range c.args[1:] {
		if err != nil {
			return acc, err
		}
		to := mem
		if i < len(c.args)-2 {
			to = f.Scratch
		}
		acc, err = c.step(f, to, acc, n)
	}
	return acc, err
}

// step takes over acc.
func (c *connective) step(f *frame, mem memory.Allocator, acc kernels.Datum, n node) (kernels.Datum, error) {
	at := len(f.values)
	defer f.drop(at, len(f.rows))
	f.values = append(f.values, acc)
	var d kernels.Datum
	var err error
	if n.info().fails {
		decided := f.Bitmap(f.n)
		if c.or {
			kernels.Truths(decided, acc)
		} else {
			kernels.Falses(decided, acc)
		}
		d, err = f.where(n, f.without(columnar.Bitmap{N: f.n}, decided))
	} else {
		d, err = f.eval(n)
	}
	if err != nil {
		return kernels.Datum{}, err
	}
	f.values = append(f.values, d)
	return f.call(mem, c.kernel, f.values[at:], acc.Const && d.Const)
}

// eval asks for the next argument only where those before it are NULL.
func (c *coalesce) eval(f *frame, mem memory.Allocator) (kernels.Datum, error) {
	at, row := len(f.values), len(f.rows)
	defer f.drop(at, row)
	left := columnar.Bitmap{N: f.n}
	for _, n := range c.args {
		d, err := f.where(n, left)
		if err != nil {
			return d, err
		}
		valid := kernels.ValidRows(d, f.n)
		f.values = append(f.values, d)
		f.rows = append(f.rows, and(f.Bitmap(f.n), left, valid))
		left = f.without(left, valid)
		if left.Count() == 0 {
			break
		}
	}
	if values := f.values[at:]; len(values) == 1 && !values[0].Const {
		return values[0].Retain(), nil
	}
	a, err := kernels.Choose(mem, c.typ, f.n, f.rows[row:], f.values[at:])
	return kernels.Column(a), err
}

// eval tests each condition on the rows that are left and evaluates its value
// on those where it is TRUE.
func (c *choice) eval(f *frame, mem memory.Allocator) (kernels.Datum, error) {
	at, row := len(f.values), len(f.rows)
	defer f.drop(at, row)
	left := columnar.Bitmap{N: f.n}
	for i, cond := range c.conds {
		d, err := f.where(cond, left)
		if err != nil {
			return d, err
		}
		rows := f.Bitmap(f.n)
		kernels.Truths(rows, d)
		d.Release()
		rows.AndWith(left)
		if err := f.branch(c.thens[i], rows); err != nil {
			return kernels.Datum{}, err
		}
		left = f.without(left, rows)
	}
	if err := f.branch(c.els, left); err != nil {
		return kernels.Datum{}, err
	}
	a, err := kernels.Choose(mem, c.typ, f.n, f.rows[row:], f.values[at:])
	return kernels.Column(a), err
}

// branch evaluates n on rows and keeps both.
func (f *frame) branch(n node, rows columnar.Bitmap) error {
	d, err := f.where(n, rows)
	if err == nil {
		f.values, f.rows = append(f.values, d), append(f.rows, rows)
	}
	return err
}
