package syntax

// From is a table in FROM: a *Table, *Derived, *TableFunc or *Unnest, one of
// the nodes that stand around a table - *Version, *Watermark, *Match, *Lateral
// - or a *Join.
type From interface {
	Node
	from()
}

// Alias is the [AS] alias [(columns)] of a table. The node that stands
// outermost around a table has it; the ones inside have none.
type Alias struct {
	Name    *Ident
	Columns []Ident
}

// Table is a table by name, or a file by a quoted path. The word STREAM before
// it is dropped.
type Table struct {
	Span
	Name  Name
	Path  string // set when the table is a file name
	Hints []Hint
	Alias Alias
}

// Derived is a query in FROM.
type Derived struct {
	Span
	Query *Query
	Alias Alias
}

// TableFunc is a table function in FROM: a window, a model, read_csv(...). The
// TABLE(...) wrapper is dropped.
type TableFunc struct {
	Span
	Call  *Call
	Hints []Hint
	Alias Alias
}

// Unnest is UNNEST(x) [WITH ORDINALITY], a row for every element of an array
// or entry of a map of the tables to its left:
//
//	t CROSS JOIN UNNEST(a) AS u (x)        Join{JoinCross, t, Unnest}
//	t LATERAL VIEW EXPLODE(a) u AS x       the same
//	t LATERAL VIEW OUTER EXPLODE(a) u AS x Join{JoinLeft, t, Unnest, On: TRUE}
//	t LATERAL VIEW POSEXPLODE(a) u AS p, x the same with Position
//
// LATERAL before it changes nothing and is dropped. LATERAL VIEW of any other
// function is a [Lateral] [TableFunc].
type Unnest struct {
	Span
	X          Expr
	Ordinality bool // the number of the element, from 1, is the last column
	Position   bool // POSEXPLODE: the number of the element, from 0, is the first column
	Alias      Alias
}

// Lateral is LATERAL before a *Derived or *TableFunc: it sees the columns of
// the tables to its left. The alias is that of Table.
type Lateral struct {
	Span
	Table From
}

// Version is table FOR SYSTEM_TIME AS OF at: the version of the table's rows
// that was valid at a time of the other side of the join, or, for a
// processing time, now. The short form AS OF PROCTIME() is the same.
type Version struct {
	Span
	Table From
	At    Expr
	Alias Alias
}

// Watermark is table WATERMARK time DELAY OF delay: a watermark declared where
// the table is read.
type Watermark struct {
	Span
	Table From
	Time  Expr
	Delay Expr
	Alias Alias
}

// JoinKind is the kind of a [Join].
type JoinKind int

// The kinds of joins.
const (
	JoinInner JoinKind = iota
	JoinLeft
	JoinRight
	JoinFull
	JoinSemi // LEFT SEMI
	JoinAnti // LEFT ANTI
	JoinCross
)

// Join is two tables put together:
//
//	l [INNER] | LEFT | RIGHT | FULL [OUTER] | LEFT SEMI | LEFT ANTI JOIN r ON e | USING (columns)
//	l CROSS JOIN r and l, r
//	l [LEFT] ASOF JOIN r [MATCH_CONDITION (e)] ON e | USING (columns)
//
// Joins group to the left; R is a Join only where parentheses or a later ON
// say so. The kind of a join in time (interval, window, temporal, lookup) is
// not part of the syntax, apart from ASOF and a [Version] as R.
type Join struct {
	Span
	Kind    JoinKind
	Natural bool // NATURAL: all columns of equal names, no On and no Using
	Asof    bool // JoinInner or JoinLeft
	L, R    From
	Match   Expr // MATCH_CONDITION of Asof; nil when it is part of On
	On      Expr // nil with Using, Natural and JoinCross
	Using   []Ident
}

func (*Table) from()     {}
func (*Derived) from()   {}
func (*TableFunc) from() {}
func (*Unnest) from()    {}
func (*Lateral) from()   {}
func (*Version) from()   {}
func (*Watermark) from() {}
func (*Match) from()     {}
func (*Join) from()      {}
