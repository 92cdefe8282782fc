package sql_test

import (
	"fmt"
	"strings"
)

// query is a query and whether its rows have an order.
func (g generator) query() (text string, ordered bool) {
	switch g.IntN(10) {
	case 0:
		l, kinds := g.fixed(nil)
		r, _ := g.fixed(kinds)
		return l + g.pick(" UNION ALL ", " UNION ALL ", " UNION ", " INTERSECT ", " EXCEPT ", " EXCEPT ALL ", " INTERSECT ALL ") + r, false
	case 1:
		inner, cols := g.block(nil)
		outer, out := g.block(&derived{"q", cols})
		return g.ordered(fmt.Sprintf("WITH q AS (%s) %s", inner, outer), out)
	case 2:
		inner, cols := g.block(nil)
		outer, out := g.block(&derived{"(" + inner + ") AS q", cols})
		return g.ordered(outer, out)
	}
	text, out := g.block(nil)
	return g.ordered(text, out)
}

// ordered puts all rows in order, sometimes, and takes some of them.
func (g generator) ordered(text string, cols []sqlColumn) (string, bool) {
	if !g.one(3) {
		return text, false
	}
	var by []string
	for _, i := range g.Perm(len(cols)) {
		by = append(by, cols[i].name+g.pick("", " DESC")+g.pick(" NULLS FIRST", " NULLS LAST"))
	}
	text += " ORDER BY " + strings.Join(by, ", ")
	if g.one(2) {
		text += fmt.Sprintf(" LIMIT %d", g.IntN(8))
		if g.one(3) {
			text += fmt.Sprintf(" OFFSET %d", g.IntN(4))
		}
	}
	return text, true
}

// derived is a table that is a query, and its columns.
type derived struct {
	text string
	cols []sqlColumn
}

// from is a FROM and the columns of its tables.
func (g generator) from(q *derived) (text string, scope []sqlColumn) {
	qualified := func(alias string, cols []sqlColumn) {
		for _, c := range cols {
			scope = append(scope, sqlColumn{alias + "." + c.name, c.kind})
		}
	}
	switch {
	case q != nil:
		qualified("q", q.cols)
		text = q.text
	case g.one(8):
		text = "(" + differ("tumble") + ") AS a"
		qualified("a", append(sqlColumns[:len(sqlColumns):len(sqlColumns)], sqlColumn{"window_start", kindTime}, sqlColumn{"window_end", kindTime}))
		return text, scope
	default:
		text = g.pick("t", "u", "v") + " AS a"
		qualified("a", sqlColumns)
	}
	for _, alias := range []string{"b", "c"} {
		if !g.one(2) {
			break
		}
		left := len(scope)
		join := g.pick(" JOIN ", " JOIN ", " LEFT JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ", " CROSS JOIN ", differ("semi"), differ("anti"))
		qualified(alias, sqlColumns)
		text += join + g.pick("t", "u", "v") + " AS " + alias
		if join != " CROSS JOIN " {
			text += " ON " + g.on(scope[:left], scope[left:])
		}
		if strings.HasPrefix(join, "\x01") {
			scope = scope[:left]
			break
		}
	}
	return text, scope
}

// on is the condition of a join.
func (g generator) on(l, r []sqlColumn) string {
	var terms []string
	for range 1 + g.IntN(5)/4 {
		k := r[g.IntN(len(r))].kind
		terms = append(terms, g.column(k, l)+g.pick(" = ", " = ", " = ", " IS NOT DISTINCT FROM ")+g.column(k, r))
	}
	if g.one(4) {
		terms = append(terms, g.condition(1, append(l[:len(l):len(l)], r...)))
	}
	return strings.Join(terms, " AND ")
}

// block is a SELECT over q, or over tables, and its columns.
func (g generator) block(q *derived) (string, []sqlColumn) {
	from, scope := g.from(q)
	var items []string
	var out []sqlColumn
	item := func(text string, k sqlKind) {
		name := fmt.Sprintf("c%d", len(items))
		items, out = append(items, text+" AS "+name), append(out, sqlColumn{name, k})
	}
	where, tail := "", ""
	if g.one(3) {
		where = " WHERE " + g.condition(outermost, scope)
	}
	verb := "SELECT "
	if g.one(2) {
		var by []string
		for range g.IntN(3) {
			c := scope[g.IntN(len(scope))]
			by = append(by, c.name)
			item(c.name, c.kind)
		}
		for range 1 + g.IntN(3) {
			item(g.aggregate(scope))
		}
		if len(by) > 0 {
			tail = " GROUP BY " + strings.Join(by, ", ")
		}
		if g.one(4) {
			tail += fmt.Sprintf(" HAVING count(*) %s %d", g.pick(">", "<", "="), g.IntN(4))
		}
	} else {
		for range 1 + g.IntN(4) {
			k := sqlKind(g.IntN(int(sqlKinds)))
			item(g.expr(k, 2, scope), k)
		}
		switch {
		case g.one(6):
			verb = "SELECT DISTINCT "
		case g.one(6):
			item(g.over(scope))
		}
	}
	return verb + strings.Join(items, ", ") + " FROM " + from + where + tail, out
}

// over is a window function whose value does not depend on the order of equal
// rows, and its kind.
func (g generator) over(scope []sqlColumn) (string, sqlKind) {
	fn, k := g.aggregate(scope)
	for strings.Contains(fn, "FILTER") || strings.Contains(fn, "DISTINCT") {
		fn, k = g.aggregate(scope)
	}
	window := "PARTITION BY " + scope[g.IntN(len(scope))].name
	if by := scope[g.IntN(len(scope))]; by.kind != kindTime && g.one(2) {
		if g.one(2) {
			fn, k = g.pick("rank()", "dense_rank()"), kindInt
		}
		window += " ORDER BY " + by.name + g.pick("", " DESC") + g.pick(" NULLS FIRST", " NULLS LAST")
	}
	return fn + " OVER (" + window + ")", k
}

// fixed is a SELECT whose columns have given kinds, or some, for set
// operations; numbers are cast so that both sides have one type.
func (g generator) fixed(kinds []sqlKind) (string, []sqlKind) {
	if kinds == nil {
		for range 1 + g.IntN(3) {
			kinds = append(kinds, sqlKind(g.IntN(int(sqlKinds))))
		}
	}
	from, scope := g.from(nil)
	var items []string
	for i, k := range kinds {
		text := g.expr(k, g.IntN(2), scope)
		switch k {
		case kindInt:
			text = "CAST(" + text + " AS BIGINT)"
		case kindDecimal:
			text = "CAST(" + text + " AS DECIMAL(18,2))"
		}
		items = append(items, fmt.Sprintf("%s AS c%d", text, i))
	}
	text := "SELECT " + strings.Join(items, ", ") + " FROM " + from
	if g.one(3) {
		text += " WHERE " + g.condition(1, scope)
	}
	return text, kinds
}
