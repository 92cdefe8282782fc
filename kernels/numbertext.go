package kernels

import (
	"math"
	"math/big"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"github.com/arrowstream/arrowstream/columnar"
)

// appendFloat writes the shortest text that reads back as v: decimal notation
// between 1e-6 and 1e21, exponents outside, NaN, Infinity and -Infinity.
func appendFloat(dst []byte, v float64, bits int) []byte {
	switch {
	case v != v:
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, v, format, -1, bits)
}

func formatFloat(v float64) string { return string(appendFloat(nil, v, 64)) }

// appendNumber writes an integer or a float.
func appendNumber[T columnar.Fixed](dst []byte, v T) []byte {
	if fractional[T]() {
		if _, ok := any(v).(float32); ok {
			return appendFloat(dst, float64(v), 32)
		}
		return appendFloat(dst, float64(v), 64)
	}
	if v < 0 {
		return strconv.AppendInt(dst, int64(v), 10)
	}
	return strconv.AppendUint(dst, uint64(v), 10)
}

// parseFloat reads what appendFloat writes, and inf; no hexadecimal, no
// underscores. A number too large for a float64 is not ok.
func parseFloat(s string, bits int) (v float64, ok bool) {
	s = trimBlanks(s)
	for i := range len(s) {
		if c := s[i]; c == '_' || c == 'x' || c == 'X' || c == 'p' || c == 'P' {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(s, bits)
	return v, err == nil
}

// parseInt reads an optional sign and decimal digits. tooBig reports digits
// that do not fit in an int64.
func parseInt(s string) (v int64, ok, tooBig bool) {
	s = trimBlanks(s)
	digits := s
	negative := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		digits = s[1:]
	}
	if len(digits) == 0 {
		return 0, false, false
	}
	var u uint64
	for i := range len(digits) {
		c := digits[i] - '0'
		if c > 9 {
			return 0, false, false
		}
		if u > (1<<63-1)/10+1 {
			tooBig = true
			continue
		}
		u = u*10 + uint64(c)
	}
	if tooBig || u > 1<<63 || u == 1<<63 && !negative {
		return 0, false, true
	}
	if negative {
		return int64(-u), true, false
	}
	return int64(u), true, false
}

// parseDecimal reads sign, digits, point and exponent as v*10^-scale.
func parseDecimal(s string) (v *big.Int, scale int32, ok bool) {
	s = trimBlanks(s)
	negative := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	digits := make([]byte, 0, 40)
	point, at := -1, 0
	for ; at < len(s); at++ {
		if c := s[at]; c-'0' <= 9 {
			digits = append(digits, c)
		} else if c == '.' && point < 0 {
			point = len(digits)
		} else {
			break
		}
	}
	if len(digits) == 0 || len(digits) > 1000 {
		return nil, 0, false
	}
	if point >= 0 {
		scale = int32(len(digits) - point)
	}
	if at < len(s) {
		if s[at] != 'e' && s[at] != 'E' {
			return nil, 0, false
		}
		exp, good, _ := parseInt(s[at+1:])
		if !good || exp < -1000 || exp > 1000 || isBlank(s[at+1]) {
			return nil, 0, false
		}
		scale -= int32(exp)
	}
	v, ok = new(big.Int).SetString(string(digits), 10)
	if !ok {
		return nil, 0, false
	}
	if scale < 0 {
		v.Mul(v, bigPow10(-scale))
		scale = 0
	}
	if negative {
		v.Neg(v)
	}
	return v, scale, true
}

// appendDecimal writes v*10^-scale with all digits of the scale.
func appendDecimal(dst []byte, v decimal128.Num, scale int32) []byte {
	if v.HighBits() == 0 && int64(v.LowBits()) >= 0 || v.HighBits() == -1 && int64(v.LowBits()) < 0 {
		if scale == 0 {
			return strconv.AppendInt(dst, int64(v.LowBits()), 10)
		}
	}
	b := v.BigInt()
	if b.Sign() < 0 {
		dst = append(dst, '-')
		b.Neg(b)
	}
	digits := b.String()
	for len(digits) <= int(scale) {
		digits = "0" + digits
	}
	dst = append(dst, digits[:len(digits)-int(scale)]...)
	if scale > 0 {
		dst = append(append(dst, '.'), digits[len(digits)-int(scale):]...)
	}
	return dst
}

func formatDecimal(v decimal128.Num, scale int32) string {
	return string(appendDecimal(nil, v, scale))
}

// parseBool reads true, t, yes, y, 1 and their opposites in any case.
func parseBool(s string) (v, ok bool) {
	s = trimBlanks(s)
	if len(s) > 5 {
		return false, false
	}
	var lower [5]byte
	for i := range len(s) {
		lower[i] = s[i] | 0x20
		if c := s[i]; c == '0' || c == '1' {
			lower[i] = c
		}
	}
	switch string(lower[:len(s)]) {
	case "true", "t", "yes", "y", "1":
		return true, true
	case "false", "f", "no", "n", "0":
		return false, true
	}
	return false, false
}
