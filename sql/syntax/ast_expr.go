package syntax

import "strings"

// Node is any part of the tree; its range is its place in the script.
type Node interface{ Range() Span }

// Expr is an expression.
type Expr interface {
	Node
	expr()
}

// Ident is one name. Quote is 0 for a bare name, '`' or '"' for a quoted one.
type Ident struct {
	Span
	Name  string
	Quote byte
}

// Name is a qualified name: [catalog.][database.]object.
type Name struct {
	Span
	Parts []Ident
}

// Last is the name without its qualifiers.
func (n Name) Last() string {
	if len(n.Parts) == 0 {
		return ""
	}
	return n.Parts[len(n.Parts)-1].Name
}

// String is the name with dots between its parts, without quotes.
func (n Name) String() string {
	if len(n.Parts) == 1 {
		return n.Parts[0].Name
	}
	parts := make([]string, len(n.Parts))
	for i, p := range n.Parts {
		parts[i] = p.Name
	}
	return strings.Join(parts, ".")
}

// Column is a name in an expression: a column, a qualified column or a path
// into a struct; a single part in double quotes may also be a string.
type Column struct{ Name }

// Number is a numeric literal as written; a suffix is part of Text.
type Number struct {
	Span
	Text string
}

// String is a character literal.
type String struct {
	Span
	Value string
}

// Binary literal X'0aff'.
type Bytes struct {
	Span
	Value string
}

// Bool is TRUE or FALSE.
type Bool struct {
	Span
	Value bool
}

// Null is NULL.
type Null struct{ Span }

// Typed is a literal with its type before it: DATE '2026-01-31'. Type is in
// upper case: DATE, TIME, TIMESTAMP, TIMESTAMP_NTZ or
// TIMESTAMP_LTZ.
type Typed struct {
	Span
	Type  string
	Value string
}

// Interval is a duration of fixed length (Nanos) or of calendar months; never
// both. Months counts for year-month intervals.
type Interval struct {
	Span
	Months    int64
	Nanos     int64
	YearMonth bool
}

// Param is ? or :name.
type Param struct {
	Span
	Name string
}

// Unary is -x, +x, ~x or NOT x.
type Unary struct {
	Span
	Op string
	X  Expr
}

// Binary is an operator with two operands: arithmetic, comparison, AND, OR,
// ||, and IS DISTINCT FROM in its form "<=>" (with NOT around it for IS DISTINCT
// FROM).
type Binary struct {
	Span
	Op   string
	L, R Expr
}

// Is is x IS [NOT] What: NULL, TRUE, FALSE, UNKNOWN, JSON, JSON VALUE, JSON
// OBJECT, JSON ARRAY or JSON SCALAR.
type Is struct {
	Span
	X    Expr
	Not  bool
	What string
}

// Between is x [NOT] BETWEEN low AND high.
type Between struct {
	Span
	X, Low, High   Expr
	Not, Symmetric bool
}

// In is x [NOT] IN (list) or x [NOT] IN (query).
type In struct {
	Span
	X     Expr
	Not   bool
	List  []Expr
	Query *Query
}

// Like is x [NOT] Op pattern [ESCAPE c]. Op is LIKE, ILIKE, RLIKE (REGEXP, ~) or
// SIMILAR TO.
type Like struct {
	Span
	Op         string
	X, Pattern Expr
	Escape     Expr
	Not        bool
}

// Case is CASE [operand] WHEN ... THEN ... [ELSE ...] END.
type Case struct {
	Span
	Operand Expr
	Whens   []When
	Else    Expr
}

// When is one arm of a [Case].
type When struct{ Cond, Then Expr }

// Cast is CAST(x AS t), TRY_CAST(x AS t) or x::t.
type Cast struct {
	Span
	X   Expr
	To  *Type
	Try bool
}

// Extract is EXTRACT(unit FROM x). Unit is in upper case.
type Extract struct {
	Span
	Unit string
	X    Expr
}

// Field is x.name where x is no plain name: window(ts, '10 s').start.
type Field struct {
	Span
	X    Expr
	Name Ident
}

// Index is x[i].
type Index struct {
	Span
	X, I Expr
}

// JSONAccess is x -> key or, with Text, x ->> key: a field by its name, an
// element by its number.
type JSONAccess struct {
	Span
	X, Key Expr
	Text   bool
}

// Star is * or t.*. With X it stands for the fields of a struct: f(x).*; of
// s.*, where s is a name, the binder tells whether it is a table or a struct.
// Except are columns that are left out, Replace those that something else is put
// for.
type Star struct {
	Span
	Qualifier *Name
	X         Expr
	Except    []Ident
	Replace   []Item
}

// Array is ARRAY[...].
type Array struct {
	Span
	Items []Expr
}

// Map is MAP[k, v, ...].
type Map struct {
	Span
	Items []Expr
}

// Row is ROW(...), STRUCT(...) or a list in parentheses. In GROUP BY it is a
// list of keys and may be empty.
type Row struct {
	Span
	Items []Expr
}

// Subquery is (query) as a value, or EXISTS (query).
type Subquery struct {
	Span
	Query  *Query
	Exists bool
}

// TableArg is TABLE t [PARTITION BY k, ...], or a query, as an argument of a
// table function.
type TableArg struct {
	Span
	Name      *Name
	Path      string // TABLE 'file'
	Query     *Query
	Partition []Expr
}

// ModelArg is MODEL m.
type ModelArg struct {
	Span
	Name Name
}

// Descriptor is DESCRIPTOR(a, b).
type Descriptor struct {
	Span
	Columns []Ident
}

// Rows is ROWS n, the size of a count window.
type Rows struct {
	Span
	N Expr
}

func (*Column) expr()     {}
func (*Number) expr()     {}
func (*String) expr()     {}
func (*Bytes) expr()      {}
func (*Bool) expr()       {}
func (*Null) expr()       {}
func (*Typed) expr()      {}
func (*Interval) expr()   {}
func (*Param) expr()      {}
func (*Unary) expr()      {}
func (*Binary) expr()     {}
func (*Is) expr()         {}
func (*Between) expr()    {}
func (*In) expr()         {}
func (*Like) expr()       {}
func (*Case) expr()       {}
func (*Cast) expr()       {}
func (*Call) expr()       {}
func (*Lambda) expr()     {}
func (*Extract) expr()    {}
func (*Field) expr()      {}
func (*Index) expr()      {}
func (*JSONAccess) expr() {}
func (*Star) expr()       {}
func (*Array) expr()      {}
func (*Map) expr()        {}
func (*Row) expr()        {}
func (*Subquery) expr()   {}
func (*TableArg) expr()   {}
func (*ModelArg) expr()   {}
func (*Descriptor) expr() {}
func (*Rows) expr()       {}
func (*Grouping) expr()   {}
