package syntax

import "strings"

// call takes the arguments of a function and what may follow them.
func (p *parser) call(fn Name) Expr {
	p.enter()
	defer p.leave()
	start := fn.Span
	open := p.take().Span
	upper := strings.ToUpper(fn.String())
	switch upper {
	case "EXTRACT":
		if u := p.cur(); u.kind == tokIdent && p.at(1).is("FROM") {
			p.take()
			p.take()
			x := p.expr()
			p.closing(")", open)
			return &Extract{Span: p.since(start), Unit: u.up, X: x}
		}
	case "DESCRIPTOR":
		d := &Descriptor{}
		for {
			d.Columns = append(d.Columns, p.ident("a column"))
			if !p.op(",") {
				break
			}
		}
		p.closing(")", open)
		d.Span = p.since(start)
		return d
	case "ML.PREDICT", "ML.EVALUATE", "ML.WEIGHTS", "ML.CENTROIDS":
		fn = Name{Span: fn.Span, Parts: []Ident{{Span: fn.Span, Name: strings.ReplaceAll(upper, ".", "_")}}}
	}
	c := &Call{Fn: fn}
	switch {
	case p.is("*", ")"):
		p.take()
		c.Star = true
	case !p.is(")"):
		c.Distinct = p.word("DISTINCT")
		if !c.Distinct {
			p.word("ALL")
		}
		c.Args = p.args(upper)
	}
	if p.word("ORDER", "BY") {
		c.OrderBy = p.orders()
	}
	p.closing(")", open)
	if p.is("WITHIN", "GROUP") {
		p.unsupported(p.cur().Span, "WITHIN GROUP is", "")
	}
	if p.is("FILTER", "(") {
		p.take()
		open := p.take().Span
		p.want("WHERE")
		c.Filter = p.expr()
		p.closing(")", open)
	}
	if p.is("OVER") && (p.at(1).is("(") || p.at(1).kind == tokIdent) {
		p.unsupported(p.cur().Span, "OVER is", "use a window: TUMBLE, HOP or SESSION")
	}
	c.Span = p.since(start)
	return c
}

// args takes the arguments of a call, with the forms that replace commas by
// words in a few functions.
func (p *parser) args(fn string) []Arg {
	if fn == "TRIM" {
		return p.trimArgs()
	}
	var out []Arg
	if fn == "POSITION" && !isName(p.cur()) || fn == "POSITION" && p.at(1).is("IN") {
		out = append(out, Arg{Value: p.binary(bpBitOr)}) // IN separates the arguments here
		if !p.op(",") && !p.word("IN") {
			return out
		}
	}
	for {
		out = append(out, p.arg())
		switch {
		case p.op(","):
			continue
		case len(out) <= 2 && (fn == "SUBSTRING" || fn == "SUBSTR") && (p.word("FROM") || p.word("FOR")):
			continue
		case len(out) == 1 && (fn == "FLOOR" || fn == "CEIL" || fn == "CEILING") && p.word("TO"):
			continue
		}
		return out
	}
}

// trimArgs takes [BOTH|LEADING|TRAILING] [c FROM] s and TRIM(s [, c]). The
// canonical order is s, c, side.
func (p *parser) trimArgs() []Arg {
	side := ""
	at := p.cur().Span
	if !p.at(1).is(")") && !p.at(1).is(",") && !p.at(1).is(".") {
		side = p.anyWord("BOTH", "LEADING", "TRAILING")
	}
	var first Expr
	if side != "" && p.word("FROM") {
		first = &String{Span: at, Value: " "}
	} else {
		first = p.binary(bpBitOr)
		switch {
		case p.op(","):
			out := []Arg{{Value: first}, {Value: p.expr()}}
			if p.op(",") {
				out = append(out, Arg{Value: p.expr()})
			}
			return out
		case !p.word("FROM"):
			if side == "" {
				return []Arg{{Value: first}}
			}
			return []Arg{{Value: first}, {Value: &String{Span: at, Value: " "}}, {Value: &String{Span: at, Value: side}}}
		}
	}
	s := p.expr()
	out := []Arg{{Value: s}, {Value: first}}
	if side != "" && side != "BOTH" {
		out = append(out, Arg{Value: &String{Span: at, Value: side}})
	}
	return out
}

// arg takes one argument: value, name => value, TABLE t, MODEL m or ROWS n.
func (p *parser) arg() Arg {
	if isName(p.cur()) && p.at(1).is("=>") {
		n := identOf(p.take())
		p.take()
		return Arg{Name: &n, Value: p.argValue()}
	}
	return Arg{Value: p.argValue()}
}

func (p *parser) argValue() Expr {
	t, next := p.cur(), p.at(1)
	switch {
	case t.is("TABLE") && (next.kind == tokString || next.is("(") || isName(next)):
		p.take()
		return p.tableArg(t.Span)
	case t.is("MODEL") && isName(next):
		p.take()
		n := p.name("a model")
		return &ModelArg{Span: p.since(t.Span), Name: n}
	case t.is("ROWS") && next.kind == tokNumber:
		p.take()
		n := p.primary()
		return &Rows{Span: p.since(t.Span), N: n}
	case p.startsQuery() && !t.is("("):
		q := p.query()
		return &Subquery{Span: p.since(t.Span), Query: q}
	}
	x := p.expr()
	if p.is("PARTITION", "BY") {
		if c, ok := x.(*Column); ok {
			a := &TableArg{Name: &c.Name}
			p.take()
			p.take()
			a.Partition = p.exprs()
			a.Span = p.since(t.Span)
			return a
		}
	}
	return x
}

// tableArg takes what follows TABLE in an argument.
func (p *parser) tableArg(start Span) Expr {
	a := &TableArg{}
	switch t := p.cur(); {
	case t.is("("):
		open := p.take().Span
		if p.startsQuery() {
			a.Query = p.query()
		} else {
			n := p.name("a table or a query")
			a.Name = &n
		}
		p.closing(")", open)
	case t.kind == tokString:
		p.take()
		a.Path = t.text
	default:
		n := p.name("a table")
		a.Name = &n
	}
	if p.word("PARTITION", "BY") {
		a.Partition = append(a.Partition, p.binary(bpBitOr))
		for p.is(",") && isName(p.at(1)) && !p.at(1).is("DESCRIPTOR") && !p.at(1).is("INTERVAL") && !p.at(1).is("ROWS") && !p.at(2).is("=>") {
			p.take()
			a.Partition = append(a.Partition, p.binary(bpBitOr))
		}
	}
	a.Span = p.since(start)
	return a
}

// higherOrder reports whether fn takes functions: x -> e is a lambda as an
// argument of it, and access to JSON in any other place.
func higherOrder(fn Name) bool {
	switch strings.ToUpper(fn.Last()) {
	case "TRANSFORM", "FILTER", "AGGREGATE", "REDUCE":
		return true
	}
	return false
}
