package sql

import (
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// share has what a filter and the projection behind it both compute computed
// once, by the filter, which passes it on as a column. That pays for what reads
// texts and nested values: to copy a number with the rows that pass costs as much
// as to compute it again. It may not fail, for an error belongs to the column
// that is asked for, and the filter computes it for all rows anyway: it does not
// stand where it is computed for some of them. Neither node changes what it is,
// so states of older plans are those of the new ones.
func (p *plan) share() {
	users := map[*node]int{}
	for _, n := range p.order {
		for _, in := range n.in {
			users[in]++
		}
	}
	for _, r := range p.roots {
		users[r.node]++
	}
	for _, n := range p.order {
		if n.project == nil || n.in[0].where == nil || users[n.in[0]] > 1 || n.in[0].updating() {
			continue
		}
		n.in[0].shareWith(n)
	}
}

// unshare takes back what share did, in a plan that is only explained: later
// statements may read its nodes.
func (p *plan) unshare() {
	for _, n := range p.order {
		n.shared = nil
		n.notes = slices.DeleteFunc(n.notes, func(note string) bool { return strings.HasPrefix(note, computedOnce) })
		if n.alone != nil {
			n.project, n.alone = n.alone, nil
		}
	}
}

const computedOnce = "computed once: "

// shareWith moves what the projection has in common with the filter n to it.
func (n *node) shareWith(projection *node) {
	schema := n.in[0].schema
	var in sharing
	for _, e := range always(n.where, schema, nil) {
		if worthSharing(e, schema) && slices.ContainsFunc(projection.project, func(c outColumn) bool { return contains(c.Expr, e) }) {
			in.add(e, schema)
		}
	}
	if len(in) == 0 {
		return
	}
	n.shared = in
	cols := slices.Clone(projection.project)
	for i, c := range cols {
		cols[i].Expr = in.replace(c.Expr)
	}
	projection.alone, projection.project = projection.project, cols
	for _, c := range in {
		n.notes = append(n.notes, computedOnce+exprText(c.Expr))
	}
}

// sharing is expressions and the columns that they become.
type sharing []outColumn

// add gives e a column.
func (s *sharing) add(e expr.Expr, schema *arrow.Schema) {
	if slices.ContainsFunc(*s, func(c outColumn) bool { return contains(c.Expr, e) }) {
		return
	}
	name := exprText(e)
	for schema.HasField(name) {
		name += " "
	}
	*s = append(*s, outColumn{name, e})
}

// columns are those of a stage.
func (s sharing) columns() (out []stage.Column) {
	for _, c := range s {
		out = append(out, stage.Column{Name: c.Name, Expr: c.Expr})
	}
	return out
}

// replace is e with columns for what is shared.
func (s sharing) replace(e expr.Expr) expr.Expr {
	for _, c := range s {
		if expr.Equal(c.Expr, e) {
			return expr.Col{Name: c.Name}
		}
	}
	if _, ok := e.(expr.Lambda); ok {
		return e // its parameters are no columns
	}
	return expr.Map(e, s.replace)
}

// always appends e and the parts of it that are computed for every row, larger
// ones first.
func always(e expr.Expr, schema *arrow.Schema, out []expr.Expr) []expr.Expr {
	out = append(out, e)
	switch e := e.(type) {
	case expr.Field:
		return always(e.Of, schema, out)
	case expr.Cast:
		return always(e.Of, schema, out)
	case expr.Call:
		for i, x := range e.Args {
			switch e.Name {
			case "if", "coalesce":
				if i > 0 {
					return out
				}
			case "and", "or":
				// Those that can fail are computed where the others decide nothing.
				if b, err := expr.Bind(x, schema); err != nil || b.Fails() {
					continue
				}
			}
			out = always(x, schema, out)
		}
	}
	return out
}

// contains reports whether e has x for a part, outside of lambdas.
func contains(e, x expr.Expr) bool {
	found := false
	expr.Walk(e, func(part expr.Expr) bool {
		_, lambda := part.(expr.Lambda)
		found = found || expr.Equal(part, x)
		return !found && !lambda
	})
	return found
}

// worthSharing reports whether e is a call that reads or makes more than a
// number, gives the same whenever it is asked, and cannot fail.
func worthSharing(e expr.Expr, schema *arrow.Schema) bool {
	c, ok := e.(expr.Call)
	if !ok || infix[c.Name] != "" && c.Name != "concat" && c.Name != "rlike" {
		return false
	}
	volatile := false
	expr.Walk(e, func(part expr.Expr) bool {
		c, ok := part.(expr.Call)
		volatile = volatile || ok && (c.Site != 0 || c.Func != nil)
		return !volatile
	})
	b, err := expr.Bind(e, schema)
	if volatile || err != nil || b.Fails() {
		return false
	}
	if _, constant := b.Const(); constant {
		return false
	}
	return wideType(b.Type()) || slices.ContainsFunc(c.Args, func(x expr.Expr) bool {
		b, err := expr.Bind(x, schema)
		return err == nil && wideType(b.Type())
	}) && c.Name != "is_null" && c.Name != "is_not_null" && c.Name != "in" && c.Name != "between"
}

// wideType reports whether values of t have no fixed width. What is computed of
// a dictionary costs nothing per row.
func wideType(t arrow.DataType) bool {
	_, fixed := t.(arrow.FixedWidthDataType)
	return !fixed && t.ID() != arrow.DICTIONARY && t.ID() != arrow.BOOL && t.ID() != arrow.NULL
}
