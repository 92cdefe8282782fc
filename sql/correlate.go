package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// correlation is what ties the rows of a query to those of the query in whose
// expressions it stands: conditions of its WHERE that read columns of both. The
// columns that they need of the inner rows become further outputs of the inner
// query, keys of its groups if it has any, and the two are joined by them.
type correlation struct {
	outer *binder // of the query around
	name  string  // prefix of the inner columns, whose names nothing else has
	conds []syntax.Expr
	on    []conjunct  // over the columns of both
	extra []outColumn // further outputs of the inner query
	items int         // its own outputs
	// global: the inner query is an aggregate of all rows that match; empty is
	// its select list without any.
	global bool
	empty  []expr.Expr
}

// hasQuery reports whether there is a query in e.
func hasQuery(e syntax.Expr) bool {
	return syntax.Any(e, func(x syntax.Expr) bool {
		switch x := x.(type) {
		case *syntax.Subquery:
			return true
		case *syntax.In:
			return x.Query != nil
		}
		return false
	})
}

// reaches reports whether e reads a column that is none of sc but of the query
// around.
func (p *block) reaches(sc *scope, e syntax.Expr) bool {
	if p.corr == nil {
		return false
	}
	return syntax.Any(e, func(x syntax.Expr) bool {
		c, ok := x.(*syntax.Column)
		if !ok {
			return false
		}
		if _, found, err := (&binder{s: p.s, scope: sc, outer: p.corr.outer}).resolve(c.Name); found || err != nil {
			return false
		}
		_, err := p.corr.outer.expr(c)
		return err == nil
	})
}

// correlate binds the conditions that read columns of the query around.
func (p *block) correlate(rel *relation, sel *syntax.Select, aggregates bool) (*relation, error) {
	c := p.corr
	if c == nil || len(c.conds) == 0 {
		return rel, nil
	}
	rel, err := p.assigned(rel)
	if err != nil {
		return nil, err
	}
	if rel, err = p.prefixed(rel); err != nil {
		return nil, err
	}
	outer := *c.outer.input
	both := &scope{columns: rel.scope.columns, schema: arrow.NewSchema(append(visible(outer.schema), visible(rel.node.schema)...), nil)}
	if slices.ContainsFunc(sel.GroupBy, func(e syntax.Expr) bool { _, ok := e.(*syntax.Grouping); return ok }) {
		return nil, p.undecorrelated(sel, "grouping sets")
	}
	for i, e := range c.conds {
		if hasQuery(e) {
			return nil, p.undecorrelated(e, "a condition with a query that reads the query around")
		}
		x, err := (&binder{s: p.s, scope: both, outer: c.outer}).condition(e, "WHERE")
		if err != nil {
			return nil, err
		}
		cond := conjunct{x: x, at: e}
		exprColumns(x, &cond.on)
		if !aggregates {
			for _, name := range visibleNames(rel.node.schema) {
				if cond.on.names[name] && !slices.ContainsFunc(c.extra, func(o outColumn) bool { return o.Name == name }) {
					c.extra = append(c.extra, outColumn{name, expr.Col{Name: name}})
				}
			}
			c.on = append(c.on, cond)
			continue
		}
		l, r, nulls, ok := equality(x, outer, rel.node)
		if !ok {
			return nil, p.undecorrelated(e, "an aggregate of rows that are tied by something else than equality")
		}
		key := outColumn{fmt.Sprintf("%s.key%d", c.name, i), r}
		c.extra = append(c.extra, key)
		c.on = append(c.on, equal(e, l, expr.Col{Name: key.Name}, nulls))
	}
	if aggregates && len(sel.GroupBy) == 0 && !sel.Distinct {
		c.global = true
		if sel.Having != nil {
			return nil, p.undecorrelated(sel.Having, "HAVING without GROUP BY")
		}
		for _, it := range sel.Items {
			x, err := (&binder{s: p.s, scope: &scope{schema: noColumns}, empty: true}).expr(it.X)
			if err != nil {
				x = expr.Lit{}
			}
			c.empty = append(c.empty, x)
		}
	}
	return rel, nil
}

// equal is the condition l = r, or that they are not distinct.
func equal(at syntax.Expr, l, r expr.Expr, nulls bool) conjunct {
	op := "eq"
	if nulls {
		op = "is_not_distinct"
	}
	c := conjunct{x: call(op, l, r), at: at}
	exprColumns(c.x, &c.on)
	return c
}

// undecorrelated is the error of a correlation that is no join.
func (p *block) undecorrelated(at syntax.Node, what string) error {
	return p.s.src.Error(at.Range(), "AS1408", "write it as a join, or tie the two queries by equalities in the WHERE of the inner one", "this query inside a query is no join: "+what)
}

// prefixed gives the columns of rel names that no other query has.
func (p *block) prefixed(rel *relation) (*relation, error) {
	rename := func(name string) string { return p.corr.name + "." + name }
	cols := passColumns(visibleNames(rel.node.schema))
	for i := range cols {
		cols[i].Name = rename(cols[i].Name)
	}
	n, err := projectNode(rel.node, cols)
	if err != nil {
		return nil, err
	}
	sc := &scope{columns: slices.Clone(rel.scope.columns), schema: n.schema}
	for i := range sc.columns {
		sc.columns[i].plan = rename(sc.columns[i].plan)
	}
	if w := rel.scope.window; w != nil {
		sc.window = &windowNames{rename(w.start), rename(w.end)}
	}
	return &relation{node: n, scope: sc, table: rel.table, at: rel.at}, nil
}

// pushNot brings NOT down to the queries in e, so that a NOT of several
// conditions is several conditions.
func pushNot(e syntax.Expr) syntax.Expr {
	if !hasQuery(e) {
		return e
	}
	if b, ok := e.(*syntax.Binary); ok && (b.Op == "AND" || b.Op == "OR") {
		return &syntax.Binary{Span: b.Span, Op: b.Op, L: pushNot(b.L), R: pushNot(b.R)}
	}
	u, ok := e.(*syntax.Unary)
	if !ok || u.Op != "NOT" {
		return e
	}
	not := func(x syntax.Expr) syntax.Expr { return pushNot(&syntax.Unary{Span: u.Span, Op: "NOT", X: x}) }
	switch x := u.X.(type) {
	case *syntax.Unary:
		if x.Op == "NOT" {
			return pushNot(x.X)
		}
	case *syntax.In:
		flipped := *x
		flipped.Not = !x.Not
		return &flipped
	case *syntax.Binary:
		switch x.Op {
		case "AND":
			return &syntax.Binary{Span: x.Span, Op: "OR", L: not(x.L), R: not(x.R)}
		case "OR":
			return &syntax.Binary{Span: x.Span, Op: "AND", L: not(x.L), R: not(x.R)}
		}
	}
	return e
}

// ofNoRows is what an aggregate is of no rows.
func ofNoRows(c *syntax.Call) expr.Expr {
	switch strings.ToLower(c.Fn.Last()) {
	case "count", "count_if", "countif", "approx_count_distinct", "approx_distinct":
		return expr.Lit{Value: int64(0)}
	}
	return expr.Lit{}
}
