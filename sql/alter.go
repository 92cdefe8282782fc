package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream/sql/syntax"
)

// alter runs ALTER. It holds for the statements behind it: a table, a view or a
// model that was read before stays there as it was.
func (s *session) alter(st *syntax.Alter) error {
	if st.Kind == "MODEL" {
		return s.alterModel(st)
	}
	t, err := lookup(s, s.catalog.tables, st.Name, strings.ToLower(st.Kind))
	switch {
	case err != nil && st.IfExists && toError(err).Code == "AS1201":
		return nil
	case err != nil:
		return err
	case t.broken:
		return errBroken
	case (t.view != nil) != (st.Kind == "VIEW"):
		return s.src.Error(st.Name.Span, "AS1201", "", fmt.Sprintf("%q is no %s", st.Name.Last(), strings.ToLower(st.Kind)))
	case t.view == nil && t.decl == nil:
		return s.src.Error(st.Name.Span, "AS1501", "declare it with CREATE TABLE", fmt.Sprintf("table %q is not declared, so there is nothing to alter", t.name))
	case len(t.inserts) > 0:
		return s.src.Error(st.Name.Span, "AS1501", "move ALTER before the first INSERT into it", fmt.Sprintf("rows of this script go to table %q already", t.name))
	}
	if t.view != nil {
		return s.alterView(t, st)
	}
	decl := *t.decl
	decl.Query, decl.IfNotExists, decl.OrReplace, decl.Name = nil, false, true, s.nameOf(t.name, st.Name.Span)
	if st.Rename != nil {
		decl.OrReplace, decl.Name = t.decl.OrReplace, *st.Rename
		if err := renamed(s, s.catalog.tables, st, t); err != nil {
			return err
		}
		t.name, t.decl = s.key(decl.Name), &decl
		s.declared = append(s.declared, declaration{"TABLE", t.name, syntax.Text(&decl)})
		return nil
	}
	if decl.Options, err = s.altered(decl.Options, st); err != nil {
		return err
	}
	shown := decl
	shown.OrReplace = t.decl.OrReplace
	s.declared = append(s.declared, declaration{"TABLE", t.name, syntax.Text(&shown)})
	err = s.createTable(&decl)
	decl.OrReplace = shown.OrReplace // it is what SHOW CREATE tells
	return err
}

// alterView gives a view another name or another query.
func (s *session) alterView(t *table, st *syntax.Alter) error {
	decl := *t.viewDecl
	decl.IfNotExists, decl.OrReplace, decl.Name = false, true, s.nameOf(t.name, st.Name.Span)
	if st.Rename != nil {
		decl.OrReplace, decl.Name = t.viewDecl.OrReplace, *st.Rename
		if err := renamed(s, s.catalog.tables, st, t); err != nil {
			return err
		}
		t.name, t.viewDecl = s.key(decl.Name), &decl
		s.declared = append(s.declared, declaration{"VIEW", t.name, syntax.Text(&decl)})
		return nil
	}
	decl.Query, decl.Columns = st.Query, nil
	shown := decl
	shown.OrReplace = t.viewDecl.OrReplace
	s.declared = append(s.declared, declaration{"VIEW", t.name, syntax.Text(&shown)})
	err := s.createView(&decl)
	decl.OrReplace = shown.OrReplace // it is what SHOW CREATE tells
	return err
}

// alterModel gives a model another name or other options; the latter before
// anything was planned with it.
func (s *session) alterModel(st *syntax.Alter) error {
	m, err := lookup(s, s.catalog.models, st.Name, "model")
	switch {
	case err != nil && st.IfExists && toError(err).Code == "AS1201":
		return nil
	case err != nil:
		return err
	case m.broken:
		return errBroken
	}
	decl := *m.decl
	decl.IfNotExists, decl.OrReplace, decl.Name = false, true, s.nameOf(m.name, st.Name.Span)
	if st.Rename != nil {
		decl.OrReplace, decl.Name = m.decl.OrReplace, *st.Rename
		if err := renamed(s, s.catalog.models, st, m); err != nil {
			return err
		}
		m.name, m.decl = s.key(decl.Name), &decl
		s.declared = append(s.declared, declaration{"MODEL", m.name, syntax.Text(&decl)})
		return nil
	}
	if m.learner != nil {
		return s.src.Error(st.Name.Span, "AS1501", "move ALTER before the first statement that uses it", fmt.Sprintf("model %q is in use already", m.name))
	}
	if decl.Options, err = s.altered(decl.Options, st); err != nil {
		return err
	}
	s.trained = slices.DeleteFunc(s.trained, func(x *model) bool { return x == m })
	shown := decl
	shown.OrReplace = m.decl.OrReplace
	s.declared = append(s.declared, declaration{"MODEL", m.name, syntax.Text(&shown)})
	err = s.createModel(&decl)
	decl.OrReplace = shown.OrReplace // it is what SHOW CREATE tells
	return err
}

// altered are options with those of SET in their place and without those of
// RESET.
func (s *session) altered(options []syntax.Option, st *syntax.Alter) ([]syntax.Option, error) {
	out := merged(options, st.Options)
	for _, k := range st.Reset {
		i := slices.IndexFunc(out, func(o syntax.Option) bool { return o.Key == k.Name })
		if i < 0 {
			return nil, s.src.Error(k.Span, "AS1504", "", fmt.Sprintf("%q has no option %q to reset", st.Name.Last(), k.Name))
		}
		out = slices.Delete(out, i, i+1)
	}
	return out, nil
}

// merged are options, those of more in the place of others of the same key.
func merged(options, more []syntax.Option) []syntax.Option {
	out := slices.DeleteFunc(slices.Clone(options), func(o syntax.Option) bool {
		return slices.ContainsFunc(more, func(m syntax.Option) bool { return m.Key == o.Key })
	})
	return append(out, more...)
}

// renamed gives an object another name in the catalog.
func renamed[T any](s *session, n names[T], st *syntax.Alter, x T) error {
	if _, err := declare(s, n, *st.Rename, strings.ToLower(st.Kind), false, false, x); err != nil {
		return err
	}
	old := s.key(st.Name)
	if _, exact := n[old]; !exact {
		for _, k := range n.sorted() {
			if strings.EqualFold(k, old) {
				old = k
				break
			}
		}
	}
	delete(n, old)
	return nil
}
