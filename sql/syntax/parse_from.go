package syntax

// tables takes the tables of FROM, with commas between them.
func (p *parser) tables() From {
	start := p.cur().Span
	left := p.joined()
	for n := 0; p.op(","); n++ {
		if n > maxJoins {
			p.fail(p.last, "AS1107", "too many tables in one FROM", "")
		}
		right := p.joined()
		left = &Join{Span: p.since(start), Kind: JoinCross, L: left, R: right}
	}
	return left
}

// table takes one table with what may stand around it.
func (p *parser) table() From {
	p.enter()
	defer p.leave()
	start := p.cur().Span
	if p.word("LATERAL") {
		f := p.table()
		switch f.(type) {
		case *Unnest: // sees the tables to its left anyway
			return f
		case *Derived, *TableFunc:
			return &Lateral{Span: p.since(start), Table: f}
		}
		p.fail(start, "AS1101", "LATERAL stands before a query in parentheses or a table function", "")
		return f
	}
	if p.is("STREAM") && isName(p.at(1)) && !isReserved(p.at(1)) {
		p.take()
	}
	f := p.tablePrimary()
	if _, ok := f.(*Join); ok {
		return f
	}
	f = p.around(f, start)
	a := p.tableAlias()
	if outer := p.around(f, start); outer != f { // the alias stood before FOR or MATCH_RECOGNIZE
		f = outer
		if second := p.tableAlias(); second.Name != nil {
			if a.Name != nil {
				p.fail(second.Name.Span, "AS1101", "the table has two aliases", "keep one of them")
			}
			a = second
		}
	}
	p.setAlias(f, a, p.since(start))
	return f
}

// setAlias gives the outermost node around a table its alias and its place.
func (p *parser) setAlias(f From, a Alias, at Span) {
	var alias *Alias
	switch f := f.(type) {
	case *Table:
		f.Span, alias = at, &f.Alias
		f.Hints = append(f.Hints, p.hints()...)
	case *Derived:
		f.Span, alias = at, &f.Alias
	case *TableFunc:
		f.Span, alias = at, &f.Alias
		f.Hints = append(f.Hints, p.hints()...)
	case *Unnest:
		f.Span, alias = at, &f.Alias
	case *Version:
		f.Span, alias = at, &f.Alias
	case *Watermark:
		f.Span, alias = at, &f.Alias
	case *Match:
		f.Span, alias = at, &f.Alias
	}
	switch {
	case a.Name == nil:
	case alias == nil || alias.Name != nil:
		p.fail(a.Name.Span, "AS1101", "the table has an alias already", "")
	default:
		*alias = a
	}
}

// tablePrimary takes a name, a path, a query, a table function, VALUES or
// tables in parentheses, without an alias.
func (p *parser) tablePrimary() From {
	t := p.cur()
	switch {
	case t.is("("):
		query := p.opensQuery(0)
		p.take()
		if query {
			d := &Derived{Query: p.query()}
			p.closing(")", t.Span)
			return d
		}
		f := p.joined()
		p.closing(")", t.Span)
		return f
	case t.is("VALUES") && p.at(1).is("("):
		v := p.queryTerm()
		return &Derived{Query: &Query{Span: v.Range(), Body: v}}
	case t.kind == tokString:
		p.take()
		return &Table{Path: t.text, Hints: p.hints()}
	case t.is("TABLE") && p.at(1).is("("):
		p.take()
		open := p.take().Span
		f := p.table()
		p.closing(")", open)
		if _, ok := f.(*Join); ok {
			p.fail(open, "AS1101", "TABLE( ) holds one table", "")
		}
		return f
	}
	n := p.name("a table, a file name in quotes or a query in parentheses")
	if p.is("(") {
		return p.tableCall(n)
	}
	return &Table{Name: n, Hints: p.hints()}
}

// tableCall takes the arguments of a table function.
func (p *parser) tableCall(n Name) From {
	if len(n.Parts) == 1 && upperIn(n.Parts[0].Name, "UNNEST", "EXPLODE", "POSEXPLODE", "INLINE") {
		open := p.take().Span
		u := &Unnest{X: p.expr(), Position: upperIn(n.Parts[0].Name, "POSEXPLODE")}
		p.closing(")", open)
		u.Ordinality = !u.Position && p.word("WITH", "ORDINALITY")
		return u
	}
	x := p.call(n)
	c, ok := x.(*Call)
	if !ok {
		p.fail(x.Range(), "AS1101", n.String()+" is no table function", "table functions: TUMBLE, HOP, CUMULATE, SESSION, ML_PREDICT, ML_EVALUATE, ML_WEIGHTS, ML_CENTROIDS, GENERATE_SERIES")
		return &Table{Name: n}
	}
	return &TableFunc{Call: c, Hints: p.hints()}
}

// around takes what may follow a table before its alias.
func (p *parser) around(f From, start Span) From {
	for !p.failed {
		t := p.cur()
		switch {
		case p.is("FOR", "SYSTEM_TIME"), p.versionNow():
			if _, ok := f.(*Version); ok {
				p.fail(t.Span, "AS1101", "the table has two versions", "")
			}
			p.word("FOR", "SYSTEM_TIME")
			p.want("AS", "OF")
			at := p.binary(bpBitOr)
			f = &Version{Span: p.since(start), Table: f, At: at}
		case t.is("WATERMARK") && p.clauseWord():
			if _, ok := f.(*Watermark); ok {
				p.fail(t.Span, "AS1101", "the table has two watermarks", "keep one of them")
			}
			p.take()
			w := &Watermark{Table: f, Time: p.binary(bpBitOr)}
			p.want("DELAY", "OF")
			w.Delay = p.duration()
			w.Span = p.since(start)
			f = w
		case p.is("MATCH_RECOGNIZE", "("):
			if _, ok := f.(*Match); ok {
				p.fail(t.Span, "AS1409", "MATCH_RECOGNIZE over the matches of another one is refused", "put the first one into a query in parentheses")
			}
			f = p.matchRecognize(f, start)
		case t.is("TABLESAMPLE"):
			p.unsupported(t.Span, "TABLESAMPLE is", "")
		default:
			return f
		}
	}
	return f
}

// versionNow reports whether AS OF PROCTIME() follows and no alias.
func (p *parser) versionNow() bool { return p.is("AS", "OF", "PROCTIME", "(") }

func (p *parser) tableAlias() Alias {
	if p.versionNow() {
		return Alias{}
	}
	a := Alias{Name: p.alias()}
	if a.Name != nil && p.is("(") {
		a.Columns = p.idents("a column")
	}
	return a
}

// alias takes [AS] name, nil if there is none.
func (p *parser) alias() *Ident {
	if p.word("AS") {
		id := p.ident("a name after AS")
		return &id
	}
	t := p.cur()
	if !isName(t) || isReserved(t) || p.clauseWord() {
		return nil
	}
	id := p.ident("a name")
	return &id
}

// clauseWord reports whether the current word goes on with a query and is not
// the alias of what stands before it. Few words are reserved: most count only
// with what follows them.
func (p *parser) clauseWord() bool {
	t, next := p.cur(), p.at(1)
	if t.kind != tokIdent {
		return false
	}
	switch t.up {
	case "ASOF":
		return next.is("JOIN") || next.is("LEFT") || next.is("INNER")
	case "EMIT":
		return next.is("ON") || !endsAlias(next)
	case "MATCH_CONDITION", "MATCH_RECOGNIZE":
		return next.is("(")
	case "WINDOW":
		return isName(next) && p.at(2).is("AS")
	case "SET", "INSERT": // a semicolon is missing
		return !next.is(",")
	case "ALLOW", "DIV", "ESCAPE", "FETCH", "FOR", "ILIKE", "LATE", "LATERAL", "MINUS", "OFFSET", "QUALIFY", "REGEXP", "RLIKE", "SIMILAR", "TABLESAMPLE", "WATERMARK":
		return !endsAlias(next)
	}
	return false
}

// endsAlias reports whether t can only stand after an alias, so that the word
// before it is one.
func endsAlias(t *token) bool {
	switch t.up {
	case "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "EXCEPT", "INTERSECT", "JOIN", "INNER", "FULL", "CROSS", "NATURAL", "ON", "USING":
		return true
	}
	return t.kind == tokEOF || t.is(",") || t.is(")") || t.is(";")
}
