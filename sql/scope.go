package sql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// scope is what names can mean inside one SELECT: the columns of its FROM.
type scope struct {
	columns []scopeColumn
	schema  *arrow.Schema // the columns by the names that expressions carry
	window  *windowNames  // the window the rows carry, for window.start
}

// scopeColumn is one column: what the user calls it and what the plan does.
type scopeColumn struct {
	table string // alias of its table, "" if that has none
	name  string
	plan  string
	// merged: USING made one column of this and that of another table, which
	// has the name without a qualifier, and stands in *.
	merged bool
}

// windowNames are the plan names of the columns of a window.
type windowNames struct{ start, end string }

// newScope sees all columns of a schema under their own names.
func newScope(table string, schema *arrow.Schema) *scope {
	sc := &scope{schema: schema}
	for _, f := range schema.Fields() {
		if f.Name == opColumn && f.Type.ID() == arrow.INT8 {
			continue
		}
		sc.columns = append(sc.columns, scopeColumn{table: table, name: f.Name, plan: f.Name})
	}
	return sc
}

// tables are the aliases that columns can be qualified with, each once.
func (sc *scope) tables() []string {
	var out []string
	for _, c := range sc.columns {
		if c.table != "" && !slices.Contains(out, c.table) {
			out = append(out, c.table)
		}
	}
	return out
}

// hasTable reports whether name qualifies columns.
func (sc *scope) hasTable(name string) bool {
	return slices.ContainsFunc(sc.columns, func(c scopeColumn) bool { return c.table != "" && strings.EqualFold(c.table, name) })
}

// names lists the columns for suggestions, each name once.
func (sc *scope) names() []string { return sc.namesOf("") }

// namesOf is names for those of one table; "" is all.
func (sc *scope) namesOf(table string) []string {
	out := make([]string, 0, len(sc.columns))
	seen := make(map[string]bool, len(sc.columns))
	for _, c := range sc.columns {
		if !seen[c.name] && (table == "" || strings.EqualFold(c.table, table)) {
			seen[c.name] = true
			out = append(out, c.name)
		}
	}
	return out
}

// find returns the columns that a name may mean, of one table or, if that is
// "", without a qualifier.
func (sc *scope) find(table, name string) []scopeColumn {
	var exact, folded []scopeColumn
	for _, c := range sc.columns {
		if table == "" && c.merged || table != "" && !strings.EqualFold(c.table, table) {
			continue
		}
		if c.name == name {
			exact = append(exact, c)
		} else if strings.EqualFold(c.name, name) {
			folded = append(folded, c)
		}
	}
	if exact != nil {
		return exact
	}
	return folded
}

// resolved is a name that was found: a column and the struct fields after it.
type resolved struct {
	column string
	fields []string
}

// resolve finds what a qualified name means. found is false when there is no
// such column; err tells why a name cannot be used.
func (b *binder) resolve(n syntax.Name) (r resolved, found bool, err error) {
	parts := n.Parts
	sc := b.scope
	try := func(table string, i int) (resolved, bool, error) {
		cols := sc.find(table, parts[i].Name)
		if len(cols) > 1 {
			return resolved{}, false, b.ambiguous(n, parts[i].Name, cols)
		}
		if len(cols) == 0 {
			return resolved{}, false, nil
		}
		r := resolved{column: cols[0].plan}
		for _, p := range parts[i+1:] {
			r.fields = append(r.fields, p.Name)
		}
		return r, true, nil
	}
	// With a qualifier: [database.]table.column.
	for i := len(parts) - 2; i >= 0; i-- {
		if sc.hasTable(parts[i].Name) {
			if r, found, err = try(parts[i].Name, i+1); found || err != nil {
				return r, found, err
			}
		}
	}
	if r, found, err = try("", 0); found || err != nil {
		if found && len(r.fields) > 0 && b.outside(parts[0].Name) && !sc.nested(r.column) {
			return resolved{}, false, nil
		}
		return r, found, err
	}
	if sc.window != nil && len(parts) >= 2 && strings.EqualFold(parts[len(parts)-2].Name, "window") {
		switch strings.ToLower(parts[len(parts)-1].Name) {
		case "start":
			return resolved{column: sc.window.start}, true, nil
		case "end":
			return resolved{column: sc.window.end}, true, nil
		}
		return r, false, b.s.src.Error(n.Span, "AS1203", "it has start and end", fmt.Sprintf("window has no field %q", parts[len(parts)-1].Name))
	}
	return r, false, nil
}

// outside reports whether name qualifies columns of a query around this one.
func (b *binder) outside(name string) bool {
	return b.outer != nil && (b.outer.scope.hasTable(name) || b.outer.outside(name))
}

// nested reports whether a column of the plan has fields.
func (sc *scope) nested(column string) bool {
	return slices.ContainsFunc(sc.schema.Fields(), func(f arrow.Field) bool { return f.Name == column && arrow.IsNested(f.Type.ID()) })
}

// ambiguous is the error of a name that several columns have.
func (b *binder) ambiguous(n syntax.Name, name string, cols []scopeColumn) error {
	var list []string
	way := "give them different names"
	for _, c := range cols {
		text := syntax.QuoteName(c.name)
		if c.table != "" {
			text = syntax.QuoteName(c.table) + "." + text
			way = "write which"
		}
		list = append(list, text)
	}
	return b.s.src.Error(n.Span, "AS1204", "it may mean "+strings.Join(list, " or ")+"; "+way, fmt.Sprintf("column %q is ambiguous", name))
}

// notFound is the error of an unknown column.
func (b *binder) notFound(n syntax.Name) error {
	name := n.Last()
	known := b.scope.names()
	if len(n.Parts) > 1 {
		q := n.Parts[len(n.Parts)-2].Name
		if !b.scope.hasTable(q) {
			if tables := b.scope.tables(); len(tables) > 0 {
				known = tables
			}
			return b.s.src.Error(n.Parts[0].Span.To(n.Parts[len(n.Parts)-2].Span), "AS1203", arrowstream.Suggest(q, known, "tables and structs"), fmt.Sprintf("table or struct %q not found", q))
		}
		known = b.scope.namesOf(q)
	}
	if len(b.scope.columns) == 0 {
		return b.s.src.Error(n.Span, "AS1203", "text is written in single quotes", fmt.Sprintf("column %q not found: there is no FROM", name))
	}
	hint := arrowstream.Suggest(name, known, "columns")
	if isWindowColumn(strings.ToLower(name)) {
		hint = "it is a column of a window: FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)"
	}
	if strings.HasPrefix(hint, "did") {
		hint += "  columns: " + strings.Join(known[:min(10, len(known))], ", ")
		if len(known) > 10 {
			hint += ", ..."
		}
	}
	return b.s.src.Error(n.Span, "AS1203", hint, fmt.Sprintf("column %q not found", name))
}

// uniqueNames makes names different from each other by an index at the end.
func uniqueNames(names []string) []string {
	given := make(map[string]bool, len(names))
	for _, n := range names {
		given[n] = true
	}
	seen := make(map[string]bool, len(names))
	out := make([]string, len(names))
	for i, n := range names {
		if n == "" {
			n = fmt.Sprintf("expr%d", i)
		}
		u := n
		for k := 0; seen[u] || u != n && given[u]; k++ {
			u = n + strconv.Itoa(k)
		}
		seen[u] = true
		out[i] = u
	}
	return out
}
