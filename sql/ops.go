package sql

import (
	"fmt"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
	"github.com/arrowstream/arrowstream/window"
)

// outColumn is one output of a projection.
type outColumn struct {
	Name string
	Expr expr.Expr
}

// passColumns are outputs that pass columns as they are.
func passColumns(names []string) []outColumn {
	cols := make([]outColumn, 0, len(names))
	for _, n := range names {
		if n != opColumn {
			cols = append(cols, outColumn{n, expr.Col{Name: n}})
		}
	}
	return cols
}

func projectStage(cols []outColumn) *stage.Project {
	st := &stage.Project{}
	for _, c := range cols {
		st.Columns = append(st.Columns, stage.Column{Name: c.Name, Expr: c.Expr})
	}
	return st
}

// projectNode computes columns; it is left out when it changes nothing.
func projectNode(in *node, cols []outColumn) (*node, error) {
	plain := map[string]string{}
	identity := len(cols) == len(visibleNames(in.schema))
	var text []string
	for i, c := range cols {
		if col, ok := c.Expr.(expr.Col); ok {
			plain[c.Name] = col.Name
			identity = identity && col.Name == c.Name && in.schema.Field(i).Name == c.Name
		} else {
			identity = false
		}
		if t := exprText(c.Expr); t == syntax.QuoteName(c.Name) {
			text = append(text, t)
		} else {
			text = append(text, t+" AS "+syntax.QuoteName(c.Name))
		}
	}
	if identity {
		return in, nil
	}
	n := &node{kind: "project", detail: strings.Join(text, ", "), rowwise: true, project: cols}
	n.build = func(want columns) (arrowstream.Stage, error) { return projectStage(n.wanted(want)), nil }
	n.needs = func(want columns) columns {
		var need columns
		for _, c := range n.wanted(want) {
			exprColumns(c.Expr, &need)
		}
		return need
	}
	n.plain = func(out string) (string, bool) { in, ok := plain[out]; return in, ok }
	return derive(n, in)
}

// wanted are the columns of a projection that are read; one at least.
func (n *node) wanted(want columns) []outColumn {
	var out []outColumn
	for _, c := range n.project {
		if want.has(c.Name) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return n.project[:1]
	}
	return out
}

func filterNode(in *node, cond expr.Expr) (*node, error) {
	n := &node{kind: "filter", detail: exprText(cond), plain: same, passes: true, where: cond}
	n.build = func(want columns) (arrowstream.Stage, error) {
		f := &stage.Filter{Where: n.shared.replace(cond), Also: n.shared.columns()}
		if want.all {
			return f, nil
		}
		f.Columns = want.list(n.in[0].schema)
		for _, c := range n.shared {
			f.Columns = append(f.Columns, c.Name)
		}
		return f, nil
	}
	n.needs = func(want columns) columns {
		for _, c := range n.shared {
			delete(want.names, c.Name)
		}
		exprColumns(cond, &want)
		return want
	}
	return derive(n, in)
}

// sortKey is a column to sort by.
type sortKey struct {
	column          string
	desc, nullsLast bool
}

func newSortKey(column string, o syntax.Order) sortKey {
	last := o.Desc // NULL sorts lowest
	switch o.Nulls {
	case "FIRST":
		last = false
	case "LAST":
		last = true
	}
	return sortKey{column, o.Desc, last}
}

func (k sortKey) String() string {
	text := syntax.QuoteName(k.column)
	if k.desc {
		text += " DESC"
	}
	if k.nullsLast != k.desc {
		text += map[bool]string{true: " NULLS LAST", false: " NULLS FIRST"}[k.nullsLast]
	}
	return text
}

func sortNode(in *node, keys []sortKey, limit, offset int64) (*node, error) {
	if limit == 0 {
		return limitNode(in, 0, offset)
	}
	var text []string
	for _, k := range keys {
		text = append(text, k.String())
	}
	n := &node{kind: "sort", detail: strings.Join(text, ", ") + limitText(limit, offset)}
	n.build = func(columns) (arrowstream.Stage, error) {
		return &stage.Sort{By: stageKeys(keys), Limit: max(limit, 0), Offset: offset}, nil
	}
	n.needs = func(want columns) columns {
		for _, k := range keys {
			want.add(k.column)
		}
		return want
	}
	n.rows = atMost(limit, offset)
	n.notes = append(n.notes, "state: all rows of a bounded input")
	return derive(n, in)
}

// stageKeys are keys as stages take them.
func stageKeys(keys []sortKey) (out []stage.SortKey) {
	for _, k := range keys {
		out = append(out, stage.SortKey{Expr: expr.Col{Name: k.column}, Desc: k.desc, NullsLast: k.nullsLast})
	}
	return out
}

func limitText(limit, offset int64) string {
	text := ""
	if limit >= 0 {
		text += fmt.Sprintf(" limit %d", limit)
	}
	if offset > 0 {
		text += fmt.Sprintf(" offset %d", offset)
	}
	return text
}

func limitNode(in *node, limit, offset int64) (*node, error) {
	n := &node{kind: "limit", detail: strings.TrimSpace(limitText(limit, offset)), passes: true, needs: func(w columns) columns { return w }, rows: atMost(limit, offset)}
	if limit < 0 {
		limit = 1<<62 - 1
	}
	n.build = func(columns) (arrowstream.Stage, error) { return &stage.Limit{Rows: limit, Offset: offset}, nil }
	return derive(n, in)
}

// groupNode aggregates without a window; ttl is how long a group is remembered
// on a stream that does not end, 0 for ever.
func (s *session) groupNode(in *node, by []string, aggs []window.Agg, ttl time.Duration, at syntax.Span) (*node, error) {
	if len(aggs) == 0 && len(by) > 0 && !in.bounded {
		return s.distinctNode(in, by, ttl, at)
	}
	n := &node{kind: "aggregate", detail: groupText(by, aggs), aggs: aggs}
	if in.bounded || len(by) == 0 {
		ttl = 0
	}
	n.build = func(columns) (arrowstream.Stage, error) {
		return &stage.Aggregate{By: by, Aggs: aggs, Updates: !in.bounded, TTL: ttl}, nil
	}
	n.needs = aggNeeds(by, aggs)
	n.uniqueOf = keyed(by)
	switch {
	case in.bounded:
		n.notes = append(n.notes, "state: one row per group, emitted at the end of the input")
	case len(by) == 0:
		n.notes = append(n.notes, "state: one row")
	default:
		note, err := s.bound(keeps{what: "GROUP BY " + strings.Join(by, ", "), way: "add a window", ttl: ttl, at: at})
		if err != nil {
			return nil, err
		}
		n.notes = append(n.notes, note)
	}
	if in.updating() {
		n.notes = append(n.notes, "state: of aggregates that have no inverse, the values of each group")
	}
	out, err := derive(n, in)
	if err != nil {
		return nil, s.coded(at, "AS1301", err)
	}
	return out, nil
}

// distinctNode keeps one of equal rows of columns of a stream that does not end:
// the first one, as it comes, if the stream only appends.
func (s *session) distinctNode(in *node, by []string, ttl time.Duration, at syntax.Span) (*node, error) {
	in, err := projectNode(in, passColumns(by))
	if err != nil {
		return nil, s.coded(at, "AS1301", err)
	}
	note, err := s.bound(keeps{what: "every different " + strings.Join(by, ", "), way: "add a window", ttl: ttl, at: at})
	if err != nil {
		return nil, err
	}
	n := &node{kind: "distinct", detail: "by " + strings.Join(by, ", "), plain: same, notes: []string{note}}
	n.build = func(columns) (arrowstream.Stage, error) { return &stage.Distinct{TTL: ttl}, nil }
	n.uniqueOf = keyed(by)
	out, err := derive(n, in)
	if err != nil {
		return nil, s.coded(at, "AS1301", err)
	}
	return out, nil
}

func groupText(by []string, aggs []window.Agg) string {
	var parts []string
	for _, a := range aggs {
		parts = append(parts, aggText(a))
	}
	text := strings.Join(parts, ", ")
	if len(by) > 0 {
		text = strings.TrimSpace("by " + strings.Join(by, ", ") + ": " + text)
	}
	return text
}

// aggNeeds are the columns that grouping reads.
func aggNeeds(by []string, aggs []window.Agg, more ...string) func(columns) columns {
	return func(columns) columns {
		var need columns
		need.add(by...)
		need.add(more...)
		for _, a := range aggs {
			for _, x := range a.Args {
				exprColumns(x, &need)
			}
			if a.Filter != nil {
				exprColumns(a.Filter, &need)
			}
		}
		return need
	}
}
