package syntax

import (
	"fmt"
	"slices"
)

// Binding powers, low to high (docs/sql/expressions.md).
const (
	bpOr = iota + 1
	bpAnd
	bpNot
	bpCompare
	bpBitOr
	bpBitXor
	bpBitAnd
	bpShift
	bpAdd
	bpMul
	bpUnary
	bpPostfix
	bpPrimary
)

// infixPower is the binding power of an operator between two operands, 0 for
// anything else.
func infixPower(op string) int {
	switch op {
	case "OR":
		return bpOr
	case "AND":
		return bpAnd
	case "=", "==", "<>", "!=", "<", "<=", ">", ">=", "<=>", "~", "IS", "BETWEEN", "IN", "LIKE", "ILIKE", "RLIKE", "REGEXP", "SIMILAR", "NOT":
		return bpCompare
	case "|":
		return bpBitOr
	case "^":
		return bpBitXor
	case "&":
		return bpBitAnd
	case "<<", ">>":
		return bpShift
	case "+", "-", "||":
		return bpAdd
	case "*", "/", "%", "DIV":
		return bpMul
	}
	return 0
}

// canonicalOp maps alternative spellings of operators.
var canonicalOp = map[string]string{"==": "=", "!=": "<>"}

// expr takes an expression.
func (p *parser) expr() Expr { return p.binary(bpOr) }

// binary takes an expression whose operators bind at least as tight as low.
func (p *parser) binary(low int) Expr {
	p.enter()
	defer p.leave()
	left := p.prefix()
	for n := 0; !p.failed; n++ {
		t := p.at(0)
		op, at := t.text, t.Span
		if t.kind == tokIdent {
			op = t.up
		} else if t.kind != tokOp {
			break
		}
		power := infixPower(op)
		if power < max(low, bpOr) {
			break
		}
		if op == "NOT" && !slices.Contains([]string{"BETWEEN", "IN", "LIKE", "ILIKE", "RLIKE", "REGEXP", "SIMILAR"}, p.at(1).up) {
			break
		}
		if n > maxChain {
			p.fail(at, "AS1107", "too many operators in one expression", fmt.Sprintf("at most %d; use IN for a long list", maxChain))
			break
		}
		if power == bpCompare {
			left = p.comparison(left)
			continue
		}
		p.take()
		right := p.binary(power + 1)
		left = &Binary{Span: left.Range().To(p.last), Op: op, L: left, R: right}
	}
	return left
}

func (p *parser) prefix() Expr {
	t := p.cur()
	switch {
	case t.is("NOT"):
		p.take()
		x := p.binary(bpNot)
		return &Unary{Span: p.since(t.Span), Op: "NOT", X: x}
	case t.is("-"), t.is("+"), t.is("~"):
		p.take()
		x := p.binary(bpUnary)
		return &Unary{Span: p.since(t.Span), Op: t.text, X: x}
	}
	return p.postfix(p.primary())
}

// comparison takes what follows the left side of a comparison.
func (p *parser) comparison(left Expr) Expr {
	start := left.Range()
	t := p.take()
	not := false
	if t.is("NOT") {
		not = true
		t = p.take()
	}
	switch word := t.up; {
	case t.kind == tokIdent && word == "IS":
		return p.isTest(left)
	case t.kind == tokIdent && word == "BETWEEN":
		symmetric := p.word("SYMMETRIC")
		low := p.binary(bpBitOr)
		p.want("AND")
		high := p.binary(bpBitOr)
		return &Between{Span: p.since(start), X: left, Low: low, High: high, Not: not, Symmetric: symmetric}
	case t.kind == tokIdent && word == "IN":
		return p.inList(left, not)
	case t.kind == tokIdent || t.is("~"):
		op := word
		switch word {
		case "REGEXP", "":
			op = "RLIKE"
		case "SIMILAR":
			p.want("TO")
			op = "SIMILAR TO"
		}
		like := &Like{Op: op, X: left, Not: not, Pattern: p.binary(bpBitOr)}
		if p.word("ESCAPE") {
			like.Escape = p.binary(bpBitOr)
		}
		like.Span = p.since(start)
		return like
	}
	op := t.text
	if c, ok := canonicalOp[op]; ok {
		op = c
	}
	right := p.binary(bpBitOr)
	return &Binary{Span: p.since(start), Op: op, L: left, R: right}
}

func (p *parser) isTest(left Expr) Expr {
	start := left.Range()
	not := p.word("NOT")
	if p.word("DISTINCT", "FROM") {
		right := p.binary(bpBitOr)
		same := Expr(&Binary{Span: p.since(start), Op: "<=>", L: left, R: right})
		if not {
			return same
		}
		return &Unary{Span: p.since(start), Op: "NOT", X: same}
	}
	what := p.anyWord("NULL", "TRUE", "FALSE", "UNKNOWN", "JSON")
	switch what {
	case "":
		p.unexpected("NULL, TRUE, FALSE, UNKNOWN, JSON or DISTINCT FROM")
	case "JSON":
		if kind := p.anyWord("VALUE", "OBJECT", "ARRAY", "SCALAR"); kind != "" && kind != "VALUE" {
			what += " " + kind
		}
	}
	return &Is{Span: p.since(start), X: left, Not: not, What: what}
}

func (p *parser) inList(left Expr, not bool) Expr {
	in := &In{X: left, Not: not}
	query := p.is("(") && p.opensQuery(0)
	open := p.cur().Span
	p.want("(")
	if query {
		in.Query = p.query()
	} else {
		in.List = p.exprs()
	}
	p.closing(")", open)
	in.Span = p.since(left.Range())
	return in
}

// exprs takes expressions with commas between them.
func (p *parser) exprs() []Expr {
	out := []Expr{p.expr()}
	for p.op(",") {
		out = append(out, p.expr())
	}
	return out
}

// postfix takes ::type, [i], .field and -> after a primary expression.
func (p *parser) postfix(x Expr) Expr {
	for n := 0; !p.failed; n++ {
		if p.cur().kind != tokOp {
			return x
		}
		if n > maxDepth {
			p.fail(p.cur().Span, "AS1107", "nested too deeply", "")
		}
		start := x.Range()
		switch {
		case p.op("::"):
			t := p.typ()
			x = &Cast{Span: p.since(start), X: x, To: t}
		case p.is("["):
			open := p.take().Span
			i := p.expr()
			p.closing("]", open)
			x = &Index{Span: p.since(start), X: x, I: i}
		case p.is("->"), p.is("->>"):
			text := p.take().text == "->>"
			key := p.jsonKey()
			x = &JSONAccess{Span: p.since(start), X: x, Key: key, Text: text}
		case p.is(".", "*"):
			p.take()
			p.take()
			x = &Star{Span: p.since(start), X: x}
		case p.is(".") && isName(p.at(1)):
			p.take()
			f := p.ident("a field")
			x = &Field{Span: p.since(start), X: x, Name: f}
		default:
			return x
		}
	}
	return x
}

// jsonKey takes what follows -> and ->>: a value without operators, or a
// number counted from the end.
func (p *parser) jsonKey() Expr {
	if t := p.cur(); t.is("-") && p.at(1).kind == tokNumber {
		p.take()
		x := p.primary()
		return &Unary{Span: p.since(t.Span), Op: "-", X: x}
	}
	return p.primary()
}

func (p *parser) primary() Expr {
	t := p.cur()
	switch t.kind {
	case tokNumber:
		p.take()
		return &Number{Span: t.Span, Text: t.text}
	case tokString:
		p.take()
		return &String{Span: t.Span, Value: t.text}
	case tokHex:
		p.take()
		return &Bytes{Span: t.Span, Value: t.text}
	case tokParam:
		return p.param()
	case tokQuoted, tokDouble, tokIdent:
		return p.word0(t)
	case tokOp:
		switch t.text {
		case "(":
			return p.parenthesis()
		case "*":
			p.take()
			return &Star{Span: t.Span}
		case "[":
			p.take()
			return p.items(t.Span, t.Span, false, "]")
		case ":":
			if end, next := t.End, p.at(1); next.kind == tokIdent && next.Start == end {
				return p.param()
			}
		}
	}
	p.unexpected("an expression")
	return &Null{Span: t.Span}
}

// parenthesis takes (expr), (expr, expr) or (query).
func (p *parser) parenthesis() Expr {
	query := p.opensQuery(0)
	open := p.take().Span
	if query {
		q := p.query()
		p.closing(")", open)
		return &Subquery{Span: p.since(open), Query: q}
	}
	list := p.exprs()
	p.closing(")", open)
	if len(list) == 1 {
		return list[0]
	}
	return &Row{Span: p.since(open), Items: list}
}

// items takes what an array or a map holds, after the bracket opened at open.
func (p *parser) items(start, open Span, isMap bool, bracket string) Expr {
	var items []Expr
	if !p.is(bracket) {
		items = p.exprs()
	}
	p.closing(bracket, open)
	at := p.since(start)
	if !isMap {
		return &Array{at, items}
	}
	if len(items)%2 == 1 {
		p.fail(at, "AS1101", "MAP[...] has a key without a value", "write MAP['key', 'value', ...]")
	}
	return &Map{at, items}
}

// word0 takes an expression that starts with a name or keyword.
func (p *parser) word0(t *token) Expr {
	next := p.at(1)
	switch t.up {
	case "NULL":
		p.take()
		return &Null{t.Span}
	case "TRUE", "FALSE":
		if !next.is(".") && !next.is("(") {
			p.take()
			return &Bool{t.Span, t.up == "TRUE"}
		}
	case "CASE":
		return p.caseExpr()
	case "CAST", "TRY_CAST":
		if next.is("(") {
			return p.cast()
		}
	case "INTERVAL":
		if next.kind == tokString || next.kind == tokNumber || next.is("-") && (p.at(2).kind == tokNumber || p.at(2).kind == tokString) {
			return p.interval()
		}
	case "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ", "TIMESTAMPTZ", "TIMESTAMP_NTZ":
		if next.kind == tokString {
			p.take()
			p.take()
			kind := t.up
			if kind == "TIMESTAMPTZ" {
				kind = "TIMESTAMP_LTZ"
			}
			return &Typed{Span: p.since(t.Span), Type: kind, Value: next.text}
		}
	case "ARRAY", "MAP":
		if next.is("[") {
			p.take()
			return p.items(t.Span, p.take().Span, t.up == "MAP", "]")
		}
	case "EXISTS":
		if next.is("(") && p.opensQuery(1) {
			p.take()
			open := p.take().Span
			q := p.query()
			p.closing(")", open)
			return &Subquery{Span: p.since(t.Span), Query: q, Exists: true}
		}
	}
	if isReserved(t) && !(next.is("(") && (t.up == "LEFT" || t.up == "RIGHT")) {
		p.unexpected("an expression")
		return &Null{t.Span}
	}
	return p.columnOrCall()
}

// columnOrCall takes a qualified name, t.* or a call.
func (p *parser) columnOrCall() Expr {
	first := p.ident("an expression")
	n := Name{Span: first.Span, Parts: []Ident{first}}
	for p.is(".") {
		if p.at(1).is("*") {
			p.take()
			p.take()
			return &Star{Span: p.since(first.Span), Qualifier: &n}
		}
		if !isName(p.at(1)) {
			p.take()
			p.unexpected("a name after the dot")
			break
		}
		p.take()
		n.Parts = append(n.Parts, p.ident("a name"))
		n.Span = p.since(first.Span)
		if len(n.Parts) > 16 {
			p.fail(n.Span, "AS1107", "name has too many parts", "")
		}
	}
	if p.is("(") && n.Parts[len(n.Parts)-1].Quote != '"' {
		return p.call(n)
	}
	return &Column{n}
}

func (p *parser) caseExpr() Expr {
	start := p.take().Span
	c := &Case{}
	if !p.is("WHEN") {
		c.Operand = p.expr()
	}
	for p.word("WHEN") {
		cond := p.expr()
		p.want("THEN")
		c.Whens = append(c.Whens, When{cond, p.expr()})
	}
	if len(c.Whens) == 0 {
		p.unexpected("WHEN")
	}
	if p.word("ELSE") {
		c.Else = p.expr()
	}
	p.want("END")
	c.Span = p.since(start)
	return c
}

func (p *parser) cast() Expr {
	start := p.take()
	open := p.take().Span
	x := p.expr()
	if t := p.cur(); !t.is("AS") {
		p.fail(t.Span, "AS1101", fmt.Sprintf("unexpected %s, expected AS", t.describe(p.src)), "write "+start.up+"(x AS TYPE)")
	}
	p.word("AS")
	to := p.typ()
	p.closing(")", open)
	return &Cast{Span: p.since(start.Span), X: x, To: to, Try: start.up == "TRY_CAST"}
}
