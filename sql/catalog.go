package sql

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// catalog holds what a script declared. Names are looked up exactly first, then
// without case if that is unique.
type catalog struct {
	tables    names[*table] // tables and views share one name space
	models    names[*model]
	functions names[*function]
}

func newCatalog() *catalog {
	return &catalog{tables: names[*table]{}, models: names[*model]{}, functions: names[*function]{}}
}

// names maps names to objects of one kind.
type names[T any] map[string]T

// find looks a name up; candidates are the names that match without case when
// there are several.
func (n names[T]) find(name string) (x T, ok bool, candidates []string) {
	if x, ok = n[name]; ok {
		return x, true, nil
	}
	for _, k := range slices.Sorted(maps.Keys(n)) {
		if strings.EqualFold(k, name) {
			candidates = append(candidates, k)
		}
	}
	if len(candidates) == 1 {
		return n[candidates[0]], true, nil
	}
	return x, false, candidates
}

// sorted lists the names in order.
func (n names[T]) sorted() []string { return slices.Sorted(maps.Keys(n)) }

// lookup finds a declared object or makes the error AS1201.
func lookup[T any](s *session, n names[T], name syntax.Name, kind string) (T, error) {
	x, ok, many := n.find(name.Last())
	if ok {
		return x, nil
	}
	if len(many) > 1 {
		return x, s.src.Error(name.Span, "AS1204", "write one of them in its own case: "+strings.Join(many, ", "), fmt.Sprintf("%s %q is ambiguous", kind, name.Last()))
	}
	hint := arrowstream.Suggest(name.Last(), n.sorted(), kind+"s")
	if line := s.declaredBelow(name, kind); line > 0 {
		hint = fmt.Sprintf("it is declared below, in line %d: move it up; declarations cannot use each other in a circle", line)
	}
	return x, s.src.Error(name.Span, "AS1201", hint, fmt.Sprintf("%s %q not found", kind, name.Last()))
}

// declaredBelow is the line behind name in which the script declares what it
// means, 0 if it does not.
func (s *session) declaredBelow(name syntax.Name, kind string) int {
	for _, st := range s.statements {
		var declares string
		var n syntax.Name
		switch st := st.(type) {
		case *syntax.CreateTable:
			declares, n = "table", st.Name
		case *syntax.CreateView:
			declares, n = "table", st.Name
		case *syntax.CreateModel:
			declares, n = "model", st.Name
		case *syntax.CreateFunction:
			declares, n = "function", st.Name
		}
		if declares == kind && n.Last() == name.Last() && n.Start > name.Start {
			return s.src.Pos(n.Span).Line
		}
	}
	return 0
}

// declare adds an object; a second one of the name is an error unless it may
// replace the first or is passed over (IF NOT EXISTS).
func declare[T any](s *session, n names[T], name syntax.Name, kind string, replace, ifNot bool, x T) (added bool, err error) {
	if _, ok := n[name.Last()]; ok && !replace {
		if ifNot {
			return false, nil
		}
		return false, s.src.Error(name.Span, "AS1502", "use another name, CREATE OR REPLACE or IF NOT EXISTS", fmt.Sprintf("%s %q exists already", kind, name.Last()))
	}
	n[name.Last()] = x
	return true, nil
}

// function is a declared function: a name for a native one, a scorer, one that
// the program or a module brings, or an SQL expression over parameters.
type function struct {
	name   string
	native string // name of a kernel function
	own    *kernels.Function
	model  string // model type whose scalar scorer it is
	params []string
	types  []*syntax.Type
	body   syntax.Expr
	result *syntax.Type
	broken bool
}
