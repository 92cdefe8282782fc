package kernels

import (
	"bytes"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// arrayJoin is the texts of the elements, separated; NULLs are passed over, or
// replaced by the third argument.
func arrayJoin(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	l, separator := listOf(args[0]), textsOf(args[1])
	var instead textArg
	if len(args) > 2 {
		instead = textsOf(args[2])
	}
	elements, present := columnar.StringsOf(l.values), columnar.Validity(l.values)
	valid := strict(mem, n, args...)
	out := newText(mem, n, 16*n)
	for i := range n {
		if !valid.get(i) {
			out.skip(i)
			continue
		}
		dst, some := out.tail(), false
		for k, to := l.at(i); k < to; k++ {
			s := []byte(nil)
			switch {
			case present.Get(k):
				s = elements.Bytes(k)
			case len(args) > 2:
				s = instead.at(i)
			default:
				continue
			}
			if some {
				dst = append(dst, separator.at(i)...)
			}
			dst, some = append(dst, s...), true
		}
		out.put(i, dst)
	}
	return out.finish(textType, valid)
}

// split cuts text at a separator; an empty one cuts between code points.
func split(t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		s, separator := textsOf(args[0]), textsOf(args[1])
		valid := strict(mem, n, args...)
		pieces := newPieces(n)
		for i := range n {
			if valid.get(i) {
				pieces.texts = appendPieces(pieces.texts, s.at(i), separator.at(i))
			}
			pieces.end(i)
		}
		return pieces.list(mem, valid)
	}
}

func appendPieces(dst [][]byte, s, separator []byte) [][]byte {
	for len(separator) == 0 && len(s) > 0 {
		_, size := utf8.DecodeRune(s)
		dst, s = append(dst, s[:size]), s[size:]
		if len(s) == 0 {
			return dst
		}
	}
	for len(separator) > 0 {
		piece, rest, found := bytes.Cut(s, separator)
		if !found {
			break
		}
		dst, s = append(dst, piece), rest
	}
	return append(dst, s)
}
