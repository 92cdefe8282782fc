package expr

import (
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/kernels"
)

// Expr is an unbound expression tree: names and literals, no types yet. The
// SQL binder and Go users build the same nodes. [Bind] resolves it against a
// schema.
type Expr interface{ expr() }

// Col names an input column.
type Col struct{ Name string }

// Field reaches into a struct: Field{Col{"window"}, "start"}.
type Field struct {
	Of   Expr
	Name string
}

// Lit is a constant. Value is nil (NULL), bool, int64, float64, string, []byte,
// arrow.Timestamp, arrow.Date32, arrow.Duration, decimal128.Num or
// arrow.MonthInterval; Type says which Arrow type it has, nil for the natural
// one (arrow.Null, bool, int64, float64, utf8, binary).
type Lit struct {
	Value any
	Type  arrow.DataType
}

// Call applies a function or operator of the table in kernels/functions.go by
// its name: "add", "eq", "and", "upper", "if", "coalesce", "in", "like" ...
//
// Zone is the time zone on whose clock the call shows, reads and computes with
// instants, as in HOUR(x) and in x = '2026-01-31 10:00', of whatever zone their
// type is; the results are in UTC. If it is empty instants are in the zone of
// their type, texts and times without zone in UTC.
//
// Func, if set, is the function itself, one that is not in the table; Name is
// then only printed. Calls of a volatile function with equal arguments are one
// call, which is evaluated once, if they have the same Site.
type Call struct {
	Name string
	Args []Expr
	Zone string `state:"default=UTC"`
	Func *kernels.Function
	Site int `state:"-"` // not part of what a stage is
}

// Cast converts; Try gives NULL instead of an error. Zone is that of [Call].
type Cast struct {
	Of   Expr
	To   arrow.DataType
	Try  bool
	Zone string `state:"default=UTC"`
}

// Case is CASE WHEN c1 THEN v1 ... ELSE e END; Else may be nil (NULL). A CASE
// with an operand is built with "eq" calls by the caller. Zone is that of [Call].
type Case struct {
	Whens []When
	Else  Expr
	Zone  string `state:"default=UTC"`
}

// When is one arm of a [Case].
type When struct{ Cond, Then Expr }

func (Col) expr()   {}
func (Field) expr() {}
func (Lit) expr()   {}
func (Call) expr()  {}
func (Cast) expr()  {}
func (Case) expr()  {}

// Cols names several input columns.
func Cols(names ...string) []Expr {
	cols := make([]Expr, len(names))
	for i, name := range names {
		cols[i] = Col{Name: name}
	}
	return cols
}
