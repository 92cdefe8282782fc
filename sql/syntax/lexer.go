package syntax

import (
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/arrowstream/arrowstream"
)

// lexer reads tokens from src, one at a time, so that the parser can take over
// for the raw value of SET.
type lexer struct {
	src  *Source
	pos  int
	fail func(*arrowstream.Error)
}

// operators, longest first.
var operators = []string{"<=>", "->>", "::", "->", "=>", "==", "<>", "!=", "<=", ">=", "||", "<<", ">>"}

const singleOps = "=<>+-*/%&|^~()[]{},.;@:$"

// next returns the next token; at the end it returns tokEOF for ever.
func (l *lexer) next() token {
	l.skipBlank()
	text := l.src.Text
	start := l.pos
	if start >= len(text) {
		return token{Span: Span{len(text), len(text)}, kind: tokEOF}
	}
	c := text[start]
	switch {
	case c == '\'':
		return l.quoted(start, start, '\'', tokString, false)
	case c == '"':
		return l.quoted(start, start, '"', tokDouble, false)
	case c == '`':
		return l.quoted(start, start, '`', tokQuoted, false)
	case c >= '0' && c <= '9', c == '.' && start+1 < len(text) && isDigit(text[start+1]):
		return l.number(start)
	case strings.HasPrefix(text[start:], "$$"):
		end := strings.Index(text[start+2:], "$$")
		if end < 0 {
			return l.bad(start, len(text), "AS1001", "string $$ is not closed", "end it with $$")
		}
		return l.raw(start, start+2, start+2+end, 2)
	case c == '?':
		l.pos++
		return token{Span: Span{start, l.pos}, kind: tokParam, text: "?"}
	}
	if start+1 < len(text) && text[start+1] == '\'' {
		switch c {
		case 'E', 'e':
			return l.quoted(start, start+1, '\'', tokString, true)
		case 'R', 'r':
			end := strings.IndexByte(text[start+2:], '\'')
			if end < 0 {
				return l.bad(start, len(text), "AS1001", "string r' is not closed", "end it with '")
			}
			return l.raw(start, start+2, start+2+end, 1)
		case 'X', 'x':
			t := l.quoted(start, start+1, '\'', tokHex, false)
			if t.kind == tokHex {
				b, err := hex.DecodeString(t.text)
				if err != nil {
					l.fail(l.src.Error(t.Span, "AS1002", "write an even number of hexadecimal digits", "not a binary literal: "+cut(l.src.Slice(t.Span))))
				}
				t.text = string(b)
			}
			return t
		}
	}
	if r, _ := utf8.DecodeRuneInString(text[start:]); isLetter(r) {
		return l.word(start)
	}
	for _, op := range operators {
		if strings.HasPrefix(text[start:], op) {
			l.pos += len(op)
			return token{Span: Span{start, l.pos}, kind: tokOp, text: op}
		}
	}
	if strings.IndexByte(singleOps, c) >= 0 {
		l.pos++
		return token{Span: Span{start, l.pos}, kind: tokOp, text: text[start:l.pos]}
	}
	r, n := utf8.DecodeRuneInString(text[start:])
	if r == utf8.RuneError && n <= 1 {
		return l.bad(start, start+1, "AS1004", "the text is not valid UTF-8 here", "save the file as UTF-8")
	}
	hint := ""
	switch r {
	case '‘', '’', '“', '”':
		hint = "this is a typographic quote; write ' or \""
	}
	return l.bad(start, start+n, "AS1003", "unexpected character "+string(r), hint)
}

func (l *lexer) bad(start, end int, code, msg, hint string) token {
	l.pos = end
	at := Span{start, end}
	l.fail(l.src.Error(at, code, hint, msg))
	return token{Span: at, kind: tokBad, text: l.src.Slice(at)}
}

// skipBlank passes over white space and comments. Hints are comments here.
func (l *lexer) skipBlank() {
	text := l.src.Text
	for l.pos < len(text) {
		switch c := text[l.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			l.pos++
		case c == '-' && strings.HasPrefix(text[l.pos:], "--"):
			if n := strings.IndexByte(text[l.pos:], '\n'); n >= 0 {
				l.pos += n + 1
			} else {
				l.pos = len(text)
			}
		case c == '/' && strings.HasPrefix(text[l.pos:], "/*"):
			if !l.blockComment() {
				return
			}
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(text[l.pos:])
			if !unicode.IsSpace(r) && r != '\uFEFF' {
				return
			}
			l.pos += n
		default:
			return
		}
	}
}

func (l *lexer) blockComment() bool {
	text, start, depth := l.src.Text, l.pos, 0
	for i := start; i < len(text)-1; i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				l.pos = i + 1
				return true
			}
		}
	}
	l.pos = len(text)
	l.fail(l.src.Error(Span{start, start + 2}, "AS1001", "end it with */", "comment is not closed"))
	return false
}

// raw is a string from..to without escapes, closed by so many bytes.
func (l *lexer) raw(start, from, to, closing int) token {
	l.pos = to + closing
	body := l.src.Text[from:to]
	if !utf8.ValidString(body) {
		return l.bad(start, l.pos, "AS1004", "the text is not valid UTF-8 here", "save the file as UTF-8")
	}
	return token{Span: Span{start, l.pos}, kind: tokString, text: body}
}

// quoted reads a literal that opens at open with quote; a doubled quote stands
// for itself and, in E'...', a backslash escapes.
func (l *lexer) quoted(start, open int, quote byte, k kind, escapes bool) token {
	text := l.src.Text
	i := open + 1
	plain := i
	var sb strings.Builder
	for i < len(text) {
		switch c := text[i]; {
		case c == quote && i+1 < len(text) && text[i+1] == quote:
			sb.WriteString(text[plain : i+1])
			i += 2
			plain = i
		case c == quote:
			l.pos = i + 1
			body := text[plain:i]
			if sb.Len() > 0 {
				sb.WriteString(body)
				body = sb.String()
			}
			if !utf8.ValidString(body) {
				return l.bad(start, l.pos, "AS1004", "the text is not valid UTF-8 here", "save the file as UTF-8")
			}
			if k == tokQuoted && body == "" {
				return l.bad(start, l.pos, "AS1003", "empty name", "")
			}
			return token{Span: Span{start, l.pos}, kind: k, text: body}
		case c == '\\' && escapes && i+1 < len(text):
			sb.WriteString(text[plain:i])
			sb.WriteByte(unescape(text[i+1]))
			i += 2
			plain = i
		default:
			i++
		}
	}
	what := "string"
	if k == tokQuoted {
		what = "name"
	}
	end := strings.IndexByte(text[start:], '\n')
	if end < 0 {
		end = len(text) - start
	}
	t := l.bad(start, start+end, "AS1001", what+" is not closed", "end it with "+string(quote)+"; write "+string(quote)+string(quote)+" for a quote inside")
	l.pos = len(text)
	return t
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case '0':
		return 0
	}
	return c
}

// number reads digits, a fraction, an exponent and a suffix of letters, which
// is a type (10L) or a unit (10s) as the place wants.
func (l *lexer) number(start int) token {
	text, i := l.src.Text, start
	digits := func() {
		for i < len(text) && (isDigit(text[i]) || text[i] == '_' && i+1 < len(text) && isDigit(text[i+1])) {
			i++
		}
	}
	if text[i] == '0' && i+2 < len(text) && (text[i+1] == 'x' || text[i+1] == 'X') && isHex(text[i+2]) {
		for i += 2; i < len(text) && isHex(text[i]); i++ {
		}
		l.pos = i
		return token{Span: Span{start, i}, kind: tokNumber, text: text[start:i]}
	}
	digits()
	if i < len(text) && text[i] == '.' && !strings.HasPrefix(text[i:], "..") {
		i++
		digits()
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		j := i + 1
		if j < len(text) && (text[j] == '+' || text[j] == '-') {
			j++
		}
		if j < len(text) && isDigit(text[j]) {
			i = j
			digits()
		}
	}
	for i < len(text) {
		r, n := utf8.DecodeRuneInString(text[i:])
		if !isLetter(r) && !unicode.IsDigit(r) {
			break
		}
		i += n
	}
	l.pos = i
	return token{Span: Span{start, i}, kind: tokNumber, text: text[start:i]}
}

func (l *lexer) word(start int) token {
	text, i := l.src.Text, start
	ascii := true
	for i < len(text) {
		c := text[i]
		if c < utf8.RuneSelf {
			if !isDigit(c) && c != '$' && c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') {
				break
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		if !isLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			break
		}
		ascii = false
		i += n
	}
	l.pos = i
	t := token{Span: Span{start, i}, kind: tokIdent, text: text[start:i]}
	if ascii {
		t.up = l.src.upper[start:i]
	}
	return t
}

func isLetter(r rune) bool { return r == '_' || r != utf8.RuneError && unicode.IsLetter(r) }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isHex(c byte) bool    { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
