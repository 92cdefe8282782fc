package sql_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// differences are what the two sides spell or mean in another way on purpose;
// the generator writes each in both ways. The first text is ours.
var differences = map[string][2]string{
	// The integer quotient is cut towards zero by an operator of its own.
	"div": {" DIV ", " // "},
	// The side that stays is named in our dialect.
	"semi": {" LEFT SEMI JOIN ", " SEMI JOIN "},
	"anti": {" LEFT ANTI JOIN ", " ANTI JOIN "},
	// Windows are table functions here and arithmetic there.
	"tumble": {"SELECT * FROM TABLE(TUMBLE(TABLE w, DESCRIPTOR(ts), INTERVAL '6' HOUR))", "SELECT *, time_bucket(INTERVAL '6' HOUR, ts, TIMESTAMP '1970-01-01') AS window_start, time_bucket(INTERVAL '6' HOUR, ts, TIMESTAMP '1970-01-01') + INTERVAL '6' HOUR AS window_end FROM w"},
}

// Beyond that the generator stays where both mean the same: every ORDER BY says
// where NULL goes (first here in ascending order, last there), a divisor is not
// zero (an error here, NULL there), decimals are not divided, averaged or cast
// to integers (other scales, cut here and rounded there), sums do not overflow
// (64 bits here, 128 there), and OVER does not order by a time, which in a stream
// is the event time: never NULL, and never late.

// sqlKind is a type as far as the generator tells types apart.
type sqlKind int

const (
	kindInt sqlKind = iota
	kindDouble
	kindDecimal
	kindText
	kindBool
	kindDate
	kindTime
	sqlKinds
)

// sqlColumn is a column that an expression may name.
type sqlColumn struct {
	name string
	kind sqlKind
}

// sqlColumns are the columns of every table of the generator.
var sqlColumns = []sqlColumn{
	{"i", kindInt}, {"b", kindInt}, {"x", kindDouble}, {"d", kindDecimal}, {"s", kindText}, {"f", kindBool}, {"y", kindDate}, {"ts", kindTime},
}

const sqlDeclared = "i INT, b BIGINT, x DOUBLE, d DECIMAL(10,2), s VARCHAR, f BOOLEAN, y DATE, ts TIMESTAMP(6)"

// generator writes queries at random: (*generator).query. What the two sides
// spell differently stands between \x01, \x02 and \x03, see [spelled].
type generator struct{ *rand.Rand }

// spelled is a text of the generator for one side: 0 is ours.
func spelled(text string, side int) string {
	var sb strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "\x01")
		sb.WriteString(before)
		if !ok {
			return sb.String()
		}
		pair, after, _ := strings.Cut(rest, "\x03")
		sb.WriteString(strings.Split(pair, "\x02")[side])
		text = after
	}
}

func differ(name string) string {
	d := differences[name]
	return "\x01" + d[0] + "\x02" + d[1] + "\x03"
}

func (g generator) pick(of ...string) string { return of[g.IntN(len(of))] }

// one reports true once in n times.
func (g generator) one(n int) bool { return g.IntN(n) == 0 }

// value is a cell in the spelling of testdata/slt.
func (g generator) value(k sqlKind) string {
	if g.one(6) {
		return "null"
	}
	switch k {
	case kindInt:
		return fmt.Sprint(g.IntN(9) - 3)
	case kindDouble:
		return g.pick("0", "-0", "0.25", "1.5", "-2.75", "3", "1", "NaN", "100.5")
	case kindDecimal:
		return g.pick("0.00", "1.00", "-1.25", "3.10", "99.99", "2.00")
	case kindText:
		return g.pick("a", "b", "ab", "B", "é", "日本", `" x "`, `""`, "abc", "%")
	case kindBool:
		return g.pick("true", "false")
	case kindDate:
		return fmt.Sprintf("2024-0%d-%02d", 1+g.IntN(3), 1+g.IntN(29))
	}
	return fmt.Sprintf("2024-01-%02dT%02d:%02d:00Z", 1+g.IntN(4), g.IntN(24), 20*g.IntN(3))
}

// literal is a constant.
func (g generator) literal(k sqlKind) string {
	switch k {
	case kindInt:
		return fmt.Sprint(g.IntN(7))
	case kindDouble:
		return g.pick("0.5e0", "1.5e0", "2e0", "0e0")
	case kindDecimal:
		return g.pick("1.00", "0.25", "3.1")
	case kindText:
		return g.pick("'a'", "'b'", "''", "'é'", "'ab'")
	case kindBool:
		return g.pick("TRUE", "FALSE")
	case kindDate:
		return fmt.Sprintf("DATE '2024-0%d-%02d'", 1+g.IntN(3), 1+g.IntN(29))
	}
	return fmt.Sprintf("TIMESTAMP '2024-01-%02d %02d:00:00'", 1+g.IntN(4), g.IntN(24))
}

// column is a column of a kind, or a constant if there is none.
func (g generator) column(k sqlKind, scope []sqlColumn) string {
	var of []string
	for _, c := range scope {
		if c.kind == k {
			of = append(of, c.name)
		}
	}
	if len(of) == 0 {
		return g.literal(k)
	}
	return g.pick(of...)
}

// expr is an expression of a kind over scope.
func (g generator) expr(k sqlKind, depth int, scope []sqlColumn) string {
	if depth <= 0 || g.one(4) {
		if g.one(6) {
			return g.literal(k)
		}
		return g.column(k, scope)
	}
	sub := func(k sqlKind) string { return g.expr(k, depth-1, scope) }
	switch g.IntN(8) {
	case 0:
		return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", sub(kindBool), sub(k), sub(k))
	case 1:
		return fmt.Sprintf("coalesce(%s, %s)", sub(k), sub(k))
	case 2:
		return fmt.Sprintf("nullif(%s, %s)", sub(k), sub(k))
	}
	switch k {
	case kindInt:
		switch g.IntN(6) {
		case 0:
			return fmt.Sprintf(g.pick("length(%s)", "ascii(%s)", "levenshtein(%s, 'abé')"), sub(kindText))
		case 1:
			return fmt.Sprintf("(%s %% nullif(%s, 0))", sub(k), sub(k))
		case 2:
			return "(" + sub(k) + differ("div") + "nullif(" + sub(k) + ", 0))"
		case 3:
			return fmt.Sprintf("abs(%s)", sub(k))
		case 4:
			return fmt.Sprintf("%s(%s)", g.pick("year", "month", "day"), sub(g.either(kindDate, kindTime)))
		}
		return fmt.Sprintf("(%s %s %s)", sub(k), g.pick("+", "-", "*"), sub(k))
	case kindDouble:
		switch g.IntN(5) {
		case 0:
			return fmt.Sprintf("(%s / nullif(%s, 0))", sub(g.either(kindDouble, kindInt)), sub(g.either(kindDouble, kindInt)))
		case 1:
			return fmt.Sprintf("CAST(%s AS DOUBLE)", sub(g.either(kindInt, kindDecimal)))
		case 2:
			return fmt.Sprintf("%s(%s)", g.pick("abs", "floor", "ceil"), sub(k))
		}
		return fmt.Sprintf("(%s %s %s)", sub(k), g.pick("+", "-", "*"), sub(g.either(k, kindInt)))
	case kindDecimal:
		return fmt.Sprintf("(%s %s %s)", sub(k), g.pick("+", "-"), g.column(k, scope))
	case kindText:
		switch g.IntN(5) {
		case 0:
			return fmt.Sprintf("%s(%s)", g.pick("upper", "lower", "trim", "reverse"), sub(k))
		case 1:
			return fmt.Sprintf("substring(%s, %d, %d)", sub(k), 1+g.IntN(2), g.IntN(3))
		case 2:
			return fmt.Sprintf("CAST(%s AS VARCHAR)", sub(g.either(kindInt, kindDate)))
		case 3:
			return fmt.Sprintf("%s(%s, %s, '-')", g.pick("replace", "translate"), sub(k), g.pick("'a'", "'b'", "'é'"))
		}
		return fmt.Sprintf("(%s || %s)", sub(k), sub(k))
	case kindDate:
		return fmt.Sprintf("CAST(%s AS DATE)", sub(kindTime))
	case kindTime:
		switch g.IntN(2) {
		case 0:
			return fmt.Sprintf("date_trunc('%s', %s)", g.pick("hour", "day", "month"), sub(k))
		}
		return fmt.Sprintf("(%s %s INTERVAL '%d' %s)", sub(k), g.pick("+", "-"), 1+g.IntN(5), g.pick("HOUR", "DAY", "MONTH"))
	}
	return g.condition(depth, scope)
}

func (g generator) either(a, b sqlKind) sqlKind {
	if g.one(2) {
		return a
	}
	return b
}

// outermost is the depth of a condition that may hold a query: that of WHERE.
const outermost = 2

// quantified is a condition with a query in it.
func (g generator) quantified(k sqlKind, scope []sqlColumn) string {
	inner := []sqlColumn{}
	for _, c := range sqlColumns {
		inner = append(inner, sqlColumn{"n." + c.name, c.kind})
	}
	from := "FROM " + g.pick("t", "u", "v") + " AS n"
	where := ""
	if g.one(2) {
		where = " WHERE " + g.condition(1, inner)
	}
	switch g.IntN(7) {
	case 0:
		return fmt.Sprintf("(%s %sIN (SELECT %s %s%s))", g.expr(k, 1, scope), g.pick("", "", "NOT "), g.expr(k, 1, inner), from, where)
	case 1:
		return fmt.Sprintf("(%sEXISTS (SELECT 1 %s WHERE %s = %s))", g.pick("", "NOT "), from, g.column(k, inner), g.column(k, scope))
	case 2:
		return fmt.Sprintf("(%sEXISTS (SELECT 1 %s%s))", g.pick("", "NOT "), from, where)
	case 3: // NOT IN of a row, and with a further condition
		l := sqlKind(g.IntN(int(sqlKinds)))
		return fmt.Sprintf("((%s, %s) %sIN (SELECT %s, %s %s%s))", g.expr(k, 1, scope), g.expr(l, 1, scope), g.pick("", "NOT ", "NOT "), g.expr(k, 1, inner), g.expr(l, 1, inner), from, where)
	case 4:
		by := g.either(kindInt, kindText)
		return fmt.Sprintf("(%s %sIN (SELECT %s %s WHERE %s %s %s))", g.expr(k, 1, scope), g.pick("", "NOT ", "NOT "), g.expr(k, 1, inner), from, g.column(by, inner), g.pick("=", "<", ">="), g.column(by, scope))
	case 5:
		return fmt.Sprintf("(%sEXISTS (SELECT 1 %s WHERE %s < %s))", g.pick("", "NOT "), from, g.column(k, inner), g.column(k, scope))
	}
	if k == kindBool {
		k = kindInt
	}
	return fmt.Sprintf("(%s %s (SELECT %s(%s) %s%s))", g.expr(k, 1, scope), g.pick("=", "<", ">="), g.pick("min", "max"), g.expr(k, 1, inner), from, where)
}

// condition is an expression of truth.
func (g generator) condition(depth int, scope []sqlColumn) string {
	k := sqlKind(g.IntN(int(sqlKinds)))
	sub := func(k sqlKind) string { return g.expr(k, depth-1, scope) }
	if depth == outermost && g.one(4) {
		return g.quantified(k, scope)
	}
	switch g.IntN(9) {
	case 0:
		return fmt.Sprintf("(%s AND %s)", sub(kindBool), sub(kindBool))
	case 1:
		return fmt.Sprintf("(%s OR %s)", sub(kindBool), sub(kindBool))
	case 2:
		return fmt.Sprintf("(NOT %s)", sub(kindBool))
	case 3:
		return fmt.Sprintf("(%s IS %sNULL)", sub(k), g.pick("", "NOT "))
	case 4:
		return fmt.Sprintf("(%s IS %sDISTINCT FROM %s)", sub(k), g.pick("", "NOT "), sub(k))
	case 5:
		return fmt.Sprintf("(%s %sBETWEEN %s AND %s)", sub(k), g.pick("", "NOT "), sub(k), sub(k))
	case 6:
		return fmt.Sprintf("(%s %sIN (%s, %s))", sub(k), g.pick("", "NOT "), g.literal(k), sub(k))
	case 7:
		return fmt.Sprintf("(%s %sLIKE %s)", sub(kindText), g.pick("", "NOT "), g.pick("'a%'", "'%b'", "'_'", "'%'", "'%é%'"))
	}
	return fmt.Sprintf("(%s %s %s)", sub(k), g.pick("=", "<>", "<", "<=", ">", ">="), sub(k))
}

// aggregate is a call of an aggregate function and its kind.
func (g generator) aggregate(scope []sqlColumn) (string, sqlKind) {
	k := sqlKind(g.IntN(int(sqlKinds)))
	text := ""
	switch g.IntN(7) {
	case 0:
		text, k = "count(*)", kindInt
	case 1:
		text, k = fmt.Sprintf("count(%s)", g.expr(k, 1, scope)), kindInt
	case 2:
		text, k = fmt.Sprintf("count(DISTINCT %s)", g.expr(k, 1, scope)), kindInt
	case 3:
		k = g.either(kindInt, g.either(kindDouble, kindDecimal))
		text = fmt.Sprintf("sum(%s)", g.expr(k, 1, scope))
	case 4:
		text, k = fmt.Sprintf("avg(%s)", g.expr(g.either(kindInt, kindDouble), 1, scope)), kindDouble
	case 5:
		text, k = fmt.Sprintf("%s(%s)", g.pick("bool_and", "bool_or"), g.condition(1, scope)), kindBool
	default:
		if k == kindBool {
			k = kindText
		}
		text = fmt.Sprintf("%s(%s)", g.pick("min", "max"), g.expr(k, 1, scope))
	}
	if g.one(4) {
		text += fmt.Sprintf(" FILTER (WHERE %s)", g.condition(1, scope))
	}
	return text, k
}
