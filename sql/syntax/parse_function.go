package syntax

import "strings"

// createFunction takes AS 'class' or (params) RETURNS type ... AS body.
func (p *parser) createFunction(c *CreateFunction) {
	if !p.is("(") {
		p.want("AS")
		c.Class = p.text("the name of a function or class in quotes")
		if p.word("LANGUAGE") {
			c.Language = strings.ToUpper(p.ident("a language").Name)
		}
		p.functionFile(c)
		return
	}
	c.Params = p.columnList()
	p.want("RETURNS")
	c.Returns = p.typ()
	for !p.failed {
		if p.word("LANGUAGE") {
			t := p.cur()
			c.Language = p.anyWord("SQL", "WASM")
			if c.Language == "" {
				p.unsupported(t.Span, "LANGUAGE "+strings.ToUpper(t.text)+" is", "write the body in SQL, or compile it to WASM")
			}
			continue
		}
		if p.word("NOT", "DETERMINISTIC") {
			c.Volatile = true
			continue
		}
		if !p.word("DETERMINISTIC") {
			break
		}
	}
	if c.Language != "SQL" && p.is("USING", "WASM") { // the export has the name of the function
		c.Language, c.Class = "WASM", c.Name.Last()
		p.functionFile(c)
		return
	}
	if c.Language == "SQL" {
		c.Language = ""
	}
	p.want("AS")
	switch t := p.cur(); {
	case c.Language == "WASM":
		c.Class = p.text("the name of an export or a path in quotes")
		p.functionFile(c)
	case t.kind == tokString:
		c.Body = p.bodyText()
	default:
		c.Body = p.expr()
	}
}

// functionFile takes USING JAR 'path'.
func (p *parser) functionFile(c *CreateFunction) {
	if !p.word("USING") {
		return
	}
	if c.Resource = p.anyWord("JAR", "FILE", "WASM", "PLUGIN", "ARCHIVE"); c.Resource == "" {
		p.unexpected("JAR, FILE, WASM or PLUGIN")
	}
	c.Path = p.text("a path in quotes")
}

// bodyText takes an expression inside a string: the body of an SQL function.
func (p *parser) bodyText() Expr {
	t := p.take()
	inner := &parser{src: NewSource("", t.text)}
	inner.lex = lexer{src: inner.src, fail: inner.report}
	x := inner.expr()
	if !inner.failed && inner.cur().kind != tokEOF {
		inner.unexpected("the end of the function")
	}
	if len(inner.errs) > 0 {
		p.fail(t.Span, inner.errs[0].Code, "in the body of the function: "+inner.errs[0].Msg, inner.errs[0].Hint)
	}
	return x
}
