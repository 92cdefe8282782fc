// Package jsontext reads JSON text straight into columns. It is strict: what
// RFC 8259 does not allow is an error, and so is text that is not UTF-8, a lone
// surrogate, nesting beyond 128 levels and a number that its column cannot
// hold. Floor 1.
package jsontext

import (
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds nesting.
const maxDepth = 128

var errEnd = errors.New("the JSON text ends too early")

// scanner is a position in a JSON text.
type scanner struct {
	b []byte
	i int
}

// syntax is an error at the current position.
func (s *scanner) syntax(want string) error {
	if s.i >= len(s.b) {
		return errEnd
	}
	return fmt.Errorf("invalid JSON at byte %d: %q where %s is expected", s.i+1, s.b[s.i], want)
}

// space passes blanks and returns the byte behind them, 0 at the end.
func (s *scanner) space() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// word passes true, false or null.
func (s *scanner) word(w string) error {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return s.syntax("a value")
	}
	s.i += len(w)
	return nil
}

// end checks that only blanks follow.
func (s *scanner) end() error {
	if s.space(); s.i < len(s.b) {
		return s.syntax("the end")
	}
	return nil
}

// plain marks the bytes of a string that need no attention.
var plain = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// str passes a string and returns what stands between its quotes.
func (s *scanner) str() (raw []byte, escaped bool, err error) {
	b, i := s.b, s.i+1
	start := i
	for {
		for i < len(b) && plain[b[i]] {
			i++
		}
		if i >= len(b) {
			s.i = i
			return nil, false, errEnd
		}
		switch c := b[i]; {
		case c == '"':
			s.i = i + 1
			return b[start:i], escaped, nil
		case c == '\\':
			escaped = true
			n, err := escapeLen(b[i:])
			if err != nil {
				s.i = i
				return nil, false, fmt.Errorf("invalid JSON at byte %d: %w", i+1, err)
			}
			i += n
		case c < 0x20:
			s.i = i
			return nil, false, s.syntax("no control character")
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				s.i = i
				return nil, false, fmt.Errorf("invalid JSON at byte %d: text is not UTF-8", i+1)
			}
			i += n
		}
	}
}

var (
	errEscape    = errors.New("unknown escape")
	errSurrogate = errors.New("half a surrogate pair")
)

// escapeLen checks the escape at the start of b.
func escapeLen(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, errEnd
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case 'u':
		r, err := hex4(b[2:])
		if err != nil {
			return 0, err
		}
		if !utf16.IsSurrogate(r) {
			return 6, nil
		}
		if len(b) < 12 || b[6] != '\\' || b[7] != 'u' {
			return 0, errSurrogate
		}
		low, err := hex4(b[8:])
		if err != nil {
			return 0, err
		}
		if utf16.DecodeRune(r, low) == utf8.RuneError {
			return 0, errSurrogate
		}
		return 12, nil
	}
	return 0, errEscape
}

func hex4(b []byte) (r rune, err error) {
	if len(b) < 4 {
		return 0, errEscape
	}
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, errEscape
		}
		r = r<<4 | rune(c)
	}
	return r, nil
}

// unescape appends the text of a checked string.
func unescape(to, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			to = append(to, raw[i])
			i++
			continue
		}
		switch c := raw[i+1]; c {
		case 'b':
			to = append(to, '\b')
		case 'f':
			to = append(to, '\f')
		case 'n':
			to = append(to, '\n')
		case 'r':
			to = append(to, '\r')
		case 't':
			to = append(to, '\t')
		case 'u':
			r, _ := hex4(raw[i+2:])
			i += 4
			if utf16.IsSurrogate(r) {
				low, _ := hex4(raw[i+4:])
				r = utf16.DecodeRune(r, low)
				i += 6
			}
			to = utf8.AppendRune(to, r)
		default:
			to = append(to, c)
		}
		i += 2
	}
	return to
}

// number passes a number and returns it.
func (s *scanner) number() (text []byte, whole bool, err error) {
	b, i := s.b, s.i
	start := i
	if i < len(b) && b[i] == '-' {
		i++
	}
	digits := func() bool {
		from := i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		return i > from
	}
	whole = true
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		s.i = i
		return nil, false, s.syntax("a value")
	}
	if i < len(b) && b[i] == '.' {
		whole = false
		if i++; !digits() {
			s.i = i
			return nil, false, s.syntax("a digit")
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		whole = false
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			s.i = i
			return nil, false, s.syntax("a digit")
		}
	}
	s.i = i
	return b[start:i], whole, nil
}

// skip passes any value.
func (s *scanner) skip(depth int) error {
	switch c := s.space(); c {
	case '"':
		_, _, err := s.str()
		return err
	case '{', '[':
		return s.skipNested(c, depth)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	_, _, err := s.number()
	return err
}

var errDepth = fmt.Errorf("JSON is nested deeper than %d levels", maxDepth)

func (s *scanner) skipNested(open byte, depth int) error {
	if depth >= maxDepth {
		return errDepth
	}
	s.i++
	closing := open + 2 // ] follows [ and } follows { in ASCII, one apart
	if s.space() == closing {
		s.i++
		return nil
	}
	for {
		if open == '{' {
			if _, _, err := s.key(); err != nil {
				return err
			}
		}
		if err := s.skip(depth + 1); err != nil {
			return err
		}
		if done, err := s.next(closing); done || err != nil {
			return err
		}
	}
}

// key passes the name of a member and its colon.
func (s *scanner) key() (raw []byte, escaped bool, err error) {
	if s.space() != '"' {
		return nil, false, s.syntax("a name in quotes")
	}
	if raw, escaped, err = s.str(); err != nil {
		return nil, false, err
	}
	if s.space() != ':' {
		return nil, false, s.syntax("a colon")
	}
	s.i++
	return raw, escaped, nil
}

// next passes a comma, or the closing bracket, which is the end.
func (s *scanner) next(closing byte) (done bool, err error) {
	switch s.space() {
	case ',':
		s.i++
		return false, nil
	case closing:
		s.i++
		return true, nil
	}
	return false, s.syntax(fmt.Sprintf("a comma or %q", closing))
}

// Check reports what is wrong with b as one JSON text, if anything.
func Check(b []byte) error {
	s := scanner{b: b}
	if err := s.skip(0); err != nil {
		return err
	}
	return s.end()
}
