package syntax

import "strings"

// kind is the lexical class of a token.
type kind uint8

const (
	tokEOF    kind = iota
	tokIdent       // bare name or keyword
	tokQuoted      // name in backquotes
	tokDouble      // text in double quotes: a name or a string, as the place wants
	tokString      // string literal
	tokHex         // X'0aff'
	tokNumber      // number with an optional suffix
	tokOp          // operator or punctuation
	tokParam       // ? or :name
	tokBad         // what the lexer could not read; its error is recorded
)

// token is one lexical element. text is the decoded content of names and
// strings, the upper-case word of bare names is up, the spelling of all others.
type token struct {
	Span
	kind kind
	text string
	up   string // bare names: the word in upper case
}

// is reports whether t is the keyword or operator s.
func (t *token) is(s string) bool {
	return t.kind == tokIdent && t.up == s || t.kind == tokOp && t.text == s
}

// describe names a token in an error.
func (t *token) describe(src *Source) string {
	switch t.kind {
	case tokEOF:
		return "the end of the text"
	case tokString:
		return "the string " + cut(src.Slice(t.Span))
	case tokNumber:
		return "the number " + cut(t.text)
	}
	return `"` + cut(strings.Trim(src.Slice(t.Span), "\"`")) + `"`
}

// cut shortens a text for an error.
func cut(s string) string {
	r := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if len(r) > 40 {
		return string(r[:37]) + "..."
	}
	return string(r)
}
