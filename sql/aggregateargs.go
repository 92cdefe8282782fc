package sql

import (
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// aggregateArgs are the function and the arguments of an aggregate, with the keys of ORDER BY at
// the end. f(p) WITHIN GROUP (ORDER BY x) is f(x, p) of the ordered-set
// functions, f(x) of mode, and else another spelling of ORDER BY.
func (s *session) aggregateArgs(c *syntax.Call) (string, []syntax.Expr, []agg.Order, error) {
	f, _ := agg.Find(c.Fn.Last())
	var args []syntax.Expr
	for _, a := range c.Args {
		if a.Name != nil {
			return "", nil, nil, s.src.Error(a.Name.Span, "AS1601", "give the arguments by position", c.Fn.Last()+" has no named arguments")
		}
		args = append(args, a.Value)
	}
	if f.Name == "listagg" && len(args) == 1 && s.compat("sql.list-separator") == "none" {
		args = append(args, &syntax.String{Span: c.Span})
	}
	if f.Name == "json_arrayagg" || f.Name == "json_objectagg" {
		var err error
		if args, err = s.jsonAggregate(c, args); err != nil {
			return "", nil, nil, err
		}
	}
	orders := c.OrderBy
	if len(c.Within) > 0 {
		if len(orders) > 0 {
			return "", nil, nil, s.src.Error(c.Span, "AS1601", "leave one of them out", "ORDER BY and WITHIN GROUP in one call")
		}
		switch {
		case slices.Contains([]string{"percentile", "percentile_disc", "mode"}, f.Name):
			return s.orderedSet(c, f.Name, args)
		case f.Name != "listagg" && f.Name != "array_agg":
			return "", nil, nil, s.src.Error(c.Span, "AS1601", "write ORDER BY inside the parentheses", strings.ToUpper(f.Name)+" takes no WITHIN GROUP")
		}
		orders = c.Within
	}
	var by []agg.Order
	for _, o := range orders {
		key := newSortKey("", o)
		args, by = append(args, o.X), append(by, agg.Order{Desc: key.desc, NullsLast: key.nullsLast})
	}
	return f.Name, args, by, nil
}

// orderedSet are the arguments of PERCENTILE_CONT(p) WITHIN GROUP (ORDER BY x)
// and of MODE() WITHIN GROUP (ORDER BY x).
func (s *session) orderedSet(c *syntax.Call, name string, args []syntax.Expr) (string, []syntax.Expr, []agg.Order, error) {
	want := 1
	if name == "mode" {
		want = 0
	}
	if len(args) != want || len(c.Within) != 1 {
		return "", nil, nil, s.src.Error(c.Span, "AS1601", "usage: PERCENTILE_CONT(p) WITHIN GROUP (ORDER BY x), MODE() WITHIN GROUP (ORDER BY x)", strings.ToUpper(c.Fn.Last())+" WITHIN GROUP has a wrong number of arguments or keys")
	}
	key := c.Within[0]
	args = append([]syntax.Expr{key.X}, args...)
	switch {
	case !key.Desc || name == "mode":
	case name == "percentile_disc":
		name = "percentile_disc_desc"
	default:
		one := &syntax.Number{Text: "1e0", Span: c.Span}
		args[1] = &syntax.Binary{Op: "-", L: one, R: args[1], Span: c.Span}
	}
	return name, args, nil, nil
}
