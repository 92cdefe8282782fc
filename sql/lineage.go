package sql

import (
	"slices"

	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// bottom is the last node below n whose rows are those of n.
func bottom(n *node) *node {
	for n.rowwise {
		n = n.in[0]
	}
	return n
}

// over writes a column of n as an expression over the columns of bottom(n).
func over(n *node, column string) (expr.Expr, bool) {
	for n.rowwise {
		if n.project != nil {
			i := slices.IndexFunc(n.project, func(c outColumn) bool { return c.Name == column })
			if i < 0 {
				return nil, false
			}
			return substitute(n.project[i].Expr, func(c string) (expr.Expr, bool) { return over(n.in[0], c) })
		}
		in, ok := n.plain(column)
		if !ok {
			return nil, false
		}
		if _, exists := n.in[0].field(in); !exists {
			return nil, false
		}
		n, column = n.in[0], in
	}
	return expr.Col{Name: column}, true
}

// substitute replaces the columns of e; ok is false when one has no
// replacement.
func substitute(e expr.Expr, of func(string) (expr.Expr, bool)) (expr.Expr, bool) {
	if c, ok := e.(expr.Col); ok {
		return of(c.Name)
	}
	all := true
	out := expr.Map(e, func(x expr.Expr) expr.Expr {
		y, ok := substitute(x, of)
		all = all && ok
		return y
	})
	return out, all
}

// above writes the column of the training query as an expression over the
// columns of x, which comes from the same rows.
func above(m *model, x *node, column string) (expr.Expr, bool) {
	want, ok := over(m.train, column)
	if !ok {
		return nil, false
	}
	if f, same := x.field(column); same {
		if have, ok := over(x, f.Name); ok && exprText(have) == exprText(want) {
			return expr.Col{Name: column}, true
		}
	}
	byText := map[string]string{}
	for _, f := range x.schema.Fields() {
		if have, ok := over(x, f.Name); ok {
			if _, first := byText[exprText(have)]; !first {
				byText[exprText(have)] = f.Name
			}
		}
	}
	if name, ok := byText[exprText(want)]; ok {
		return expr.Col{Name: name}, true
	}
	return substitute(want, func(c string) (expr.Expr, bool) {
		name, ok := byText[syntax.QuoteName(c)]
		return expr.Col{Name: name}, ok
	})
}
