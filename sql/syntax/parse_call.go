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
	case "ROW", "STRUCT":
		r := &Row{}
		if !p.is(")") {
			r.Items = p.exprs()
		}
		p.closing(")", open)
		r.Span = p.since(start)
		return r
	case "ARRAY", "MAP":
		if !p.startsQuery() {
			return p.items(start, open, upper == "MAP", ")")
		}
	case "ML.PREDICT", "ML.EVALUATE", "ML.WEIGHTS", "ML.CENTROIDS":
		fn = Name{Span: fn.Span, Parts: []Ident{{Span: fn.Span, Name: strings.ReplaceAll(upper, ".", "_")}}}
	case "ML.STANDARD_SCALER", "ML.MIN_MAX_SCALER":
		name := map[bool]string{true: "STANDARDIZE", false: "MIN_MAX_SCALE"}[upper == "ML.STANDARD_SCALER"]
		fn = Name{Span: fn.Span, Parts: []Ident{{Span: fn.Span, Name: name}}}
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
	switch upper {
	case "JSON_VALUE", "JSON_QUERY", "JSON_EXISTS":
		c.JSON = p.jsonClauses()
	case "JSON_OBJECT", "JSON_ARRAY", "JSON_OBJECTAGG", "JSON_ARRAYAGG":
		c.JSON = p.jsonOnNull()
	}
	p.closing(")", open)
	if p.word("WITHIN", "GROUP") {
		open := p.cur().Span
		p.want("(", "ORDER", "BY")
		c.Within = p.orders()
		p.closing(")", open)
	}
	if p.is("FILTER", "(") {
		p.take()
		open := p.take().Span
		p.want("WHERE")
		c.Filter = p.expr()
		p.closing(")", open)
	}
	if p.startsOver() {
		p.take()
		c.Over = p.over()
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
	higher := upperIn(fn, higherOrders...)
	keyed := upperIn(fn, jsonKeyed...)
	for {
		if keyed && len(out)%2 == 0 {
			p.keyWord()
		}
		out = append(out, p.arg(higher))
		switch {
		case keyed && len(out)%2 == 1 && p.word("VALUE"):
			continue
		case p.op(","):
			continue
		case len(out) <= 2 && (fn == "SUBSTRING" || fn == "SUBSTR") && (p.word("FROM") || p.word("FOR")):
			continue
		case len(out) == 1 && fn == "OVERLAY" && p.word("PLACING"), len(out) == 2 && fn == "OVERLAY" && p.word("FROM"), len(out) == 3 && fn == "OVERLAY" && p.word("FOR"):
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

// arg takes one argument: value, name => value, TABLE t, MODEL m, ROWS n or, in
// a higher-order function, a lambda.
func (p *parser) arg(higher bool) Arg {
	if isName(p.cur()) && p.at(1).is("=>") {
		n := identOf(p.take())
		p.take()
		return Arg{Name: &n, Value: p.argValue(higher)}
	}
	return Arg{Value: p.argValue(higher)}
}

// startsLambda reports whether x -> or (x, y) -> stands here.
func (p *parser) startsLambda() bool {
	if isName(p.cur()) {
		return p.at(1).is("->")
	}
	n := 0
	for p.at(n).is([]string{"(", ","}[min(n, 1)]) && isName(p.at(n+1)) && n < 2*maxDepth {
		n += 2
	}
	return n > 0 && p.at(n).is(")") && p.at(n+1).is("->")
}

// lambda takes x -> e or (x, y) -> e.
func (p *parser) lambda() Expr {
	start := p.cur().Span
	l := &Lambda{}
	if p.is("(") {
		l.Params = p.idents("a parameter")
	} else {
		l.Params = []Ident{p.ident("a parameter")}
	}
	p.want("->")
	l.Body = p.expr()
	l.Span = p.since(start)
	return l
}

func (p *parser) argValue(higher bool) Expr {
	t, next := p.cur(), p.at(1)
	switch {
	case higher && p.startsLambda():
		return p.lambda()
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
			a.Partition = p.partition()
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
	a.Partition = p.partition()
	a.Span = p.since(start)
	return a
}

// partition takes PARTITION BY and the keys of a table argument: the arguments
// after it are no keys.
func (p *parser) partition() []Expr {
	var out []Expr
	if p.word("PARTITION", "BY") {
		out = append(out, p.binary(bpBitOr))
		for p.is(",") && isName(p.at(1)) && !p.at(1).is("DESCRIPTOR") && !p.at(1).is("INTERVAL") && !p.at(1).is("ROWS") && !p.at(2).is("=>") {
			p.take()
			out = append(out, p.binary(bpBitOr))
		}
	}
	return out
}

// higherOrders are the functions that take functions: x -> e is a lambda as an
// argument of them, and access to JSON in any other place.
var higherOrders = []string{"TRANSFORM", "FILTER", "AGGREGATE", "REDUCE"}
