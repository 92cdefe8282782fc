package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/window"
)

// mostSets bounds the sets of one GROUP BY: every row is copied for each.
const mostSets = 1024

// groupingSets are the lists of keys by which a GROUP BY groups: the product of
// its items, of which a plain expression has one set. sets is nil if there are
// only plain ones, which are then all of keys.
func (s *session) groupingSets(items []syntax.Expr) (keys []syntax.Expr, sets [][]syntax.Expr, err error) {
	plain := true
	product := [][]syntax.Expr{nil}
	for _, e := range items {
		own := [][]syntax.Expr{{e}}
		switch e := e.(type) {
		case *syntax.Grouping:
			own, plain = setsOf(e), false
		case *syntax.Row:
			own, plain = [][]syntax.Expr{e.Items}, plain && len(e.Items) > 0
		}
		if own == nil || len(product)*len(own) > mostSets {
			return nil, nil, s.src.Error(e.Range(), "AS1103", "group by fewer columns", fmt.Sprintf("there are more than %d grouping sets", mostSets))
		}
		var next [][]syntax.Expr
		for _, l := range product {
			for _, r := range own {
				next = append(next, slices.Concat(l, r))
			}
		}
		product = next
	}
	for _, set := range product {
		for _, e := range set {
			if !slices.ContainsFunc(keys, func(k syntax.Expr) bool { return syntax.Text(k) == syntax.Text(e) }) {
				keys = append(keys, e)
			}
		}
	}
	if plain || len(keys) == 0 && len(product) == 1 {
		return keys, nil, nil
	}
	return keys, product, nil
}

// setsOf are the sets of one GROUPING SETS, ROLLUP or CUBE, nil if there are too
// many.
func setsOf(g *syntax.Grouping) (sets [][]syntax.Expr) {
	units := make([][]syntax.Expr, len(g.Sets))
	for i, e := range g.Sets {
		units[i] = []syntax.Expr{e}
		if row, ok := e.(*syntax.Row); ok {
			units[i] = row.Items
		}
	}
	switch g.Kind {
	case "ROLLUP":
		for n := len(units); n >= 0; n-- {
			sets = append(sets, slices.Concat(units[:n]...))
		}
	case "CUBE":
		if len(units) > 10 {
			return nil
		}
		for out := range 1 << len(units) { // bits of the units that are left out, the first one highest
			var set []syntax.Expr
			for i, u := range units {
				if out>>(len(units)-1-i)&1 == 0 {
					set = append(set, u...)
				}
			}
			sets = append(sets, set)
		}
	default:
		for i, e := range g.Sets {
			if inner, ok := e.(*syntax.Grouping); ok {
				sets = append(sets, setsOf(inner)...)
			} else {
				sets = append(sets, units[i])
			}
		}
	}
	return sets
}

// addSets names the keys of each set. A window is in all of them.
func (g *aggregation) addSets(sets [][]syntax.Expr, names map[string]string, windows []string, sel *syntax.Select) error {
	for _, set := range sets {
		list, texts := []string{}, []string(nil)
		for _, e := range set {
			texts = append(texts, syntax.Text(e))
			if name := names[syntax.Text(e)]; name != "" && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
		if !covered(windows, texts) {
			return g.s.src.Error(sel.Span, "AS1407", "group by the window beside the grouping sets", "a grouping set leaves the window out")
		}
		slices.Sort(list)
		if slices.ContainsFunc(g.sets, func(s []string) bool { return slices.Equal(s, list) }) {
			return g.s.src.Error(sel.Span, "AS1103", "leave one of them out, or UNION ALL the two", fmt.Sprintf("the grouping set (%s) twice is not supported yet", strings.Join(list, ", ")))
		}
		g.sets = append(g.sets, list)
	}
	return nil
}

// total takes the set without keys, if there is one beside others, out of those
// of g and plans it on its own: it has a row also where there are none to group.
func (p *block) total(n *node, g *aggregation, at syntax.Span) (*node, error) {
	i := slices.IndexFunc(g.sets, func(set []string) bool { return len(set) == 0 })
	if i < 0 || len(g.sets) == 1 || g.windows != nil {
		return nil, nil
	}
	g.sets = slices.Delete(g.sets, i, i+1)
	aggs := slices.Clone(g.aggs)
	if len(aggs) == 0 {
		aggs = append(aggs, window.Agg{Func: "count", Name: g.unused("count(*)")})
	}
	return p.s.groupNode(n, nil, aggs, 0, at)
}

// withTotal is out and the row of all groups, in which every key is NULL.
func withTotal(out, total *node, by []string) (*node, error) {
	var cols []outColumn
	for _, f := range visible(out.schema) {
		var x expr.Expr = expr.Col{Name: f.Name}
		switch {
		case f.Name == groupingID:
			x = expr.Cast{Of: expr.Lit{Value: int64(1)<<(len(by)-1) - 1}, To: f.Type}
		case slices.Contains(by, f.Name):
			x = expr.Cast{Of: expr.Lit{}, To: plainType(f.Type)}
		}
		cols = append(cols, outColumn{f.Name, x})
	}
	total, err := projectNode(total, cols)
	if err != nil {
		return nil, err
	}
	return unionAll([]*node{out, total})
}

// groupingID is the column that tells the set of a group.
const groupingID = "__grouping"

// expanded is n with a row for each set; aggregates read copies of the keys.
func (g *aggregation) expanded(n *node, by []string, at syntax.Span) (*node, error) {
	cols := passColumns(visibleNames(n.schema))
	var read columns
	for _, a := range g.aggs {
		for _, x := range a.Args {
			exprColumns(x, &read)
		}
		if a.Filter != nil {
			exprColumns(a.Filter, &read)
		}
	}
	copies := map[string]string{}
	for _, k := range by {
		if read.names[k] {
			copies[k] = g.unused("copy of " + k)
			cols = append(cols, outColumn{copies[k], expr.Col{Name: k}})
		}
	}
	n, err := projectNode(n, cols)
	if err != nil {
		return nil, g.s.coded(at, "AS1301", err)
	}
	for i, a := range g.aggs {
		g.aggs[i].Args = slices.Clone(a.Args)
		for k, x := range a.Args {
			g.aggs[i].Args[k] = renameColumns(x, copies)
		}
		if a.Filter != nil {
			g.aggs[i].Filter = renameColumns(a.Filter, copies)
		}
	}
	var text []string
	for _, set := range g.sets {
		text = append(text, "("+strings.Join(set, ", ")+")")
	}
	out := &node{kind: "grouping sets", detail: strings.Join(text, ", ")}
	out.rows = func(in []float64) float64 { return in[0] * float64(len(g.sets)) }
	out.build = func(columns) (arrowstream.Stage, error) {
		return &stage.Expand{By: by, Sets: g.sets, ID: groupingID}, nil
	}
	out.needs = func(want columns) columns {
		delete(want.names, groupingID)
		want.add(by...)
		return want
	}
	if out, err = derive(out, n); err != nil {
		return nil, g.s.coded(at, "AS1301", err)
	}
	return out, nil
}

// renameColumns is e with other names for columns.
func renameColumns(e expr.Expr, names map[string]string) expr.Expr {
	if c, ok := e.(expr.Col); ok {
		if to, ok := names[c.Name]; ok {
			return expr.Col{Name: to}
		}
		return e
	}
	return expr.Map(e, func(x expr.Expr) expr.Expr { return renameColumns(x, names) })
}

// isGrouping reports whether c is GROUPING(...) or GROUPING_ID(...).
func isGrouping(c *syntax.Call) bool {
	return strings.EqualFold(c.Fn.Last(), "grouping") || strings.EqualFold(c.Fn.Last(), "grouping_id")
}

// grouping is GROUPING(a, b, ...): a number with a bit for each key, the last one
// lowest, 1 where rows are not grouped by it. GROUPING_ID without arguments is of
// all keys.
func (g *aggregation) grouping(c *syntax.Call) (expr.Expr, error) {
	args := c.Args
	var keys []string
	for _, a := range args {
		x, err := g.in.expr(a.Value)
		if err != nil {
			return nil, err
		}
		name, ok := g.byText[exprText(x)]
		if !ok || !slices.ContainsFunc(g.keys, func(k outColumn) bool { return k.Name == name }) {
			return nil, g.in.err(a.Value, "AS1205", "name a key of GROUP BY", "GROUPING of something that is not grouped by")
		}
		keys = append(keys, name)
	}
	if len(args) == 0 {
		for _, k := range g.keys {
			keys = append(keys, k.Name)
		}
	}
	if len(keys) == 0 {
		return nil, g.in.err(c, "AS1601", "", "GROUPING wants a key of GROUP BY")
	}
	if g.sets == nil {
		return expr.Lit{Value: int64(0)}, nil
	}
	var out expr.Expr
	for i, k := range keys {
		at := slices.IndexFunc(g.keys, func(o outColumn) bool { return o.Name == k })
		bit := call("bit_and", call("shift_right", expr.Col{Name: groupingID}, expr.Lit{Value: int64(len(g.keys) - 1 - at)}), expr.Lit{Value: int64(1)})
		x := call("shift_left", bit, expr.Lit{Value: int64(len(keys) - 1 - i)})
		if out == nil {
			out = x
		} else {
			out = call("bit_or", out, x)
		}
	}
	return out, nil
}
