package expr

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels"
)

// infix are the functions that are written as operators, with their precedence.
var infix = map[string]struct {
	sign string
	prec int
}{
	"or": {"OR", 1}, "and": {"AND", 2},
	"eq": {"=", 4}, "ne": {"<>", 4}, "lt": {"<", 4}, "le": {"<=", 4}, "gt": {">", 4}, "ge": {">=", 4},
	"is_distinct": {"IS DISTINCT FROM", 4}, "is_not_distinct": {"IS NOT DISTINCT FROM", 4},
	"like": {"LIKE", 4}, "ilike": {"ILIKE", 4},
	"add": {"+", 5}, "sub": {"-", 5},
	"mul": {"*", 6}, "divide": {"/", 6}, "div": {"DIV", 6}, "mod": {"%", 6},
}

var postfix = map[string]string{
	"is_null": "IS NULL", "is_not_null": "IS NOT NULL", "is_true": "IS TRUE", "is_not_true": "IS NOT TRUE",
	"is_false": "IS FALSE", "is_not_false": "IS NOT FALSE",
}

const (
	precNot     = 3
	precCompare = 4
	precUnary   = 7
	precAtom    = 8
)

// String is the canonical text of e, as EXPLAIN prints it and as columns
// without an alias are named. Equal trees have equal texts.
func String(e Expr) string {
	s, _ := render(e)
	return s
}

// render returns the text of e and the precedence of its outermost operator.
func render(e Expr) (string, int) {
	switch e := e.(type) {
	case nil:
		return "NULL", precAtom
	case Col:
		return name(e.Name), precAtom
	case Param:
		return name(e.Name), precAtom
	case Lambda:
		return "(" + strings.Join(e.Params, ", ") + ") -> " + String(e.Body), precAtom
	case Field:
		return within(e.Of, precAtom) + "." + name(e.Name), precAtom
	case Lit:
		return literalText(e), precAtom
	case Cast:
		verb := "CAST("
		if e.Try {
			verb = "TRY_CAST("
		}
		return verb + String(e.Of) + " AS " + kernels.SQLName(e.To) + ")", precAtom
	case Case:
		var sb strings.Builder
		sb.WriteString("CASE")
		for _, w := range e.Whens {
			sb.WriteString(" WHEN " + String(w.Cond) + " THEN " + String(w.Then))
		}
		if e.Else != nil {
			sb.WriteString(" ELSE " + String(e.Else))
		}
		return sb.String() + " END", precAtom
	case Call:
		return renderCall(e)
	}
	return fmt.Sprintf("%T", e), precAtom
}

func renderCall(c Call) (string, int) {
	if c.Func != nil {
		return c.Name + "(" + list(c.Args) + ")", precAtom
	}
	fn := strings.ToLower(c.Name)
	if f, ok := kernels.Find(fn); ok {
		fn = f.Name
	}
	if op, ok := infix[fn]; ok && (len(c.Args) == 2 || op.prec <= 2 && len(c.Args) > 2) {
		parts := make([]string, len(c.Args))
		for i, a := range c.Args {
			least := op.prec
			if i > 0 && op.prec > 2 || op.prec == precCompare {
				least++
			}
			parts[i] = within(a, least)
		}
		return strings.Join(parts, " "+op.sign+" "), op.prec
	}
	if sign, ok := postfix[fn]; ok && len(c.Args) == 1 {
		return within(c.Args[0], precCompare+1) + " " + sign, precCompare
	}
	switch {
	case fn == "not" && len(c.Args) == 1:
		return "NOT " + within(c.Args[0], precNot), precNot
	case fn == "neg" && len(c.Args) == 1:
		return "-" + within(c.Args[0], precAtom), precUnary
	case fn == "between" && len(c.Args) == 3:
		return within(c.Args[0], 5) + " BETWEEN " + within(c.Args[1], 5) + " AND " + within(c.Args[2], 5), precCompare
	case fn == "in" && len(c.Args) > 1:
		return within(c.Args[0], 5) + " IN (" + list(c.Args[1:]) + ")", precCompare
	}
	return fn + "(" + list(c.Args) + ")", precAtom
}

func within(e Expr, least int) string {
	s, prec := render(e)
	if prec < least {
		return "(" + s + ")"
	}
	return s
}

func list(args []Expr) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = String(a)
	}
	return strings.Join(parts, ", ")
}

// name is an identifier, in backquotes unless it is a plain word.
func name(s string) string {
	plain := s != ""
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127
		if !letter && (i == 0 || r != '$' && (r < '0' || r > '9')) {
			plain = false
		}
	}
	if plain {
		return s
	}
	return "`" + strings.ReplaceAll(s, "`", "``") + "`"
}

func literalText(l Lit) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	switch v := l.Value.(type) {
	case nil:
		return "NULL"
	case bool:
		return strings.ToUpper(strconv.FormatBool(v))
	case string:
		if l.Type != nil && l.Type.ID() != arrow.STRING {
			return kernels.SQLName(l.Type) + " " + quote(v)
		}
		return quote(v)
	case []byte:
		return fmt.Sprintf("X'%x'", v)
	case int64, int, int32, float64, float32:
		if a, err := literal(l); err == nil && (l.Type == nil || arrow.IsPrimitive(l.Type.ID()) && !isTemporal(l.Type)) {
			defer a.Release()
			return kernels.TextAt(a, 0)
		}
	}
	a, err := literal(l)
	if err != nil {
		return fmt.Sprint(l.Value)
	}
	defer a.Release()
	return temporalText(a.DataType(), kernels.TextAt(a, 0))
}

func isTemporal(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.TIMESTAMP, arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.DURATION, arrow.INTERVAL_MONTHS:
		return true
	}
	return false
}

func temporalText(t arrow.DataType, text string) string {
	switch t := t.(type) {
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return "TIMESTAMP_LTZ '" + text + "Z'"
		}
		return "TIMESTAMP '" + text + "'"
	case *arrow.Date32Type, *arrow.Date64Type:
		return "DATE '" + text + "'"
	case *arrow.Time32Type, *arrow.Time64Type:
		return "TIME '" + text + "'"
	case *arrow.DurationType:
		return "INTERVAL '" + text + "' DAY TO SECOND"
	case *arrow.MonthIntervalType:
		return "INTERVAL '" + text + "' YEAR TO MONTH"
	}
	return text
}
