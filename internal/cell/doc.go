// Package cell builds columns value by value and turns values into text and
// back: what the connectors of text formats and the generators share. Floor 1.
//
// A [Rows] collects rows whose columns may be filled in any order and take a
// half-filled row back. Parsing is strict: a number that does not fit, a
// fraction for an integer or an unknown spelling is an error, never a near value.
package cell
