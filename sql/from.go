package sql

import (
	"fmt"

	"github.com/arrowstream/arrowstream/sql/syntax"
)

// relation plans one table of FROM.
func (s *session) relation(f syntax.From, env *with) (*relation, error) {
	switch f := f.(type) {
	case *syntax.Table:
		if err := s.refusedHints(f.Hints); err != nil {
			return nil, err
		}
		t, err := s.resolveTable(f.Name, f.Path, f.Span, env)
		if err != nil {
			return nil, err
		}
		n, err := s.scan(t, f.Span)
		if err != nil {
			return nil, err
		}
		name := f.Name.Last()
		return s.aliased(n, name, f.Alias, nil)
	case *syntax.Derived:
		n, err := s.query(f.Query, env)
		if err != nil {
			return nil, err
		}
		return s.aliased(n, "", f.Alias, nil)
	case *syntax.TableFunc:
		if err := s.refusedHints(f.Hints); err != nil {
			return nil, err
		}
		return s.tableFunc(f, env)
	case *syntax.Unnest:
		one := s.oneRow()
		return (&block{s: s, env: env}).unnest(&relation{node: one, scope: &scope{schema: one.schema}}, f, false)
	case *syntax.Match:
		return s.match(f, env)
	}
	return nil, s.refusedTable(f)
}

// resolveTable finds a table by name: of WITH, of the catalog, or a file.
func (s *session) resolveTable(name syntax.Name, path string, at syntax.Span, env *with) (*table, error) {
	if len(name.Parts) == 0 {
		return s.file(path, at)
	}
	if t := env.find(name.Last()); t != nil && len(name.Parts) == 1 {
		return t, nil
	}
	t, err := lookup(s, s.catalog.tables, name, "table")
	if err == nil {
		return t, nil
	}
	if first := name.Parts[0]; len(name.Parts) == 1 && first.Quote == '"' && s.connectorOf(first.Name) != nil {
		return s.file(first.Name, at)
	}
	return nil, err
}

// aliased gives the rows of n the names that FROM gives them.
func (s *session) aliased(n *node, name string, a syntax.Alias, w *windowSpec) (*relation, error) {
	if a.Name != nil {
		name = a.Name.Name
	}
	sc := newScope(name, n.schema)
	if len(a.Columns) > 0 {
		if len(a.Columns) > len(sc.columns) {
			return nil, s.src.Error(a.Columns[len(sc.columns)].Span, "AS1302", "", fmt.Sprintf("table %q has %d columns, not %d", name, len(sc.columns), len(a.Columns)))
		}
		for i, c := range a.Columns {
			sc.columns[i].name = c.Name
		}
	}
	sc.window = windowOf(n)
	return &relation{node: n, scope: sc, table: name, window: w}, nil
}

// viewNode plans the query of a view.
func (s *session) viewNode(t *table, at syntax.Span) (*node, error) {
	if t.planning {
		return nil, s.src.Error(at, "AS1408", "a stream has no fixed point to stop at: read the tables that it is made of", fmt.Sprintf("view %q reads itself", t.name))
	}
	t.planning = true
	defer func() { t.planning = false }()
	n, err := s.query(t.view, t.scope)
	if err != nil || len(t.viewColumns) == 0 {
		return n, err
	}
	names := visibleNames(n.schema)
	if len(names) != len(t.viewColumns) {
		return nil, s.src.Error(t.viewColumns[0].Span, "AS1302", "", fmt.Sprintf("view %q names %d columns, its query has %d", t.name, len(t.viewColumns), len(names)))
	}
	cols := passColumns(names)
	for i, c := range t.viewColumns {
		cols[i].Name = c.Name
	}
	return projectNode(n, cols)
}
