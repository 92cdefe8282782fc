package kernels

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// likePattern is a compiled LIKE pattern: pieces between the %, of which the
// first is anchored at the start and the last at the end. A pattern without %
// has one piece and must match all of the text.
type likePattern struct {
	pieces []likePiece
	plain  bool // no piece holds a _
	fold   bool
}

// likePiece is text without %, where any stands for one code point at the
// places of _.
type likePiece struct {
	text []byte // with a zero byte at each _
	wild []bool // which bytes of text are _; nil for none
}

// compileLike reads a pattern. % matches any text and _ one code point; escape,
// if not empty, makes the character after it plain. With fold letters match
// without regard to case.
func compileLike(pattern, escape string, fold bool) (*likePattern, error) {
	esc := rune(-1)
	if escape != "" {
		r, size := utf8.DecodeRuneInString(escape)
		if size != len(escape) {
			return nil, errorf(CodePattern, "ESCAPE %q is not one character", escape)
		}
		esc = r
	}
	p := &likePattern{plain: true, fold: fold}
	if fold {
		pattern = strings.ToLower(pattern)
		esc = []rune(strings.ToLower(string(esc)))[0]
	}
	var piece likePiece
	end := func() {
		if !hasTrue(piece.wild) {
			piece.wild = nil
		} else {
			p.plain = false
		}
		p.pieces = append(p.pieces, piece)
		piece = likePiece{}
	}
	add := func(b []byte, wild bool) {
		piece.text = append(piece.text, b...)
		for range b {
			piece.wild = append(piece.wild, wild)
		}
	}
	for len(pattern) > 0 {
		r, size := utf8.DecodeRuneInString(pattern)
		char := pattern[:size]
		pattern = pattern[size:]
		switch {
		case r == esc && escape != "":
			if pattern == "" {
				return nil, errorf(CodePattern, "LIKE pattern ends with its escape character %q", escape)
			}
			_, size := utf8.DecodeRuneInString(pattern)
			add([]byte(pattern[:size]), false)
			pattern = pattern[size:]
		case r == '%':
			end()
		case r == '_':
			add([]byte{0}, true)
		default:
			add([]byte(char), false)
		}
	}
	end()
	return p, nil
}

func hasTrue(b []bool) bool {
	for _, v := range b {
		if v {
			return true
		}
	}
	return false
}

// prefix is how many bytes of s the piece matches at its start, or -1.
func (p *likePiece) prefix(s []byte) int {
	if p.wild == nil {
		if bytes.HasPrefix(s, p.text) {
			return len(p.text)
		}
		return -1
	}
	at := 0
	for i, c := range p.text {
		switch {
		case at >= len(s):
			return -1
		case p.wild[i]:
			_, size := utf8.DecodeRune(s[at:])
			at += size
		case s[at] != c:
			return -1
		default:
			at++
		}
	}
	return at
}

// find is where the piece first matches in s and how long, or -1.
func (p *likePiece) find(s []byte) (at, length int) {
	if p.wild == nil {
		return bytes.Index(s, p.text), len(p.text)
	}
	for at <= len(s) {
		if k := p.prefix(s[at:]); k >= 0 {
			return at, k
		}
		if at == len(s) {
			break
		}
		_, size := utf8.DecodeRune(s[at:])
		at += size
	}
	return -1, 0
}

// suffix reports whether the piece matches the end of s.
func (p *likePiece) suffix(s []byte) bool {
	if p.wild == nil {
		return bytes.HasSuffix(s, p.text)
	}
	at := len(s)
	for i := len(p.text) - 1; i >= 0; i-- {
		switch {
		case at == 0:
			return false
		case p.wild[i]:
			_, size := utf8.DecodeLastRune(s[:at])
			at -= size
		case s[at-1] != p.text[i]:
			return false
		default:
			at--
		}
	}
	return true
}

// match reports whether s matches. The leftmost match of each inner piece is
// the best one, so there is no backtracking.
func (p *likePattern) match(s []byte) bool {
	if p.fold {
		s = bytes.ToLower(s)
	}
	last := len(p.pieces) - 1
	k := p.pieces[0].prefix(s)
	if k < 0 {
		return false
	}
	if last == 0 {
		return k == len(s)
	}
	s = s[k:]
	for i := 1; i < last; i++ {
		at, k := p.pieces[i].find(s)
		if at < 0 {
			return false
		}
		s = s[at+k:]
	}
	return p.pieces[last].suffix(s)
}

// whole is the test of all rows at once that a pattern without _ of the form
// text, text%, %text or %text% is, with its text; nil for others.
func (p *likePattern) whole() (test textTest, text string) {
	if !p.plain || p.fold {
		return nil, ""
	}
	first, last := string(p.pieces[0].text), string(p.pieces[len(p.pieces)-1].text)
	switch {
	case len(p.pieces) == 1:
		return simd.EqualText, first
	case len(p.pieces) == 2 && last == "":
		return simd.HasPrefix, first
	case len(p.pieces) == 2 && first == "":
		return simd.HasSuffix, last
	case len(p.pieces) == 3 && first == "" && last == "":
		return simd.ContainsText, string(p.pieces[1].text)
	}
	return nil, ""
}

// matchAll fills out with the rows of d that match.
func (p *likePattern) matchAll(out columnar.Bitmap, d Datum) {
	if test, text := p.whole(); test != nil && !d.Const {
		if off, data, ok := rawText(d.Array); ok {
			test(out.Bits, off, data, text)
			return
		}
	}
	s := textsOf(d)
	for i := range out.N {
		out.Bits[i>>3] |= simd.Bit(p.match(s.at(i))) << (i & 7)
	}
}

// likeKernel is LIKE and ILIKE; pattern is nil unless it is constant.
func likeKernel(constant *likePattern, fold bool) Kernel {
	if constant == nil {
		return matchEach(func(text, escape string) (*likePattern, error) { return compileLike(text, escape, fold) })
	}
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, boolType, n), nil
		}
		out := newBools(mem, n)
		constant.matchAll(out.bits, args[0])
		return out.finish(strict(mem, n, args...)), nil
	}
}

// matchEach matches texts with the patterns of their rows, that of the second
// argument with the escape of the third, if there is one. A pattern that is that
// of the row before is not compiled again.
func matchEach[P interface{ match(s []byte) bool }](compile func(text, escape string) (P, error)) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, boolType, n), nil
		}
		s, text, escape := textsOf(args[0]), textsOf(args[1]), textArg{}
		if len(args) == 3 {
			escape = textsOf(args[2])
		}
		out := newBools(mem, n)
		valid := strict(mem, n, args...)
		var p P
		last, compiled := "", false
		for i := range n {
			if !valid.get(i) {
				continue
			}
			esc := ""
			if len(args) == 3 {
				esc = string(escape.at(i))
			}
			if key := esc + "\x00" + text.string(i); !compiled || key != last {
				var err error
				if p, err = compile(string(text.at(i)), esc); err != nil {
					giveUp(valid, out.buf)
					return nil, err
				}
				last, compiled = key, true
			}
			if p.match(s.at(i)) {
				out.bits.Set(i)
			}
		}
		return out.finish(valid), nil
	}
}

func bindLike(fold bool) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		b, err := scalar(boolType, nil, textType)(f, args)
		if err != nil {
			return nil, err
		}
		var constant *likePattern
		if pattern, escape, ok := escapedPattern(args); ok {
			if constant, err = compileLike(pattern, escape, fold); err != nil {
				return nil, err
			}
		}
		b.Kernel, b.Fails = likeKernel(constant, fold), constant == nil
		b.keepDictionaries(args)
		return b, nil
	}
}

// escapedPattern are the pattern and the escape of (text, pattern[, escape]) if
// both are constant.
func escapedPattern(args []Arg) (text, escape string, ok bool) {
	if text, ok = args[1].stringConst(); ok && len(args) == 3 {
		escape, ok = args[2].stringConst()
	}
	return text, escape, ok
}
