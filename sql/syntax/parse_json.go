package syntax

// jsonClauses takes what may follow the path in JSON_VALUE, JSON_QUERY and
// JSON_EXISTS; nil when nothing does.
func (p *parser) jsonClauses() *JSONClauses {
	start := p.cur().Span
	c := &JSONClauses{}
	if p.word("RETURNING") {
		c.Returning = p.typ()
	}
	switch {
	case p.word("WITHOUT"):
		c.Wrapper = "WITHOUT"
	case p.word("WITH"):
		if c.Wrapper = p.anyWord("CONDITIONAL", "UNCONDITIONAL"); c.Wrapper == "" {
			c.Wrapper = "UNCONDITIONAL"
		}
	}
	if c.Wrapper != "" {
		p.word("ARRAY")
		p.want("WRAPPER")
	}
	for !p.failed && !p.is(")") {
		d, at := JSONDefault{}, p.cur().Span
		switch d.Kind = p.anyWord("NULL", "ERROR", "DEFAULT", "EMPTY", "TRUE", "FALSE", "UNKNOWN"); d.Kind {
		case "":
			return c.orNil()
		case "DEFAULT":
			d.Value = p.binary(bpBitOr)
		case "EMPTY":
			kind := p.anyWord("OBJECT", "ARRAY")
			if kind == "" {
				p.unexpected("ARRAY or OBJECT")
			}
			d.Kind += " " + kind
		}
		p.want("ON")
		on := &c.OnError
		if what := p.anyWord("EMPTY", "ERROR"); what == "EMPTY" {
			on = &c.OnEmpty
		} else if what == "" {
			p.unexpected("EMPTY or ERROR")
		}
		if on.Kind != "" {
			p.fail(p.since(at), "AS1101", "ON "+p.src.Slice(p.last)+" is written twice", "keep one of them")
		}
		*on = d
	}
	c.Span = p.since(start)
	return c.orNil()
}

// jsonOnNull takes NULL ON NULL or ABSENT ON NULL; nil when neither is written.
func (p *parser) jsonOnNull() *JSONClauses {
	start := p.cur().Span
	for _, kind := range []string{"NULL", "ABSENT"} {
		if p.word(kind, "ON", "NULL") {
			return &JSONClauses{Span: p.since(start), OnNull: kind}
		}
	}
	return nil
}

// jsonKeyed are the functions whose arguments are [KEY] k VALUE v, or k, v.
var jsonKeyed = []string{"JSON_OBJECT", "JSON_OBJECTAGG"}

// keyWord takes the word KEY before a key; a column of that name is followed by
// something else than an expression.
func (p *parser) keyWord() {
	if next := p.at(1); p.is("KEY") && (next.kind == tokString || next.kind == tokNumber || next.is("(") || isName(next) && !next.is("VALUE")) {
		p.take()
	}
}

// orNil is nil when no clause was written.
func (c *JSONClauses) orNil() *JSONClauses {
	if c.Returning == nil && c.Wrapper == "" && c.OnEmpty.Kind == "" && c.OnError.Kind == "" {
		return nil
	}
	return c
}
