package kernels

import (
	"bytes"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// countText is the kernel of a function of one or two texts to an int32.
func countText(f func(a, b []byte) int) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, int32Type, n), nil
		}
		x, y := textsOf(args[0]), textsOf(args[len(args)-1])
		valid := strict(mem, n, args...)
		buf, out := fixed[int32](mem, n)
		for i := range out {
			if valid.get(i) {
				out[i] = int32(f(x.at(i), y.at(i)))
			}
		}
		return finish(int32Type, valid, buf), nil
	}
}

func textLength(s, _ []byte) int { return utf8.RuneCount(s) }

func byteLength(s, _ []byte) int { return len(s) }

// position is where needle first occurs, in code points from 1, or 0.
func position(needle, s []byte) int {
	at := bytes.Index(s, needle)
	if at < 0 {
		return 0
	}
	return utf8.RuneCount(s[:at]) + 1
}

func positionIn(s, needle []byte) int { return position(needle, s) }

// countOccurrences counts what does not overlap; an empty text occurs nowhere.
func countOccurrences(s, part []byte) int {
	if len(part) == 0 {
		return 0
	}
	return bytes.Count(s, part)
}

// textTest sets the bits of out to a property of the rows of a text column,
// which offsets cut out of data, and a constant: the predicates of package simd.
type textTest = func(out []byte, off []int32, data []byte, c string)

// testText is the kernel of a predicate of two texts: whole for a column and a
// constant, f for other arguments.
func testText(f func(a, b []byte) bool, whole textTest) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, boolType, n), nil
		}
		x, y := textsOf(args[0]), textsOf(args[1])
		out := newBools(mem, n)
		if x.off != nil && !args[0].Const && args[1].Const {
			whole(out.bits.Bits, x.off, x.data, string(y.at(0)))
			return out.finish(strict(mem, n, args...)), nil
		}
		for i := range n {
			out.bits.Bits[i>>3] |= simd.Bit(f(x.at(i), y.at(i))) << (i & 7)
		}
		return out.finish(strict(mem, n, args...)), nil
	}
}

// part is piece k, from 0, of s cut at each sep; ok is false if there is none.
// A negative k counts from the end. An empty separator cuts nothing.
func part(s, sep []byte, k int64) (piece []byte, ok bool) {
	if len(sep) == 0 {
		return s, k == 0 || k == -1
	}
	if k < 0 {
		k += int64(bytes.Count(s, sep)) + 1
		if k < 0 {
			return nil, false
		}
	}
	for ; ; k-- {
		at := bytes.Index(s, sep)
		if k == 0 {
			if at >= 0 {
				s = s[:at]
			}
			return s, true
		}
		if at < 0 {
			return nil, false
		}
		s = s[at+len(sep):]
	}
}

// splitIndex is SPLIT_INDEX(s, sep, k), k from 0: NULL if there is no such
// piece.
func splitIndex(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	s, sep, index := textsOf(args[0]), textsOf(args[1]), intsOf(args[2])
	valid := strict(mem, n, args...)
	out := newText(mem, n, 16*n)
	for i := range n {
		var piece []byte
		if valid.get(i) {
			var ok bool
			if k := index.at(i); k >= 0 {
				piece, ok = part(s.at(i), sep.at(i), k)
			}
			if !ok {
				valid.null(i)
			}
		}
		out.put(i, append(out.tail(), piece...))
	}
	return out.finish(textType, valid)
}

// splitPart is SPLIT_PART(s, sep, k), k from 1 or negative from the end: empty
// if there is no such piece.
func splitPart(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	sep, index := textsOf(args[1]), intsOf(args[2])
	for i := range n {
		if index.at(i) == 0 && args[0].valid(i) && args[2].valid(i) {
			return nil, &Error{Code: CodeValue, Msg: "split_part: piece 0", Hint: "pieces count from 1, or from -1 at the end"}
		}
	}
	return textRows(mem, n, args, func(dst []byte, i int, s *textArg) []byte {
		k := index.at(i)
		if k > 0 {
			k--
		}
		piece, _ := part(s.at(i), sep.at(i), k)
		return append(dst, piece...)
	})
}

// concatKernel joins the texts of all arguments; NULL if one is.
func concatKernel(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	parts := make([]textArg, len(args))
	for k, d := range args {
		parts[k] = textsOf(d)
	}
	valid := strict(mem, n, args...)
	out := newText(mem, n, 16*n)
	for i := range n {
		if !valid.get(i) {
			out.skip(i)
			continue
		}
		dst := out.tail()
		for k := range parts {
			dst = append(dst, parts[k].at(i)...)
		}
		out.put(i, dst)
	}
	return out.finish(textType, valid)
}

// concatWS joins the arguments that are not NULL with the first one, which if
// NULL gives NULL.
func concatWS(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if args[0].Null() {
		return Nulls(mem, textType, n), nil
	}
	sep := textsOf(args[0])
	var parts []textArg
	var present []columnar.Bitmap
	for _, d := range args[1:] {
		if !d.Null() {
			parts = append(parts, textsOf(d))
			present = append(present, validBits(d, n))
		}
	}
	valid := strict(mem, n, args[0])
	out := newText(mem, n, 16*n)
	for i := range n {
		dst := out.tail()
		if valid.get(i) {
			first := true
			for k := range parts {
				if !present[k].Get(i) {
					continue
				}
				if !first {
					dst = append(dst, sep.at(i)...)
				}
				first = false
				dst = append(dst, parts[k].at(i)...)
			}
		}
		out.put(i, dst)
	}
	return out.finish(textType, valid)
}

// bindConcat takes anything that has a text.
func bindConcat(k Kernel, rule NullRule) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		for _, a := range args {
			if ok, _ := CanCast(Logical(a.Type), textType); !ok {
				return nil, f.mismatch(args)
			}
		}
		return &Binding{Args: same(textType, len(args)), Out: textType, Nulls: rule, Kernel: k}, nil
	}
}
