package syntax

import "fmt"

// streamClauses takes EMIT, ALLOW LATENESS, LATE DATA TO and ON ERROR.
func (p *parser) streamClauses(s *StreamClauses) {
	for !p.failed {
		t := p.cur()
		if s.At == (Span{}) {
			s.At = t.Span
		}
		switch {
		case t.is("EMIT"):
			p.take()
			p.emit(s, t)
		case p.word("ALLOW"):
			p.want("LATENESS")
			s.Lateness = p.duration()
		case p.word("LATE"):
			p.want("DATA", "TO")
			n := p.name("a table for the late rows")
			s.LateTo = &n
		case p.is("ON", "ERROR"):
			p.take()
			p.take()
			p.onError(s)
		default:
			return
		}
	}
}

func (p *parser) emit(s *StreamClauses, at *token) {
	p.word("STREAM")
	mode := EmitDefault
	switch {
	case p.word("ON", "WINDOW", "CLOSE"), p.word("AFTER", "WINDOW", "CLOSE"), p.word("FINAL"):
		mode = EmitOnClose
		for !p.failed {
			p.word("AND")
			if p.word("WITH", "DELAY") {
				s.Delay = p.duration()
			} else if p.word("TIMEOUT") {
				s.Timeout = p.duration()
			} else {
				break
			}
		}
	case p.word("ON", "UPDATE"), p.word("CHANGES"), p.word("CHANGELOG"):
		mode = EmitOnUpdate
		if p.word("WITH", "BATCH") {
			s.Every = p.duration()
		}
	case p.word("PERIODIC"), p.word("EVERY"):
		mode = EmitPeriodic
		s.Every = p.duration()
	case p.word("TIMEOUT"):
		s.Timeout = p.duration()
		return
	default:
		p.unexpected("ON WINDOW CLOSE, ON UPDATE, PERIODIC or TIMEOUT after EMIT")
	}
	if s.Emit != EmitDefault {
		p.fail(at.Span, "AS1101", "EMIT is written twice", "keep one of them")
	}
	s.Emit = mode
}

func (p *parser) onError(s *StreamClauses) {
	switch {
	case p.word("FAIL"):
		s.OnError = "FAIL"
	case p.word("SKIP"):
		s.OnError = "SKIP"
	case p.word("DEAD", "LETTER", "TO"):
		s.OnError = "DEAD LETTER"
		n := p.name("a table for the dead letters")
		s.DeadTo = &n
		if p.word("LIMIT") {
			s.Limit = p.primary()
		} else if p.word("RATE") {
			s.Rate = p.primary()
		}
	default:
		p.unexpected("FAIL, SKIP or DEAD LETTER TO after ON ERROR")
	}
}

// duration takes an interval, '10 seconds' or 10s; the binder checks it.
func (p *parser) duration() Expr {
	t := p.cur()
	switch {
	case t.kind == tokString:
		p.take()
		return &String{Span: t.Span, Value: t.text}
	case t.kind == tokNumber:
		if u := p.at(1); u.kind == tokIdent && unitIndex(u.text, false) >= 0 {
			p.take()
			p.take()
			return &String{Span: p.since(t.Span), Value: fmt.Sprintf("%s %s", t.text, u.text)}
		}
		p.take()
		return &Number{Span: t.Span, Text: t.text}
	case t.is("INTERVAL"):
		return p.interval()
	}
	p.unexpected("a duration such as INTERVAL '10' SECOND")
	return nil
}
