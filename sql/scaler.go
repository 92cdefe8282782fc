package sql

import (
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// scaler is an online scaler: a number less where the numbers so far lie, over
// how far they reach.
type scaler struct {
	usage, doc string
	// statistics are the aggregates of the numbers that it reads.
	statistics []string
	// scaled is the scaled number x by the statistics.
	scaled func(x expr.Expr, of []expr.Expr) expr.Expr
}

// scalers are the online scalers by name. As sklearn has it, numbers that do not
// differ are scaled by 1: they are 0.
var scalers = map[string]scaler{
	"standardize": {
		"standardize(x) OVER (...)", "x less the mean of the frame, over its population standard deviation; 0 where that is",
		[]string{"avg", "stddev_pop"},
		func(x expr.Expr, of []expr.Expr) expr.Expr { return scaledBy(x, of[0], of[1]) },
	},
	"min_max_scale": {
		"min_max_scale(x) OVER (...)", "x less the least number of the frame, over its range; 0 where that is",
		[]string{"min", "max"},
		func(x expr.Expr, of []expr.Expr) expr.Expr { return scaledBy(x, of[0], call("sub", of[1], of[0])) },
	},
}

// scaledBy is (x - from) / range, with 1 for a range of 0.
func scaledBy(x, from, reach expr.Expr) expr.Expr {
	zero, one := expr.Lit{Value: 0.0}, expr.Lit{Value: 1.0}
	return call("divide", call("sub", x, from), call("if", call("eq", reach, zero), one, reach))
}

// scalerOf is the online scaler that c calls.
func (s *session) scalerOf(c *syntax.Call) (scaler, bool) {
	f, ok := scalers[strings.ToLower(c.Fn.Last())]
	return f, ok && !s.declaredFunction(c.Fn.Last())
}

// calls are the aggregates over the window of c, a call of f, that it reads; nil if
// it is no plain call.
func (f scaler) calls(c *syntax.Call) []*syntax.Call {
	if len(c.Args) != 1 || c.Args[0].Name != nil || c.Star || c.Distinct || c.Filter != nil || len(c.OrderBy) > 0 || len(c.Within) > 0 {
		return nil
	}
	arg := &syntax.Cast{Span: c.Args[0].Value.Range(), X: c.Args[0].Value, To: &syntax.Type{Name: "DOUBLE"}}
	var out []*syntax.Call
	for _, name := range f.statistics {
		fn := syntax.Name{Span: c.Fn.Span, Parts: []syntax.Ident{{Span: c.Fn.Span, Name: name}}}
		out = append(out, &syntax.Call{Span: c.Span, Fn: fn, Args: []syntax.Arg{{Value: arg}}, Over: c.Over})
	}
	return out
}

// scale binds a call of an online scaler, whose statistics are window functions of
// the block.
func (b *binder) scale(c *syntax.Call, f scaler) (expr.Expr, error) {
	parts := f.calls(c)
	if parts == nil {
		return nil, b.err(c, "AS1601", "usage: "+f.usage, "%s takes one number", strings.ToUpper(c.Fn.Last()))
	}
	var of []expr.Expr
	for _, p := range parts {
		x, err := b.over(p)
		if err != nil {
			return nil, err
		}
		of = append(of, x)
	}
	x, err := b.expr(c.Args[0].Value)
	if err != nil {
		return nil, err
	}
	return f.scaled(expr.Cast{Of: x, To: arrow.PrimitiveTypes.Float64}, of), nil
}
