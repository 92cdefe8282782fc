package stage

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// Filter passes the rows for which Where is TRUE; NULL is not. On a changelog
// every change is looked at by itself.
type Filter struct {
	Where expr.Expr

	stateless
	where *expr.Bound
	mem   memory.Allocator
}

var _ arrowstream.Parallel = (*Filter)(nil)

// Bind implements [arrowstream.Stage].
func (f *Filter) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	var err error
	f.mem = env.Allocator
	f.where, err = condition("filter", f.Where, in)
	return in, err
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
		return grouped.Error("filter", err)
	}
	out, err := kernels.Filter(f.mem, b, keep)
	if err != nil {
		return grouped.Error("filter", err)
	}
	defer out.Release()
	if out.NumRows() == 0 {
		return nil
	}
	return emit(out)
}

// Clone implements [arrowstream.Parallel].
func (f *Filter) Clone() arrowstream.Stage { return &Filter{Where: f.Where} }
