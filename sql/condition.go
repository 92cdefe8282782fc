package sql

import (
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// conditions filters the input of b by WHERE or HAVING. Conditions without a
// query come first; those that are EXISTS or IN are joins of their own, which
// remember no more than they need; all others read columns that are joined.
func (p *block) conditions(b *binder, e syntax.Expr, clause string) error {
	if e == nil {
		return nil
	}
	var plain, queries []syntax.Expr
	for _, c := range splitAnd(pushNot(e)) {
		switch {
		case p.reaches(b.scope, c):
			p.corr.conds = append(p.corr.conds, c)
		case hasQuery(c):
			queries = append(queries, c)
		default:
			plain = append(plain, c)
		}
	}
	if len(plain) > 0 {
		if err := p.filter(b, joinAnd(plain), clause); err != nil {
			return err
		}
	}
	for _, c := range queries {
		done, err := p.queryCondition(b, c)
		if err == nil && !done {
			err = p.filter(b, c, clause)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// filter keeps the rows of the input of b for which e is TRUE.
func (p *block) filter(b *binder, e syntax.Expr, clause string) error {
	cond, err := b.condition(e, clause)
	if err != nil {
		return err
	}
	n, err := p.s.where(*b.input, cond, e.Range())
	if err == nil {
		*b.input = n
	}
	return err
}

// queryCondition plans [NOT] EXISTS (query) and x [NOT] IN (query) as a semi or
// anti join; done is false if it has to be a column.
func (p *block) queryCondition(b *binder, e syntax.Expr) (done bool, err error) {
	not := false
	if u, ok := e.(*syntax.Unary); ok && u.Op == "NOT" {
		not, e = true, u.X
	}
	switch e := e.(type) {
	case *syntax.Subquery:
		if !e.Exists {
			return false, nil
		}
		q, err := b.subquery(e.Query, e)
		if err != nil || len(q.on) == 0 || q.there != "" {
			return false, err
		}
		return true, q.joined(b, semi(not), q.on)
	case *syntax.In:
		if e.Query == nil || hasQuery(e.X) || not {
			return false, nil
		}
		return p.inCondition(b, e)
	}
	return false, nil
}

func semi(not bool) *joinNode {
	if not {
		return &joinNode{kind: stage.AntiJoin}
	}
	return &joinNode{kind: stage.SemiJoin}
}

func (p *block) inCondition(b *binder, e *syntax.In) (done bool, err error) {
	xs, err := b.operands(e.X)
	if err != nil {
		return false, err
	}
	q, err := b.subquery(e.Query, e)
	if err == nil {
		err = q.width(len(xs))
	}
	if err != nil || q.there != "" {
		return false, err
	}
	on, holes := q.on, false
	for i, x := range xs {
		y := expr.Col{Name: q.out[i]}
		holes = holes || nullable(x, (*b.input).schema) || nullable(y, q.node.schema)
		on = append(on, equal(e, x, y, false))
	}
	switch {
	case !e.Not || !holes:
		return true, q.joined(b, semi(e.Not), on)
	case len(on) == 1 && q.keyed(*b.input, on[0]):
		return true, q.joined(b, &joinNode{kind: stage.AntiJoin, nullAware: true}, on)
	}
	return true, q.notIn(b, xs)
}
