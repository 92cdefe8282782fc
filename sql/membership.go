package sql

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// matching are rows of a query and the conditions that tie them to outer rows.
type matching struct {
	node *node
	on   []conjunct
}

// membership tells what xs IN (the query) is for an outer row: TRUE if it has a
// row of same, else NULL if it has one of unknown, else FALSE.
//
// A row of the list that is not equal to xs but differs from them nowhere for
// certain has a NULL, or xs have one. These are two further joins without the
// values as keys, so that only what has a NULL is compared with every row: one
// with the rows of the list that have a NULL, one of the outer rows that do.
type membership struct {
	same    matching
	unknown []matching
}

// membership compares xs with the outputs of q.
func (q *subquery) membership(b *binder, xs []expr.Expr) (membership, error) {
	same, maybe := slices.Clone(q.on), slices.Clone(q.on)
	var left, right []expr.Expr // tests of what may be NULL
	for i, x := range xs {
		y := expr.Col{Name: q.out[i]}
		c := equal(q.at, x, y, false)
		same = append(same, c)
		if nullable(x, (*b.input).schema) {
			left = append(left, call("is_null", x))
			c.x = call("or", c.x, call("is_null", x))
		}
		if nullable(y, q.node.schema) {
			right = append(right, call("is_null", y))
			c.x = call("or", c.x, call("is_null", y))
		}
		maybe = append(maybe, c)
	}
	m := membership{same: matching{q.node, same}}
	if holes := anyOf(right); holes != nil {
		n, err := filterNode(q.node, holes)
		if err != nil {
			return m, err
		}
		m.unknown = append(m.unknown, matching{n, maybe})
	}
	if holes := anyOf(left); holes != nil {
		all := outColumn{q.name + ".all", expr.Lit{Value: true}}
		n, err := projectNode(q.node, append(passColumns(visibleNames(q.node.schema)), all))
		if err != nil {
			return m, err
		}
		m.unknown = append(m.unknown, matching{n, append(slices.Clone(maybe), equal(q.at, holes, expr.Col{Name: all.Name}, false))})
	}
	return m, nil
}

// nullable reports whether x may be NULL, which is so if nobody can tell.
func nullable(x expr.Expr, in *arrow.Schema) bool {
	bound, err := expr.Bind(x, in)
	return err != nil || bound.Nullable()
}

// notIn keeps the outer rows for which xs IN q is FALSE.
func (q *subquery) notIn(b *binder, xs []expr.Expr) error {
	m, err := q.membership(b, xs)
	if err != nil {
		return err
	}
	for _, t := range append([]matching{m.same}, m.unknown...) {
		list := *q
		list.node = t.node
		if err := list.joined(b, &joinNode{kind: stage.AntiJoin}, t.on); err != nil {
			return err
		}
	}
	return nil
}

// in is xs IN q as a value.
func (q *subquery) in(b *binder, xs []expr.Expr) (expr.Expr, error) {
	m, err := q.membership(b, xs)
	if err != nil {
		return nil, err
	}
	same, err := q.mark(b, m.same, q.name+".same")
	if err != nil {
		return nil, err
	}
	value := expr.Case{Whens: []expr.When{{Cond: same, Then: expr.Lit{Value: true}}}, Else: expr.Lit{Value: false}}
	for i, t := range m.unknown {
		unknown, err := q.mark(b, t, fmt.Sprintf("%s.unknown%d", q.name, i))
		if err != nil {
			return nil, err
		}
		value.Whens = append(value.Whens, expr.When{Cond: unknown, Then: expr.Cast{Of: expr.Lit{}, To: arrow.FixedWidthTypes.Boolean}})
	}
	return value, nil
}

// mark adds a column to the outer rows that tells whether t has a match: those
// with one, and those without, put together again.
func (q *subquery) mark(b *binder, t matching, name string) (expr.Expr, error) {
	outer := *b.input
	var sides []*node
	for _, has := range []bool{true, false} {
		*b.input = outer
		list := *q
		list.node = t.node
		if err := list.joined(b, semi(!has), t.on); err != nil {
			return nil, err
		}
		n, err := projectNode(*b.input, append(passColumns(visibleNames(outer.schema)), outColumn{name, expr.Lit{Value: has}}))
		if err != nil {
			return nil, err
		}
		sides = append(sides, n)
	}
	n, err := unionAll(sides)
	if err != nil {
		return nil, err
	}
	q.become(b, n)
	return expr.Col{Name: name}, nil
}
