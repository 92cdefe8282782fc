package sql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
	"github.com/arrowstream/arrowstream/stage"
)

// lookupOptions say how a table is looked up in by a join at the processing time:
// read as a whole before the rows that look it up, or asked for the keys of those
// rows, with or without remembering what it said.
type lookupOptions struct {
	asks bool
	rows int64 // remembered between batches, 0 for none
	ttl  time.Duration
	at   syntax.Span // of the option that says so
}

// What is remembered unless the options say otherwise.
const (
	defaultLookupRows = 10_000
	defaultLookupTTL  = time.Minute
)

// lookupOption takes in an option of a table; ok is false for one that is not
// about lookups.
func (s *session) lookupOption(t *table, o syntax.Option, value string) (ok bool, err error) {
	l := &t.lookup
	switch o.Key {
	case "lookup.cache":
		l.at = o.ValueAt
		switch strings.ToLower(value) {
		case "full":
			l.asks = false
		case "partial":
			l.ask()
		case "none":
			l.asks, l.rows = true, 0
		default:
			err = fmt.Errorf("%q is not none, partial or full", value)
		}
	case "lookup.cache.max-rows", "lookup.partial-cache.max-rows":
		l.ask()
		l.at = o.ValueAt
		if l.rows, err = strconv.ParseInt(value, 10, 64); err != nil || l.rows < 0 {
			err = fmt.Errorf("%q is not a number of rows", value)
		}
	case "lookup.cache.ttl", "lookup.partial-cache.expire-after-write":
		l.ask()
		l.at = o.ValueAt
		if l.ttl, err = arrowstream.ParseDuration(value); err == nil && l.ttl < 0 {
			err = fmt.Errorf("%q is negative", value)
		}
	case "lookup.async": // the keys of a batch are asked for at once in any case
		_, err = strconv.ParseBool(value)
	default:
		return false, nil
	}
	if err != nil {
		err = s.src.Error(o.ValueAt, "AS1504", "", fmt.Sprintf("option %q: %v", o.Key, err))
	}
	return true, err
}

// ask has the table asked, with the defaults.
func (l *lookupOptions) ask() {
	if !l.asks {
		l.asks, l.rows, l.ttl = true, defaultLookupRows, defaultLookupTTL
	}
}

// text is what is remembered, for EXPLAIN.
func (l lookupOptions) text() string {
	switch {
	case l.rows == 0:
		return "nothing is remembered"
	case l.ttl == 0:
		return fmt.Sprintf("about %d keys and rows are remembered", l.rows)
	}
	return fmt.Sprintf("about %d keys and rows are remembered, for %s", l.rows, l.ttl)
}

// asked is the table below n that is to be asked for keys, nil if n is another
// one, with what n calls its columns.
func asked(n *node) (t *table, names []string) {
	scan := n
	for scan.project != nil && len(scan.in) == 1 {
		scan = scan.in[0]
	}
	if scan.table == nil || !scan.table.lookup.asks {
		return nil, nil
	}
	names = columnar.Names(scan.schema)
	called := map[string]string{}
	for _, out := range columnar.Names(n.schema) {
		name, at := out, n
		for at != scan {
			below, ok := at.plain(name)
			if !ok {
				return nil, nil // something that is computed
			}
			name, at = below, at.in[0]
		}
		called[name] = out
	}
	for i, name := range names {
		if out, ok := called[name]; ok {
			names[i] = out
		} else {
			names[i] = "__unread " + name
		}
	}
	return scan.table, names
}

// lookup is the join with the rows that the table has when the left row comes.
func (j *joinNode) lookup(both *sides, t *table, names []string) (*node, error) {
	src, ok := t.source.(arrowstream.Searchable)
	if !ok || len(t.computed) > 0 || len(t.timed) > 0 {
		why := fmt.Sprintf("connector %q cannot be searched by key", t.connector.Name)
		if ok {
			why = fmt.Sprintf("table %q has computed columns, which cannot be looked up", t.name)
		}
		return nil, j.s.src.Error(t.lookup.at, "AS1504", "lookup.cache = 'full' reads the table once, before the rows that look it up", why)
	}
	for _, c := range both.conds {
		j.conditions = append(j.conditions, exprText(c.x))
		left, right, nulls, ok := equality(c.x, j.in[0], j.in[1])
		col, isCol := right.(expr.Col)
		if ok && isCol && !nulls && !slices.Contains(j.keys[1], col.Name) && j.searches(left, col) {
			if err := j.addKey(left, right, false, j.s.zone()); err != nil {
				return nil, j.s.coded(c.at.Range(), "AS1301", err)
			}
			continue
		}
		j.rest = append(j.rest, c.x)
	}
	if len(j.keys[1]) == 0 {
		return nil, j.s.src.Error(both.r.at, "AS1410", "add to ON an equality with a column of "+syntax.QuoteName(t.name)+", of the type of that column", "nothing says which rows to look up")
	}
	j.where = allOf(j.rest)
	n := &node{kind: "lookup join", detail: j.text() + " in " + syntax.QuoteName(t.name), notes: []string{
		"cache: " + t.lookup.text(),
		"what a row meets depends on when it comes: a run that repeats the input may give other rows",
	}}
	mark := j.in[0].eventTime()
	schema := columnar.WithEventTime(t.base, "")
	n.build = func(want columns) (arrowstream.Stage, error) {
		c := j.columns(n, want)
		c.EventTime, c.Right = mark, names
		c.RightKeys = nil
		for _, k := range j.keys[1] {
			c.RightKeys = append(c.RightKeys, schema.Field(slices.Index(names, k)).Name)
		}
		return &stage.LookupJoin{JoinColumns: c, Kind: j.kind, Table: src, Schema: schema, CacheRows: t.lookup.rows, CacheTTL: t.lookup.ttl}, nil
	}
	j.attach(n)
	needs, plain := n.needsOf, n.plainOf
	n.needs = func(want columns) columns { return needs(0, want) }
	n.plain = func(output string) (string, bool) {
		input, name, ok := plain(output)
		return name, ok && input == 0
	}
	n.needsOf, n.plainOf, n.uniqueOf = nil, nil, nil
	return derive(n, j.in[0])
}

// searches reports whether a table can be searched for left by a column: the key
// has the type of the column then.
func (j *joinNode) searches(left expr.Expr, right expr.Col) bool {
	var args []kernels.Arg
	for i, x := range []expr.Expr{left, right} {
		b, err := expr.Bind(x, j.in[i].schema)
		if err != nil {
			return false
		}
		args = append(args, kernels.Arg{Type: b.Type()})
	}
	t, err := kernels.CommonType("=", args)
	return err == nil && arrow.TypeEqual(plainType(t), plainType(args[1].Type))
}
