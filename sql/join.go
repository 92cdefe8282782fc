package sql

import (
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// conjunct is one of the conditions that must all be true.
type conjunct struct {
	x  expr.Expr
	at syntax.Expr
	on columns // that it reads
}

// group is a FROM of several tables with nothing but inner joins between them.
// In what order they are joined is free, and so is where each condition is put.
type group struct {
	tables []*relation
	on     []syntax.Expr // of the joins, taken apart
}

// joined plans a FROM with joins. What it has no use for of WHERE is returned.
func (p *block) joined(j *syntax.Join, where syntax.Expr) (*relation, syntax.Expr, error) {
	if !inner(j) {
		rel, err := p.outerJoin(j)
		return rel, where, err
	}
	g := &group{}
	if err := p.gather(g, j); err != nil {
		return nil, nil, err
	}
	var rest []syntax.Expr
	all := append(g.on, splitAnd(where)...)
	g.on = nil
	for _, c := range all {
		if p.s.isSimple(c) {
			g.on = append(g.on, c)
		} else {
			rest = append(rest, c)
		}
	}
	rel, correlated, err := p.joinGroup(g)
	return rel, joinAnd(append(rest, correlated...)), err
}

// splitAnd are the conditions that must all be true for e to be, none for nil.
func splitAnd(e syntax.Expr) []syntax.Expr {
	if b, ok := e.(*syntax.Binary); ok && b.Op == "AND" {
		return append(splitAnd(b.L), splitAnd(b.R)...)
	}
	if e == nil {
		return nil
	}
	return []syntax.Expr{e}
}

// joinAnd is the opposite of splitAnd.
func joinAnd(list []syntax.Expr) syntax.Expr {
	if len(list) == 0 {
		return nil
	}
	e := list[0]
	for _, r := range list[1:] {
		e = &syntax.Binary{Span: e.Range().To(r.Range()), Op: "AND", L: e, R: r}
	}
	return e
}

// inner reports whether j may be put together with other joins in any order.
func inner(j *syntax.Join) bool {
	return (j.Kind == syntax.JoinInner || j.Kind == syntax.JoinCross) && !j.Asof && !j.Natural && len(j.Using) == 0 && !dependent(j.R)
}

// dependent reports whether a table of FROM is made of the rows of those before.
func dependent(f syntax.From) bool {
	switch f.(type) {
	case *syntax.Unnest, *syntax.Lateral, *syntax.Version:
		return true
	}
	return false
}

// isSimple reports whether a condition can be evaluated anywhere: it has no
// query in it and calls no model.
func (s *session) isSimple(e syntax.Expr) bool {
	return !syntax.Any(e, func(x syntax.Expr) bool {
		switch x := x.(type) {
		case *syntax.Subquery:
			return true
		case *syntax.In:
			return x.Query != nil
		case *syntax.Call:
			return s.callsModel(x) || s.isAggregate(x) || x.Over != nil
		}
		return false
	})
}

// gather puts the tables of inner joins into one group.
func (p *block) gather(g *group, f syntax.From) error {
	if j, ok := f.(*syntax.Join); ok && inner(j) {
		if err := p.gather(g, j.L); err != nil {
			return err
		}
		if err := p.gather(g, j.R); err != nil {
			return err
		}
		g.on = append(g.on, splitAnd(j.On)...)
		return nil
	}
	rel, err := p.table(f)
	if err != nil {
		return err
	}
	g.tables = append(g.tables, rel)
	return nil
}

// table plans a table to be joined: the window of its rows, if any, is made.
func (p *block) table(f syntax.From) (*relation, error) {
	if j, ok := f.(*syntax.Join); ok {
		rel, _, err := p.joined(j, nil)
		return rel, err
	}
	rel, err := p.s.relation(f, p.env)
	if err != nil {
		return nil, err
	}
	rel.at = f.Range()
	return p.assigned(rel)
}

// joinGroup joins the tables of a group from the left to the right, each time
// with the first table that an equality ties to those that are there. Conditions
// that read columns of the query around are returned.
func (p *block) joinGroup(g *group) (rel *relation, correlated []syntax.Expr, err error) {
	sc, err := p.s.distinctNames(g.tables)
	if err != nil {
		return nil, nil, err
	}
	var own []syntax.Expr
	for _, c := range g.on {
		if p.reaches(sc, c) {
			correlated = append(correlated, c)
		} else {
			own = append(own, c)
		}
	}
	conds, err := p.s.conjuncts(sc, own)
	if err != nil {
		return nil, nil, err
	}
	used := make([]bool, len(conds))
	take := func(f func(c conjunct) bool) (out []conjunct) {
		for i, c := range conds {
			if !used[i] && f(c) {
				used[i], out = true, append(out, c)
			}
		}
		return out
	}
	for _, t := range g.tables {
		own := take(func(c conjunct) bool { return len(c.on.names) > 0 && covers(c.on, t.node) })
		if t.node, err = p.s.filtered(t.node, own); err != nil {
			return nil, nil, err
		}
	}
	n, there, rest := g.tables[0].node, g.tables[:1:1], g.tables[1:]
	for len(rest) > 0 {
		i := slices.IndexFunc(rest, func(t *relation) bool {
			return slices.ContainsFunc(conds, func(c conjunct) bool { _, _, _, ok := equality(c.x, n, t.node); return ok })
		})
		i = max(i, 0)
		t := rest[i]
		rest = slices.Delete(slices.Clone(rest), i, i+1)
		on := take(func(c conjunct) bool { return len(c.on.names) > 0 && covers(c.on, n, t.node) })
		if n, err = p.s.join(stage.InnerJoin, n, t, on, [2]time.Duration{p.ttl(there...), p.ttl(t)}); err != nil {
			return nil, nil, err
		}
		there = append(there, t)
	}
	if n, err = p.s.filtered(n, take(func(conjunct) bool { return true })); err != nil {
		return nil, nil, err
	}
	sc.schema, sc.window = n.schema, windowOf(n)
	return &relation{node: n, scope: sc}, correlated, nil
}

// outerJoin plans a join whose sides are not alike.
func (p *block) outerJoin(j *syntax.Join) (*relation, error) {
	switch r := j.R.(type) {
	case *syntax.Unnest, *syntax.Lateral:
		return p.dependentJoin(j)
	case *syntax.Version:
		return p.temporalJoin(j, r)
	}
	if j.Asof {
		return p.asofJoin(j)
	}
	l, err := p.table(j.L)
	if err != nil {
		return nil, err
	}
	r, err := p.table(j.R)
	if err != nil {
		return nil, err
	}
	both, err := p.sides(j, l, r)
	if err != nil {
		return nil, err
	}
	kind := joinKinds[j.Kind]
	n, err := p.regular(kind, both)
	if err != nil {
		return nil, err
	}
	if kind == stage.SemiJoin || kind == stage.AntiJoin {
		both.scope.columns = both.scope.columns[:len(l.scope.columns)]
		both.merged = nil
	}
	return both.result(p, n)
}

// ttl is how long rows of tables are remembered.
func (p *block) ttl(tables ...*relation) time.Duration {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.table
	}
	return p.ttlOf(names)
}

var joinKinds = map[syntax.JoinKind]stage.JoinKind{
	syntax.JoinInner: stage.InnerJoin, syntax.JoinCross: stage.InnerJoin, syntax.JoinLeft: stage.LeftJoin, syntax.JoinRight: stage.RightJoin,
	syntax.JoinFull: stage.FullJoin, syntax.JoinSemi: stage.SemiJoin, syntax.JoinAnti: stage.AntiJoin,
}

// distinctNames gives the columns of several tables plan names that differ, and
// returns the scope of all of them.
func (s *session) distinctNames(tables []*relation) (*scope, error) {
	taken := map[string]bool{}
	sc := &scope{}
	for i, t := range tables {
		for _, o := range tables[:i] {
			for _, name := range t.scope.tables() {
				if o.scope.hasTable(name) {
					return nil, s.src.Error(t.at, "AS1502", "give one of them another name: ... AS other", fmt.Sprintf("two tables of FROM are called %q", name))
				}
			}
		}
		cols := passColumns(visibleNames(t.node.schema))
		renamed := map[string]string{}
		for k, c := range cols {
			name := c.Name
			for n := 0; taken[name]; n++ {
				name = t.table + "." + c.Name
				if t.table == "" || n > 0 {
					name = fmt.Sprintf("%s%d", name, n)
				}
			}
			taken[name] = true
			if name != c.Name {
				renamed[c.Name] = name
				cols[k].Name = name
			}
		}
		if len(renamed) > 0 {
			n, err := projectNode(t.node, cols)
			if err != nil {
				return nil, err
			}
			t.node = n
			for k, c := range t.scope.columns {
				if name, ok := renamed[c.plan]; ok {
					t.scope.columns[k].plan = name
				}
			}
		}
		sc.columns = append(sc.columns, t.scope.columns...)
	}
	var fields []arrow.Field
	for _, t := range tables {
		fields = append(fields, visible(t.node.schema)...)
	}
	sc.schema = arrow.NewSchema(fields, nil)
	return sc, nil
}

// conjuncts binds conditions over the columns of a scope.
func (s *session) conjuncts(sc *scope, list []syntax.Expr) ([]conjunct, error) {
	var out []conjunct
	for _, e := range list {
		x, err := (&binder{s: s, scope: sc}).condition(e, "a join")
		if err != nil {
			return nil, err
		}
		if l, ok := x.(expr.Lit); ok && l.Value == true {
			continue
		}
		c := conjunct{x: x, at: e}
		exprColumns(x, &c.on)
		out = append(out, c)
	}
	return out, nil
}

// covers reports whether nodes have all columns of c.
func covers(c columns, nodes ...*node) bool {
	for name := range c.names {
		if !slices.ContainsFunc(nodes, func(n *node) bool { _, ok := n.field(name); return ok }) {
			return false
		}
	}
	return true
}

// filtered is n where all conditions hold.
func (s *session) filtered(n *node, conds []conjunct) (*node, error) {
	for _, c := range conds {
		var err error
		if n, err = s.where(n, c.x, c.at.Range()); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// pushSides filters the inputs by the conditions that speak of one of them, as
// far as rows that do not pass are not in the result, and returns the others.
func (s *session) pushSides(kind stage.JoinKind, sides []*relation, conds []conjunct) (rest []conjunct, err error) {
	free := [2]bool{kind == stage.InnerJoin || kind == stage.RightJoin || kind == stage.SemiJoin, kind != stage.RightJoin && kind != stage.FullJoin}
	for _, c := range conds {
		side := -1
		for i, t := range sides {
			if len(c.on.names) > 0 && covers(c.on, t.node) && free[i] {
				side = i
			}
		}
		if side < 0 {
			rest = append(rest, c)
			continue
		}
		if sides[side].node, err = s.filtered(sides[side].node, []conjunct{c}); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// shared are the names that both scopes have, in the order of the left one.
func shared(l, r *scope) (out []syntax.Ident) {
	for _, c := range l.columns {
		if len(r.find("", c.name)) > 0 {
			out = append(out, syntax.Ident{Name: c.name})
		}
	}
	return out
}

// using adds the equalities of USING, and returns the pairs of columns of which
// the result has one.
func (s *session) using(sc *scope, sides []*relation, names []syntax.Ident, conds *[]conjunct) (pairs [][2]scopeColumn, err error) {
	for _, name := range names {
		var pair [2]scopeColumn
		for i, t := range sides {
			found := t.scope.find("", name.Name)
			if len(found) != 1 {
				return nil, s.src.Error(name.Span, "AS1203", arrowstream.Suggest(name.Name, t.scope.names(), "columns"), fmt.Sprintf("USING wants a column %q on both sides of the join", name.Name))
			}
			pair[i] = found[0]
		}
		x := call("eq", expr.Col{Name: pair[0].plan}, expr.Col{Name: pair[1].plan})
		if _, err := expr.Bind(x, sc.schema); err != nil {
			return nil, s.coded(name.Span, "AS1301", err)
		}
		c := conjunct{x: x, at: &syntax.Column{Name: syntax.Name{Span: name.Span, Parts: []syntax.Ident{name}}}}
		exprColumns(x, &c.on)
		*conds, pairs = append(*conds, c), append(pairs, pair)
	}
	return pairs, nil
}

// merge makes one column of each pair: the one that is not NULL. They come first
// in *.
func (s *session) merge(n *node, sc *scope, pairs [][2]scopeColumn) (*node, error) {
	if len(pairs) == 0 {
		return n, nil
	}
	var first []scopeColumn
	cols := passColumns(visibleNames(n.schema))
	for _, pair := range pairs {
		plan := pair[0].plan
		for i := range sc.columns {
			sc.columns[i].merged = sc.columns[i].merged || sc.columns[i].plan == pair[0].plan || sc.columns[i].plan == pair[1].plan
		}
		if f, _ := n.field(plan); f.Nullable {
			plan = "using " + pair[0].name
			cols = append(cols, outColumn{plan, call("coalesce", expr.Col{Name: pair[0].plan}, expr.Col{Name: pair[1].plan})})
		}
		first = append(first, scopeColumn{name: pair[0].name, plan: plan})
	}
	sc.columns = append(first, sc.columns...)
	return projectNode(n, cols)
}
