// Package hive is the layout of files in folders that are called k=v, one level
// per column, which Hive, Spark and DuckDB write and read: the folders are the
// values of columns that the files then need not have. Floor 34: below
// internal/filetable and the connectors of files.
//
// A value is escaped so that it is the name of one folder (names.go), NULL and
// the empty text are [Null]. [Keys] tells which folder a row goes to, [Values]
// what the path of a file says, and [Excludes] that no row of it can satisfy a
// predicate.
package hive

import (
	"strings"
)

// Null is what Hive and Spark write for NULL.
const Null = "__HIVE_DEFAULT_PARTITION__"

// DefaultMaxOpen bounds the folders that a sink writes to at the same time, if
// nothing else is said.
const DefaultMaxOpen = 64

// Value is a k=v folder on the path of a file.
type Value struct {
	Key, Text string
	Null      bool
}

// Values are the k=v folders of a path, from the root on.
func Values(path string) []Value {
	var out []Value
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
	for i, part := range parts {
		if k, v, ok := strings.Cut(part, "="); ok && k != "" && i < len(parts)-1 {
			out = append(out, Value{Key: unescape(k), Text: unescape(v), Null: v == Null})
		}
	}
	return out
}

// Find is the value of a column among values; the folder nearest to the file
// counts.
func Find(values []Value, column string) (v Value, ok bool) {
	for i := len(values) - 1; i >= 0; i-- {
		if values[i].Key == column {
			return values[i], true
		}
	}
	return Value{}, false
}
