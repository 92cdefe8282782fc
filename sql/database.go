package sql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// defaultDatabase is the database of names without one before the first USE.
const defaultDatabase = "default"

// createDatabase runs CREATE DATABASE: tables, views and models of one name can
// stand in several databases of a script. Functions are of the script.
func (s *session) createDatabase(st *syntax.CreateDatabase) error {
	name := st.Name.Last()
	if s.isDatabase(name) {
		if st.IfNotExists {
			return nil
		}
		return s.src.Error(st.Name.Span, "AS1502", "use another name, or IF NOT EXISTS", fmt.Sprintf("database %q exists already", name))
	}
	s.databases = append(s.databases, name)
	return nil
}

// use runs USE: names without a database are looked up in it.
func (s *session) use(st *syntax.Use) error {
	name := st.Name.Last()
	if !s.isDatabase(name) {
		return s.src.Error(st.Name.Span, "AS1201", arrowstream.Suggest(name, s.databaseNames(), "databases"), fmt.Sprintf("database %q not found", name))
	}
	s.database = s.databaseOf(name)
	return nil
}

func (s *session) databaseNames() []string { return append([]string{defaultDatabase}, s.databases...) }

func (s *session) isDatabase(name string) bool { return s.databaseOf(name) != "" }

// databaseOf is a database as it was declared, by a name in any case.
func (s *session) databaseOf(name string) string {
	all := s.databaseNames()
	if i := slices.IndexFunc(all, func(d string) bool { return strings.EqualFold(d, name) }); i >= 0 {
		return all[i]
	}
	return ""
}

// key is the name of a table, a view or a model in the catalog: that of its
// database and a dot stand in front unless that is the default. A qualifier that
// is no database, such as a catalog, means nothing.
func (s *session) key(name syntax.Name) string {
	database := s.database
	if n := len(name.Parts); n > 1 {
		database = s.databaseOf(name.Parts[n-2].Name)
	}
	if database == "" || database == defaultDatabase {
		return name.Last()
	}
	return database + "." + name.Last()
}

// keyOf is the key of a name of a kind of object.
func (s *session) keyOf(kind string, name syntax.Name) string {
	if kind == "function" {
		return name.Last()
	}
	return s.key(name)
}

// within is a key of the catalog as it is called in the current database; ok is
// false for those of another one.
func (s *session) within(key string) (name string, ok bool) {
	for _, d := range s.databases {
		if rest, inside := strings.CutPrefix(key, d+"."); inside {
			return rest, d == s.database
		}
	}
	return key, s.database == "" || s.database == defaultDatabase
}

// nameOf is the name of a key of the catalog.
func (s *session) nameOf(key string, at syntax.Span) syntax.Name {
	part := func(name string) syntax.Ident { return syntax.Ident{Span: at, Name: name} }
	for _, d := range s.databases {
		if rest, inside := strings.CutPrefix(key, d+"."); inside {
			return syntax.Name{Span: at, Parts: []syntax.Ident{part(d), part(rest)}}
		}
	}
	if s.database == "" || s.database == defaultDatabase {
		return syntax.Name{Span: at, Parts: []syntax.Ident{part(key)}}
	}
	return syntax.Name{Span: at, Parts: []syntax.Ident{part(defaultDatabase), part(key)}}
}
