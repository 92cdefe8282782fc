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

// Select is one SELECT block.
type Select struct {
	Span
	Distinct bool
	Items    []Item
	From     From // nil without FROM
	Where    Expr
	GroupBy  []Expr
	Having   Expr
}

// Item is one output of a SELECT.
type Item struct {
	X     Expr
	Alias *Ident
}

// Union is a set operation. Op is UNION, INTERSECT or EXCEPT.
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

// From is a table in FROM: *Table, *Derived or *TableFunc.
type From interface {
	Node
	from()
}

// Alias is the [AS] alias [(columns)] of a table.
type Alias struct {
	Name    *Ident
	Columns []Ident
}

// Table is a table by name, or a file by a quoted path.
type Table struct {
	Span
	Name  Name
	Path  string // set when the table is a file name
	Alias Alias
}

// Derived is a query in FROM.
type Derived struct {
	Span
	Query *Query
	Alias Alias
}

// TableFunc is a table function in FROM; the TABLE(...) wrapper is dropped.
type TableFunc struct {
	Span
	Call  *Call
	Alias Alias
}

func (*Table) from()     {}
func (*Derived) from()   {}
func (*TableFunc) from() {}

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
