package sql

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// dependentJoin plans a join whose right table is made of the rows on the left:
// UNNEST and LATERAL.
func (p *block) dependentJoin(j *syntax.Join) (*relation, error) {
	if j.Kind != syntax.JoinInner && j.Kind != syntax.JoinCross && j.Kind != syntax.JoinLeft || j.Asof || j.Natural || len(j.Using) > 0 {
		return nil, p.s.src.Error(j.R.Range(), "AS1103", "use CROSS JOIN, or LEFT JOIN ... ON TRUE", "this kind of join with a table that is made of the rows on the left is not supported yet")
	}
	on := splitAnd(j.On)
	if b, ok := j.On.(*syntax.Bool); ok && b.Value {
		on = nil
	}
	outer := j.Kind == syntax.JoinLeft
	if outer && len(on) > 0 {
		return nil, p.s.src.Error(j.On.Range(), "AS1103", "write ON TRUE", "a condition of this join is not supported yet")
	}
	l, err := p.table(j.L)
	if err != nil {
		return nil, err
	}
	var rel *relation
	switch r := j.R.(type) {
	case *syntax.Unnest:
		rel, err = p.unnest(l, r, outer)
	case *syntax.Lateral:
		rel, err = p.lateral(l, r, outer)
	default:
		err = p.s.refusedTable(j.R)
	}
	if err != nil || len(on) == 0 {
		return rel, err
	}
	return rel, p.filter(&binder{s: p.s, scope: rel.scope, input: &rel.node}, joinAnd(on), "a join")
}

// free is a name that no column of n has.
func free(n *node, name string) string {
	out := name
	for i := 0; columnar.Index(n.schema, out) >= 0; i++ {
		out = fmt.Sprintf("%s%d", name, i)
	}
	return out
}

// unnest is l with a row for each element of an array or entry of a map.
func (p *block) unnest(l *relation, u *syntax.Unnest, outer bool) (*relation, error) {
	n := l.node
	b := &binder{s: p.s, scope: l.scope, input: &n, block: p}
	x, t, err := b.typed(u.X)
	if err != nil {
		return nil, err
	}
	list, ok := t.(arrow.ListLikeType)
	if !ok {
		return nil, p.s.src.Error(u.X.Range(), "AS1301", "UNNEST takes an array or a map", fmt.Sprintf("UNNEST of %s", typeName(t)))
	}
	st := stage.Unnest{Outer: outer}
	if c, ok := x.(expr.Col); ok {
		st.Column = c.Name
	} else {
		st.Column, st.Drop = free(n, "unnest "+exprText(x)), true
		if n, err = projectNode(n, append(passColumns(visibleNames(n.schema)), outColumn{st.Column, x})); err != nil {
			return nil, p.s.coded(u.X.Range(), "AS1301", err)
		}
	}
	st.As = free(n, "element")
	if u.Ordinality || u.Position {
		st.Ordinality = free(n, "ordinality")
	}
	in := n
	if n, err = unnestNode(in, st, exprText(x)); err != nil {
		return nil, p.s.coded(u.X.Range(), "AS1301", err)
	}
	table, single := "", "unnest"
	if u.Alias.Name != nil {
		table, single = u.Alias.Name.Name, u.Alias.Name.Name
	}
	if u.Position && u.Alias.Name == nil {
		single = "col"
	}
	var added []scopeColumn
	if u.Position {
		plan := free(n, "pos")
		one := call("sub", expr.Col{Name: st.Ordinality}, expr.Lit{Value: int64(1)})
		cols := append(passColumns(visibleNames(n.schema)), outColumn{plan, expr.Cast{Of: one, To: arrow.PrimitiveTypes.Int32}})
		if n, err = projectNode(n, cols); err != nil {
			return nil, p.s.coded(u.X.Range(), "AS1301", err)
		}
		added = append(added, scopeColumn{name: "pos", plan: plan})
	}
	if row, ok := list.Elem().(*arrow.StructType); ok {
		cols := passColumns(visibleNames(n.schema))
		for _, f := range row.Fields() {
			plan := free(n, st.As+"."+f.Name)
			cols = append(cols, outColumn{plan, expr.Field{Of: expr.Col{Name: st.As}, Name: f.Name}})
			added = append(added, scopeColumn{name: f.Name, plan: plan})
		}
		if n, err = projectNode(n, cols); err != nil {
			return nil, p.s.coded(u.X.Range(), "AS1301", err)
		}
	} else {
		added = append(added, scopeColumn{name: single, plan: st.As})
	}
	if u.Ordinality {
		added = append(added, scopeColumn{name: "ordinality", plan: st.Ordinality})
	}
	return p.extended(l, n, table, u.Alias, added, u.Span)
}

// extended is l with the rows of n and further columns of a table with an alias.
func (p *block) extended(l *relation, n *node, table string, a syntax.Alias, added []scopeColumn, at syntax.Span) (*relation, error) {
	if table != "" && l.scope.hasTable(table) {
		return nil, p.s.src.Error(at, "AS1502", "give one of them another name: ... AS other", fmt.Sprintf("two tables of FROM are called %q", table))
	}
	if len(a.Columns) > len(added) {
		return nil, p.s.src.Error(a.Columns[len(added)].Span, "AS1302", "", fmt.Sprintf("table %q has %d columns, not %d", table, len(added), len(a.Columns)))
	}
	sc := &scope{schema: n.schema, window: l.scope.window}
	sc.columns = append(sc.columns, l.scope.columns...)
	for i, c := range added {
		c.table = table
		if i < len(a.Columns) {
			c.name = a.Columns[i].Name
		}
		sc.columns = append(sc.columns, c)
	}
	return &relation{node: n, scope: sc, at: l.at}, nil
}

func unnestNode(in *node, st stage.Unnest, text string) (*node, error) {
	n := &node{kind: "unnest", detail: text}
	if st.Outer {
		n.detail = "outer " + n.detail
	}
	n.build = func(columns) (arrowstream.Stage, error) {
		return &stage.Unnest{Column: st.Column, Drop: st.Drop, As: st.As, Ordinality: st.Ordinality, Outer: st.Outer}, nil
	}
	n.plain = func(out string) (string, bool) {
		_, ok := in.field(out)
		return out, ok
	}
	n.uniqueOf = func() ([]string, bool) { return nil, false }
	n.needs = func(want columns) columns {
		delete(want.names, st.As)
		delete(want.names, st.Ordinality)
		want.add(st.Column)
		return want
	}
	return derive(n, in)
}

// lateral is l with the rows of a query that reads columns of l.
func (p *block) lateral(l *relation, f *syntax.Lateral, outer bool) (*relation, error) {
	d, ok := f.Table.(*syntax.Derived)
	if !ok {
		return nil, p.s.refusedTable(f)
	}
	n := l.node
	b := &binder{s: p.s, scope: l.scope, input: &n, block: p}
	q, err := b.subquery(d.Query, &syntax.Subquery{Span: d.Span, Query: d.Query})
	if err != nil {
		return nil, err
	}
	j := &joinNode{kind: stage.InnerJoin}
	if outer || q.there != "" && len(q.on) > 0 {
		j.kind = stage.LeftJoin
	}
	if err := q.joined(b, j, q.on); err != nil {
		return nil, err
	}
	var added []scopeColumn
	cols := passColumns(visibleNames(n.schema))
	for i, name := range q.names {
		plan := q.out[i]
		if x := q.value(i); exprText(x) != exprText(expr.Col{Name: plan}) {
			plan += ".value"
			cols = append(cols, outColumn{plan, x})
		}
		added = append(added, scopeColumn{name: name, plan: plan})
	}
	if n, err = projectNode(n, cols); err != nil {
		return nil, p.s.coded(d.Span, "AS1301", err)
	}
	table := ""
	if d.Alias.Name != nil {
		table = d.Alias.Name.Name
	}
	return p.extended(l, n, table, d.Alias, added, d.Span)
}

// unnestItem makes UNNEST(x) in a select list a table of FROM; there is one at
// most.
func (p *block) unnestItem(rel *relation, sel *syntax.Select) (*relation, *syntax.Select, error) {
	found := false
	items := sel.Items
	for i, it := range sel.Items {
		c, ok := it.X.(*syntax.Call)
		if !ok || !p.s.isUnnest(c) {
			continue
		}
		if found {
			return nil, nil, p.s.src.Error(c.Span, "AS1103", "use CROSS JOIN UNNEST for one of them", "two UNNEST in a select list are not supported yet")
		}
		found = true
		before := len(rel.scope.columns)
		var err error
		u := &syntax.Unnest{Span: c.Span, X: c.Args[0].Value, Position: strings.EqualFold(c.Fn.Last(), "posexplode")}
		if strings.EqualFold(c.Fn.Last(), "generate_series") {
			of := *c
			of.Fn = syntax.Name{Span: c.Fn.Span, Parts: []syntax.Ident{{Span: c.Fn.Span, Name: "sequence"}}}
			u.X = &of
		}
		if rel, err = p.unnest(rel, u, false); err != nil {
			return nil, nil, err
		}
		var own []syntax.Item
		for k, col := range rel.scope.columns[before:] {
			alias := &syntax.Ident{Span: c.Span, Name: col.name}
			if it.Alias != nil && len(rel.scope.columns) == before+1 {
				alias = it.Alias
			}
			// Of a table that nobody names, and no part of *.
			col.table, col.merged = "UNNEST of the select list", true
			rel.scope.columns[before+k] = col
			parts := []syntax.Ident{{Span: c.Span, Name: col.table, Quote: '`'}, {Span: c.Span, Name: col.name, Quote: '`'}}
			own = append(own, syntax.Item{X: &syntax.Column{Name: syntax.Name{Span: c.Span, Parts: parts}}, Alias: alias})
		}
		items = append(append(append([]syntax.Item{}, items[:i]...), own...), items[i+1:]...)
	}
	if !found {
		return rel, sel, nil
	}
	with := *sel
	with.Items = items
	return rel, &with, nil
}

// isUnnest reports whether e is UNNEST(x) or another function that makes rows.
func (s *session) isUnnest(e syntax.Expr) bool {
	c, ok := e.(*syntax.Call)
	if !ok || s.declaredFunction(c.Fn.Last()) {
		return false
	}
	switch strings.ToLower(c.Fn.Last()) {
	case "unnest", "explode", "posexplode", "inline":
		return len(c.Args) == 1
	case "generate_series":
		return len(c.Args) == 2 || len(c.Args) == 3
	}
	return false
}
