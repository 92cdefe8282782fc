package stage

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// Filter passes the rows for which Where is TRUE; NULL is not. On a changelog
// every change is looked at by itself: of a -U and its +U one may pass alone, so
// they come out as -D and +I, whatever passes. [Compact] makes updates of them
// again, by key.
type Filter struct {
	Where expr.Expr
	// Columns are those of the output, in the order of the input; nil is all
	// of them. What only Where needs is not copied. A changelog keeps its
	// column of changes without being asked.
	Columns []string

	stateless
	where *expr.Bound
	out   *arrow.Schema
	keep  []int // columns of the output, nil for all
	mem   memory.Allocator
}

var _ arrowstream.Rowwise = (*Filter)(nil)

// Bind implements [arrowstream.Stage].
func (f *Filter) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	var err error
	f.mem, f.out, f.keep = env.Allocator, in, nil
	if f.where, err = condition("filter", f.Where, in); err != nil || f.Columns == nil {
		return in, err
	}
	var fields []arrow.Field
	for _, name := range f.Columns {
		i, err := grouped.Column("filter", in, name)
		if err != nil {
			return nil, err
		}
		f.keep = append(f.keep, i)
	}
	if columnar.Changelog(in) {
		f.keep = append(f.keep, in.NumFields()-1)
	}
	slices.Sort(f.keep)
	f.keep = slices.Compact(f.keep)
	for _, i := range f.keep {
		fields = append(fields, in.Field(i))
	}
	if len(fields) == 0 {
		return nil, planError("AS1101", "filter: no columns", "")
	}
	md := in.Metadata()
	if f.out = arrow.NewSchema(fields, &md); columnar.EventTime(f.out) < 0 {
		f.out = columnar.WithEventTime(f.out, "") // the mark of a column that is left out
	}
	return f.out, nil
}

// narrow is the columns of b that are passed on.
func (f *Filter) narrow(b arrowstream.Batch) arrowstream.Batch {
	if f.keep == nil {
		b.Retain()
		return b
	}
	cols := make([]arrow.Array, len(f.keep))
	for i, c := range f.keep {
		cols[i] = b.Column(c)
	}
	return array.NewRecord(f.out, cols, b.NumRows())
}

// condition binds a boolean expression.
func condition(what string, e expr.Expr, in *arrow.Schema) (*expr.Bound, error) {
	b, err := expr.Bind(e, in)
	if err != nil {
		return nil, grouped.Error(what, err)
	}
	if id := b.Type().ID(); id != arrow.BOOL && id != arrow.NULL {
		return nil, planError("AS1301", fmt.Sprintf("%s: the condition is %s, not a truth value", what, kernels.SQLName(b.Type())), "")
	}
	return b, nil
}

// Process implements [arrowstream.Stage].
func (f *Filter) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if b.NumRows() == 0 {
		return nil
	}
	keep, err := f.where.Select(f.mem, b)
	if err != nil {
		return grouped.Failed(f.Where, "", err)
	}
	narrow := f.narrow(b)
	defer narrow.Release()
	out, err := kernels.Filter(f.mem, narrow, keep)
	if err != nil {
		return grouped.Error("filter", err)
	}
	defer out.Release()
	if out.NumRows() == 0 {
		return nil
	}
	if columnar.Changelog(f.out) {
		single := singly(f.mem, out)
		defer single.Release()
		return emit(single)
	}
	return emit(out)
}

// Fails implements [arrowstream.Rowwise].
func (f *Filter) Fails() bool { return f.where.Fails() }

// Clone implements [arrowstream.Parallel].
func (f *Filter) Clone() arrowstream.Stage { return &Filter{Where: f.Where, Columns: f.Columns} }
