package sql

import (
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// A compatibility is a setting in which engines differ: its values, the first of
// which is the default, and those of the presets of sql.compat.
type compatibility struct {
	values       []string
	flink, spark string
}

// compatibilities are the switches of sql.compat (docs/sql/settings.md).
var compatibilities = map[string]compatibility{
	"sql.double-quotes":    {[]string{"auto", "identifier", "string"}, "identifier", "string"},
	"sql.integer-division": {[]string{"fraction", "truncate"}, "truncate", "fraction"},
	"sql.integer-average":  {[]string{"fraction", "truncate"}, "truncate", "fraction"},
	"sql.division-by-zero": {[]string{"error", "null"}, "error", "null"},
	"sql.array-base":       {[]string{"1", "0"}, "1", "0"},
	"sql.regexp-no-match":  {[]string{"null", "empty"}, "null", "empty"},
	"sql.greatest-null":    {[]string{"null", "skip"}, "null", "skip"},
	"sql.timestamp":        {[]string{"no-zone", "local"}, "no-zone", "local"},
	"sql.list-separator":   {[]string{"comma", "none"}, "comma", "none"},
}

// compatibilityNames are the settings in order.
func compatibilityNames() []string { return slices.Sorted(maps.Keys(compatibilities)) }

// compat is the value of a switch: what was set, or what the preset says.
func (s *session) compat(key string) string {
	c := compatibilities[key]
	def := c.values[0]
	switch s.setting("sql.compat", "default") {
	case "flink":
		def = c.flink
	case "spark":
		def = c.spark
	}
	return s.setting(key, def)
}

// quotient is x / y, x DIV y or x % y as the session wants it.
func (b *binder) quotient(e *syntax.Binary) (expr.Expr, error) {
	op := operators[e.Op]
	whole := op == "divide" && b.s.compat("sql.integer-division") == "truncate"
	args, err := b.exprs(e.L, e.R)
	if err != nil {
		return nil, err
	}
	if whole {
		_, x, err := b.typed(e.L)
		if err != nil {
			return nil, err
		}
		_, y, err := b.typed(e.R)
		if err != nil {
			return nil, err
		}
		if arrow.IsInteger(kernels.Logical(x).ID()) && arrow.IsInteger(kernels.Logical(y).ID()) {
			op = "div"
		}
	}
	if b.s.compat("sql.division-by-zero") == "null" {
		args[1] = call("nullif", args[1], expr.Lit{Value: int64(0)})
	}
	return call(op, args...), nil
}

// element is x[i]: of a list from 1, or from 0 if the session wants it so, where
// a negative place is none.
func (b *binder) element(e *syntax.Index) (expr.Expr, error) {
	x, t, err := b.typed(e.X)
	if err != nil {
		return nil, err
	}
	i, err := b.expr(e.I)
	if err != nil {
		return nil, err
	}
	switch kernels.Logical(t).ID() {
	case arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST:
		i = call("if", call("ge", i, expr.Lit{Value: int64(0)}), call("add", i, expr.Lit{Value: int64(1)}), expr.Lit{})
	}
	return call("element_at", x, i), nil
}

// compatCall is a call of a function in which engines differ.
func (s *session) compatCall(name string, args []expr.Expr) expr.Expr {
	switch name {
	case "greatest", "least":
		if s.compat("sql.greatest-null") == "skip" {
			name += "_ignore_nulls"
		}
	case "regexp_extract":
		if s.compat("sql.regexp-no-match") == "empty" && len(args) >= 2 {
			known := call("and", call("is_not_null", args[0]), call("is_not_null", args[1]))
			return call("if", known, call("coalesce", call(name, args...), expr.Lit{Value: ""}), expr.Lit{})
		}
	case "str_to_map":
		if s.setting("sql.compat", "default") == "spark" && len(args) < 3 {
			args = append(append(args, expr.Lit{Value: ","}, expr.Lit{Value: ":"})[:max(len(args), 2)], expr.Lit{Value: ":"})
		}
	case "mod":
		if s.compat("sql.division-by-zero") == "null" && len(args) == 2 {
			args = []expr.Expr{args[0], call("nullif", args[1], expr.Lit{Value: int64(0)})}
		}
	}
	return expr.Call{Name: name, Args: args}
}

// compatAggregate is the result of an aggregate, which is column x, as the
// session wants it: the average of integers may be one.
func (b *binder) compatAggregate(c *syntax.Call, x expr.Expr) (expr.Expr, error) {
	name := strings.ToLower(c.Fn.Last())
	if name != "avg" && name != "mean" || len(c.Args) != 1 || b.s.compat("sql.integer-average") != "truncate" {
		return x, nil
	}
	_, t, err := b.typed(c.Args[0].Value)
	if err != nil || !arrow.IsInteger(kernels.Logical(t).ID()) {
		return x, err
	}
	return expr.Cast{Of: call("truncate", x), To: kernels.Logical(t)}, nil
}

// fractions warns of a grouping key e of type t that divides whole numbers as if
// it cut them into ranges: a quotient is a fraction here, a group of its own for
// every value.
func (b *binder) fractions(e syntax.Expr, t arrow.DataType) {
	q, ok := e.(*syntax.Binary)
	if !ok || q.Op != "/" || !arrow.IsFloating(kernels.Logical(t).ID()) {
		return
	}
	for _, side := range []syntax.Expr{q.L, q.R} {
		if _, t, err := b.typed(side); err != nil || !arrow.IsInteger(kernels.Logical(t).ID()) {
			return
		}
	}
	b.s.warn(q.Range(), "AS1310", "write "+syntax.Text(q.L)+" DIV "+syntax.Text(q.R)+" for ranges", "a group for every value of "+syntax.Text(q)+", which is a fraction")
}
