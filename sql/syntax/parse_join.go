package syntax

// maxJoins is how many tables one FROM may put together.
const maxJoins = 500

// joined takes a table and the joins after it.
func (p *parser) joined() From {
	p.enter()
	defer p.leave()
	start := p.cur().Span
	left := p.table()
	for n := 0; !p.failed; n++ {
		if n > maxJoins {
			p.fail(p.cur().Span, "AS1107", "too many joins in one FROM", "name parts of it with WITH or CREATE VIEW")
		}
		if p.is("LATERAL", "VIEW") {
			left = p.lateralView(left, start)
			continue
		}
		if !p.startsJoin() {
			break
		}
		left = p.join(left, start)
	}
	return left
}

func (p *parser) startsJoin() bool {
	switch t := p.cur(); t.up {
	case "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL":
		return true
	case "ASOF":
		return p.clauseWord()
	}
	return false
}

// join takes one join with left as its left side. A join that follows before
// the condition belongs to the right side: a JOIN b JOIN c ON x ON y.
func (p *parser) join(left From, start Span) From {
	p.enter()
	defer p.leave()
	j := p.joinWords()
	j.L = left
	at, first := p.last, p.cur().Span
	j.R = p.table()
	if !j.Natural && j.Kind != JoinCross {
		for !p.failed && p.startsJoin() {
			j.R = p.join(j.R, first)
		}
		p.joinCondition(j, at)
	}
	j.Span = p.since(start)
	return j
}

// joinWords takes the words up to JOIN.
func (p *parser) joinWords() *Join {
	at := p.cur().Span
	j := &Join{Natural: p.word("NATURAL"), Asof: p.word("ASOF")}
	side := p.anyWord("INNER", "LEFT", "RIGHT", "FULL", "CROSS")
	switch side {
	case "LEFT":
		j.Kind = JoinLeft
	case "RIGHT":
		j.Kind = JoinRight
	case "FULL":
		j.Kind = JoinFull
	case "CROSS":
		j.Kind = JoinCross
	}
	if side == "LEFT" || side == "RIGHT" || side == "FULL" {
		switch p.anyWord("OUTER", "SEMI", "ANTI") {
		case "SEMI":
			j.Kind = JoinSemi
		case "ANTI":
			j.Kind = JoinAnti
		}
		if t := p.last; (j.Kind == JoinSemi || j.Kind == JoinAnti) && side != "LEFT" {
			p.fail(at.To(t), "AS1101", side+" "+p.src.Slice(t)+" JOIN is not part of the dialect", "exchange the tables and write LEFT")
		}
	}
	j.Asof = j.Asof || p.word("ASOF")
	p.want("JOIN")
	switch {
	case j.Asof && (j.Natural || j.Kind != JoinInner && j.Kind != JoinLeft):
		p.fail(at.To(p.last), "AS1101", "an ASOF JOIN is inner or LEFT", "")
	case j.Natural && j.Kind == JoinCross:
		p.fail(at.To(p.last), "AS1101", "a CROSS JOIN has no columns to match", "leave out NATURAL or CROSS")
	}
	return j
}

// joinCondition takes ON or USING, and MATCH_CONDITION before it.
func (p *parser) joinCondition(j *Join, at Span) {
	if j.Asof && p.word("MATCH_CONDITION") {
		open := p.cur().Span
		p.want("(")
		j.Match = p.expr()
		p.closing(")", open)
	}
	switch {
	case p.word("ON"):
		j.On = p.expr()
	case p.word("USING"):
		j.Using = p.idents("a column")
	case p.cur().kind == tokEOF || endsAlias(p.cur()):
		p.fail(at, "AS1101", "JOIN has no condition", "write ON a.k = b.k or USING (k) after the table, or CROSS JOIN")
	default:
		p.unexpected("ON or USING")
	}
}

// lateralView takes LATERAL VIEW [OUTER] f(x) alias AS columns, a join with a
// table function.
func (p *parser) lateralView(left From, start Span) From {
	p.take()
	p.take()
	j := &Join{Kind: JoinCross, L: left}
	if t := p.cur(); p.word("OUTER") {
		j.Kind, j.On = JoinLeft, &Bool{Span: t.Span, Value: true}
	}
	first := p.cur().Span
	n := p.name("a table function")
	if !p.is("(") {
		p.unexpected("(")
		return left
	}
	f := p.tableCall(n)
	a := Alias{}
	if !p.is("AS") {
		a.Name = p.alias()
	}
	if p.word("AS") || a.Name != nil && isName(p.cur()) && !isReserved(p.cur()) && !p.clauseWord() {
		a.Columns = append(a.Columns, p.ident("a column"))
		for p.op(",") {
			a.Columns = append(a.Columns, p.ident("a column"))
		}
	}
	if a.Name == nil && a.Columns != nil { // named like its first column
		a.Name = &a.Columns[0]
	}
	at := p.since(first)
	p.setAlias(f, a, at)
	if _, ok := f.(*TableFunc); ok {
		f = &Lateral{Span: at, Table: f}
	}
	j.R, j.Span = f, p.since(start)
	return j
}
