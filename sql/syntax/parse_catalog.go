package syntax

import (
	"strings"

	"github.com/arrowstream/arrowstream"
)

func (p *parser) describe() *Describe {
	start := p.take().Span
	d := &Describe{Kind: "TABLE"}
	if p.is("EXTENDED") && p.at(1).kind != tokEOF && !p.at(1).is(";") {
		p.take()
		d.Extended = true
	}
	t := p.cur()
	followed := isName(p.at(1)) || p.at(1).kind == tokString
	switch {
	case p.startsQuery():
		d.Kind = "QUERY"
		d.Query = p.query()
	case t.kind == tokString:
		p.take()
		d.Kind, d.Path = "FILE", t.text
	case (t.is("TABLE") || t.is("MODEL") || t.is("FUNCTION") || t.is("VIEW")) && followed:
		p.take()
		if t.up != "VIEW" {
			d.Kind = t.up
		}
		d.Name = p.name("a name")
	default:
		d.Name = p.name("a table, model, function, query or file name")
	}
	d.Span = p.since(start)
	return d
}

func (p *parser) explain() *Explain {
	start := p.take().Span
	e := &Explain{}
	for !p.failed {
		switch {
		case p.word("ANALYZE"):
			e.Analyze = true
			continue
		case p.word("VERBOSE"), p.word("EXTENDED"):
			e.Verbose = true
			continue
		case p.word("PLAN", "FOR"):
			continue
		case e.For == nil && p.is("FOR"):
			at := p.take().Span
			e.For = p.duration()
			if !e.Analyze {
				p.fail(p.since(at), "AS1101", "FOR belongs to EXPLAIN ANALYZE", "EXPLAIN without ANALYZE runs nothing")
			}
			continue
		case p.word("FORMAT"):
			e.Format = p.anyWord("JSON", "TEXT")
			if e.Format == "" {
				p.unexpected("JSON or TEXT")
			}
			continue
		}
		break
	}
	t := p.cur()
	e.Stmt = p.statement()
	switch e.Stmt.(type) {
	case *Insert, *QueryStatement, *StatementSet, *CreateStream, *CreateModel, *CreateView, nil:
	default:
		p.fail(t.Span, "AS1101", "EXPLAIN takes a query, INSERT, a statement set, CREATE STREAM, CREATE VIEW or CREATE MODEL", "")
	}
	e.Span = p.since(start)
	return e
}

func (p *parser) show() Statement {
	start := p.take().Span
	if p.word("CREATE") {
		s := &ShowCreate{Kind: p.anyWord("TABLE", "VIEW", "MODEL", "FUNCTION")}
		if s.Kind == "" {
			p.unexpected("TABLE, VIEW or MODEL")
		}
		s.Name = p.name("a name")
		s.Span = p.since(start)
		return s
	}
	s := &Show{}
	if p.word("MODEL", "TYPES") {
		s.What = "MODEL TYPES"
	} else {
		t := p.cur()
		what := []string{"TABLES", "VIEWS", "FUNCTIONS", "MODELS", "JOBS", "CONNECTORS", "SETTINGS", "DATABASES"}
		if s.What = p.anyWord(what...); s.What == "" {
			p.fail(t.Span, "AS1101", "unexpected "+t.describe(p.src)+" after SHOW", arrowstream.Suggest(t.text, append(what, "MODEL TYPES", "CREATE"), "it shows"))
		}
	}
	if p.word("LIKE") {
		s.Like = p.text("a pattern in quotes")
	}
	s.Span = p.since(start)
	return s
}

func (p *parser) dropStatement() *Drop {
	start := p.take().Span
	d := &Drop{}
	p.anyWord("TEMPORARY", "MATERIALIZED")
	if d.Kind = p.anyWord("TABLE", "VIEW", "FUNCTION", "MODEL", "JOB", "SINK", "SOURCE"); d.Kind == "" {
		p.unexpected("TABLE, VIEW, FUNCTION or MODEL")
	}
	if d.Kind == "SOURCE" || d.Kind == "SINK" {
		d.Kind = "TABLE"
	}
	d.IfExists = p.word("IF", "EXISTS")
	d.Name = p.name("a name")
	d.Span = p.since(start)
	return d
}

// alter takes ALTER TABLE, VIEW and MODEL.
func (p *parser) alter() *Alter {
	start := p.take().Span
	a := &Alter{}
	if a.Kind = p.anyWord("TABLE", "VIEW", "MODEL"); a.Kind == "" {
		p.unexpected("TABLE, VIEW or MODEL")
	}
	a.IfExists = p.word("IF", "EXISTS")
	a.Name = p.name("a name")
	switch {
	case p.word("RENAME", "TO"):
		n := p.name("the new name")
		a.Rename = &n
	case a.Kind == "VIEW" && p.word("AS"):
		a.Query = p.query()
	case a.Kind != "VIEW" && p.word("SET"):
		p.word("OPTIONS")
		a.Options = p.options()
	case a.Kind != "VIEW" && p.word("RESET"):
		a.Reset = p.keys()
	case a.Kind == "VIEW":
		p.unexpected("RENAME TO or AS")
	default:
		p.unexpected("SET, RESET or RENAME TO")
	}
	a.Span = p.since(start)
	return a
}

// keys takes ('k', l.m, ...): keys of options, in lower case.
func (p *parser) keys() (out []Ident) {
	open := p.cur().Span
	p.want("(")
	for !p.failed {
		t := p.cur()
		key := t.text
		if t.kind == tokString {
			p.take()
		} else {
			key = p.name("a key").String()
		}
		out = append(out, Ident{Span: p.since(t.Span), Name: strings.ToLower(key)})
		if !p.op(",") {
			break
		}
	}
	p.closing(")", open)
	return out
}

// summarize takes SUMMARIZE of a table, a file or a query.
func (p *parser) summarize() *Summarize {
	start := p.take().Span
	s := &Summarize{}
	t := p.cur()
	switch {
	case p.startsQuery():
		s.Query = p.query()
	case t.kind == tokString:
		p.take()
		s.Path = t.text
	default:
		s.Name = p.name("a table, a query or a file name in quotes")
	}
	s.Span = p.since(start)
	return s
}
