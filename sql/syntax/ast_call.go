package syntax

// Call is a function call:
//
//	fn([DISTINCT] args [ORDER BY keys] [json clauses]) [WITHIN GROUP (ORDER BY keys)] [FILTER (WHERE e)] [OVER window]
//
// Fn keeps its qualifier (default.f). Functions that have words where others
// have commas are calls with their arguments in one order: TRIM(s, c, side),
// SUBSTRING(s, from, for), POSITION(part, s), FLOOR(x, unit), JSON_OBJECT(key, value).
type Call struct {
	Span
	Fn       Name
	Args     []Arg
	Distinct bool
	Star     bool // count(*)
	OrderBy  []Order
	JSON     *JSONClauses // nil when none was written
	Within   []Order      // WITHIN GROUP (ORDER BY ...)
	Filter   Expr
	Over     *Window // nil without OVER
}

// Arg is an argument, with a name in the form name => value.
type Arg struct {
	Name  *Ident
	Value Expr
}

// Lambda is x -> e or (x, y) -> e, an argument of a higher-order function.
type Lambda struct {
	Span
	Params []Ident
	Body   Expr
}

// JSONClauses are the clauses of JSON_VALUE, JSON_QUERY and JSON_EXISTS after
// the path, and of the functions that make JSON after the arguments.
type JSONClauses struct {
	Span
	Returning *Type  // RETURNING t
	Wrapper   string // "", WITHOUT, CONDITIONAL or UNCONDITIONAL of JSON_QUERY
	OnEmpty   JSONDefault
	OnError   JSONDefault
	OnNull    string // "", NULL or ABSENT of JSON_OBJECT, JSON_ARRAY and their aggregates
}

// JSONDefault is what a JSON function gives for a missing or a bad value. Kind
// is "" when nothing was written, else NULL, ERROR, DEFAULT, EMPTY ARRAY, EMPTY
// OBJECT, or TRUE, FALSE and UNKNOWN for JSON_EXISTS. Value is set for DEFAULT.
type JSONDefault struct {
	Kind  string
	Value Expr
}

// Window is what stands after OVER or is named by WINDOW:
//
//	OVER base    OVER ([base] [PARTITION BY keys] [ORDER BY keys] [frame])
//
// Base is a window of the WINDOW clause that this one refines, nil without.
// The binder resolves it: the tree keeps what was written.
type Window struct {
	Span
	Base      *Ident
	Partition []Expr
	OrderBy   []Order
	Frame     *Frame // nil when none was written
}

// Frame is ROWS|RANGE BETWEEN start AND end. The short form ROWS start is
// BETWEEN start AND CURRENT ROW.
type Frame struct {
	Span
	Range      bool // RANGE, else ROWS
	Start, End Bound
}

// BoundKind is the kind of one end of a [Frame].
type BoundKind int

// The ends of a frame, in the order in which they may follow each other.
const (
	UnboundedPreceding BoundKind = iota
	Preceding                    // N PRECEDING
	CurrentRow
	Following // N FOLLOWING
	UnboundedFollowing
)

// Bound is one end of a [Frame]. N is a number of rows or an interval, set for
// Preceding and Following only.
type Bound struct {
	Kind BoundKind
	N    Expr
}
