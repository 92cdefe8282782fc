package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream/sql/syntax"
)

// createScan runs CREATE SCAN: another name for the reading of a table, with
// options of its own, as a stream that is taken not to end or as a batch that
// has to.
func (s *session) createScan(st *syntax.CreateScan) error {
	t, err := lookup(s, s.catalog.tables, st.Table, "table")
	if err != nil {
		return err
	}
	scan, err := s.variant(t, st.Options, st.Table.Span)
	if err != nil {
		return err
	}
	scan.name, scan.at = s.key(st.Name), st.Name.Span
	if scan.mode = "streaming"; st.Batch {
		scan.mode = "batch"
	}
	if _, err := declare(s, s.catalog.tables, st.Name, "table", false, false, scan); err != nil {
		return err
	}
	if !st.Batch {
		return nil
	}
	n, err := s.scan(scan, st.Table.Span)
	if err == nil && !n.bounded {
		err = s.src.Error(st.Table.Span, "AS1405", "write USING STREAM", fmt.Sprintf("a scan USING BATCH ends, %q does not", st.Table.Last()))
	}
	scan.broken = err != nil
	return err
}

// variant is a table with other options, planned on its own; a view has none.
func (s *session) variant(t *table, options []syntax.Option, at syntax.Span) (*table, error) {
	switch {
	case t.broken:
		return nil, errBroken
	case t.view != nil && len(options) > 0:
		return nil, s.src.Error(options[0].KeyAt, "AS1504", "give the options to the tables that it reads", fmt.Sprintf("%q is a query and has no options", t.name))
	case t.view != nil:
		return &table{name: t.name, view: t.view, viewColumns: t.viewColumns, viewDecl: t.viewDecl, scope: t.scope}, nil
	case t.connector == nil:
		return nil, s.src.Error(at, "AS1504", "read the table itself", fmt.Sprintf("table %q has no connector and so no options", t.name))
	}
	changed := t.declaration(at)
	changed.Options = merged(changed.Options, options)
	out := &table{name: t.name, at: t.at, decl: &changed, mode: t.mode}
	return out, s.declareTable(out, &changed)
}

// declaration is what declares a table of a connector, without its query; at is
// the place of a file.
func (t *table) declaration(at syntax.Span) syntax.CreateTable {
	if t.decl == nil { // a file
		return syntax.CreateTable{Span: at, Options: []syntax.Option{
			{Key: "connector", KeyAt: at, Value: t.connector.Name, ValueAt: at}, {Key: "path", KeyAt: at, Value: t.options["path"], ValueAt: at},
		}}
	}
	decl := *t.decl
	decl.Query = nil
	return decl
}

// watermarked plans a table of FROM with a watermark of its own.
func (s *session) watermarked(f *syntax.Watermark, env *with) (*relation, error) {
	from, ok := f.Table.(*syntax.Table)
	column, plain := f.Time.(*syntax.Column)
	if !ok || !plain {
		return nil, s.refusedTable(f)
	}
	t, err := s.resolveTable(from.Name, from.Path, from.Span, env)
	if err == nil {
		t, err = s.hinted(t, from.Hints, from.Span)
	}
	switch {
	case err != nil:
		return nil, err
	case t.broken:
		return nil, errBroken
	case t.view != nil || t.connector == nil:
		return nil, s.refusedTable(f)
	}
	key := fmt.Sprintf("%p watermark %s %s", t, column.Last(), syntax.Text(f.Delay))
	v, ok := s.variants[key]
	if !ok {
		decl := t.declaration(from.Span)
		decl.Watermark = &syntax.WatermarkDef{Span: f.Span, Column: column.Parts[len(column.Parts)-1], Expr: &syntax.Binary{Span: f.Span, Op: "-", L: column, R: f.Delay}}
		v = &table{name: t.name, at: t.at, decl: &decl, mode: t.mode}
		if err := s.declareTable(v, &decl); err != nil {
			return nil, err
		}
		s.keepVariant(key, v)
	}
	n, err := s.scan(v, from.Span)
	if err != nil {
		return nil, err
	}
	alias := f.Alias
	if alias.Name == nil {
		alias = from.Alias
	}
	return s.aliased(n, from.Name.Last(), alias, nil)
}

// keepVariant remembers a table with other options.
func (s *session) keepVariant(key string, v *table) {
	if s.variants == nil {
		s.variants = map[string]*table{}
	}
	s.variants[key] = v
}

// hinted is a table as the hints behind it want it: with other options for this
// place. Places with the same options share a scan.
func (s *session) hinted(t *table, hints []syntax.Hint, at syntax.Span) (*table, error) {
	var options []syntax.Option
	var text strings.Builder
	for _, h := range hints {
		if h.Name != "OPTIONS" {
			return nil, s.refusedHint(h)
		}
		for _, o := range h.Args {
			if o.Key == "" {
				return nil, s.src.Error(o.ValueAt, "AS1504", "write OPTIONS('key'='value')", "an option has a key and a value")
			}
			options = append(options, o)
		}
	}
	if len(options) == 0 {
		return t, nil
	}
	slices.SortStableFunc(options, func(a, b syntax.Option) int { return strings.Compare(a.Key, b.Key) })
	fmt.Fprintf(&text, "%p", t)
	for _, o := range options {
		fmt.Fprintf(&text, " %q=%q", o.Key, o.Value)
	}
	if v, ok := s.variants[text.String()]; ok {
		return v, nil
	}
	v, err := s.variant(t, options, at)
	if err != nil {
		return nil, err
	}
	s.keepVariant(text.String(), v)
	return v, nil
}
