package arrowstream

// Predicate compares a column of a source with a constant. A source whose
// struct has a field Predicates, a slice of this type or of one with the same
// fields, is handed what the query asks of its rows, so that it need not read
// parts of the input where, by what is known of them, no row satisfies all
// predicates. It may read rows that satisfy none: the query filters them.
type Predicate struct {
	Column string
	// Op is =, <, <=, >, >=, "is null" or "is not null". A NULL satisfies none
	// but "is null"; NaN is greater than every number.
	Op string
	// Value is an int64, float64, string or bool, for timestamps and dates a
	// time.Time; nil for "is null" and "is not null".
	Value any
}

// Pruning is a source with a field Predicates that has a use for predicates on
// some columns only, such as those that the folders of its files give.
type Pruning interface {
	Source
	// Prunes reports whether a predicate on a column is of use. It is called
	// after Schema.
	Prunes(column string) bool
}
