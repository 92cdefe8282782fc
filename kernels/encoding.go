package kernels

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// tryText is the kernel of a function of one text that gives NULL where f
// cannot read it.
func tryText(t arrow.DataType, f func(dst, s []byte) ([]byte, bool)) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		s := textsOf(args[0])
		valid := strict(mem, n, args...)
		out := newText(mem, n, 16*n)
		for i := range n {
			if valid.get(i) {
				if b, ok := f(out.tail(), s.at(i)); ok {
					out.put(i, b)
					continue
				}
				valid.null(i)
			}
			out.skip(i)
		}
		return out.finish(t, valid)
	}
}

// nibble is the value of a hexadecimal digit, 16 or more for other bytes.
func nibble(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20-'a' < 6:
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

// unhex reads two digits per byte; an odd number of them has a 0 in front.
func unhex(dst, s []byte) ([]byte, bool) {
	if len(s)%2 == 1 {
		c := nibble(s[0])
		if c > 15 {
			return dst, false
		}
		dst, s = append(dst, c), s[1:]
	}
	for i := 0; i < len(s); i += 2 {
		hi, lo := nibble(s[i]), nibble(s[i+1])
		if hi > 15 || lo > 15 {
			return dst, false
		}
		dst = append(dst, hi<<4|lo)
	}
	return dst, true
}

// fromBase64 reads base64 with or without padding; line ends are ignored.
func fromBase64(dst, s []byte) ([]byte, bool) {
	s = bytes.TrimRight(s, "=\r\n")
	out, err := base64.RawStdEncoding.AppendDecode(dst, s)
	return out, err == nil
}

// urlEncode writes application/x-www-form-urlencoded as Java does: letters,
// digits and . - * _ stay.
func urlEncode(dst, s []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range s {
		switch {
		case c-'0' <= 9, c|0x20-'a' < 26, c == '.', c == '-', c == '*', c == '_':
			dst = append(dst, c)
		case c == ' ':
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

// urlDecode reverses urlEncode; what is not UTF-8 then is refused.
func urlDecode(dst, s []byte) ([]byte, bool) {
	from := len(dst)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			dst = append(dst, ' ')
		case '%':
			if i+2 >= len(s) {
				return dst, false
			}
			hi, lo := nibble(s[i+1]), nibble(s[i+2])
			if hi > 15 || lo > 15 {
				return dst, false
			}
			dst = append(dst, hi<<4|lo)
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst, utf8.Valid(dst[from:])
}
