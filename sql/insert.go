package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// insert runs INSERT.
func (s *session) insert(st *syntax.Insert) error {
	if st.Overwrite {
		s.warn(st.Span, "AS1103", "", "OVERWRITE is read as INTO: whether a file is replaced is up to its connector")
	}
	n, err := s.query(st.Query, nil)
	if err != nil {
		return err
	}
	t, err := s.target(st.Table, st.Path, st.TableAt)
	if err != nil {
		return err
	}
	if t, err = s.hinted(t, st.Hints, st.TableAt); err != nil {
		return err
	}
	return s.insertInto(t, n, st.TableAt, st.Columns, st.Query.Stream)
}

// insertNode writes the rows of n to a table or file; clauses say what happens to
// those that do not fit.
func (s *session) insertNode(n *node, name syntax.Name, path string, at syntax.Span, cols []syntax.Ident, clauses syntax.StreamClauses) error {
	t, err := s.target(name, path, at)
	if err != nil {
		return err
	}
	return s.insertInto(t, n, at, cols, clauses)
}

// insertInto is insertNode for a table that is known.
func (s *session) insertInto(t *table, n *node, at syntax.Span, cols []syntax.Ident, clauses syntax.StreamClauses) (err error) {
	if n, err = s.fitted(n, t, cols, at); err != nil {
		return err
	}
	if n, err = s.outputMode(n, t, clauses, at); err != nil {
		return err
	}
	if err := s.onError(n, clauses); err != nil {
		return err
	}
	if n, err = s.compacted(n, t, at); err != nil {
		return err
	}
	if t.schema == nil {
		t.schema = arrow.NewSchema(visible(n.schema), nil)
		t.inferred = true
	}
	for _, o := range s.outputs {
		if o.table == t {
			o.nodes = append(o.nodes, n)
			t.inserts = append(t.inserts, n)
			return nil
		}
	}
	t.inserts = append(t.inserts, n)
	s.outputs = append(s.outputs, &output{table: t, name: t.name, nodes: []*node{n}})
	return nil
}

// fitted is n with the columns of t.
func (s *session) fitted(n *node, t *table, cols []syntax.Ident, at syntax.Span) (*node, error) {
	switch {
	case len(cols) > 0:
		return s.listed(n, t, cols, at)
	case t.schema != nil:
		return s.fit(n, t, t.wanted(), at, fmt.Sprintf("table %q", t.name))
	}
	return n, nil
}

// wanted is the schema of t that rows are given. Where it comes from the first
// INSERT, that has no NULL says nothing about the next.
func (t *table) wanted() *arrow.Schema {
	if !t.inferred {
		return t.schema
	}
	fields := t.schema.Fields()
	for i := range fields {
		fields[i].Nullable = true
	}
	return arrow.NewSchema(fields, nil)
}

// target finds the table that rows are inserted into. An unknown name that is
// near no known one becomes a table of the script.
func (s *session) target(name syntax.Name, path string, at syntax.Span) (*table, error) {
	if path != "" || len(name.Parts) == 0 {
		t, err := s.file(path, at)
		if err == nil && t.source != nil && t.source.Bounded() {
			return nil, s.src.Error(at, "AS1504", "write to another place", fmt.Sprintf("%q is read by this script and cannot be written in it", t.name))
		}
		if err == nil && t.connector.Sink == nil {
			return nil, s.src.Error(at, "AS1504", "", fmt.Sprintf("connector %q cannot be written", t.connector.Name))
		}
		return t, err
	}
	t, err := lookup(s, s.catalog.tables, name, "table")
	if err != nil {
		if e := toError(err); strings.HasPrefix(e.Hint, "did you mean") || e.Code != "AS1201" {
			return nil, err
		}
		t = &table{name: s.key(name), at: at, implied: true}
		s.catalog.tables[t.name] = t
		s.warn(at, "AS1512", "declare it: CREATE TABLE "+syntax.QuoteName(name.Last())+" WITH ('connector' = ...)", fmt.Sprintf("table %q is not declared: its rows are shown", name.Last()))
	}
	switch {
	case t.broken:
		return nil, errBroken
	case t.view != nil:
		return nil, s.src.Error(at, "AS1504", "insert into a table", fmt.Sprintf("%q is a view", t.name))
	case t.connector != nil && t.connector.Sink == nil:
		return nil, s.src.Error(at, "AS1504", "read from it with SELECT", fmt.Sprintf("connector %q of table %q cannot be written", t.connector.Name, t.name))
	case t.connector != nil && t.source != nil && t.source.Bounded():
		return nil, s.src.Error(at, "AS1504", "write to another place", fmt.Sprintf("%q is read by this script and cannot be written in it", t.name))
	case t.connector == nil && t.node != nil:
		return nil, s.src.Error(at, "AS1504", "move the INSERT before the first query that reads the table", fmt.Sprintf("table %q was read before", t.name))
	}
	return t, nil
}

// listed puts the columns of n, which a column list names, in the order of
// the table; missing ones are their default or NULL.
func (s *session) listed(n *node, t *table, cols []syntax.Ident, at syntax.Span) (*node, error) {
	have := visible(n.schema)
	if len(have) != len(cols) {
		return nil, s.src.Error(at, "AS1302", "", fmt.Sprintf("the column list names %d columns, the query has %d", len(cols), len(have)))
	}
	out := make([]outColumn, len(cols))
	for i, c := range cols {
		if slices.ContainsFunc(cols[:i], func(o syntax.Ident) bool { return o.Name == c.Name }) {
			return nil, s.src.Error(c.Span, "AS1204", "leave one of them out", fmt.Sprintf("column %q is named twice", c.Name))
		}
		out[i] = outColumn{c.Name, expr.Col{Name: have[i].Name}}
	}
	if t.schema != nil {
		given := out
		out = nil
		for _, f := range t.schema.Fields() {
			i := slices.IndexFunc(given, func(c outColumn) bool { return c.Name == f.Name })
			if i < 0 {
				x, err := s.missing(t, f)
				if err != nil {
					return nil, err
				}
				out = append(out, outColumn{f.Name, x})
				continue
			}
			out = append(out, given[i])
		}
		for _, c := range cols {
			if columnar.Index(t.schema, c.Name) < 0 {
				return nil, s.src.Error(c.Span, "AS1203", arrowstream.Suggest(c.Name, columnar.Names(t.schema), "columns"), fmt.Sprintf("column %q of table %q not found", c.Name, t.name))
			}
		}
	}
	p, err := projectNode(n, out)
	if err != nil || t.schema == nil {
		return p, err
	}
	return s.fit(p, t, t.wanted(), at, fmt.Sprintf("table %q", t.name))
}
