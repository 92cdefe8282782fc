package sql

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// groupable reports whether GROUP BY e groups by the values of e: a number is
// the place of an output there, and a query is planned for the outputs only.
func groupable(e syntax.Expr) bool {
	switch e.(type) {
	case *syntax.Star, *syntax.Number:
		return false
	}
	return !hasOver(e) && !hasQuery(e)
}

// selectBlock plans SELECT ... FROM ... WHERE ... GROUP BY ... HAVING.
func (p *block) selectBlock(sel *syntax.Select) (*node, error) {
	rel, where, err := p.from(sel)
	if err != nil {
		return nil, err
	}
	aggregates := len(sel.GroupBy) > 0 || sel.Having != nil || p.s.hasAggregate(sel.Qualify)
	for _, it := range sel.Items {
		aggregates = aggregates || p.s.hasAggregate(it.X)
	}
	groups := sel.GroupBy
	if all := (&binder{s: p.s, scope: rel.scope, block: p}); len(groups) == 1 && all.meansAll(groups[0], sel.Items) {
		groups = p.groupAll(sel, rel.scope)
	}
	distinct := sel.Distinct
	if distinct && !aggregates && !slices.ContainsFunc(sel.Items, func(it syntax.Item) bool { return !groupable(it.X) || p.s.isUnnest(it.X) }) {
		// DISTINCT without aggregates is GROUP BY all outputs.
		for _, it := range sel.Items {
			groups = append(groups, it.X)
		}
		aggregates, distinct = true, false
	}
	if rel, err = p.where(rel, where, aggregates); err != nil {
		return nil, outputInWhere(err, sel)
	}
	if rel, err = p.correlate(rel, sel, aggregates); err != nil {
		return nil, err
	}
	if rel, sel, err = p.unnestItem(rel, sel); err != nil {
		return nil, err
	}
	var out *node
	if aggregates {
		out, err = p.aggregate(rel, sel, groups)
	} else {
		out, err = p.project(rel, sel)
	}
	if err != nil || !distinct {
		p.name(out)
		return out, err
	}
	if p.hidden > 0 {
		return nil, p.s.src.Error(sel.Span, "AS1405", "order by a selected column", "ORDER BY wants a column that DISTINCT removed")
	}
	if out, err = p.distinct(out, rel, sel.Span); err == nil {
		p.name(out)
	}
	return out, err
}

// distinct keeps one of equal rows.
func (p *block) distinct(n *node, rel *relation, at syntax.Span) (*node, error) {
	return p.s.groupNode(n, visibleNames(n.schema), nil, p.ttlOf(rel.scope.tables()), at)
}

// from plans the FROM of a block; without one there is a single row. Joins use
// what they can of WHERE; rest is what is left of it.
func (p *block) from(sel *syntax.Select) (rel *relation, rest syntax.Expr, err error) {
	if sel.From == nil {
		n := p.s.oneRow()
		return &relation{node: n, scope: &scope{schema: n.schema}}, sel.Where, nil
	}
	if err := p.hints(sel); err != nil {
		return nil, nil, err
	}
	rest = sel.Where
	if j, ok := sel.From.(*syntax.Join); ok {
		rel, rest, err = p.joined(j, sel.Where)
	} else {
		rel, err = p.s.relation(sel.From, p.env)
	}
	if err == nil {
		err = p.checkHints(rel)
	}
	return rel, rest, err
}

// assigned is rel with the columns of its window, if there is one that was not
// made yet.
func (p *block) assigned(rel *relation) (*relation, error) {
	if rel.window == nil {
		return rel, nil
	}
	n, err := p.s.assign(rel.node, rel.window)
	if err != nil {
		return nil, err
	}
	rel.scope.schema = n.schema
	return &relation{node: n, scope: rel.scope, table: rel.table, at: rel.at}, nil
}

// where plans WHERE. A condition on the columns of a window is evaluated after
// the window, any other one before it.
func (p *block) where(rel *relation, where syntax.Expr, aggregates bool) (*relation, error) {
	if !aggregates || where != nil && mentionsWindow(where) {
		var err error
		if rel, err = p.assigned(rel); err != nil {
			return nil, err
		}
	}
	if where == nil {
		return rel, nil
	}
	n := rel.node
	if err := p.conditions(&binder{s: p.s, scope: rel.scope, input: &n, block: p}, where, "WHERE"); err != nil {
		return nil, err
	}
	return &relation{node: n, scope: rel.scope, table: rel.table, at: rel.at, window: rel.window}, nil
}

// outputInWhere tells in the error of a WHERE that does not find a name that it is
// one of the outputs, which come later.
func outputInWhere(err error, sel *syntax.Select) error {
	e := toError(err)
	for _, it := range sel.Items {
		if it.Alias != nil && e.Code == "AS1203" && e.Msg == fmt.Sprintf("column %q not found", it.Alias.Name) {
			e.Hint = "WHERE is computed before the outputs have their names: write " + syntax.Text(it.X)
			return e
		}
	}
	return err
}

// project plans the select list of a block without aggregates.
func (p *block) project(rel *relation, sel *syntax.Select) (*node, error) {
	n := rel.node
	b := &binder{s: p.s, scope: rel.scope, input: &n, block: p}
	if err := p.overs(b, sel); err != nil {
		return nil, err
	}
	return p.outputs(b, sel, rel.scope)
}

// outputs plans the select list with b, which knows what names mean, and the
// hidden columns of ORDER BY.
func (p *block) outputs(b *binder, sel *syntax.Select, stars *scope) (*node, error) {
	var cols []outColumn
	var checks []syntax.Expr
	for _, it := range sel.Items {
		if star, ok := it.X.(*syntax.Star); ok {
			list, err := p.star(b, star, stars)
			if err != nil {
				return nil, err
			}
			cols = append(cols, list...)
			continue
		}
		x, err := b.expr(it.X)
		if err != nil {
			return nil, err
		}
		cols, checks = append(cols, outColumn{itemName(it), x}), append(checks, it.X)
	}
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = c.Name
	}
	names = uniqueNames(names)
	for i := range cols {
		cols[i].Name = names[i]
	}
	for _, o := range p.order {
		if len(p.order) == 1 && b.meansAll(o.X, sel.Items) {
			for _, name := range names {
				p.sortKeys = append(p.sortKeys, newSortKey(name, o))
			}
			break
		}
		if name, ok := p.outputName(o.X, names); ok {
			p.sortKeys = append(p.sortKeys, newSortKey(name, o))
			continue
		}
		if n, ok := o.X.(*syntax.Number); ok {
			return nil, b.err(n, "AS1203", fmt.Sprintf("there are %d", len(names)), "there is no output number %s to order by", n.Text)
		}
		x, _, err := b.typed(o.X)
		if err != nil {
			return nil, err
		}
		key := slices.IndexFunc(cols, func(c outColumn) bool { return exprText(c.Expr) == exprText(x) })
		if key < 0 {
			key = len(cols)
			cols = append(cols, outColumn{fmt.Sprintf("__order%d", p.hidden), x})
			p.hidden++
		}
		p.sortKeys = append(p.sortKeys, newSortKey(cols[key].Name, o))
	}
	if p.corr != nil && len(p.corr.on) > 0 {
		p.corr.items = len(cols) - p.hidden
		cols = append(cols[:p.corr.items:p.corr.items], p.corr.extra...) // without those that only sort
		p.hidden, p.sortKeys = 0, nil
	}
	n, err := projectNode(*b.input, cols)
	if err != nil {
		// Types are checked once, all together; on an error one by one, to find
		// its place.
		for _, e := range checks {
			if _, _, err := b.typed(e); err != nil {
				return nil, err
			}
		}
		return nil, err
	}
	return textOfNulls(n, *b.input, cols)
}

// textOfNulls makes columns of n that are nothing but NULL, and so have no
// type, columns of text.
func textOfNulls(n, in *node, cols []outColumn) (*node, error) {
	untyped := false
	for i := range cols {
		if f, ok := n.field(cols[i].Name); ok && f.Type.ID() == arrow.NULL {
			cols[i].Expr = expr.Cast{Of: cols[i].Expr, To: arrow.BinaryTypes.String}
			untyped = true
		}
	}
	if !untyped {
		return n, nil
	}
	return projectNode(in, cols)
}

// itemName is the name of an output: its alias, the name of the column, or the
// text of the expression.
func itemName(it syntax.Item) string {
	if it.Alias != nil {
		return it.Alias.Name
	}
	switch x := it.X.(type) {
	case *syntax.Column:
		return x.Last()
	case *syntax.Field:
		return x.Name.Name
	}
	return syntax.Text(it.X)
}
