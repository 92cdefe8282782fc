package sql

import (
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/window"
)

// lookup finds what e is called after the grouping. ok is false when its
// parts have to be looked at.
func (g *aggregation) lookup(e syntax.Expr) (x expr.Expr, ok bool, err error) {
	if c, isCall := e.(*syntax.Call); isCall {
		if g.s.isAggregate(c) {
			return g.aggregateColumn(c)
		}
		if isGrouping(c) {
			x, err := g.grouping(c)
			return x, err == nil, err
		}
		if part, is := windowBound(c.Fn.Last()); is && g.windows != nil {
			return expr.Col{Name: part}, true, nil
		}
		if g.made != "" && syntax.Text(c) == g.made {
			return windowStruct, true, nil
		}
	}
	if f, isField := e.(*syntax.Field); isField && g.windows != nil {
		if c, isCall := f.X.(*syntax.Call); isCall && slices.Contains(windowFunctions, strings.ToLower(c.Fn.Last())) {
			switch strings.ToLower(f.Name.Name) {
			case "start", "end":
				return expr.Col{Name: "window_" + strings.ToLower(f.Name.Name)}, true, nil
			}
			return nil, false, g.in.err(f.Name, "AS1203", "it has start and end", "window has no field %q", f.Name.Name)
		}
	}
	if c, isColumn := e.(*syntax.Column); isColumn && g.windows != nil && g.out != nil {
		if x, ok := g.windowColumn(c); ok {
			return x, true, nil
		}
	}
	if g.s.hasAggregate(e) || hasQuery(e) {
		return nil, false, nil
	}
	x, err = g.in.expr(e)
	if err == nil {
		if isConstant(x) {
			return x, true, nil
		}
		if name, ok := g.byText[exprText(x)]; ok {
			return expr.Col{Name: name}, true, nil
		}
	}
	c, isColumn := e.(*syntax.Column)
	if !isColumn {
		return nil, false, nil
	}
	if alias, ok := g.aliases[strings.ToLower(c.Last())]; ok && len(c.Parts) == 1 && g.depth < 20 && !sameColumn(alias, c) {
		g.depth++
		defer func() { g.depth-- }()
		x, err := (&binder{s: g.s, scope: g.out, group: g}).expr(alias)
		return x, true, err
	}
	if err != nil {
		return nil, false, err
	}
	return nil, false, g.in.err(c, "AS1205", "group by it, or use an aggregate such as max("+syntax.Text(c)+")", "column %q is neither grouped by nor aggregated", c.Last())
}

func sameColumn(e syntax.Expr, c *syntax.Column) bool {
	d, ok := e.(*syntax.Column)
	return ok && strings.EqualFold(d.Last(), c.Last())
}

// windowStruct is a window as a value: STRUCT<start, end>.
var windowStruct = call("named_struct", expr.Lit{Value: "start"}, expr.Col{Name: "window_start"}, expr.Lit{Value: "end"}, expr.Col{Name: "window_end"})

// windowColumn finds window_start, window_end, window_time, window.start and
// window.end unless the input has a column of the name.
func (g *aggregation) windowColumn(c *syntax.Column) (expr.Expr, bool) {
	name := strings.ToLower(c.Last())
	if len(c.Parts) == 2 && strings.EqualFold(c.Parts[0].Name, "window") && (name == "start" || name == "end") {
		return expr.Col{Name: "window_" + name}, true
	}
	if isWindowColumn(name) && columnar.Index((*g.in.input).schema, name) < 0 && columnar.Index(g.out.schema, name) >= 0 {
		return expr.Col{Name: name}, true
	}
	return nil, false
}

func (g *aggregation) aggregateColumn(c *syntax.Call) (expr.Expr, bool, error) {
	name, ok, err := g.find(c)
	switch {
	case err != nil:
		return nil, false, err
	case !ok:
		return nil, false, g.in.err(c, "AS1206", "", "aggregate %s cannot be used here", syntax.Text(c))
	}
	g.s.places = append(g.s.places, place{text: name, at: c.Range()})
	x, err := g.in.compatAggregate(c, expr.Col{Name: name})
	return x, true, err
}

// find looks an aggregate up among those that are registered.
func (g *aggregation) find(c *syntax.Call) (column string, ok bool, err error) {
	if column, ok := g.byCall[c]; ok {
		return column, true, nil
	}
	name, args, order, err := g.s.aggregateArgs(c)
	if err != nil {
		return "", false, err
	}
	a := window.Agg{Func: name, Distinct: c.Distinct, Order: order}
	for _, arg := range args {
		if g.s.hasAggregate(arg) {
			return "", false, nil
		}
		x, err := g.in.expr(arg)
		if err != nil {
			return "", false, err
		}
		a.Args = append(a.Args, x)
	}
	if c.Filter != nil {
		if a.Filter, err = g.in.expr(c.Filter); err != nil {
			return "", false, err
		}
	}
	column, ok = g.byText[aggText(a)]
	return column, ok, nil
}
