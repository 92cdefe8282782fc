package kernels

import (
	"slices"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// firstRune is the code point of the first character, 0 of an empty text.
func firstRune(s, _ []byte) int {
	if len(s) == 0 {
		return 0
	}
	r, _ := utf8.DecodeRune(s)
	return int(r)
}

// chrKernel is the text of one code point.
func chrKernel(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	code := intsOf(args[0])
	valid := strict(mem, n, args...)
	out := newText(mem, n, 4*n)
	for i := range n {
		if !valid.get(i) {
			out.skip(i)
			continue
		}
		c := code.at(i)
		if c < 0 || c > utf8.MaxRune || !utf8.ValidRune(rune(c)) {
			out.release(valid)
			return nil, errorf(CodeValue, "chr: %d is no code point", c)
		}
		out.put(i, utf8.AppendRune(out.tail(), rune(c)))
	}
	return out.finish(textType, valid)
}

// translation replaces code points by those at the same place of another text,
// and drops those that have none. Of equal ones the first counts.
type translation struct {
	from, to string
	ascii    [utf8.RuneSelf]rune
	others   map[rune]rune
}

// Marks of a [translation] for what stays and what goes.
const (
	runeStays = -1
	runeGoes  = -2
)

func (t *translation) set(from, to string) {
	t.from, t.to = from, to
	t.others = map[rune]rune{}
	for i := range t.ascii {
		t.ascii[i] = runeStays
	}
	into := []rune(to)
	for k, r := range []rune(from) {
		with := rune(runeGoes)
		if k < len(into) {
			with = into[k]
		}
		if _, twice := t.others[r]; twice {
			continue
		}
		t.others[r] = with
		if r < utf8.RuneSelf {
			t.ascii[r] = with
		}
	}
}

func (t *translation) apply(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		var with rune
		if r < utf8.RuneSelf {
			with = t.ascii[r]
		} else {
			r, size = utf8.DecodeRune(s[i:])
			var ok bool
			if with, ok = t.others[r]; !ok || r == utf8.RuneError && size == 1 {
				with = runeStays
			}
		}
		switch with {
		case runeStays:
			dst = append(dst, s[i:i+size]...)
		case runeGoes:
		default:
			dst = utf8.AppendRune(dst, with)
		}
		i += size
	}
	return dst
}

// translateKernel is TRANSLATE(s, from, to). Cost: 1 ns per ASCII byte; the
// table is made anew where from or to differ from the row before.
func translateKernel(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	from, to := textsOf(args[1]), textsOf(args[2])
	var t translation
	return textRows(mem, n, args, func(dst []byte, i int, s *textArg) []byte {
		if t.others == nil || from.string(i) != t.from || to.string(i) != t.to {
			t.set(string(from.at(i)), string(to.at(i)))
		}
		return t.apply(dst, s.at(i))
	})
}

// overlayKernel is OVERLAY(s PLACING r FROM p FOR n): n code points from
// position p on, as many as r has unless n is given, make room for r. A position
// before the text is its start, one past it its end; a negative n is 0.
func overlayKernel(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	with, from := textsOf(args[1]), intsOf(args[2])
	length := intArg{}
	if len(args) == 4 {
		length = intsOf(args[3])
	}
	return textRows(mem, n, args, func(dst []byte, i int, s *textArg) []byte {
		b, r := s.at(i), with.at(i)
		count := int64(0)
		if len(args) == 4 {
			count = length.at(i)
		} else {
			count = int64(utf8.RuneCount(r))
		}
		at := skipRunes(b, max(from.at(i), 1)-1)
		dst = append(append(dst, b[:at]...), r...)
		return append(dst, b[at+skipRunes(b[at:], count):]...)
	})
}

// maxEdit bounds the product of the lengths of two texts whose distance is
// computed: half a second of work.
const maxEdit = 1 << 28

// editDistance computes distances of Levenshtein: the least number of code
// points to insert, delete or replace. It keeps one row of the table of Wagner
// and Fischer. Cost: 1.5 ns per pair of code points.
type editDistance struct {
	a, b []rune
	row  []int32
}

func appendRunes(dst []rune, s []byte) []rune {
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		dst, s = append(dst, r), s[size:]
	}
	return dst
}

func (e *editDistance) between(x, y []byte) (int32, bool) {
	e.a, e.b = appendRunes(e.a[:0], x), appendRunes(e.b[:0], y)
	a, b := e.a, e.b
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a)*len(b) > maxEdit {
		return 0, false
	}
	e.row = slices.Grow(e.row[:0], len(b)+1)[:len(b)+1]
	row := e.row
	for j := range row {
		row[j] = int32(j)
	}
	for i, r := range a {
		corner, left := row[0], int32(i+1)
		row[0] = left
		for j, s := range b {
			cost := corner
			if r != s {
				cost = min(corner, left, row[j+1]) + 1
			}
			corner, left, row[j+1] = row[j+1], cost, cost
		}
	}
	return row[len(b)], true
}

// levenshtein is LEVENSHTEIN(a, b).
func levenshtein(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, int32Type, n), nil
	}
	x, y := textsOf(args[0]), textsOf(args[1])
	valid := strict(mem, n, args...)
	buf, out := fixed[int32](mem, n)
	var e editDistance
	for i := range out {
		if !valid.get(i) {
			continue
		}
		var ok bool
		if out[i], ok = e.between(x.at(i), y.at(i)); !ok {
			giveUp(valid, buf)
			return nil, errorf(CodeValue, "levenshtein: texts of %d and %d characters are too long", len(e.a), len(e.b))
		}
	}
	return finish(int32Type, valid, buf), nil
}
