package syntax

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Text prints a node in the canonical dialect. Parsing the text again gives
// the same tree, apart from places.
func Text(n Node) string {
	var w writer
	switch n := n.(type) {
	case nil:
		return ""
	case Statement:
		w.statement(n)
	case *Query:
		w.query(n)
	case Body:
		w.body(n)
	case From:
		w.from(n)
	case Expr:
		w.expr(n, 0)
	case Pattern:
		w.pattern(n, 0)
	case *Window:
		w.window(n)
	case *Type:
		w.typ(n)
	}
	return w.String()
}

type writer struct{ strings.Builder }

func (w *writer) add(parts ...string) {
	for _, p := range parts {
		w.WriteString(p)
	}
}

// quoteText is s as a string literal.
func quoteText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// QuoteName is s as a name, in backquotes when it is no plain word.
func QuoteName(s string) string {
	plain := s != ""
	for i, r := range s {
		if !isLetter(r) && (i == 0 || r != '$' && (r < '0' || r > '9')) {
			plain = false
		}
	}
	if up := strings.ToUpper(s); plain && !slices.Contains(reserved, up) && !slices.Contains(awkward, up) {
		return s
	}
	return "`" + strings.ReplaceAll(s, "`", "``") + "`"
}

// awkward are words that are names in most places but not in all.
var awkward = []string{
	"ALL", "ARRAY", "BOTH", "CONSTRAINT", "CUBE", "END", "FALSE", "INTERVAL", "LATERAL", "LEADING", "MAP", "PERMUTE", "ROLLUP", "STREAM", "TABLE", "TRAILING", "TRUE", "UNBOUNDED",
	"VALUES",
}

func (w *writer) ident(id Ident) {
	if id.Quote == '"' {
		w.add(`"`, strings.ReplaceAll(id.Name, `"`, `""`), `"`)
		return
	}
	w.add(QuoteName(id.Name))
}

func (w *writer) name(n Name) {
	for i, p := range n.Parts {
		if i > 0 {
			w.add(".")
		}
		w.ident(p)
	}
}

func (w *writer) idents(list []Ident) {
	w.add("(")
	for i, id := range list {
		if i > 0 {
			w.add(", ")
		}
		w.ident(id)
	}
	w.add(")")
}

func (w *writer) exprs(list []Expr) {
	for i, x := range list {
		if i > 0 {
			w.add(", ")
		}
		w.expr(x, 0)
	}
}

// expr prints x, in parentheses when its operator binds weaker than low.
func (w *writer) expr(x Expr, low int) {
	if power := powerOf(x); power < low {
		w.add("(")
		defer w.add(")")
	}
	switch x := x.(type) {
	case *Column:
		w.name(x.Name)
	case *Number:
		w.add(x.Text)
	case *String:
		w.add(quoteText(x.Value))
	case *Bytes:
		w.add(fmt.Sprintf("X'%x'", x.Value))
	case *Bool:
		w.add(strings.ToUpper(strconv.FormatBool(x.Value)))
	case *Null:
		w.add("NULL")
	case *Typed:
		w.add(x.Type, " ", quoteText(x.Value))
	case *Interval:
		w.add(x.String())
	case *Param:
		w.add(x.Name)
	case *Unary:
		w.add(x.Op)
		if x.Op == "NOT" {
			w.add(" ")
			w.expr(x.X, bpNot)
			return
		}
		if inner, ok := x.X.(*Unary); ok && inner.Op == x.Op {
			w.add(" ")
		}
		w.expr(x.X, bpUnary)
	case *Binary:
		power := powerOf(x)
		w.expr(x.L, power)
		w.add(" ", x.Op, " ")
		w.expr(x.R, power+1)
	case *Is:
		w.expr(x.X, bpCompare)
		w.add(" IS ", when(x.Not, "NOT "), x.What)
	case *Between:
		w.expr(x.X, bpCompare)
		w.add(when(x.Not, " NOT"), " BETWEEN ", when(x.Symmetric, "SYMMETRIC "))
		w.expr(x.Low, bpBitOr)
		w.add(" AND ")
		w.expr(x.High, bpBitOr)
	case *In:
		w.expr(x.X, bpCompare)
		w.add(when(x.Not, " NOT"), " IN (")
		if x.Query != nil {
			w.query(x.Query)
		} else {
			w.exprs(x.List)
		}
		w.add(")")
	case *Like:
		w.expr(x.X, bpCompare)
		w.add(when(x.Not, " NOT"), " ", x.Op, " ")
		w.expr(x.Pattern, bpBitOr)
		if x.Escape != nil {
			w.add(" ESCAPE ")
			w.expr(x.Escape, bpBitOr)
		}
	default:
		w.primary(x)
	}
}

func when(c bool, s string) string {
	if c {
		return s
	}
	return ""
}

// powerOf is the binding power of the outermost operator of x.
func powerOf(x Expr) int {
	switch x := x.(type) {
	case *Unary:
		if x.Op == "NOT" {
			return bpNot
		}
		return bpUnary
	case *Binary:
		return infixPower(x.Op)
	case *Is, *Between, *In, *Like:
		return bpCompare
	case *Field, *Index, *JSONAccess:
		return bpPostfix
	}
	return bpPrimary
}

func (w *writer) primary(x Expr) {
	switch x := x.(type) {
	case *Case:
		w.add("CASE")
		if x.Operand != nil {
			w.add(" ")
			w.expr(x.Operand, 0)
		}
		for _, arm := range x.Whens {
			w.add(" WHEN ")
			w.expr(arm.Cond, 0)
			w.add(" THEN ")
			w.expr(arm.Then, 0)
		}
		if x.Else != nil {
			w.add(" ELSE ")
			w.expr(x.Else, 0)
		}
		w.add(" END")
	case *Cast:
		w.add(when(x.Try, "TRY_"), "CAST(")
		w.expr(x.X, 0)
		w.add(" AS ")
		w.typ(x.To)
		w.add(")")
	case *Call:
		w.call(x)
	case *Extract:
		w.add("EXTRACT(", x.Unit, " FROM ")
		w.expr(x.X, 0)
		w.add(")")
	case *Field:
		w.dotted(x.X)
		w.ident(x.Name)
	case *Index:
		w.expr(x.X, bpPostfix)
		w.add("[")
		w.expr(x.I, 0)
		w.add("]")
	case *JSONAccess:
		w.expr(x.X, bpPostfix)
		w.add(" ->", when(x.Text, ">"), " ")
		w.expr(x.Key, bpPrimary)
	case *Star:
		switch {
		case x.X != nil:
			w.dotted(x.X)
		case x.Qualifier != nil:
			w.name(*x.Qualifier)
			w.add(".")
		}
		w.add("*")
		if x.Except != nil {
			w.add(" EXCEPT ")
			w.idents(x.Except)
		}
		if x.Replace != nil {
			w.add(" REPLACE (")
			w.items(x.Replace)
			w.add(")")
		}
	case *Array:
		w.add("ARRAY[")
		w.exprs(x.Items)
		w.add("]")
	case *Map:
		w.add("MAP[")
		w.exprs(x.Items)
		w.add("]")
	case *Row:
		w.add("ROW(")
		w.exprs(x.Items)
		w.add(")")
	case *Subquery:
		w.add(when(x.Exists, "EXISTS "), "(")
		w.query(x.Query)
		w.add(")")
	case *TableArg:
		w.add("TABLE ")
		switch {
		case x.Query != nil:
			w.add("(")
			w.query(x.Query)
			w.add(")")
		case x.Name != nil:
			w.name(*x.Name)
		default:
			w.add(quoteText(x.Path))
		}
		if x.Partition != nil {
			w.add(" PARTITION BY ")
			w.exprs(x.Partition)
		}
	case *ModelArg:
		w.add("MODEL ")
		w.name(x.Name)
	case *Descriptor:
		w.add("DESCRIPTOR")
		w.idents(x.Columns)
	case *Rows:
		w.add("ROWS ")
		w.expr(x.N, 0)
	case *Lambda:
		w.lambda(x)
	case *Grouping:
		w.grouping(x)
	}
}

// dotted prints x with a dot after it.
func (w *writer) dotted(x Expr) {
	switch x.(type) {
	case *Column, *Number: // a dot after them means something else
		w.add("(")
		w.expr(x, 0)
		w.add(")")
	default:
		w.expr(x, bpPostfix)
	}
	w.add(".")
}
