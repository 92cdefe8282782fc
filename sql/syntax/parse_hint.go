package syntax

import (
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
)

var hintNames = []string{"OPTIONS", "STATE_TTL", "BROADCAST", "UID"}

// hints takes the hints /*+ NAME(args), ... */ between the token that was taken
// last and the current one. In all other places they are comments.
func (p *parser) hints() []Hint {
	next := p.cur().Start
	if p.failed || p.last.End+len("/*+") > next {
		return nil
	}
	var out []Hint
	for at := p.last.End; ; {
		var ok bool
		if at, ok = p.hintAfter(at, next); !ok {
			return out
		}
		out = append(out, p.hintList(at)...)
		at = p.last.End
		if p.failed {
			return nil
		}
	}
}

// hintAfter is the place of the next /*+ between two tokens.
func (p *parser) hintAfter(from, to int) (int, bool) {
	text := p.src.Text
	l := lexer{src: p.src, pos: from, fail: func(*arrowstream.Error) {}}
	for l.pos < to {
		switch rest := text[l.pos:to]; {
		case strings.HasPrefix(rest, "/*+"):
			return l.pos, true
		case strings.HasPrefix(rest, "/*"):
			l.blockComment()
		case strings.HasPrefix(rest, "--"):
			if n := strings.IndexByte(rest, '\n'); n >= 0 {
				l.pos += n
			} else {
				l.pos = to
			}
		default:
			l.pos++
		}
	}
	return 0, false
}

// hintList takes the hints of the comment at a place. It is read by a parser of
// its own, over the same text, since the lexer has passed over it.
func (p *parser) hintList(at int) []Hint {
	l := lexer{src: p.src, pos: at, fail: func(*arrowstream.Error) {}}
	if !l.blockComment() { // reported when the lexer passed over it
		p.failed = true
		return nil
	}
	end := l.pos
	inner := &parser{src: p.src}
	inner.lex = lexer{src: p.src, pos: at + len("/*+"), fail: inner.report}
	var out []Hint
	for !inner.failed && !inner.is("*", "/") {
		out = append(out, inner.hint())
		inner.op(",")
	}
	inner.want("*", "/")
	if !inner.failed && inner.last.End != end {
		inner.fail(Span{at, at + len("/*+")}, "AS1101", "the hint is not closed where its comment is", "")
	}
	if inner.failed || len(inner.errs) > 0 {
		for _, e := range inner.errs[:min(1, len(inner.errs))] {
			p.report(e)
		}
		p.failed = true
	}
	p.last = Span{at, end}
	return out
}

// hint takes NAME(args).
func (p *parser) hint() Hint {
	t := p.cur()
	if t.kind != tokIdent || !slices.Contains(hintNames, t.up) {
		hint := ""
		if t.kind == tokIdent {
			hint = arrowstream.Suggest(t.text, hintNames, "hints")
		}
		p.fail(t.Span, "AS1101", "unknown hint "+t.describe(p.src), hint)
		return Hint{}
	}
	p.take()
	h := Hint{Name: t.up}
	open := p.cur().Span
	p.want("(")
	for !p.failed && !p.is(")") {
		h.Args = append(h.Args, p.hintArg(h.Name == "OPTIONS"))
		if !p.op(",") {
			break
		}
	}
	p.closing(")", open)
	h.Span = p.since(t.Span)
	return h
}

// hintArg takes value or key = value. The keys of options are in lower case,
// those of STATE_TTL are names of tables.
func (p *parser) hintArg(lower bool) Option {
	t := p.cur()
	o := Option{Value: t.text}
	if isName(t) || t.kind == tokString {
		p.take()
	} else {
		o.Value = p.optionValue()
	}
	o.ValueAt = p.since(t.Span)
	if p.op("=") {
		o.Key, o.KeyAt = o.Value, o.ValueAt
		if lower {
			o.Key = strings.ToLower(o.Key)
		}
		at := p.cur().Span
		o.Value = p.optionValue()
		o.ValueAt = p.since(at)
	}
	return o
}
