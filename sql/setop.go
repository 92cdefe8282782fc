package sql

import (
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// setOperation plans UNION, INTERSECT and EXCEPT. Columns are put together by
// position and have the names and types of the first part.
func (p *block) setOperation(u *syntax.Union) (*node, error) {
	if u.Op == "UNION" {
		return p.union(u)
	}
	op := &stage.SetOp{Kind: stage.Except, All: u.All, TTL: p.ttlOf(nil)}
	if u.Op == "INTERSECT" {
		op.Kind = stage.Intersect
	}
	what := strings.ToUpper(op.Kind.String())
	if u.All {
		what += " ALL"
	}
	in, err := p.parts([]syntax.Body{u.L, u.R}, what)
	if err != nil {
		return nil, err
	}
	n := &node{kind: "set operation", detail: what}
	n.rows = func(in []float64) float64 { return in[0] }
	if op.Kind == stage.Intersect {
		n.rows = func(in []float64) float64 { return min(in[0], in[1]) }
	}
	if op.Updates = !in[0].bounded || !in[1].bounded; op.Updates {
		note, err := p.s.bound(keeps{what: what + " remembers all rows", ttl: op.TTL, at: u.Span})
		if err != nil {
			return nil, err
		}
		n.notes = append(n.notes, note)
	} else {
		op.TTL = 0
		n.notes = append(n.notes, "state: the different rows of both inputs, emitted at their end")
	}
	n.join = func(columns) (arrowstream.Join, error) {
		return &stage.SetOp{Kind: op.Kind, All: op.All, Updates: op.Updates, TTL: op.TTL}, nil
	}
	if !u.All {
		n.uniqueOf = keyed(visibleNames(in[0].schema))
	}
	out, err := derive(n, in...)
	if err != nil {
		return nil, p.s.coded(u.Span, "AS1301", err)
	}
	return out, nil
}

// union plans UNION: all parts behind each other and, without ALL, one of equal
// rows.
func (p *block) union(u *syntax.Union) (*node, error) {
	var list []syntax.Body
	var flatten func(b syntax.Body)
	flatten = func(b syntax.Body) {
		if v, ok := b.(*syntax.Union); ok && v.Op == "UNION" && (v.All || !u.All) {
			flatten(v.L)
			flatten(v.R)
			return
		}
		list = append(list, b)
	}
	flatten(u)
	what := "UNION"
	if u.All {
		what = "UNION ALL"
	}
	in, err := p.parts(list, what)
	if err != nil {
		return nil, err
	}
	n, err := unionAll(in)
	if err != nil || u.All {
		return n, err
	}
	return p.s.groupNode(n, visibleNames(n.schema), nil, p.ttlOf(nil), u.Span)
}

// parts plans the parts of a set operation. They get the names of the first one
// and its types, but for numbers, which are widened until all fit, and for
// constant NULLs, which take any type.
func (p *block) parts(list []syntax.Body, what string) ([]*node, error) {
	var nodes []*node
	for _, part := range list {
		inner := &block{s: p.s, env: p.env}
		n, err := inner.body(part)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	want := visible(nodes[0].schema)
	fields := slices.Clone(want)
	for i := range fields {
		fields[i].Nullable = true // where another query has NULL
		for _, n := range nodes {
			if have := visible(n.schema); i < len(have) && untyped(nodes[0], i) && !untyped(n, i) {
				fields[i].Type = have[i].Type
				break
			}
		}
		var args []kernels.Arg
		for _, n := range nodes {
			if have := visible(n.schema); i < len(have) && isNumeric(have[i].Type) {
				args = append(args, kernels.Arg{Type: plainType(have[i].Type)})
			}
		}
		if t, err := kernels.CommonType(what, args); err == nil && isNumeric(fields[i].Type) && len(args) > 1 {
			fields[i].Type = t
		}
	}
	for i, n := range nodes {
		n, err := retyped(n, fields)
		if err != nil {
			return nil, err
		}
		if nodes[i], err = p.s.fit(n, nil, arrow.NewSchema(fields, nil), list[i].Range(), what); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// untyped reports whether column i of n is a constant NULL of the text.
func untyped(n *node, i int) bool {
	if i >= len(n.project) {
		return false
	}
	c, ok := n.project[i].Expr.(expr.Cast)
	if !ok || c.To.ID() != arrow.STRING {
		return false
	}
	l, ok := c.Of.(expr.Lit)
	return ok && l.Value == nil
}

// retyped is n with constant NULLs of the types of fields.
func retyped(n *node, fields []arrow.Field) (*node, error) {
	cols := slices.Clone(n.project)
	some := false
	for i := range cols {
		if untyped(n, i) && i < len(fields) {
			cols[i].Expr, some = expr.Cast{Of: expr.Lit{}, To: fields[i].Type}, true
		}
	}
	if !some {
		return n, nil
	}
	return projectNode(n.in[0], cols)
}
