package sql

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// with is the chain of WITH names that a query sees.
type with struct {
	tables names[*table]
	outer  *with
}

func (w *with) find(name string) *table {
	for ; w != nil; w = w.outer {
		if t, ok, _ := w.tables.find(name); ok {
			return t
		}
	}
	return nil
}

// relation is a table in FROM: its rows, the names it gives them and, for a
// window function, the window that was not made yet.
type relation struct {
	node   *node
	scope  *scope
	table  string // alias of a single table
	at     syntax.Span
	window *windowSpec
}

// query plans a query; its outputs have unique names.
func (s *session) query(q *syntax.Query, outer *with) (*node, error) { return s.queryIn(q, outer, nil) }

// queryIn plans a query in an expression of another one, whose columns it sees;
// corr is nil for a query that stands on its own.
func (s *session) queryIn(q *syntax.Query, outer *with, corr *correlation) (*node, error) {
	env := outer
	if len(q.With) > 0 {
		env = &with{tables: names[*table]{}, outer: outer}
		for _, c := range q.With {
			if _, twice := env.tables[c.Name.Name]; twice {
				return nil, s.src.Error(c.Name.Span, "AS1502", "use another name", fmt.Sprintf("query %q is written twice in WITH", c.Name.Name))
			}
			seen := &with{tables: maps.Clone(env.tables), outer: outer}
			env.tables[c.Name.Name] = &table{name: c.Name.Name, at: c.Name.Span, view: c.Query, viewColumns: c.Columns, scope: seen}
		}
	}
	p := &block{s: s, env: env, order: q.OrderBy, clauses: q.Stream, corr: corr}
	n, err := p.body(q.Body)
	if err != nil {
		return nil, err
	}
	if corr != nil && len(corr.on) > 0 {
		if q.Limit != nil || q.Offset != nil {
			return nil, p.undecorrelated(q, "LIMIT")
		}
		return n, nil
	}
	if err := s.onError(n, q.Stream); err != nil {
		return nil, err
	}
	emits := q.Stream
	emits.OnError = ""
	if !emits.Empty() && !p.emitted {
		return nil, s.src.Error(q.Stream.At, "AS1406", "these clauses belong to a query with a window and an aggregate", "there is no window here whose results could be emitted")
	}
	return p.finish(n, q)
}

// block plans one SELECT with its ORDER BY and streaming clauses.
type block struct {
	s       *session
	env     *with
	order   []syntax.Order
	clauses syntax.StreamClauses
	emitted bool // the clauses were used by a window
	corr    *correlation

	stateTTL map[string]time.Duration // by table in lower case, of the hints
	computed map[string]string        // columns of PARTITION BY, by their text

	sortKeys []sortKey // columns of the result to sort by
	hidden   int       // number of columns at the end that only sort
}

// body plans a SELECT or set operation.
func (p *block) body(b syntax.Body) (*node, error) {
	switch b := b.(type) {
	case *syntax.Select:
		return p.selectBlock(b)
	case *syntax.Query:
		n, err := p.s.queryIn(b, p.env, p.corr)
		if err != nil {
			return nil, err
		}
		return n, p.orderByOutput(n)
	case *syntax.Values:
		n, err := p.s.values(b)
		if err != nil {
			return nil, err
		}
		return n, p.orderByOutput(n)
	case *syntax.Union:
		n, err := p.setOperation(b)
		if err != nil {
			return nil, err
		}
		return n, p.orderByOutput(n)
	}
	return nil, p.s.src.Error(b.Range(), "AS1103", "", "this query is not supported yet")
}

// finish sorts and limits a planned block.
func (p *block) finish(n *node, q *syntax.Query) (*node, error) {
	limit, offset := int64(-1), int64(0)
	var err error
	if q.Limit != nil {
		if limit, err = p.s.count(q.Limit, "LIMIT"); err != nil {
			return nil, err
		}
	}
	if q.Offset != nil {
		if offset, err = p.s.count(q.Offset, "OFFSET"); err != nil {
			return nil, err
		}
	}
	switch {
	case len(p.sortKeys) > 0 && !n.bounded:
		at := q.OrderBy[0].X.Range()
		if limit < 1 || offset > 0 {
			return nil, p.s.src.Error(at, "AS1405", "add LIMIT, sort inside a window, or read a bounded table", "ORDER BY on a stream that does not end")
		}
		if n, err = topNode(n, p.sortKeys, limit); err != nil {
			return nil, p.s.coded(at, "AS1405", err)
		}
	case len(p.sortKeys) > 0:
		if n, err = settled(n); err != nil {
			return nil, p.s.coded(q.OrderBy[0].X.Range(), "AS1406", err)
		}
		if n, err = sortNode(n, p.sortKeys, limit, offset); err != nil {
			return nil, p.s.coded(q.OrderBy[0].X.Range(), "AS1405", err)
		}
	case limit >= 0 || offset > 0:
		at := q.Limit
		if at == nil {
			at = q.Offset
		}
		if n.updating() && !n.bounded {
			return nil, p.s.src.Error(at.Range(), "AS1405", "add ORDER BY", "LIMIT of rows that are updated, without an order")
		}
		if n, err = settled(n); err != nil {
			return nil, p.s.coded(at.Range(), "AS1406", err)
		}
		if n, err = limitNode(n, limit, offset); err != nil {
			return nil, p.s.coded(at.Range(), "AS1405", err)
		}
	}
	if p.hidden > 0 {
		names := visibleNames(n.schema)
		return projectNode(n, passColumns(names[:len(names)-p.hidden]))
	}
	return n, nil
}

// count is a constant number of rows.
func (s *session) count(e syntax.Expr, clause string) (int64, error) {
	if n, ok := e.(*syntax.Number); ok {
		if v, err := strconv.ParseInt(strings.ReplaceAll(n.Text, "_", ""), 10, 64); err == nil {
			return v, nil
		}
	}
	return 0, s.src.Error(e.Range(), "AS1101", "write a whole number", clause+" wants a number of rows, not "+syntax.Text(e))
}

// orderByOutput resolves ORDER BY over the outputs of a set operation.
func (p *block) orderByOutput(n *node) error {
	for _, o := range p.order {
		name, ok := p.outputName(o.X, columnar.Names(n.schema))
		if !ok {
			return p.s.src.Error(o.X.Range(), "AS1203", "name a column of the result or its number", "ORDER BY "+syntax.Text(o.X)+" is no column of the result")
		}
		p.sortKeys = append(p.sortKeys, newSortKey(name, o))
	}
	return nil
}

// outputName is the output that an ORDER BY or GROUP BY item names by its name
// or number.
func (p *block) outputName(e syntax.Expr, names []string) (string, bool) {
	switch e := e.(type) {
	case *syntax.Number:
		if i, err := strconv.Atoi(e.Text); err == nil && i >= 1 && i <= len(names) {
			return names[i-1], true
		}
	case *syntax.Column:
		if len(e.Parts) == 1 {
			for _, n := range names {
				if n == e.Parts[0].Name {
					return n, true
				}
			}
			for _, n := range names {
				if strings.EqualFold(n, e.Parts[0].Name) {
					return n, true
				}
			}
		}
	}
	return "", false
}

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
	if err := p.s.refused(sel); err != nil {
		return nil, err
	}
	rel, where, err := p.from(sel)
	if err != nil {
		return nil, err
	}
	aggregates := len(sel.GroupBy) > 0 || sel.Having != nil || p.s.hasAggregate(sel.Qualify)
	for _, it := range sel.Items {
		aggregates = aggregates || p.s.hasAggregate(it.X)
	}
	groups := sel.GroupBy
	distinct := sel.Distinct
	if distinct && !aggregates && !slices.ContainsFunc(sel.Items, func(it syntax.Item) bool { return !groupable(it.X) || p.s.isUnnest(it.X) }) {
		// DISTINCT without aggregates is GROUP BY all outputs.
		for _, it := range sel.Items {
			groups = append(groups, it.X)
		}
		aggregates, distinct = true, false
	}
	if rel, err = p.where(rel, where, aggregates); err != nil {
		return nil, err
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
		return out, err
	}
	if p.hidden > 0 {
		return nil, p.s.src.Error(sel.Span, "AS1405", "order by a selected column", "ORDER BY wants a column that DISTINCT removed")
	}
	return p.distinct(out, rel, sel.Span)
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
	if err := p.hints(sel.Hints); err != nil {
		return nil, nil, err
	}
	if j, ok := sel.From.(*syntax.Join); ok {
		return p.joined(j, sel.Where)
	}
	rel, err = p.s.relation(sel.From, p.env)
	return rel, sel.Where, err
}

// hints reads the hints of a SELECT.
func (p *block) hints(list []syntax.Hint) error {
	for _, h := range list {
		switch h.Name {
		case "STATE_TTL":
			p.stateTTL = map[string]time.Duration{}
			for _, a := range h.Args {
				d, err := arrowstream.ParseDuration(a.Value)
				if err != nil {
					return p.s.src.Error(h.Span, "AS1503", "", fmt.Sprintf("hint STATE_TTL: %v", err))
				}
				p.stateTTL[strings.ToLower(a.Key)] = d
			}
		case "BROADCAST":
		default:
			return p.s.src.Error(h.Span, "AS1103", "", "hint "+h.Name+" is not supported yet")
		}
	}
	return nil
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
		if name, ok := p.outputName(o.X, names); ok {
			p.sortKeys = append(p.sortKeys, newSortKey(name, o))
			continue
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

// star expands * and t.*.
func (p *block) star(b *binder, star *syntax.Star, sc *scope) ([]outColumn, error) {
	if star.X != nil {
		return nil, b.unsupported(star, syntax.Text(star)+" is")
	}
	if star.Qualifier != nil && !sc.hasTable(star.Qualifier.Last()) {
		return nil, b.err(star, "AS1203", arrowstream.Suggest(star.Qualifier.Last(), sc.tables(), "tables"), "table %q not found", star.Qualifier.String())
	}
	if len(sc.columns) == 0 {
		return nil, b.err(star, "AS1203", "write FROM", "* has no columns: there is no FROM")
	}
	var out []outColumn
	for _, c := range sc.columns {
		switch {
		case star.Qualifier != nil && !strings.EqualFold(star.Qualifier.Last(), c.table), star.Qualifier == nil && c.merged:
			continue
		case b.group == nil:
			out = append(out, outColumn{c.name, expr.Col{Name: c.plan}})
			continue
		}
		name := syntax.Name{Span: star.Span, Parts: []syntax.Ident{{Span: star.Span, Name: c.name, Quote: '`'}}}
		if c.table != "" {
			name.Parts = append([]syntax.Ident{{Span: star.Span, Name: c.table, Quote: '`'}}, name.Parts...)
		}
		x, err := b.expr(&syntax.Column{Name: name})
		if err != nil {
			return nil, err
		}
		out = append(out, outColumn{c.name, x})
	}
	return out, nil
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
