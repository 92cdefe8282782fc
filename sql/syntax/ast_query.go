package syntax

// Query is a SELECT with what may stand around it.
type Query struct {
	Span
	With    []CTE
	Body    Body
	OrderBy []Order
	Limit   Expr
	Offset  Expr
	Stream  StreamClauses
}

// CTE is one WITH name [(columns)] AS (query).
type CTE struct {
	Name    Ident
	Columns []Ident
	Query   *Query
}

// Body is a *Select, *Union, *Values or a *Query in parentheses.
type Body interface {
	Node
	body()
}

// Select is one SELECT block:
//
//	SELECT [hints] [DISTINCT [ON (keys)]] items FROM from WHERE e GROUP BY groups HAVING e WINDOW w AS (...) QUALIFY e
//
// Without FROM, From is nil; several tables with commas between them are a
// [Join] of kind [JoinCross].
type Select struct {
	Span
	Hints      []Hint
	Distinct   bool
	DistinctOn []Expr // DISTINCT ON (...): Distinct is false then
	Items      []Item
	From       From
	Where      Expr
	GroupBy    []Expr // expressions and [Grouping] nodes; a [Row] without items is ()
	Having     Expr
	Windows    []NamedWindow
	Qualify    Expr
}

// Item is one output of a SELECT.
type Item struct {
	X     Expr
	Alias *Ident
}

// NamedWindow is one w AS (...) of the WINDOW clause.
type NamedWindow struct {
	Name   Ident
	Window *Window
}

// Grouping is GROUPING SETS (...), ROLLUP (...) or CUBE (...) in GROUP BY, on
// its own or beside expressions: the sets of all items are multiplied. An item
// of Sets is an expression, a [Row] for a list of keys - () is a Row without
// items - or, in GROUPING SETS, another Grouping.
type Grouping struct {
	Span
	Kind string // GROUPING SETS, ROLLUP or CUBE
	Sets []Expr
}

// Union is a set operation. Op is UNION, INTERSECT or EXCEPT (MINUS); without
// All the result has no row twice. INTERSECT binds tighter than the others,
// which group to the left: the tree has that shape already.
type Union struct {
	Span
	Op   string
	All  bool
	L, R Body
}

// Values is VALUES (..), (..).
type Values struct {
	Span
	Rows [][]Expr
}

func (*Select) body() {}
func (*Union) body()  {}
func (*Values) body() {}
func (*Query) body()  {}

// Hint is one hint of /*+ NAME(args), ... */ after a table or SELECT. Name is
// in upper case: OPTIONS, STATE_TTL, BROADCAST or UID. An argument is an
// option; one without a key has a value only.
type Hint struct {
	Span
	Name string
	Args []Option
}

// Order is one key of ORDER BY. Nulls is "", "FIRST" or "LAST".
type Order struct {
	X     Expr
	Desc  bool
	Nulls string
}

// EmitMode says when results are emitted.
type EmitMode int

// The modes: none was written, once when final, at every change, at times.
const (
	EmitDefault EmitMode = iota
	EmitOnClose
	EmitOnUpdate
	EmitPeriodic
)

// StreamClauses are the streaming clauses at the end of a query. Durations are
// nil where they were not written.
type StreamClauses struct {
	At       Span // of the first clause
	Emit     EmitMode
	Delay    Expr // WITH DELAY
	Timeout  Expr // TIMEOUT
	Every    Expr // WITH BATCH, PERIODIC
	Lateness Expr // ALLOW LATENESS
	LateTo   *Name
	OnError  string // "", FAIL, SKIP, DEAD LETTER
	DeadTo   *Name
	Limit    Expr // of dead letters
	Rate     Expr
}

// Empty reports whether no clause was written.
func (s StreamClauses) Empty() bool {
	return s.Emit == EmitDefault && s.Delay == nil && s.Timeout == nil && s.Lateness == nil && s.LateTo == nil && s.OnError == ""
}
