package sql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/window"
)

// overNodes are the operators of window functions over one window. Numbers of
// rows that cannot be told for good are left to a bound of them.
func (p *block) overNodes(in *node, o *overSpec) (*node, error) {
	if in.bounded {
		var err error
		if in, err = settled(in); err != nil {
			return nil, err
		}
	}
	if len(o.order) > 0 && !in.bounded {
		if c, ok := o.order[0].Expr.(expr.Col); ok && in.isProcTime(c.Name) {
			var err error
			if in, err = p.s.timed(in, c.Name, o.at); err != nil {
				return nil, err
			}
		}
	}
	at, whole, err := p.overTime(in, o)
	if err == nil {
		return p.overNode(in, o, at, whole)
	}
	if !o.ranks() {
		return nil, err
	}
	for _, c := range o.calls {
		in = p.rankNode(in, o, c, err)
	}
	return in, nil
}

// ranks reports whether all functions number rows.
func (o *overSpec) ranks() bool {
	return !slices.ContainsFunc(o.calls, func(c stage.OverCall) bool {
		_, ok := rankings[c.Func]
		return !ok || len(c.Args) > 0 || c.Filter != nil
	})
}

// overTime says how window functions run: row by row in the order of time, or
// over whole partitions, those of the rows with one time or, without, all rows
// of a key.
func (p *block) overTime(in *node, o *overSpec) (at string, whole bool, err error) {
	s := p.s
	if in.updating() {
		return "", false, s.src.Error(o.at, "AS1407", "bound a ROW_NUMBER by rn <= n, or aggregate in windows", "OVER wants rows that stay, and its input takes rows back")
	}
	if in.bounded {
		return "", true, nil
	}
	if _, _, ok := windowKeysOf(in, o.by); ok {
		if _, column := in.origin(in.eventTime()); column == "window_time" {
			return in.eventTime(), true, nil
		}
	}
	const way = "ORDER BY the event time first, PARTITION BY window_start, window_end, or bound a ROW_NUMBER: rn <= 10"
	if len(o.order) == 0 {
		return "", false, s.src.Error(o.at, "AS1405", way, "OVER without ORDER BY on a stream that does not end")
	}
	first, ok := o.order[0].Expr.(expr.Col)
	if !ok || o.order[0].Desc {
		return "", false, s.src.Error(o.at, "AS1405", way, "OVER on a stream that does not end is ordered by "+orderText(o.order[:1])+", not by its event time")
	}
	if et := in.eventTime(); et != "" && et != first.Name || et == "" && o.ranks() {
		return "", false, s.src.Error(o.at, "AS1405", way, fmt.Sprintf("OVER on a stream that does not end is ordered by %s, which is not its event time", orderText(o.order[:1])))
	}
	return first.Name, false, s.requireTime(in, first.Name, o.at)
}

// overNode is window functions that are computed.
func (p *block) overNode(in *node, o *overSpec, at string, whole bool) (*node, error) {
	then := o.order
	n := &node{kind: "over", detail: overText(o.calls) + " over " + strings.TrimSpace("("+o.text()+")"), plain: same}
	ttl := time.Duration(0)
	switch {
	case !whole:
		then, ttl = then[1:], p.longestTTL()
		n.notes = append(n.notes, "state: rows until the watermark passes them, and for each key what later rows look back at")
	case at != "":
		n.notes = append(n.notes, "state: rows of open windows, until the watermark passes their end")
	default:
		n.notes = append(n.notes, "state: all rows of a bounded input")
	}
	wanted := func(want columns) []stage.OverCall {
		out := slices.DeleteFunc(slices.Clone(o.calls), func(c stage.OverCall) bool { return !want.has(c.Name) })
		if len(out) == 0 {
			return o.calls[:1]
		}
		return out
	}
	n.build = func(want columns) (arrowstream.Stage, error) {
		return &stage.Over{By: o.by, Time: at, Then: then, Calls: wanted(want), Bounded: whole, TTL: ttl}, nil
	}
	n.needs = func(want columns) columns {
		need := o.needs(want, o.calls)
		if at != "" {
			need.add(at)
		}
		for _, c := range wanted(want) {
			for _, x := range c.Args {
				exprColumns(x, &need)
			}
			if c.Filter != nil {
				exprColumns(c.Filter, &need)
			}
		}
		return need
	}
	if o.ranks() && len(o.calls) == 1 {
		n.rank = p.ranking(o, o.calls[0], nil)
		n.rank.stays = !whole
	}
	out, err := derive(n, in)
	if err != nil {
		e := p.s.coded(o.at, "AS1405", err)
		if e.Hint == "" && e.Code == "AS1405" {
			e.Hint = "PARTITION BY window_start, window_end of an aggregation, or read a table that ends"
		}
		return nil, e
	}
	return out, nil
}

// needs are the columns that are passed, which are not own, and those of the
// window.
func (o *overSpec) needs(want columns, own []stage.OverCall) columns {
	need := columns{all: want.all}
	for name := range want.names {
		if !slices.ContainsFunc(own, func(c stage.OverCall) bool { return c.Name == name }) {
			need.add(name)
		}
	}
	need.add(o.by...)
	for _, k := range o.order {
		exprColumns(k.Expr, &need)
	}
	return need
}

// longestTTL is how long keys of a block are remembered, 0 for ever.
func (p *block) longestTTL() time.Duration {
	d := p.s.durationSetting("state.ttl", 0)
	for _, hint := range p.stateTTL {
		d = max(d, hint)
	}
	return d
}

func overText(calls []stage.OverCall) string {
	var parts []string
	for _, c := range calls {
		text := aggText(window.Agg{Func: c.Func, Args: c.Args, Order: c.Order, Distinct: c.Distinct, Filter: c.Filter})
		if slices.Contains(overFunctions, c.Func) && len(c.Args) == 0 {
			text = c.Func + "()"
		}
		parts = append(parts, text+frameText(c.Frame))
	}
	return strings.Join(parts, ", ")
}

// frameText is a frame that is not the default.
func frameText(f stage.Frame) string {
	if f == (stage.Frame{}) {
		return ""
	}
	bound := func(n int64, d time.Duration) string {
		text, word := fmt.Sprint(n), "PRECEDING"
		if !f.Rows {
			text = d.String()
		}
		if rest, behind := strings.CutPrefix(text, "-"); behind {
			text, word = rest, "FOLLOWING"
		}
		return text + " " + word
	}
	text := map[bool]string{true: " ROWS", false: " RANGE"}[f.Rows] + " BETWEEN "
	switch f.Start {
	case stage.UnboundedPreceding:
		text += "UNBOUNDED PRECEDING"
	case stage.CurrentRow:
		text += "CURRENT ROW"
	default:
		text += bound(f.Preceding, f.Span)
	}
	switch f.End {
	case stage.ToCurrentRow:
		return text + " AND CURRENT ROW"
	case stage.UnboundedFollowing:
		return text + " AND UNBOUNDED FOLLOWING"
	}
	return text + " AND " + bound(-f.Following, -f.FollowingSpan)
}

// over is the column of a window function of the block.
func (b *binder) over(c *syntax.Call) (expr.Expr, error) {
	if f, ok := b.s.scalerOf(c); ok {
		return b.scale(c, f)
	}
	if name, ok := b.overs[syntax.Text(c)]; ok {
		return b.compatAggregate(c, expr.Col{Name: name})
	}
	return nil, b.err(c, "AS1206", "window functions stand in the select list, in QUALIFY and in ORDER BY", "window function %s cannot be used here", syntax.Text(c))
}
