package sql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/window"
)

// aggregation is a grouped block while it is planned: its keys, its aggregates
// and what they are called after the grouping.
type aggregation struct {
	s       *session
	in      *binder // over the rows that are grouped
	windows *windowSpec
	made    string            // text of the call in GROUP BY that makes the window
	keys    []outColumn       // name and expression over the input
	byText  map[string]string // text of a key or an aggregate -> output column
	byCall  map[*syntax.Call]string
	aggs    []window.Agg
	sets    [][]string // of GROUPING SETS, each some of the keys; nil without
	aliases map[string]syntax.Expr
	out     *scope
	depth   int
}

// hasAggregate reports whether e calls an aggregate.
func (s *session) hasAggregate(e syntax.Expr) bool {
	return syntax.Any(e, func(x syntax.Expr) bool {
		c, ok := x.(*syntax.Call)
		return ok && s.isAggregate(c)
	})
}

func (s *session) isAggregate(c *syntax.Call) bool {
	name := c.Fn.Last()
	if _, declared, _ := s.catalog.functions.find(name); declared || c.Over != nil {
		return false
	}
	if _, scalar := kernels.Find(name); scalar && (len(c.Args) != 1 || !strings.HasPrefix(strings.ToLower(name), "bit_")) {
		return false // BIT_AND(x, y) is x & y, BIT_AND(x) an aggregate
	}
	_, ok := agg.Find(strings.ToLower(name))
	return ok
}

// aggregate plans GROUP BY, HAVING and the select list of a grouped block.
func (p *block) aggregate(rel *relation, sel *syntax.Select, groups []syntax.Expr) (*node, error) {
	n := rel.node
	g := &aggregation{s: p.s, byText: map[string]string{}, byCall: map[*syntax.Call]string{}, aliases: map[string]syntax.Expr{}}
	g.in = &binder{s: p.s, scope: rel.scope, input: &n, block: p}
	for _, it := range sel.Items {
		if it.Alias != nil {
			g.aliases[strings.ToLower(it.Alias.Name)] = it.X
		}
	}
	w := rel.window
	var windowKeys []string
	groups, sets, err := p.s.groupingSets(groups)
	if err != nil {
		return nil, err
	}
	names, windows := map[string]string{}, []string(nil) // of keys, by their text; texts of windows
	for _, e := range groups {
		text := syntax.Text(e)
		e, err := g.resolveGroup(e, sel)
		if err != nil {
			return nil, err
		}
		if c, ok := e.(*syntax.Call); ok && slices.Contains(windowFunctions, strings.ToLower(c.Fn.Last())) && !p.s.declaredFunction(c.Fn.Last()) {
			if w != nil {
				return nil, p.s.src.Error(e.Range(), "AS1407", "group by one window", "there are two windows in this query")
			}
			if w, err = p.s.groupWindow(c, g.in); err != nil {
				return nil, err
			}
			g.made = syntax.Text(c)
			windowKeys = append(windowKeys, "window_start", "window_end")
			windows = append(windows, text)
			continue
		}
		if c, ok := e.(*syntax.Column); ok && rel.window != nil {
			x, err := g.in.expr(c)
			if err != nil {
				return nil, err
			}
			if c, ok := x.(expr.Col); ok && isWindowColumn(c.Name) && columnar.Index(n.schema, c.Name) < 0 {
				windowKeys = append(windowKeys, c.Name)
				windows = append(windows, text)
				continue
			}
		}
		x, t, err := g.in.typed(e)
		if err != nil {
			return nil, err
		}
		if t.ID() == arrow.NULL {
			continue // a constant NULL groups nothing
		}
		g.in.fractions(e, t)
		names[text] = g.addKey(e, x)
	}
	if err := g.addSets(sets, names, windows, sel); err != nil {
		return nil, err
	}
	if p.corr != nil {
		for i, k := range p.corr.extra {
			p.corr.extra[i].Expr = expr.Col{Name: g.addKeyAs(k.Name, k.Expr)}
		}
	}
	if rel.window != nil && len(windowKeys) == 0 {
		return nil, p.s.src.Error(sel.Span, "AS1407", "add GROUP BY window_start, window_end", "rows of a window are aggregated without their window")
	}
	if w != nil {
		if err := w.checkKeys(p.s, windowKeys, g, sel); err != nil {
			return nil, err
		}
	}
	g.windows = w
	if err := g.collect(sel, p.order); err != nil {
		return nil, err
	}
	node, err := p.group(n, g, sel)
	if err != nil {
		return nil, err
	}
	b := &binder{s: p.s, scope: g.out, input: &node, group: g, block: p}
	if err := p.conditions(b, sel.Having, "HAVING"); err != nil {
		return nil, err
	}
	if err := p.overs(b, sel); err != nil {
		return nil, err
	}
	return p.outputs(b, sel, rel.scope)
}

// resolveGroup replaces an ordinal or an alias in GROUP BY by its expression.
func (g *aggregation) resolveGroup(e syntax.Expr, sel *syntax.Select) (syntax.Expr, error) {
	switch e := e.(type) {
	case *syntax.Number:
		i, err := strconv.Atoi(e.Text)
		if err != nil || i < 1 || i > len(sel.Items) {
			return nil, g.s.src.Error(e.Span, "AS1203", fmt.Sprintf("there are %d", len(sel.Items)), fmt.Sprintf("there is no output number %s to group by", e.Text))
		}
		if g.s.hasAggregate(sel.Items[i-1].X) {
			return nil, g.s.src.Error(e.Span, "AS1206", "", fmt.Sprintf("output %s is an aggregate, which cannot be grouped by", e.Text))
		}
		return sel.Items[i-1].X, nil
	case *syntax.Column:
		if len(e.Parts) != 1 {
			return e, nil
		}
		if _, found, err := g.in.resolve(e.Name); found || err != nil {
			return e, nil
		}
		if x, ok := g.aliases[strings.ToLower(e.Parts[0].Name)]; ok && !g.s.hasAggregate(x) {
			return x, nil
		}
	}
	return e, nil
}

// addKey adds a grouping key; a computed one gets its text as name.
func (g *aggregation) addKey(e syntax.Expr, x expr.Expr) string {
	name := ""
	if c, ok := x.(expr.Col); ok {
		name = c.Name
	} else if _, twice := g.byText[exprText(x)]; !twice {
		name = g.unused(syntax.Text(e))
	}
	return g.addKeyAs(name, x)
}

// addKeyAs adds a grouping key under a name, unless it is one under another
// name, and returns that which it has.
func (g *aggregation) addKeyAs(name string, x expr.Expr) string {
	text := exprText(x)
	if known, twice := g.byText[text]; twice {
		return known
	}
	g.keys = append(g.keys, outColumn{name, x})
	g.byText[text] = name
	return name
}

// unused makes a name that no column of the input or the output has.
func (g *aggregation) unused(name string) string {
	taken := append([]string{"window_start", "window_end", "window_time", "window_ordinal", "window_rows"}, columnar.Names((*g.in.input).schema)...)
	for _, k := range g.keys {
		taken = append(taken, k.Name)
	}
	for _, a := range g.aggs {
		taken = append(taken, a.Name)
	}
	out := name
	for i := 0; slices.Contains(taken, out); i++ {
		out = fmt.Sprintf("%s%d", name, i)
	}
	return out
}

// collect registers every aggregate of the block.
func (g *aggregation) collect(sel *syntax.Select, order []syntax.Order) error {
	var visit func(e syntax.Expr) error
	visit = func(e syntax.Expr) error {
		if c, ok := e.(*syntax.Call); ok && g.s.isAggregate(c) {
			return g.register(c)
		}
		for _, c := range syntax.Children(e) {
			if err := visit(c); err != nil {
				return err
			}
		}
		return nil
	}
	for _, it := range sel.Items {
		if err := visit(it.X); err != nil {
			return err
		}
	}
	if sel.Having != nil {
		if err := visit(sel.Having); err != nil {
			return err
		}
	}
	rest := append([]syntax.Expr{}, sel.DistinctOn...)
	if sel.Qualify != nil {
		rest = append(rest, sel.Qualify)
	}
	for _, w := range sel.Windows {
		rest = append(rest, w.Window.Partition...)
		order = append(slices.Clone(order), w.Window.OrderBy...)
	}
	for _, o := range order {
		rest = append(rest, o.X)
	}
	for _, e := range rest {
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

// register adds an aggregate once and checks its arguments.
func (g *aggregation) register(c *syntax.Call) error {
	name, args, order, err := g.s.aggregateArgs(c)
	if err != nil {
		return err
	}
	f, _ := agg.Find(name)
	a := window.Agg{Func: f.Name, Distinct: c.Distinct, Order: order}
	var types []arrow.DataType
	for _, arg := range args {
		if g.s.hasAggregate(arg) {
			return g.in.err(arg, "AS1206", "aggregate in a query in FROM first", "an aggregate cannot be the argument of another one")
		}
		x, t, err := g.in.typed(arg)
		if err != nil {
			return err
		}
		a.Args, types = append(a.Args, x), append(types, t)
	}
	if c.Filter != nil {
		x, err := g.in.condition(c.Filter, "FILTER")
		if err != nil {
			return err
		}
		a.Filter = x
	}
	if _, err := f.BindOrdered(types, c.Distinct, order); err != nil {
		return g.s.coded(c.Span, "AS1601", err)
	}
	text := aggText(a)
	if _, ok := g.byText[text]; !ok {
		a.Name = g.unused(syntax.Text(c))
		g.aggs = append(g.aggs, a)
		g.byText[text] = a.Name
	}
	g.byCall[c] = g.byText[text]
	return nil
}

// aggText is the key by which two aggregates are the same.
func aggText(a window.Agg) string {
	args := make([]string, len(a.Args))
	for i, x := range a.Args {
		args[i] = exprText(x)
	}
	text := a.Func + "("
	if a.Distinct {
		text += "DISTINCT "
	}
	if len(a.Args) == 0 {
		text += "*"
	}
	n := len(args) - len(a.Order)
	text += strings.Join(args[:n], ", ")
	for i, o := range a.Order {
		if i == 0 {
			text += " ORDER BY "
		} else {
			text += ", "
		}
		text += args[n+i]
		if o.Desc {
			text += " DESC"
		}
		if o.NullsLast != o.Desc {
			text += map[bool]string{true: " NULLS LAST", false: " NULLS FIRST"}[o.NullsLast]
		}
	}
	text += ")"
	if a.Filter != nil {
		text += " FILTER (WHERE " + exprText(a.Filter) + ")"
	}
	return text
}

// group plans the grouping itself and fixes the scope after it.
func (p *block) group(n *node, g *aggregation, sel *syntax.Select) (*node, error) {
	s := p.s
	by := make([]string, len(g.keys))
	computed := false
	for i, k := range g.keys {
		by[i] = k.Name
		if c, ok := k.Expr.(expr.Col); !ok || c.Name != k.Name {
			computed = true
		}
	}
	if computed {
		cols := passColumns(columnar.Names(n.schema))
		for _, k := range g.keys {
			if columnar.Index(n.schema, k.Name) < 0 {
				cols = append(cols, k)
			}
		}
		var err error
		if n, err = projectNode(n, cols); err != nil {
			return nil, s.coded(sel.Span, "AS1301", err)
		}
	}
	if len(by) == 0 && len(g.aggs) == 0 { // GROUP BY () of nothing but constants
		g.aggs = append(g.aggs, window.Agg{Func: "count", Name: g.unused("count(*)")})
	}
	var total, out *node
	var err error
	if g.sets != nil {
		if total, err = p.total(n, g, sel.Span); err != nil {
			return nil, err
		}
		if n, err = g.expanded(n, by, sel.Span); err != nil {
			return nil, err
		}
		by = append(by, groupingID)
	}
	if w := g.windows; w != nil {
		out, err = p.windowNode(n, w, by, g.aggs, sel.Span)
	} else if start, end, ok := windowKeysOf(n, by); ok && g.sets == nil {
		out, err = p.regroupNode(n, start, end, by, g, sel.Span)
	} else {
		out, err = s.groupNode(n, by, g.aggs, p.ttlOf(g.in.scope.tables()), sel.Span)
	}
	if err == nil && total != nil {
		out, err = withTotal(out, total, by)
	}
	if err != nil {
		return nil, err
	}
	g.out = newScope("", out.schema)
	if g.windows != nil {
		g.out.window = &windowNames{"window_start", "window_end"}
	}
	return out, nil
}
