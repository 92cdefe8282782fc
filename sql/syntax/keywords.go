package syntax

import (
	"slices"
	"strings"
)

// reserved words end an expression or start a clause: they are no implicit
// alias and no column name unless quoted. The list is short on purpose.
var reserved = []string{
	"AND", "AS", "BETWEEN", "BY", "CASE", "CROSS", "DISTINCT", "ELSE", "EXCEPT", "FROM", "FULL", "GROUP", "HAVING", "IN", "INNER", "INTERSECT",
	"INTO", "IS", "JOIN", "LEFT", "LIKE", "LIMIT", "NATURAL", "NOT", "NULL", "ON", "OR", "ORDER", "RIGHT", "SELECT", "THEN", "UNION", "USING",
	"WHEN", "WHERE", "WITH",
}

// isReserved reports whether t is a reserved word.
func isReserved(t *token) bool {
	return t.kind == tokIdent && reservedSet[t.up]
}

var reservedSet = func() map[string]bool {
	set := make(map[string]bool, len(reserved))
	for _, w := range reserved {
		set[w] = true
	}
	return set
}()

// upperIn reports whether a name is one of the words, which are in upper case.
func upperIn(name string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, name) })
}

// keywords are what a mistyped word is compared with.
var keywords = append([]string{
	"AFTER", "ALL", "ALLOW", "ALTER", "ANALYZE", "ANTI", "ASOF", "BATCH", "CAST", "CREATE", "CUBE", "CURRENT", "DATABASE", "DEFINE", "DELAY", "DESC",
	"DESCRIBE", "DESCRIPTOR", "DROP", "EMIT", "EMPTY", "ENCODE", "END", "ERROR", "EXECUTE", "EXISTS", "EXPLAIN", "FETCH", "FILTER", "FIRST", "FOLLOWING",
	"FUNCTION", "GROUPING", "ILIKE", "INCLUDE", "INSERT", "INTERVAL", "JSON", "LAST", "LATENESS", "LATERAL", "MATCH", "MATCH_CONDITION",
	"MATCH_RECOGNIZE", "MATERIALIZED", "MEASURES", "METADATA", "MODEL", "NEXT", "NULLS", "OFFSET", "OPTIONS", "OUTER", "OVERWRITE", "PARTITION",
	"PARTITIONED", "PATTERN", "PERMUTE", "PRECEDING", "PRIMARY", "QUALIFY", "RANGE", "RECURSIVE", "RENAME", "RESET", "RETURNING", "RLIKE", "ROLLUP",
	"ROW", "ROWS", "SCAN", "SEMI", "SET", "SHOW", "SIMILAR", "SINK", "SKIP", "STATEMENT", "STREAM", "SUMMARIZE", "TABLE", "TEMPORARY", "TIMEOUT",
	"TRANSFORM", "UNBOUNDED", "UNKNOWN", "VALUES", "VERBOSE", "VIEW", "WATERMARK", "WINDOW", "WITHIN", "WRAPPER",
}, reserved...)

var statementWords = []string{
	"ALTER", "CREATE", "DESC", "DESCRIBE", "DROP", "EXECUTE", "EXPLAIN", "INSERT", "RESET", "SELECT", "SET", "SHOW", "SUMMARIZE", "USE", "VALUES", "WITH",
}
