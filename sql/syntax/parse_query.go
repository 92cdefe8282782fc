package syntax

// startsQuery reports whether a query starts here; parentheses before SELECT
// count as one.
func (p *parser) startsQuery() bool {
	n := 0
	for p.at(n).is("(") && n < maxDepth {
		n++
	}
	return p.queryWord(n)
}

// queryWord reports whether the n-th token starts a query.
func (p *parser) queryWord(n int) bool {
	t := p.at(n)
	return t.is("SELECT") || t.is("WITH") || t.is("VALUES") && p.at(n+1).is("(")
}

// opensQuery reports whether the parenthesis at the n-th token holds a query,
// and not an expression or a join that starts with one: ((SELECT 1) + 2).
func (p *parser) opensQuery(n int) bool {
	inner := n + 1
	for p.at(inner).is("(") && inner-n < maxDepth {
		inner++
	}
	if !p.queryWord(inner) {
		return false
	}
	for k := n + 1; k < inner; k++ {
		if end := p.match(k); end >= 0 && !p.continuesQuery(end+1) {
			return false
		}
	}
	return true
}

// continuesQuery reports whether the n-th token can follow a query in
// parentheses that is a part of another one.
func (p *parser) continuesQuery(n int) bool {
	t := p.at(n)
	switch t.up {
	case "UNION", "EXCEPT", "MINUS", "INTERSECT", "ORDER", "LIMIT", "OFFSET", "FETCH", "EMIT", "ALLOW", "LATE":
		return true
	case "ON":
		return p.at(n + 1).is("ERROR")
	}
	return t.is(")") || t.kind == tokEOF
}

// query takes a query with everything that may stand around it.
func (p *parser) query() *Query {
	p.enter()
	defer p.leave()
	start := p.cur().Span
	q := &Query{}
	if p.word("WITH") {
		if p.is("RECURSIVE") {
			p.fail(p.cur().Span, "AS1408", "recursive WITH is refused", "a stream has no fixed point to stop at")
		}
		for {
			c := CTE{Name: p.newName("a name for the query")}
			if p.is("(") {
				c.Columns = p.idents("a column")
			}
			p.want("AS")
			open := p.cur().Span
			p.want("(")
			c.Query = p.query()
			p.closing(")", open)
			q.With = append(q.With, c)
			if !p.op(",") {
				break
			}
		}
	}
	q.Body = p.setExpr(0)
	if p.is("ORDER") {
		p.want("ORDER", "BY")
		q.OrderBy = p.orders()
	}
	for !p.failed {
		switch {
		case q.Limit == nil && p.word("LIMIT"):
			q.Limit = p.binary(bpBitOr)
			continue
		case q.Offset == nil && p.word("OFFSET"):
			q.Offset = p.binary(bpBitOr)
			p.anyWord("ROWS", "ROW")
			continue
		case q.Limit == nil && p.word("FETCH"):
			if p.anyWord("FIRST", "NEXT") == "" {
				p.unexpected("FIRST")
			}
			if t := p.cur(); (t.is("ROW") || t.is("ROWS")) && p.at(1).is("ONLY") {
				q.Limit = &Number{Span: t.Span, Text: "1"}
			} else {
				q.Limit = p.binary(bpBitOr)
			}
			if p.anyWord("ROWS", "ROW") == "" {
				p.unexpected("ROWS")
			}
			p.want("ONLY")
			continue
		}
		break
	}
	p.streamClauses(&q.Stream)
	q.Span = p.since(start)
	return q
}

// setExpr takes SELECT blocks joined by set operations; level 1 binds tighter
// and holds INTERSECT only.
func (p *parser) setExpr(level int) Body {
	p.enter()
	defer p.leave()
	term := func() Body {
		if level == 0 {
			return p.setExpr(1)
		}
		return p.queryTerm()
	}
	left := term()
	for n := 0; !p.failed; n++ {
		t := p.cur()
		op := t.up
		switch {
		case level == 0 && (t.is("UNION") || t.is("EXCEPT") || t.is("MINUS")), level == 1 && t.is("INTERSECT"):
		default:
			return left
		}
		if n > maxChain/4 {
			p.fail(t.Span, "AS1107", "too many set operations in one query", "")
		}
		p.take()
		if op == "MINUS" {
			op = "EXCEPT"
		}
		u := &Union{Op: op, L: left}
		switch p.anyWord("ALL", "DISTINCT") {
		case "ALL":
			u.All = true
		}
		u.R = term()
		u.Span = p.since(left.Range())
		left = u
	}
	return left
}

func (p *parser) queryTerm() Body {
	t := p.cur()
	switch {
	case t.is("("):
		p.take()
		q := p.query()
		p.closing(")", t.Span)
		return q
	case t.is("VALUES"):
		p.take()
		v := &Values{}
		for {
			open := p.cur().Span
			p.want("(")
			v.Rows = append(v.Rows, p.exprs())
			p.closing(")", open)
			if !p.op(",") {
				break
			}
		}
		v.Span = p.since(t.Span)
		return v
	case t.is("SELECT"):
		return p.selectBlock()
	case t.is("FROM"):
		p.unexpected("SELECT before FROM")
	}
	p.unexpected("SELECT")
	return &Select{Span: t.Span}
}

func (p *parser) selectBlock() *Select {
	start := p.take().Span
	s := &Select{Hints: p.hints()}
	switch {
	case p.is("DISTINCT", "ON", "("):
		p.take()
		p.take()
		open := p.take().Span
		s.DistinctOn = p.exprs()
		p.closing(")", open)
	case p.word("DISTINCT"):
		s.Distinct = true
	default:
		p.word("ALL")
	}
	for {
		if p.is("FROM") {
			p.fail(p.cur().Span, "AS1101", `unexpected "FROM", expected a column or expression`, "write * for all columns; the last column has no comma behind it")
		}
		s.Items = append(s.Items, p.item())
		if !p.op(",") {
			break
		}
	}
	if p.word("FROM") {
		s.From = p.tables()
	}
	if p.word("WHERE") {
		s.Where = p.expr()
	}
	if p.is("GROUP") {
		p.want("GROUP", "BY")
		s.GroupBy = p.groups()
	}
	if p.word("HAVING") {
		s.Having = p.expr()
	}
	for !p.failed {
		if s.Windows == nil && p.is("WINDOW") {
			p.take()
			s.Windows = p.namedWindows()
		} else if s.Qualify == nil && p.word("QUALIFY") {
			s.Qualify = p.expr()
		} else {
			break
		}
	}
	s.Span = p.since(start)
	return s
}

// item takes one output of a SELECT.
func (p *parser) item() Item {
	x := p.expr()
	if star, ok := x.(*Star); ok && star.X == nil {
		p.starChanges(star)
		return Item{X: x}
	}
	return Item{X: x, Alias: p.alias()}
}

// starChanges takes EXCEPT (a, b), also EXCLUDE, and REPLACE (x AS c) behind *.
func (p *parser) starChanges(star *Star) {
	if (p.is("EXCEPT", "(") || p.is("EXCLUDE", "(")) && !p.at(2).is("SELECT") && !p.at(2).is("(") && !p.at(2).is("VALUES") && !p.at(2).is("WITH") {
		p.take()
		star.Except = p.idents("a column")
	} else if p.is("EXCLUDE") && isName(p.at(1)) {
		p.take()
		star.Except = []Ident{p.ident("a column")}
	}
	if !p.is("REPLACE", "(") {
		star.Span = p.since(star.Span)
		return
	}
	p.take()
	open := p.take().Span
	for !p.failed {
		it := Item{X: p.expr(), Alias: p.alias()}
		if it.Alias == nil && !p.failed {
			p.unexpected("AS and the column that the expression is put for")
		}
		if star.Replace = append(star.Replace, it); !p.op(",") {
			break
		}
	}
	p.closing(")", open)
	star.Span = p.since(star.Span)
}

// groups takes the items of GROUP BY; a list of keys is the keys.
func (p *parser) groups() []Expr {
	var out []Expr
	for {
		x := p.group()
		if row, ok := x.(*Row); ok && len(row.Items) > 0 {
			out = append(out, row.Items...)
		} else {
			out = append(out, x)
		}
		if !p.op(",") {
			return out
		}
	}
}

// group takes an expression, GROUPING SETS, ROLLUP or CUBE, or the empty list.
func (p *parser) group() Expr {
	t := p.cur()
	switch {
	case (t.is("ROLLUP") || t.is("CUBE")) && p.at(1).is("("):
		p.take()
		return p.grouping(t.Span, t.up)
	case p.is("GROUPING", "SETS", "("):
		p.take()
		p.take()
		return p.grouping(t.Span, "GROUPING SETS")
	case p.is("(", ")"):
		p.take()
		p.take()
		return &Row{Span: p.since(t.Span)}
	}
	x := p.expr()
	if row, ok := x.(*Row); ok && len(row.Items) == 1 {
		return row.Items[0]
	}
	return x
}

// grouping takes the sets of a grouping in parentheses.
func (p *parser) grouping(start Span, kind string) Expr {
	p.enter()
	defer p.leave()
	g := &Grouping{Kind: kind}
	open := p.take().Span
	for {
		x := p.group()
		if inner, ok := x.(*Grouping); ok && kind != "GROUPING SETS" {
			p.fail(inner.Span, "AS1101", inner.Kind+" inside "+kind, "groupings nest in GROUPING SETS only")
		}
		g.Sets = append(g.Sets, x)
		if !p.op(",") {
			break
		}
	}
	p.closing(")", open)
	g.Span = p.since(start)
	return g
}

// orders takes the keys of ORDER BY.
func (p *parser) orders() []Order {
	var out []Order
	for {
		o := Order{X: p.expr()}
		if p.anyWord("ASC") == "" {
			o.Desc = p.anyWord("DESC") != ""
		}
		if p.word("NULLS") {
			if o.Nulls = p.anyWord("FIRST", "LAST"); o.Nulls == "" {
				p.unexpected("FIRST or LAST")
			}
		}
		out = append(out, o)
		if !p.op(",") {
			return out
		}
	}
}
