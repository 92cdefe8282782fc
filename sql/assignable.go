package sql

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// fit gives the columns of n the names and types of want, a schema of t, by
// position. NULL in a column that is NOT NULL is an error of its row, and so can
// be a text that is longer than its type says.
func (s *session) fit(n *node, t *table, want *arrow.Schema, at syntax.Span, what string) (*node, error) {
	fields := visible(want)
	have := visible(n.schema)
	if len(have) != len(fields) {
		return nil, s.src.Error(at, "AS1302", "", fmt.Sprintf("%s wants %d columns, the query has %d", what, len(fields), len(have)))
	}
	cols := make([]outColumn, len(fields))
	for i, f := range fields {
		var x expr.Expr = expr.Col{Name: have[i].Name}
		if !arrow.TypeEqual(plainType(have[i].Type), plainType(f.Type)) {
			if !assignable(have[i].Type, f.Type) {
				return nil, s.src.Error(at, "AS1302", fmt.Sprintf("write CAST(%s AS %s)", syntax.QuoteName(have[i].Name), typeName(f.Type)),
					fmt.Sprintf("%s wants %s for column %d (%q), the query has %s", what, typeName(f.Type), i+1, f.Name, typeName(have[i].Type)))
			}
			x = expr.Cast{Of: x, To: f.Type, Zone: s.zone()}
		}
		x = s.enforced(t, f, x)
		if !f.Nullable && have[i].Nullable {
			x = call("not_null", x, expr.Lit{Value: f.Name})
		}
		cols[i] = outColumn{f.Name, x}
	}
	out, err := projectNode(n, cols)
	if err != nil {
		return nil, s.coded(at, "AS1302", err)
	}
	return out, nil
}

// visible are the columns of a schema without the change column.
func visible(schema *arrow.Schema) []arrow.Field {
	fields := schema.Fields()
	if columnar.Changelog(schema) {
		return fields[:len(fields)-1]
	}
	return fields
}

// visibleNames are the names of the visible columns.
func visibleNames(schema *arrow.Schema) []string {
	names := columnar.Names(schema)
	if columnar.Changelog(schema) {
		return names[:len(names)-1]
	}
	return names
}

// plainType is t without a dictionary.
func plainType(t arrow.DataType) arrow.DataType {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return d.ValueType
	}
	return t
}

// assignable reports whether INSERT converts a value by itself: any number to
// any number, anything to text, instants to each other.
func assignable(from, to arrow.DataType) bool {
	from, to = plainType(from), plainType(to)
	text := func(t arrow.DataType) bool { return t.ID() == arrow.STRING || t.ID() == arrow.LARGE_STRING }
	switch {
	case arrow.TypeEqual(from, to), from.ID() == arrow.NULL, text(to) && !arrow.IsNested(from.ID()):
		return true
	case isNumeric(from):
		return isNumeric(to)
	case isInstant(from):
		return isInstant(to)
	case from.ID() == arrow.DURATION:
		return to.ID() == arrow.DURATION
	case from.ID() == arrow.LIST || from.ID() == arrow.FIXED_SIZE_LIST:
		return to.ID() == arrow.LIST || to.ID() == arrow.FIXED_SIZE_LIST
	case from.ID() == arrow.BINARY || from.ID() == arrow.LARGE_BINARY:
		return to.ID() == arrow.BINARY || to.ID() == arrow.LARGE_BINARY
	}
	return false
}

// isNumeric reports whether t is a type of numbers, in a dictionary or not.
func isNumeric(t arrow.DataType) bool {
	t = plainType(t)
	return arrow.IsInteger(t.ID()) || arrow.IsFloating(t.ID()) || t.ID() == arrow.DECIMAL128
}
