package syntax

import (
	"fmt"
	"slices"

	"github.com/arrowstream/arrowstream"
)

const (
	// maxDepth is how deep expressions, queries and types may nest.
	maxDepth = 200
	// maxChain is how many operators of one kind may follow each other; the
	// tree grows by one level with each.
	maxChain = 2000
)

// Parse reads a script. The returned script holds the statements that could be
// read, also when err is not nil; err is an *arrowstream.Error or [Errors].
// file is the name that errors show, "" if there is none.
func Parse(file, text string) (*Script, error) { return ParseWith(file, text, nil) }

// ParseWith is [Parse] of a script with parameters, in whose places stand the
// values that values returns; nil leaves them.
func ParseWith(file, text string, values Arguments) (*Script, error) {
	src := NewSource(file, text)
	p := &parser{src: src, toks: make([]token, 0, min(len(text)/8+16, 256)), values: values}
	p.lex = lexer{src: src, fail: p.report}
	script := &Script{Source: src}
	for len(p.errs) < MaxErrors {
		for p.op(";") {
		}
		if p.cur().kind == tokEOF && !p.failed {
			break
		}
		st := p.statement()
		if !p.failed && p.cur().kind != tokEOF && !p.cur().is(";") {
			p.unexpected("the end of the statement")
		}
		if p.failed {
			p.resume()
			continue
		}
		script.Statements = append(script.Statements, st)
		p.drop()
	}
	slices.SortStableFunc(p.errs, func(a, b *arrowstream.Error) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Col - b.Pos.Col
	})
	return script, p.errs[:min(len(p.errs), MaxErrors)].Err()
}

// ParseType reads a type, or the columns of one: 'ARRAY<INT>', 'a INT, b DOUBLE'.
// Places in it are those in text.
func ParseType(text string) (*Type, error) {
	t, err := parseType(text)
	if err != nil {
		if row, rowErr := parseType("ROW<" + text + ">"); rowErr == nil {
			return row, nil
		}
	}
	return t, err
}

func parseType(text string) (*Type, error) {
	src := NewSource("", text)
	p := &parser{src: src}
	p.lex = lexer{src: src, fail: p.report}
	t := p.typ()
	if !p.failed && p.cur().kind != tokEOF {
		p.unexpected("the end of the type")
	}
	return t, p.errs.Err()
}

// parser is a recursive descent parser. After the first error of a statement
// it is failed: every look at the input sees the end of the text, so that all
// loops end, and nothing more is reported until resume.
type parser struct {
	src    *Source
	lex    lexer
	toks   []token // read ahead, toks[i] is the current one
	i      int
	pairs  map[int]int // place in toks of ( to that of its ), -1 without one
	errs   Errors
	failed bool
	depth  int
	last   Span // of the last token taken
	end    token
	values Arguments
	params map[int]Expr // what stands in the places of parameters, by their start
}

// report records an error found by the lexer.
func (p *parser) report(e *arrowstream.Error) {
	if len(p.errs) < MaxErrors {
		p.errs = append(p.errs, e)
	}
}

// fail records the error of the current statement.
func (p *parser) fail(at Span, code, msg, hint string) {
	if p.failed {
		return
	}
	if p.cur().kind != tokBad {
		p.report(p.src.Error(at, code, hint, msg))
	}
	p.failed = true
}

// unexpected fails at the current token.
func (p *parser) unexpected(wanted string) {
	t := p.cur()
	hint := p.keywordHint(t)
	if hint == "" && p.i > 0 && len(p.toks) > p.i {
		before := &p.toks[p.i-1]
		if hint = p.keywordHint(before); hint != "" { // a mistyped word was taken for a name
			hint = before.describe(p.src) + " before it: " + hint
		}
	}
	if t.is("=>") {
		hint = "greater or equal is written >="
	}
	p.fail(t.Span, "AS1101", fmt.Sprintf("unexpected %s, expected %s", t.describe(p.src), wanted), hint)
}

// unsupported fails with the name of a known form that is not there yet.
func (p *parser) unsupported(at Span, what, hint string) {
	p.fail(at, "AS1103", what+" not supported yet", hint)
}

// keywordHint suggests a keyword that is near a bare word.
func (p *parser) keywordHint(t *token) string {
	if t.kind != tokIdent || len(t.text) < 3 || slices.Contains(keywords, t.up) {
		return ""
	}
	hint := arrowstream.Suggest(t.text, keywords, "keywords")
	if len(hint) > 3 && hint[:3] == "did" {
		return hint
	}
	return ""
}

// resume skips to the next semicolon.
func (p *parser) resume() {
	p.failed, p.depth = false, 0
	for !p.cur().is(";") && p.cur().kind != tokEOF {
		p.take()
	}
	p.drop()
}

// drop forgets the tokens before the current one.
func (p *parser) drop() {
	n := copy(p.toks, p.toks[p.i:])
	p.toks, p.i = p.toks[:n], 0
	clear(p.pairs)
}

// match is the distance of the parenthesis that closes the one at distance n
// from the current token, -1 if there is none. One walk finds all pairs inside.
func (p *parser) match(n int) int {
	if end, ok := p.pairs[p.i+n]; ok {
		return max(end-p.i, -1)
	}
	if p.pairs == nil {
		p.pairs = map[int]int{}
	}
	var open []int
	for k := n; ; k++ {
		switch t := p.at(k); {
		case t.is("("):
			open = append(open, p.i+k)
		case t.is(")"):
			last := len(open) - 1
			p.pairs[open[last]] = p.i + k
			if open = open[:last]; last == 0 {
				return k
			}
		case t.is(";"), t.kind == tokEOF:
			for _, o := range open {
				p.pairs[o] = -1
			}
			return -1
		}
	}
}

// at is the n-th token from the current one. It points into the buffer, which
// stays as it is until the end of the statement.
func (p *parser) at(n int) *token {
	if p.failed {
		p.end = token{Span: p.last, kind: tokEOF}
		return &p.end
	}
	for len(p.toks) <= p.i+n {
		p.toks = append(p.toks, p.lex.next())
	}
	return &p.toks[p.i+n]
}

func (p *parser) cur() *token { return p.at(0) }

func (p *parser) take() *token {
	t := p.at(0)
	if t.kind != tokEOF {
		p.i++
		p.last = t.Span
	}
	return t
}

// is reports whether the next words are the given keywords or operators.
func (p *parser) is(words ...string) bool {
	for i, w := range words {
		if !p.at(i).is(w) {
			return false
		}
	}
	return true
}

// word takes the given keywords if they are next.
func (p *parser) word(words ...string) bool {
	if !p.is(words...) {
		return false
	}
	for range words {
		p.take()
	}
	return true
}

// anyWord takes one of the keywords and returns it, "" if none is next.
func (p *parser) anyWord(words ...string) string {
	if t := p.at(0); t.kind == tokIdent && slices.Contains(words, t.up) {
		up := t.up
		p.take()
		return up
	}
	return ""
}

// op takes an operator if it is next.
func (p *parser) op(s string) bool {
	if !p.at(0).is(s) {
		return false
	}
	p.take()
	return true
}

// want takes the given keywords or operators or fails.
func (p *parser) want(words ...string) {
	for _, w := range words {
		if !p.word(w) {
			p.unexpected(w)
			return
		}
	}
}

// closing takes the closing bracket of one opened at open.
func (p *parser) closing(bracket string, open Span) {
	if p.op(bracket) || p.failed {
		return
	}
	t := p.cur()
	if t.kind == tokBad {
		p.failed = true
		return
	}
	hint := p.keywordHint(t)
	if hint == "" {
		place := p.src.Pos(open)
		hint = fmt.Sprintf("the bracket was opened at %d:%d", place.Line, place.Col)
	}
	p.fail(t.Span, "AS1101", fmt.Sprintf("unexpected %s, expected %s or ,", t.describe(p.src), bracket), hint)
}

// enter counts one level of nesting; the caller calls leave after it.
func (p *parser) enter() {
	p.depth++
	if p.depth > maxDepth {
		p.fail(p.cur().Span, "AS1107", "nested too deeply", fmt.Sprintf("at most %d levels; name parts of it with WITH or CREATE VIEW", maxDepth))
	}
}

func (p *parser) leave() { p.depth-- }

// since is the span from start to the last token taken.
func (p *parser) since(start Span) Span {
	return Span{start.Start, max(start.End, p.last.End)}
}

// isName reports whether t can stand where a name is wanted.
func isName(t *token) bool {
	return t.kind == tokIdent || t.kind == tokQuoted || t.kind == tokDouble
}

// ident takes one name.
func (p *parser) ident(what string) Ident {
	t := p.cur()
	if !isName(t) || t.kind == tokDouble && t.text == "" {
		p.unexpected(what)
		return Ident{Span: t.Span}
	}
	p.take()
	return identOf(t)
}

func identOf(t *token) Ident {
	id := Ident{Span: t.Span, Name: t.text}
	switch t.kind {
	case tokQuoted:
		id.Quote = '`'
	case tokDouble:
		id.Quote = '"'
	}
	return id
}

// newName takes a single name that is being given: an alias or a column. A word
// that starts a clause is refused, because it is a missing name most often.
func (p *parser) newName(what string) Ident {
	if isReserved(p.cur()) {
		p.unexpected(what)
		return Ident{}
	}
	return p.ident(what)
}

// name takes a qualified name.
func (p *parser) name(what string) Name {
	first := p.newName(what)
	n := Name{Span: first.Span, Parts: []Ident{first}}
	for p.is(".") && isName(p.at(1)) {
		p.take()
		n.Parts = append(n.Parts, p.ident(what))
		if len(n.Parts) > 16 {
			p.fail(n.Span, "AS1107", "name has too many parts", "")
		}
	}
	n.Span = p.since(first.Span)
	return n
}

// idents takes a list of names in parentheses.
func (p *parser) idents(what string) []Ident {
	open := p.cur().Span
	p.want("(")
	var out []Ident
	for {
		out = append(out, p.ident(what))
		if !p.op(",") {
			break
		}
	}
	p.closing(")", open)
	return out
}

// text takes a string: single or double quotes.
func (p *parser) text(what string) string {
	t := p.cur()
	if t.kind != tokString && t.kind != tokDouble {
		p.unexpected(what)
		return ""
	}
	p.take()
	return t.text
}

// integer takes a whole number.
func (p *parser) integer(what string) int {
	t := p.cur()
	n := 0
	if t.kind == tokNumber {
		if _, err := fmt.Sscanf(t.text, "%d", &n); err == nil && fmt.Sprint(n) == t.text {
			p.take()
			return n
		}
	}
	p.unexpected(what)
	return 0
}
