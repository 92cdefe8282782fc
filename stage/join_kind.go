package stage

// JoinKind says which rows a join emits.
type JoinKind int

// The kinds of joins. A semi or anti join emits rows of the left input only:
// those with a match, or those without.
const (
	InnerJoin JoinKind = iota
	LeftJoin           // and left rows without a match
	RightJoin          // and right rows without a match
	FullJoin           // and both
	SemiJoin
	AntiJoin
)

// String is the kind in the words of SQL.
func (k JoinKind) String() string {
	if k < InnerJoin || k > AntiJoin {
		return "unknown join"
	}
	return [...]string{"INNER JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN"}[k]
}

// pairs reports whether rows of both inputs are emitted side by side.
func (k JoinKind) pairs() bool { return k < SemiJoin }

// pads reports whether rows of input i are emitted because they have no match.
func (k JoinKind) pads(i int) bool {
	if i == 0 {
		return k == LeftJoin || k == FullJoin || k == AntiJoin
	}
	return k == RightJoin || k == FullJoin
}

// counts reports whether it matters how many matches a row of input i has.
func (k JoinKind) counts(i int) bool { return k.pads(i) || i == 0 && k == SemiJoin }
