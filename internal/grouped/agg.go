package grouped

import (
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// Agg is one aggregate column: Func over Args.
type Agg struct {
	// Name of the output column; Func if empty.
	Name string
	// Func is the name of a function of kernels/agg: "count", "sum", "avg".
	Func string
	// Args are the arguments; none for count(*).
	Args []expr.Expr
	// Order has the directions of the keys by which the rows of a group are
	// taken; the keys are the last of Args, one each.
	Order []agg.Order
	// Distinct takes equal arguments of a group once.
	Distinct bool
	// Filter keeps the rows for which it is TRUE; nil keeps all.
	Filter expr.Expr
}
