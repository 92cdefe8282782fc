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
	// Also are columns that are computed before, for Where and for the output,
	// where they follow those of the input. There are none for a changelog.
	Also []Column

	stateless
	also  []*expr.Bound
	whole *arrow.Schema // of the input, with Also
	where *expr.Bound
	out   *arrow.Schema
	keep  []int // columns of the output, nil for all
	mem   memory.Allocator
}

var _ arrowstream.Rowwise = (*Filter)(nil)

// Bind implements [arrowstream.Stage].
func (f *Filter) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	var err error
	f.mem, f.keep = env.Allocator, nil
	if in, err = f.bindAlso(in); err != nil {
		return nil, err
	}
	f.out = in
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

// bindAlso is the schema with the columns that are computed.
func (f *Filter) bindAlso(in *arrow.Schema) (*arrow.Schema, error) {
	f.also = nil
	if len(f.Also) == 0 {
		return in, nil
	}
	if columnar.Changelog(in) {
		return nil, planError("AS1406", "filter: columns that are computed for a changelog", "")
	}
	fields := slices.Clone(in.Fields())
	for _, c := range f.Also {
		b, err := expr.Bind(c.Expr, in)
		if err != nil {
			return nil, grouped.Error("filter", err)
		}
		f.also, fields = append(f.also, b), append(fields, arrow.Field{Name: c.Name, Type: b.Type(), Nullable: b.Nullable()})
	}
	md := in.Metadata()
	f.whole = arrow.NewSchema(fields, &md)
	return f.whole, grouped.Distinct("filter", fields)
}

// withAlso is b with the columns that are computed; the caller releases it.
func (f *Filter) withAlso(b arrowstream.Batch) (arrowstream.Batch, error) {
	b.Retain()
	if len(f.also) == 0 {
		return b, nil
	}
	defer b.Release()
	cols := slices.Clone(b.Columns())
	defer func() { grouped.Release(cols[b.NumCols():]) }()
	for i, e := range f.also {
		col, err := e.Eval(f.mem, b)
		if err != nil {
			return nil, grouped.Failed(f.Also[i].Expr, "", err)
		}
		cols = append(cols, col)
	}
	return array.NewRecord(f.whole, cols, b.NumRows()), nil
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
	b, err := f.withAlso(b)
	if err != nil {
		return err
	}
	defer b.Release()
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
func (f *Filter) Fails() bool {
	return f.where.Fails() || slices.ContainsFunc(f.also, (*expr.Bound).Fails)
}

// Clone implements [arrowstream.Parallel].
func (f *Filter) Clone() arrowstream.Stage {
	return &Filter{Where: f.Where, Columns: f.Columns, Also: f.Also}
}
