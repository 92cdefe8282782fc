package sql

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// lengthOf is n of VARCHAR(n) and VARBINARY(n), 0 for other types.
func (s *session) lengthOf(t *syntax.Type) int64 {
	if (t.Name == "VARCHAR" || t.Name == "VARBINARY") && len(t.Params) == 1 {
		return int64(t.Params[0])
	}
	return 0
}

// enforced is the value x of a column of t as sql.enforce-length wants it: where
// it is longer than the type says, an error of the row (error, true), or its
// first characters (trim). Without the setting lengths are not looked at.
func (s *session) enforced(t *table, f arrow.Field, x expr.Expr) expr.Expr {
	if t == nil || t.lengths[f.Name] == 0 {
		return x
	}
	most := t.lengths[f.Name]
	name, length, first := "VARCHAR", "length", "left"
	if f.Type.ID() == arrow.BINARY {
		name, length, first = "VARBINARY", "octet_length", ""
	}
	switch s.setting("sql.enforce-length", "off") {
	case "trim":
		if first != "" {
			return call(first, x, expr.Lit{Value: most})
		}
	case "error", "true":
		long := call("gt", call(length, x), expr.Lit{Value: most})
		msg := fmt.Sprintf("column %q: a value is longer than %s(%d)", f.Name, name, most)
		return when(long, expr.Cast{Of: call("raise_error", text(msg)), To: f.Type}, x)
	}
	return x
}
