package syntax

// Match is table MATCH_RECOGNIZE (...), a pattern over the rows of a
// partition:
//
//	PARTITION BY keys ORDER BY keys MEASURES items [ONE ROW | ALL ROWS PER MATCH]
//	[AFTER MATCH SKIP ...] PATTERN (pattern) [WITHIN interval] DEFINE v AS e, ...
//
// A column A.x of a measure or condition is a [Column] of two parts; FIRST,
// LAST, PREV, CLASSIFIER and aggregates are calls.
type Match struct {
	Span
	Table     From
	Partition []Expr
	OrderBy   []Order
	Measures  []Item // every one has an alias
	AllRows   bool   // ALL ROWS PER MATCH
	Skip      MatchSkip
	SkipTo    Ident // the variable of SkipToFirst and SkipToLast
	Pattern   Pattern
	Within    Expr // nil without WITHIN
	Define    []Define
	Alias     Alias
}

// Define is v AS condition. A variable without one is TRUE.
type Define struct {
	Var  Ident
	Cond Expr
}

// MatchSkip says where the search goes on after a match.
type MatchSkip int

// The places to skip to. TO v is TO LAST v.
const (
	SkipPastLast MatchSkip = iota // the default
	SkipToNext
	SkipToFirst
	SkipToLast
)

// Pattern is a regular expression over the variables of a [Match]: a
// *PatternVar, *PatternSeq, *PatternAlt or *PatternRepeat. Groups are the
// shape of the tree: (A B)+ is a PatternRepeat of a PatternSeq.
type Pattern interface {
	Node
	pattern()
}

// PatternVar is one row that a variable holds for.
type PatternVar struct{ Ident }

// PatternSeq is one pattern after the other, two at least: A B C. None of the
// items is a PatternSeq.
type PatternSeq struct {
	Span
	Items []Pattern
}

// PatternAlt is a choice, two at least, the first that matches wins: A | B.
// None of the items is a PatternAlt.
type PatternAlt struct {
	Span
	Items []Pattern
}

// PatternRepeat is X from Min to Max times; Max is -1 without a bound. It takes
// as many as it can, with Reluctant as few. * is {0,}, + is {1,}, ? is {0,1}.
type PatternRepeat struct {
	Span
	X         Pattern
	Min, Max  int
	Reluctant bool
}

func (*PatternVar) pattern()    {}
func (*PatternSeq) pattern()    {}
func (*PatternAlt) pattern()    {}
func (*PatternRepeat) pattern() {}
