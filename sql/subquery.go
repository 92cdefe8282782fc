package sql

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/window"
)

// subquery is a query in an expression, planned: its rows, and the conditions
// that tie them to those of the query around.
type subquery struct {
	p     *block // of the query around
	node  *node
	name  string   // prefix of its columns
	out   []string // its outputs, and what they are called
	names []string
	on    []conjunct
	// there is a column that is TRUE, for an aggregate of all rows that match;
	// empty are its outputs without any.
	there string
	empty []expr.Expr
	at    syntax.Expr
	span  syntax.Span
}

// subquery plans the query q of the expression e.
func (b *binder) subquery(q *syntax.Query, e syntax.Expr) (*subquery, error) {
	if err := b.takesQuery(e); err != nil {
		return nil, err
	}
	s := b.s
	s.subqueries++
	c := &correlation{outer: b, name: fmt.Sprintf("query%d", s.subqueries)}
	n, err := s.queryIn(q, b.block.env, c)
	if err != nil {
		return nil, err
	}
	if len(c.on) == 0 {
		c.items = len(visible(n.schema))
	}
	sub := &subquery{p: b.block, name: c.name, on: c.on, empty: c.empty, at: e, span: q.Span}
	var cols []outColumn
	for i, f := range visible(n.schema) {
		name := f.Name
		if i < c.items {
			name = fmt.Sprintf("%s.out%d", c.name, i)
			sub.out, sub.names = append(sub.out, name), append(sub.names, f.Name)
		}
		cols = append(cols, outColumn{name, expr.Col{Name: f.Name}})
	}
	if c.global {
		sub.there = c.name + ".there"
		cols = append(cols, outColumn{sub.there, expr.Lit{Value: true}})
	}
	sub.node, err = projectNode(n, cols)
	return sub, err
}

// takesQuery refuses a query where there are no rows that it can be joined to.
func (b *binder) takesQuery(e syntax.Expr) error {
	if b.block == nil || b.input == nil || *b.input == nil {
		return b.err(e, "AS1408", "use the query in WHERE, HAVING or the select list", "a query cannot stand here")
	}
	return nil
}

// width checks the number of outputs.
func (q *subquery) width(want int) error {
	if len(q.out) == want {
		return nil
	}
	return q.p.s.src.Error(q.at.Range(), "AS1302", "", fmt.Sprintf("the query has %d columns, %d wanted", len(q.out), want))
}

// byKeys makes columns of what the conditions compare the outer rows with.
func (q *subquery) byKeys(outer *node) (keys []string, err error) {
	cols := passColumns(visibleNames(q.node.schema))
	for i, c := range q.on {
		l, r, nulls, ok := equality(c.x, outer, q.node)
		if !ok {
			return nil, q.p.undecorrelated(c.at, "its rows are counted, and tied by something else than equality")
		}
		name := fmt.Sprintf("%s.by%d", q.name, i)
		cols = append(cols, outColumn{name, r})
		keys = append(keys, name)
		q.on[i] = equal(c.at, l, expr.Col{Name: name}, nulls)
	}
	q.node, err = projectNode(q.node, cols)
	return keys, err
}

// equalities reports whether the conditions are those that byKeys takes.
func (q *subquery) equalities(outer *node) bool {
	return !slices.ContainsFunc(q.on, func(c conjunct) bool { return !q.keyed(outer, c) })
}

// keyed reports whether c equates something of the outer rows with something of
// the query, so that it is a key of their join.
func (q *subquery) keyed(outer *node, c conjunct) bool {
	_, _, _, ok := equality(c.x, outer, q.node)
	return ok
}

// group aggregates the rows of the query, by the keys of its conditions.
func (q *subquery) group(by []string, aggs ...window.Agg) (err error) {
	q.node, err = q.p.s.groupNode(q.node, by, aggs, q.p.ttlOf(nil), q.at.Range())
	return err
}

// joined is the join of the outer rows with those of the query.
func (q *subquery) joined(b *binder, j *joinNode, on []conjunct) error {
	j.s, j.in = b.s, [2]*node{*b.input, q.node}
	j.ttl[0] = q.p.ttlOf(b.scope.tables())
	j.ttl[1] = q.p.ttlOf(nil)
	n, err := b.s.joinWith(j, &relation{node: q.node, at: q.span}, on)
	if err != nil {
		return err
	}
	q.become(b, n)
	return nil
}

// become makes n the outer rows.
func (q *subquery) become(b *binder, n *node) {
	*b.input = n
	if b.group != nil {
		b.group.out.schema = n.schema
	}
}

// kind is how the columns of a query that has at most one row for each outer
// one are joined to those.
func (q *subquery) kind() *joinNode {
	if len(q.on) == 0 {
		return &joinNode{kind: stage.InnerJoin} // with its single row
	}
	return &joinNode{kind: stage.LeftJoin}
}

// scalar is a query as a value: a column that is joined to the rows. A second row
// for one of them is an error of the data.
func (b *binder) scalar(e *syntax.Subquery) (expr.Expr, error) {
	if x, ok := b.queries[e]; ok {
		return x, nil
	}
	if e.Exists {
		return b.existsColumn(e)
	}
	q, err := b.subquery(e.Query, e)
	if err == nil {
		err = q.width(1)
	}
	if err != nil {
		return nil, err
	}
	if q.there == "" && (len(q.on) > 0 || !q.node.single()) {
		if err := q.single(*b.input); err != nil {
			return nil, err
		}
	}
	return b.remember(e, q.value(0), q.joined(b, q.kind(), q.on))
}

// remember makes x the value of a query that occurs again.
func (b *binder) remember(e syntax.Expr, x expr.Expr, err error) (expr.Expr, error) {
	if err != nil {
		return nil, err
	}
	if b.queries == nil {
		b.queries = map[syntax.Expr]expr.Expr{}
	}
	b.queries[e] = x
	return x, nil
}

// value is an output of the query after it was joined.
func (q *subquery) value(i int) expr.Expr {
	x := expr.Col{Name: q.out[i]}
	if q.there == "" {
		return x
	}
	if l, ok := q.empty[i].(expr.Lit); ok && l.Value == nil {
		return x
	}
	f, _ := q.node.field(q.out[i])
	return expr.Case{
		Whens: []expr.When{{Cond: call("is_not_null", expr.Col{Name: q.there}), Then: x}},
		Else:  expr.Cast{Of: q.empty[i], To: plainType(f.Type)},
	}
}

// single makes one row of the query for each row outside.
func (q *subquery) single(outer *node) error {
	keys, err := q.byKeys(outer)
	if err != nil {
		return err
	}
	value, rows := q.out[0]+".value", q.name+".rows"
	if err := q.group(keys, window.Agg{Func: "any_value", Args: []expr.Expr{expr.Col{Name: q.out[0]}}, Name: value}, window.Agg{Func: "count", Name: rows}); err != nil {
		return err
	}
	q.out[0] = value
	text := syntax.Text(q.at)
	if r := []rune(text); len(r) > 60 {
		text = string(r[:57]) + "..."
	}
	n := &node{kind: "single row", detail: text, plain: same}
	n.build = func(columns) (arrowstream.Stage, error) { return &stage.Single{Count: rows, Query: text}, nil }
	n.uniqueOf = keyed(keys)
	n.needs = func(want columns) columns { want.add(rows); return want }
	q.node, err = derive(n, q.node)
	return err
}

// existsColumn is EXISTS as a value.
func (b *binder) existsColumn(e *syntax.Subquery) (expr.Expr, error) {
	q, err := b.subquery(e.Query, e)
	if err != nil {
		return nil, err
	}
	if q.there != "" { // an aggregate always has a row
		return b.remember(e, expr.Lit{Value: true}, nil)
	}
	if !q.equalities(*b.input) {
		x, err := q.mark(b, matching{q.node, q.on}, q.name+".match")
		return b.remember(e, x, err)
	}
	keys, err := q.byKeys(*b.input)
	if err != nil {
		return nil, err
	}
	rows := q.name + ".rows"
	if err := q.group(keys, window.Agg{Func: "count", Name: rows}); err != nil {
		return nil, err
	}
	x := call("is_not_null", expr.Col{Name: rows})
	if len(keys) == 0 {
		x = call("gt", expr.Col{Name: rows}, expr.Lit{Value: int64(0)})
	}
	return b.remember(e, x, q.joined(b, q.kind(), q.on))
}

// operands are the values on the left of IN.
func (b *binder) operands(e syntax.Expr) (out []expr.Expr, err error) {
	list := []syntax.Expr{e}
	if row, ok := e.(*syntax.Row); ok {
		list = row.Items
	}
	for _, e := range list {
		x, _, err := b.typed(e)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// inColumn is IN as a value: TRUE for a match, else NULL if the value or one of
// the list is NULL, unless the list is empty.
func (b *binder) inColumn(e *syntax.In) (expr.Expr, error) {
	if x, ok := b.queries[e]; ok {
		return x, nil
	}
	if err := b.takesQuery(e); err != nil {
		return nil, err
	}
	xs, err := b.operands(e.X)
	if err != nil {
		return nil, err
	}
	q, err := b.subquery(e.Query, e)
	if err == nil {
		err = q.width(len(xs))
	}
	if err != nil {
		return nil, err
	}
	var x expr.Expr
	switch {
	case q.there != "": // a single row
		err = q.joined(b, q.kind(), q.on)
		for i := range xs {
			xs[i] = call("eq", xs[i], q.value(i))
		}
		x = allOf(xs)
	case len(xs) == 1 && q.equalities(*b.input):
		x, err = q.member(b, xs[0])
	default:
		x, err = q.in(b, xs)
	}
	return b.remember(e, negate(e.Not, x), err)
}

// member joins what is needed to tell whether x is an output of the query: how
// many rows there are, how many of them are not NULL, and the values.
func (q *subquery) member(b *binder, x expr.Expr) (expr.Expr, error) {
	keys, err := q.byKeys(*b.input)
	if err != nil {
		return nil, err
	}
	value := q.out[0]
	rows, values, there := q.name+".rows", q.name+".values", q.name+".match"
	counts, list := *q, *q
	if err := counts.group(keys, window.Agg{Func: "count", Name: rows}, window.Agg{Func: "count", Args: []expr.Expr{expr.Col{Name: value}}, Name: values}); err != nil {
		return nil, err
	}
	if err := counts.joined(b, counts.kind(), counts.on); err != nil {
		return nil, err
	}
	// The columns of the list are renamed: the keys are those of the counts too.
	cols := []outColumn{{there, expr.Lit{Value: true}}, {value + ".value", expr.Col{Name: value}}}
	on := []conjunct{equal(q.at, x, expr.Col{Name: value + ".value"}, false)}
	for i, c := range q.on {
		name := keys[i] + ".value"
		cols = append(cols, outColumn{name, expr.Col{Name: keys[i]}})
		args := c.x.(expr.Call)
		on = append(on, equal(c.at, args.Args[0], expr.Col{Name: name}, args.Name != "eq"))
	}
	if err := list.group(append([]string{value}, keys...)); err != nil {
		return nil, err
	}
	if list.node, err = projectNode(list.node, cols); err != nil {
		return nil, err
	}
	if err := list.joined(b, &joinNode{kind: stage.LeftJoin}, on); err != nil {
		return nil, err
	}
	count := call("coalesce", expr.Col{Name: rows}, expr.Lit{Value: int64(0)})
	return expr.Case{
		Whens: []expr.When{
			{Cond: call("is_not_null", expr.Col{Name: there}), Then: expr.Lit{Value: true}},
			{Cond: call("eq", count, expr.Lit{Value: int64(0)}), Then: expr.Lit{Value: false}},
			{Cond: call("or", call("is_null", x), call("lt", expr.Col{Name: values}, count)), Then: expr.Cast{Of: expr.Lit{}, To: arrow.FixedWidthTypes.Boolean}},
		},
		Else: expr.Lit{Value: false},
	}, nil
}
