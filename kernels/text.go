package kernels

import (
	"bytes"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// textMap appends what it makes of s to dst and returns it.
type textMap func(dst, s []byte) []byte

// mapText is the kernel of a function of one text. f costs more than the call
// through its value.
func mapText(f textMap) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		return textRows(mem, n, args, func(dst []byte, i int, s *textArg) []byte { return f(dst, s.at(i)) })
	}
}

// textRows builds a text column out of the rows where no argument is NULL. row
// appends the text of row i to dst; s is args[0].
func textRows(mem memory.Allocator, n int, args []Datum, row func(dst []byte, i int, s *textArg) []byte) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	s := textsOf(args[0])
	valid := strict(mem, n, args...)
	out := newText(mem, n, 16*n)
	for i := range n {
		if valid.get(i) {
			out.put(i, row(out.tail(), i, &s))
		} else {
			out.skip(i)
		}
	}
	return out.finish(textType, valid)
}

// intArg is an integer argument.
type intArg struct {
	v    []int64
	mask int
}

func intsOf(d Datum) intArg { return intArg{columnar.Values[int64](d.Array), d.mask()} }

func (a intArg) at(i int) int64 { return a.v[i&a.mask] }

// textArg is a text argument: offsets and bytes where it has 32-bit offsets,
// else a view.
type textArg struct {
	off  []int32
	data []byte
	view columnar.Strings
	mask int
}

func textsOf(d Datum) textArg {
	a := textArg{mask: d.mask()}
	var ok bool
	if a.off, a.data, ok = rawText(d.Array); !ok {
		a.view = d.texts()
	}
	return a
}

func (a *textArg) at(i int) []byte {
	i &= a.mask
	if a.off != nil {
		return a.data[a.off[i]:a.off[i+1]]
	}
	return a.view.Bytes(i)
}

func (a *textArg) string(i int) string {
	b := a.at(i)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// lower maps each code point to its lower case; ASCII takes a short way.
func lower(dst, s []byte) []byte {
	n := len(dst)
	dst = append(dst, s...)
	var all byte
	for i, c := range dst[n:] {
		all |= c
		if c-'A' < 26 {
			dst[n+i] = c | 0x20
		}
	}
	if all >= utf8.RuneSelf {
		return append(dst[:n], bytes.ToLower(s)...)
	}
	return dst
}

// upper maps each code point to its upper case; ASCII takes a short way.
func upper(dst, s []byte) []byte {
	n := len(dst)
	dst = append(dst, s...)
	var all byte
	for i, c := range dst[n:] {
		all |= c
		if c-'a' < 26 {
			dst[n+i] = c &^ 0x20
		}
	}
	if all >= utf8.RuneSelf {
		return append(dst[:n], bytes.ToUpper(s)...)
	}
	return dst
}

// initcap makes the first letter of each word upper case and the others lower
// case; words are runs of letters and digits.
func initcap(dst, s []byte) []byte {
	inside := false
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		word := unicode.IsLetter(r) || unicode.IsDigit(r)
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, s[0])
		case word && !inside:
			dst = utf8.AppendRune(dst, unicode.ToUpper(r))
		case word:
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		default:
			dst = utf8.AppendRune(dst, r)
		}
		inside = word
		s = s[size:]
	}
	return dst
}

func reverseText(dst, s []byte) []byte {
	for len(s) > 0 {
		_, size := utf8.DecodeLastRune(s)
		dst = append(dst, s[len(s)-size:]...)
		s = s[:len(s)-size]
	}
	return dst
}

// skipRunes is the byte position after n code points of s.
func skipRunes(s []byte, n int64) int {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		if s[at] < utf8.RuneSelf {
			at++
			continue
		}
		_, size := utf8.DecodeRune(s[at:])
		at += size
	}
	return at
}

// substring is the code points from position from, counted from 1 or, if
// negative, from the end, at most length of them. Positions before the text
// count towards the length.
func substring(s []byte, from, length int64) []byte {
	if length <= 0 {
		return nil
	}
	if from < 0 {
		from += int64(utf8.RuneCount(s)) + 1
		if from < 1 {
			length += from - 1
			from = 1
		}
	} else if from < 1 {
		// Position 0 is taken as 1.
		from = 1
	}
	if length <= 0 {
		return nil
	}
	s = s[skipRunes(s, from-1):]
	return s[:skipRunes(s, length)]
}

func substringKernel(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	from := intsOf(args[1])
	if len(args) == 2 {
		return textRows(mem, n, args, func(dst []byte, i int, s *textArg) []byte {
			return append(dst, substring(s.at(i), from.at(i), 1<<40)...)
		})
	}
	length := intsOf(args[2])
	return textRows(mem, n, args, func(dst []byte, i int, s *textArg) []byte {
		return append(dst, substring(s.at(i), from.at(i), length.at(i))...)
	})
}

// leftKernel is the first code points of a text, rightKernel the last ones.
func leftKernel(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	count := intsOf(args[1])
	return textRows(mem, n, args, func(dst []byte, i int, s *textArg) []byte {
		b := s.at(i)
		return append(dst, b[:skipRunes(b, count.at(i))]...)
	})
}

func rightKernel(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	count := intsOf(args[1])
	return textRows(mem, n, args, func(dst []byte, i int, s *textArg) []byte {
		b := s.at(i)
		k := count.at(i)
		if k <= 0 {
			return dst
		}
		return append(dst, b[skipRunes(b, int64(utf8.RuneCount(b))-k):]...)
	})
}

// trimSides are the sides a trim works on.
type trimSides int

const (
	trimLeft  trimSides = 1
	trimRight trimSides = 2
)

// trimKernel removes blanks, or the characters of a second argument, from the
// ends.
func trimKernel(sides trimSides) Kernel {
	trim := func(s, set []byte) []byte {
		if sides&trimLeft != 0 {
			s = bytes.TrimLeft(s, string(set))
		}
		if sides&trimRight != 0 {
			s = bytes.TrimRight(s, string(set))
		}
		return s
	}
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, textType, n), nil
		}
		if len(args) == 1 {
			blank := []byte(" ")
			return mapText(func(dst, s []byte) []byte { return append(dst, trim(s, blank)...) })(mem, n, args)
		}
		set := textsOf(args[1])
		return textRows(mem, n, args, func(dst []byte, i int, s *textArg) []byte {
			return append(dst, trim(s.at(i), set.at(i))...)
		})
	}
}

// padKernel fills a text up to a number of code points, or cuts it.
func padKernel(left bool) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, textType, n), nil
		}
		width, fill := intsOf(args[1]), textArg{}
		if len(args) == 3 {
			fill = textsOf(args[2])
		}
		for i := range n {
			if w := width.at(i); w > maxTextRow && args[0].valid(i) && args[1].valid(i) {
				return nil, tooLong("pad", w)
			}
		}
		return textRows(mem, n, args, func(dst []byte, i int, s *textArg) []byte {
			b, with := s.at(i), []byte(" ")
			if len(args) == 3 {
				with = fill.at(i)
			}
			missing := width.at(i) - int64(utf8.RuneCount(b))
			if missing <= 0 || len(with) == 0 {
				return append(dst, b[:skipRunes(b, width.at(i))]...)
			}
			if !left {
				dst = append(dst, b...)
			}
			for runes := int64(utf8.RuneCount(with)); missing > 0; missing -= runes {
				dst = append(dst, with[:skipRunes(with, missing)]...)
			}
			if left {
				dst = append(dst, b...)
			}
			return dst
		})
	}
}

// maxTextRow bounds the texts that repeat and pad make.
const maxTextRow = 1 << 24

func tooLong(name string, n int64) error {
	return errorf(CodeValue, "%s: %d characters are more than %d", name, n, maxTextRow)
}

func repeatKernel(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	times := intsOf(args[1])
	text := textsOf(args[0])
	for i := range n {
		if t := times.at(i); t > 0 && args[0].valid(i) && args[1].valid(i) && (t > maxTextRow || t*int64(len(text.at(i))) > maxTextRow) {
			return nil, tooLong("repeat", t)
		}
	}
	return textRows(mem, n, args, func(dst []byte, i int, s *textArg) []byte {
		for range max(0, times.at(i)) {
			dst = append(dst, s.at(i)...)
		}
		return dst
	})
}

// replaceKernel replaces every occurrence of the second argument, which if
// empty occurs nowhere, by the third.
func replaceKernel(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	from, to := textsOf(args[1]), textsOf(args[2])
	return textRows(mem, n, args, func(dst []byte, i int, s *textArg) []byte {
		b, old := s.at(i), from.at(i)
		if len(old) == 0 {
			return append(dst, b...)
		}
		for {
			at := bytes.Index(b, old)
			if at < 0 {
				return append(dst, b...)
			}
			dst = append(append(dst, b[:at]...), to.at(i)...)
			b = b[at+len(old):]
		}
	})
}
