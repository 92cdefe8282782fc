package syntax

import "strings"

// matchRecognize takes MATCH_RECOGNIZE (...) over table.
func (p *parser) matchRecognize(table From, start Span) From {
	p.enter()
	defer p.leave()
	p.take()
	open := p.take().Span
	m := &Match{Table: table}
	if p.word("PARTITION", "BY") {
		m.Partition = p.exprs()
	}
	p.want("ORDER", "BY")
	m.OrderBy = p.orders()
	p.want("MEASURES")
	for {
		x := p.matchExpr()
		p.want("AS")
		name := p.ident("a name for the measure")
		m.Measures = append(m.Measures, Item{X: x, Alias: &name})
		if !p.op(",") {
			break
		}
	}
	p.matchRows(m)
	p.matchSkip(m)
	p.want("PATTERN")
	inner := p.cur().Span
	p.want("(")
	m.Pattern = p.pattern()
	p.closing(")", inner)
	if p.word("WITHIN") {
		m.Within = p.duration()
	}
	if t := p.cur(); t.is("SUBSET") {
		p.refuseMatch(t.Span, "SUBSET", "write the condition of every variable")
	}
	p.want("DEFINE")
	for {
		d := Define{Var: p.ident("a variable of the pattern")}
		p.want("AS")
		d.Cond = p.matchExpr()
		m.Define = append(m.Define, d)
		if !p.op(",") {
			break
		}
	}
	p.closing(")", open)
	m.Span = p.since(start)
	return m
}

// refuseMatch names a form of MATCH_RECOGNIZE that is not part of the dialect.
func (p *parser) refuseMatch(at Span, what, hint string) {
	p.fail(at, "AS1409", what+" is refused in MATCH_RECOGNIZE", hint)
}

// matchExpr takes a measure or a condition.
func (p *parser) matchExpr() Expr {
	if t := p.cur(); (t.is("FINAL") || t.is("RUNNING")) && isName(p.at(1)) && !isReserved(p.at(1)) {
		p.refuseMatch(t.Span, t.up, "measures are final with ONE ROW PER MATCH and running with ALL ROWS PER MATCH")
	}
	x := p.expr()
	Any(x, func(x Expr) bool {
		c, ok := x.(*Call)
		if ok && strings.EqualFold(c.Fn.String(), "NEXT") {
			p.refuseMatch(c.Span, "NEXT", "a later row is not known yet; make it the last variable of the pattern and look back with PREV")
		}
		return p.failed
	})
	return x
}

// matchRows takes ONE ROW or ALL ROWS PER MATCH.
func (p *parser) matchRows(m *Match) {
	switch {
	case p.is("ONE", "ROW"):
		p.want("ONE", "ROW", "PER", "MATCH")
	case p.is("ALL", "ROWS"):
		p.want("ALL", "ROWS", "PER", "MATCH")
		m.AllRows = true
		switch t := p.cur(); {
		case t.is("SHOW"), t.is("OMIT"):
			p.refuseMatch(t.Span, t.up+" EMPTY MATCHES", "a pattern matches one row at least")
		case t.is("WITH"):
			p.refuseMatch(t.Span, "WITH UNMATCHED ROWS", "")
		}
	}
}

// matchSkip takes AFTER MATCH SKIP.
func (p *parser) matchSkip(m *Match) {
	if !p.word("AFTER") {
		return
	}
	p.want("MATCH", "SKIP")
	named := isName(p.at(2)) && !(p.at(2).is("PATTERN") && p.at(3).is("("))
	switch {
	case p.is("PAST"):
		p.want("PAST", "LAST", "ROW")
	case p.word("TO", "NEXT", "ROW"):
		m.Skip = SkipToNext
	case p.is("TO", "FIRST") && named:
		p.take()
		p.take()
		m.Skip, m.SkipTo = SkipToFirst, p.ident("a variable")
	case p.is("TO", "LAST") && named:
		p.take()
		p.take()
		m.Skip, m.SkipTo = SkipToLast, p.ident("a variable")
	case p.word("TO"):
		m.Skip, m.SkipTo = SkipToLast, p.ident("NEXT ROW, FIRST, LAST or a variable")
	default:
		p.unexpected("PAST LAST ROW or TO after SKIP")
	}
}

// pattern takes alternatives.
func (p *parser) pattern() Pattern {
	p.enter()
	defer p.leave()
	start := p.cur().Span
	var items []Pattern
	for {
		switch x := p.patternSeq().(type) {
		case *PatternAlt:
			items = append(items, x.Items...)
		case nil:
		default:
			items = append(items, x)
		}
		if !p.op("|") {
			break
		}
	}
	if len(items) == 1 {
		return items[0]
	}
	return &PatternAlt{Span: p.since(start), Items: items}
}

func (p *parser) patternSeq() Pattern {
	start := p.cur().Span
	var items []Pattern
	for !p.failed && (len(items) == 0 || !p.is("|") && !p.is(")")) {
		x := p.patternItem()
		if seq, ok := x.(*PatternSeq); ok {
			items = append(items, seq.Items...)
			continue
		}
		items = append(items, x)
	}
	if len(items) == 1 {
		return items[0]
	}
	return &PatternSeq{Span: p.since(start), Items: items}
}

// patternItem takes a variable or a group with its quantifier.
func (p *parser) patternItem() Pattern {
	t := p.cur()
	var x Pattern = &PatternVar{}
	switch {
	case t.is("PERMUTE") && p.at(1).is("("):
		p.refuseMatch(t.Span, "PERMUTE", "write the orders with | between them")
	case t.is("^"), t.is("$"):
		p.refuseMatch(t.Span, "an anchor ("+t.text+")", "a stream has no first and no last row of a partition")
	case p.is("{", "-"):
		p.refuseMatch(t.Span, "exclusion ({- -})", "leave the rows out in a query around it: WHERE")
	case p.is("(", ")"):
		p.refuseMatch(t.Span, "the empty pattern", "a pattern matches one row at least")
	case t.is("("):
		p.take()
		x = p.pattern()
		p.closing(")", t.Span)
	default:
		x = &PatternVar{p.ident("a variable of the pattern")}
	}
	return p.quantified(x, t.Span)
}

// quantified takes the quantifier after x, if there is one.
func (p *parser) quantified(x Pattern, start Span) Pattern {
	r := &PatternRepeat{X: x, Min: 1, Max: 1}
	t := p.cur()
	switch {
	case p.op("*"):
		r.Min, r.Max = 0, -1
	case p.op("+"):
		r.Max = -1
	case t.kind == tokParam && t.text == "?":
		p.take()
		r.Min = 0
	case t.is("{") && !p.at(1).is("-"):
		p.bounds(r)
	default:
		return x
	}
	if t := p.cur(); t.kind == tokParam && t.text == "?" {
		p.take()
		r.Reluctant = true
	}
	if r.Min == 1 && r.Max == 1 {
		return x
	}
	r.Span = p.since(start)
	return r
}

// bounds takes {n}, {n,}, {n,m} or {,m}.
func (p *parser) bounds(r *PatternRepeat) {
	open := p.take().Span
	r.Min, r.Max = 0, -1
	if !p.is(",") {
		r.Min = p.integer("a number of rows")
		r.Max = r.Min
	}
	if p.op(",") {
		r.Max = -1
		if !p.is("}") {
			r.Max = p.integer("a number of rows")
		}
	}
	p.closing("}", open)
	switch at := p.since(open); {
	case r.Max == 0:
		p.fail(at, "AS1409", "a variable that holds for no row is refused in MATCH_RECOGNIZE", "leave it out")
	case r.Max >= 0 && r.Max < r.Min:
		p.fail(at, "AS1101", "the quantifier has no number between its bounds", "")
	case r.Max < 0 && r.Min == 0 && p.src.Slice(at) == "{,}":
		p.fail(at, "AS1101", "the quantifier has no bound", "write *")
	}
}
