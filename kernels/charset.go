package kernels

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// charset turns text into bytes and back; ok is false for what it cannot say.
type charset struct {
	encode, decode func(dst, s []byte) ([]byte, bool)
}

// charsets are those that ENCODE and DECODE know, by their names in upper case.
// UTF-16 is written big-endian with a byte order mark, as Java does.
var charsets = map[string]charset{
	"UTF-8":      {plainUTF8, checkedUTF8},
	"US-ASCII":   {encodeBelow(0x80), decodeBelow(0x80)},
	"ISO-8859-1": {encodeBelow(0x100), decodeBelow(0x100)},
	"UTF-16BE":   {encodeUTF16(binary.BigEndian, false), decodeUTF16(binary.BigEndian)},
	"UTF-16LE":   {encodeUTF16(binary.LittleEndian, false), decodeUTF16(binary.LittleEndian)},
	"UTF-16":     {encodeUTF16(binary.BigEndian, true), decodeMarked},
}

func plainUTF8(dst, s []byte) ([]byte, bool) { return append(dst, s...), true }

func checkedUTF8(dst, s []byte) ([]byte, bool) { return append(dst, s...), utf8.Valid(s) }

// encodeBelow writes code points below a bound as single bytes.
func encodeBelow(bound rune) func(dst, s []byte) ([]byte, bool) {
	return func(dst, s []byte) ([]byte, bool) {
		for len(s) > 0 {
			r, size := utf8.DecodeRune(s)
			if r >= bound || r == utf8.RuneError && size == 1 {
				return dst, false
			}
			dst, s = append(dst, byte(r)), s[size:]
		}
		return dst, true
	}
}

func decodeBelow(bound int) func(dst, s []byte) ([]byte, bool) {
	return func(dst, s []byte) ([]byte, bool) {
		for _, c := range s {
			if int(c) >= bound {
				return dst, false
			}
			dst = utf8.AppendRune(dst, rune(c))
		}
		return dst, true
	}
}

// unitOrder reads and writes the units of UTF-16.
type unitOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

func encodeUTF16(order unitOrder, mark bool) func(dst, s []byte) ([]byte, bool) {
	return func(dst, s []byte) ([]byte, bool) {
		if mark {
			dst = order.AppendUint16(dst, 0xfeff)
		}
		for len(s) > 0 {
			r, size := utf8.DecodeRune(s)
			if r == utf8.RuneError && size == 1 {
				return dst, false
			}
			s = s[size:]
			if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
				dst = order.AppendUint16(dst, uint16(hi))
				r = lo
			}
			dst = order.AppendUint16(dst, uint16(r))
		}
		return dst, true
	}
}

func decodeUTF16(order unitOrder) func(dst, s []byte) ([]byte, bool) {
	return func(dst, s []byte) ([]byte, bool) {
		for ; len(s) >= 2; s = s[2:] {
			r := rune(order.Uint16(s))
			if utf16.IsSurrogate(r) {
				if len(s) < 4 {
					return dst, false
				}
				if r = utf16.DecodeRune(r, rune(order.Uint16(s[2:]))); r == utf8.RuneError {
					return dst, false
				}
				s = s[2:]
			}
			dst = utf8.AppendRune(dst, r)
		}
		return dst, len(s) == 0
	}
}

// decodeMarked reads UTF-16 in the order its mark tells, big-endian without.
func decodeMarked(dst, s []byte) ([]byte, bool) {
	if len(s) >= 2 {
		switch binary.BigEndian.Uint16(s) {
		case 0xfeff:
			s = s[2:]
		case 0xfffe:
			return decodeUTF16(binary.LittleEndian)(dst, s[2:])
		}
	}
	return decodeUTF16(binary.BigEndian)(dst, s)
}

// bindCharset resolves ENCODE(text, charset) and DECODE(bytes, charset), whose
// charset is a constant, UTF-8 if missing. What it cannot say is NULL.
func bindCharset(encode bool) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		set := charsets["UTF-8"]
		if len(args) == 2 {
			name, _ := args[1].stringConst()
			var ok bool
			if set, ok = charsets[strings.ToUpper(name)]; !ok {
				return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the charset must be a constant that is known", Hint: "one of 'UTF-8', 'US-ASCII', 'ISO-8859-1', 'UTF-16', 'UTF-16BE', 'UTF-16LE'"}
			}
		}
		if encode {
			return nulls(NullPossible, texts(binaryType, tryText(binaryType, set.encode), textType, textType))(f, args)
		}
		return nulls(NullPossible, texts(textType, tryText(textType, set.decode), binaryType, textType))(f, args)
	}
}
