package sql

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// infix are the calls that print as operators.
var infix = map[string]string{
	"add": "+", "sub": "-", "mul": "*", "divide": "/", "div": "DIV", "mod": "%", "concat": "||", "eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
	"is_not_distinct": "<=>", "and": "AND", "or": "OR", "like": "LIKE", "ilike": "ILIKE", "rlike": "RLIKE",
}

// exprText prints a bound expression: the text of EXPLAIN, and the key by which
// two expressions over the same input are equal.
func exprText(e expr.Expr) string {
	switch e := e.(type) {
	case nil:
		return ""
	case expr.Col:
		return syntax.QuoteName(e.Name)
	case expr.Field:
		return exprText(e.Of) + "." + syntax.QuoteName(e.Name)
	case expr.Lit:
		return literalText(e)
	case expr.Param:
		return e.Name
	case expr.Lambda:
		return "(" + strings.Join(e.Params, ", ") + ") -> " + exprText(e.Body)
	case expr.Cast:
		name := "CAST"
		if e.Try {
			name = "TRY_CAST"
		}
		return name + "(" + exprText(e.Of) + " AS " + typeName(e.To) + ")"
	case expr.Case:
		var sb strings.Builder
		sb.WriteString("CASE")
		for _, w := range e.Whens {
			sb.WriteString(" WHEN " + exprText(w.Cond) + " THEN " + exprText(w.Then))
		}
		if e.Else != nil {
			sb.WriteString(" ELSE " + exprText(e.Else))
		}
		return sb.String() + " END"
	case expr.Call:
		return callText(e)
	}
	return fmt.Sprint(e)
}

func callText(e expr.Call) string {
	args := make([]string, len(e.Args))
	for i, a := range e.Args {
		args[i] = exprText(a)
	}
	op, ok := infix[e.Name]
	switch {
	case ok && len(args) == 2:
		return "(" + args[0] + " " + op + " " + args[1] + ")"
	case e.Name == "not" && len(args) == 1:
		return "(NOT " + args[0] + ")"
	case e.Name == "is_null" && len(args) == 1:
		return "(" + args[0] + " IS NULL)"
	case e.Name == "is_not_null" && len(args) == 1:
		return "(" + args[0] + " IS NOT NULL)"
	}
	return e.Name + "(" + strings.Join(args, ", ") + ")"
}

func literalText(l expr.Lit) string {
	switch v := l.Value.(type) {
	case nil:
		return "NULL"
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	case []byte:
		return fmt.Sprintf("X'%x'", v)
	case bool:
		return strings.ToUpper(fmt.Sprint(v))
	case arrow.Duration:
		nanos := int64(v)
		if l.Type != nil && l.Type.(*arrow.DurationType).Unit == arrow.Microsecond {
			nanos *= 1000
		}
		return (&syntax.Interval{Nanos: nanos}).String()
	case arrow.MonthInterval:
		return (&syntax.Interval{Months: int64(v), YearMonth: true}).String()
	case decimal128.Num:
		return v.ToString(l.Type.(*arrow.Decimal128Type).Scale)
	case float64:
		return fmt.Sprintf("%ve0", v)
	}
	if l.Type != nil {
		return fmt.Sprintf("%v:%s", l.Value, typeName(l.Type))
	}
	return fmt.Sprint(l.Value)
}

// exprColumns adds the columns that e reads to c.
func exprColumns(e expr.Expr, c *columns) {
	switch e := e.(type) {
	case expr.Col:
		c.add(e.Name)
	case expr.Field:
		exprColumns(e.Of, c)
	case expr.Cast:
		exprColumns(e.Of, c)
	case expr.Lambda:
		exprColumns(e.Body, c)
	case expr.Case:
		for _, w := range e.Whens {
			exprColumns(w.Cond, c)
			exprColumns(w.Then, c)
		}
		if e.Else != nil {
			exprColumns(e.Else, c)
		}
	case expr.Call:
		for _, a := range e.Args {
			exprColumns(a, c)
		}
	}
}

// isConstant reports whether e reads no column.
func isConstant(e expr.Expr) bool {
	var c columns
	exprColumns(e, &c)
	return len(c.names) == 0
}
