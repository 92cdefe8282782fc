package syntax

// reserved words end an expression or start a clause: they are no implicit
// alias and no column name unless quoted. The list is short on purpose.
var reserved = []string{
	"AND", "AS", "BETWEEN", "BY", "CASE", "CROSS", "DISTINCT", "ELSE", "EXCEPT", "FROM", "FULL", "GROUP", "HAVING", "IN", "INNER", "INTERSECT",
	"INTO", "IS", "JOIN", "LEFT", "LIKE", "LIMIT", "NATURAL", "NOT", "NULL", "ON", "OR", "ORDER", "RIGHT", "SELECT", "THEN", "UNION", "USING",
	"WHEN", "WHERE", "WITH",
}

// afterTable are words that may follow a table or an item without being its
// alias, beside the reserved ones.
var afterTable = []string{
	"ALLOW", "ASOF", "EMIT", "FETCH", "FOR", "ILIKE", "LATE", "LATERAL", "MATCH_RECOGNIZE", "MINUS", "OFFSET", "QUALIFY", "REGEXP", "RLIKE", "SIMILAR",
	"TABLESAMPLE", "WATERMARK", "WINDOW", "DIV", "ESCAPE",
}

// keywords are what a mistyped word is compared with.
var keywords = append([]string{
	"ALL", "ALLOW", "CAST", "CREATE", "DELAY", "DESC", "DESCRIBE", "DESCRIPTOR", "DROP", "EMIT", "END", "EXECUTE", "EXISTS", "EXPLAIN", "FILTER",
	"FUNCTION", "ILIKE", "INSERT", "INTERVAL", "LATENESS", "METADATA", "MODEL", "NULLS", "OFFSET", "OPTIONS", "OVERWRITE", "PARTITIONED", "PRIMARY",
	"RESET", "RLIKE", "SET", "SHOW", "STATEMENT", "TABLE", "TEMPORARY", "TIMEOUT", "TRANSFORM", "VALUES", "VIEW", "WATERMARK",
}, reserved...)

var statementWords = []string{"CREATE", "DESC", "DESCRIBE", "DROP", "EXECUTE", "EXPLAIN", "INSERT", "RESET", "SELECT", "SET", "SHOW", "VALUES", "WITH"}
