package expr

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// List is expressions over one schema that are evaluated together: parts that
// are equal, of one or of several, are computed once per batch, and held until
// the last expression is. Volatile functions of different expressions are
// different. Like a [Bound] it serves any number of goroutines, once it is made.
type List struct {
	binder *binder
	bounds []*Bound
	frames
}

// NewList returns a list without expressions over the columns of in.
func NewList(in *arrow.Schema) *List {
	return &List{binder: newBinder(in)}
}

// Bind is [Bind] for an expression that Add may put into the list.
func (l *List) Bind(e Expr) (*Bound, error) {
	l.binder.roots++
	return l.binder.bound(e)
}

// Add puts b, of Bind, at the end of the list.
func (l *List) Add(b *Bound) { l.bounds = append(l.bounds, b) }

// Bounds are the expressions of the list.
func (l *List) Bounds() []*Bound { return l.bounds }

// Fails reports whether one of the expressions can fail for some input values.
func (l *List) Fails() bool { return slices.ContainsFunc(l.bounds, (*Bound).Fails) }

// Eval is [Bound.Eval] for every expression, in their order: out, of as many
// elements, gets the results, which the caller owns. Of an error it returns the
// expression too; the results before it are in out.
func (l *List) Eval(mem memory.Allocator, batch arrow.Record, out []arrow.Array) (at int, err error) {
	f := l.frame(mem, batch)
	defer l.done(f)
	for i, b := range l.bounds {
		if out[i], err = f.result(b.root, mem); err != nil {
			return i, err
		}
	}
	return 0, nil
}
