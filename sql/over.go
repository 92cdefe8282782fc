package sql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/agg"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// overSpec is the PARTITION BY and ORDER BY of window functions that share an
// operator.
type overSpec struct {
	by    []string
	order []stage.SortKey
	calls []stage.OverCall
	at    syntax.Span
}

// rankings are the functions that number rows and that a bound makes a Top-N.
var rankings = map[string]stage.Ranking{"row_number": stage.RowNumber, "rank": stage.Rank, "dense_rank": stage.DenseRank}

// overFunctions are the window functions that are no aggregates.
var overFunctions = []string{
	"row_number", "rank", "dense_rank", "ntile", "percent_rank", "cume_dist", "lag", "lead", "first_value", "last_value", "nth_value",
}

// overs plans the window functions of a block over the rows of b, which knows
// their columns then: one operator for each PARTITION BY and ORDER BY. What
// chooses among the rows after them follows, QUALIFY and DISTINCT ON.
func (p *block) overs(b *binder, sel *syntax.Select) error {
	b.overs = map[string]string{}
	var specs []*overSpec
	taken := visibleNames((*b.input).schema)
	for _, c := range p.overCalls(sel) {
		text := syntax.Text(c)
		if _, twice := b.overs[text]; twice {
			continue
		}
		w, err := p.baseWindow(c.Over, sel.Windows, 0)
		if err != nil {
			return err
		}
		o, err := p.overSpec(b, w)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(specs, func(s *overSpec) bool { return s.text() == o.text() }); i >= 0 {
			o = specs[i]
		} else {
			specs = append(specs, o)
		}
		fn, err := p.overCall(b, c, w)
		if err != nil {
			return err
		}
		fn.Name = unusedName(taken, fn.Func)
		taken = append(taken, fn.Name)
		o.calls = append(o.calls, fn)
		b.overs[text] = fn.Name
	}
	for _, o := range specs {
		n, err := p.overNodes(*b.input, o)
		if err != nil {
			return err
		}
		*b.input, b.scope.schema = n, n.schema
	}
	if err := p.qualify(b, sel); err != nil {
		return err
	}
	return p.distinctOn(b, sel)
}

// overCalls are the window functions of a block, outermost ones.
func (p *block) overCalls(sel *syntax.Select) (calls []*syntax.Call) {
	var visit func(e syntax.Expr)
	visit = func(e syntax.Expr) {
		if c, ok := e.(*syntax.Call); ok && c.Over != nil {
			if f, ok := p.s.scalerOf(c); ok {
				calls = append(calls, f.calls(c)...)
				return
			}
			calls = append(calls, c)
			return
		}
		for _, x := range syntax.Children(e) {
			visit(x)
		}
	}
	for _, it := range sel.Items {
		visit(it.X)
	}
	visit(sel.Qualify)
	for _, o := range p.order {
		visit(o.X)
	}
	return calls
}

// hasOver reports whether e calls a window function.
func hasOver(e syntax.Expr) bool {
	return syntax.Any(e, func(x syntax.Expr) bool {
		c, ok := x.(*syntax.Call)
		return ok && c.Over != nil
	})
}

// unusedName is name, with a number if it is among those that are taken.
func unusedName(taken []string, name string) string {
	out := name
	for i := 0; slices.Contains(taken, out); i++ {
		out = fmt.Sprintf("%s%d", name, i)
	}
	return out
}

// baseWindow puts what a window refines into it.
func (p *block) baseWindow(w *syntax.Window, named []syntax.NamedWindow, depth int) (*syntax.Window, error) {
	if w.Base == nil {
		return w, nil
	}
	i := slices.IndexFunc(named, func(n syntax.NamedWindow) bool { return strings.EqualFold(n.Name.Name, w.Base.Name) })
	if i < 0 || depth > len(named) {
		var names []string
		for _, n := range named {
			names = append(names, n.Name.Name)
		}
		return nil, p.s.src.Error(w.Base.Span, "AS1203", arrowstream.Suggest(w.Base.Name, names, "windows"), fmt.Sprintf("window %q not found", w.Base.Name))
	}
	base, err := p.baseWindow(named[i].Window, named, depth+1)
	if err != nil {
		return nil, err
	}
	out := *w
	bad := func(what string) (*syntax.Window, error) {
		return nil, p.s.src.Error(w.Span, "AS1101", "write the window out", fmt.Sprintf("%s of window %q cannot be replaced", what, w.Base.Name))
	}
	switch {
	case len(w.Partition) > 0:
		return bad("the PARTITION BY")
	case len(w.OrderBy) > 0 && len(base.OrderBy) > 0:
		return bad("the ORDER BY")
	case w.Frame != nil && base.Frame != nil:
		return bad("the frame")
	}
	out.Base, out.Partition = nil, base.Partition
	if len(w.OrderBy) == 0 {
		out.OrderBy = base.OrderBy
	}
	if w.Frame == nil {
		out.Frame = base.Frame
	}
	return &out, nil
}

// overSpec binds PARTITION BY and ORDER BY.
func (p *block) overSpec(b *binder, w *syntax.Window) (*overSpec, error) {
	o := &overSpec{at: w.Span}
	for _, e := range w.Partition {
		name, err := p.overColumn(b, e)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(o.by, name) {
			o.by = append(o.by, name)
		}
	}
	for _, k := range w.OrderBy {
		x, _, err := b.typed(k.X)
		if err != nil {
			return nil, err
		}
		key := newSortKey("", k)
		o.order = append(o.order, stage.SortKey{Expr: x, Desc: key.desc, NullsLast: key.nullsLast})
	}
	return o, nil
}

// overColumn is the column of an expression, which is computed if need be.
func (p *block) overColumn(b *binder, e syntax.Expr) (string, error) {
	x, _, err := b.typed(e)
	if err != nil {
		return "", err
	}
	if c, ok := x.(expr.Col); ok {
		return c.Name, nil
	}
	text := exprText(x)
	if name, ok := p.computed[text]; ok {
		return name, nil
	}
	names := visibleNames((*b.input).schema)
	name := unusedName(names, text)
	n, err := projectNode(*b.input, append(passColumns(names), outColumn{name, x}))
	if err != nil {
		return "", p.s.coded(e.Range(), "AS1301", err)
	}
	if p.computed == nil {
		p.computed = map[string]string{}
	}
	p.computed[text] = name
	*b.input, b.scope.schema = n, n.schema
	return name, nil
}

// text describes the window.
func (o *overSpec) text() string {
	var parts []string
	if len(o.by) > 0 {
		var by []string
		for _, name := range o.by {
			by = append(by, syntax.QuoteName(name))
		}
		parts = append(parts, "partition by "+strings.Join(by, ", "))
	}
	if len(o.order) > 0 {
		parts = append(parts, "order by "+orderText(o.order))
	}
	return strings.Join(parts, " ")
}

func orderText(keys []stage.SortKey) string {
	var out []string
	for _, k := range keys {
		text := exprText(k.Expr)
		if k.Desc {
			text += " DESC"
		}
		if k.NullsLast != k.Desc {
			text += map[bool]string{true: " NULLS LAST", false: " NULLS FIRST"}[k.NullsLast]
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// overCall binds a window function.
func (p *block) overCall(b *binder, c *syntax.Call, w *syntax.Window) (stage.OverCall, error) {
	f := stage.OverCall{Func: strings.ToLower(c.Fn.Last()), Distinct: c.Distinct}
	var args []syntax.Expr
	if _, ok := agg.Find(f.Func); ok && !slices.Contains(overFunctions, f.Func) {
		var err error
		if f.Func, args, f.Order, err = p.s.aggregateArgs(c); err != nil {
			return f, err
		}
	} else if !slices.Contains(overFunctions, f.Func) {
		return f, b.err(c.Fn, "AS1601", arrowstream.Suggest(f.Func, overFunctions, "window functions"), "%s is neither a window function nor an aggregate", c.Fn.Last())
	} else if len(c.OrderBy) > 0 || len(c.Within) > 0 {
		return f, b.err(c, "AS1601", "write ORDER BY in OVER (...)", "%s takes no ORDER BY of its own", strings.ToUpper(f.Func))
	} else {
		for _, a := range c.Args {
			args = append(args, a.Value)
		}
	}
	for _, a := range args {
		if hasOver(a) {
			return f, b.err(a, "AS1206", "compute the inner one in a query in FROM", "a window function cannot be the argument of another one")
		}
		x, _, err := b.typed(a)
		if err != nil {
			return f, err
		}
		f.Args = append(f.Args, x)
	}
	if c.Filter != nil {
		x, err := b.condition(c.Filter, "FILTER")
		if err != nil {
			return f, err
		}
		f.Filter = x
	}
	var err error
	if w.Frame != nil {
		f.Frame, err = p.s.frame(w.Frame)
	}
	return f, err
}

// frame reads ROWS and RANGE.
func (s *session) frame(f *syntax.Frame) (out stage.Frame, err error) {
	out.Rows = !f.Range
	// offset is how far before the current row a bound is.
	offset := func(b syntax.Bound) (n int64, d time.Duration, err error) {
		if out.Rows {
			n, err = s.count(b.N, "ROWS")
		} else {
			d, err = s.duration(b.N, "RANGE")
		}
		if b.Kind == syntax.Following {
			n, d = -n, -d
		}
		return n, d, err
	}
	switch f.End.Kind {
	case syntax.CurrentRow:
	case syntax.UnboundedFollowing:
		out.End = stage.UnboundedFollowing
	case syntax.Preceding, syntax.Following:
		n, d, err := offset(f.End)
		if err != nil {
			return out, err
		}
		out.End, out.Following, out.FollowingSpan = stage.ToFollowing, -n, -d
	default:
		return out, s.src.Error(f.Span, "AS1101", "", "a frame cannot end before it begins")
	}
	switch f.Start.Kind {
	case syntax.UnboundedPreceding:
	case syntax.CurrentRow:
		out.Start = stage.CurrentRow
	case syntax.Preceding, syntax.Following:
		out.Start = stage.Preceding
		out.Preceding, out.Span, err = offset(f.Start)
	default:
		return out, s.src.Error(f.Span, "AS1101", "", "a frame cannot begin after its end")
	}
	return out, err
}
