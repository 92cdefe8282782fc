package cell

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// Errors of values that do not fit their column.
var (
	errInt   = errors.New("not a whole number in range")
	errFloat = errors.New("not a number in range")
	errBool  = errors.New("not true or false")
	errSize  = errors.New("the batch holds more than 2 GiB of text")
)

// AppendParsed parses text as a value of the column's type and appends it. The
// error says what the text is not; the column is then as before. Lists and
// structs have no text form here.
func (c *Column) AppendParsed(v []byte) error {
	switch c.ID {
	case arrow.STRING, arrow.BINARY, arrow.DICTIONARY:
		if !c.Room(len(v)) {
			return errSize
		}
		c.AppendBytes(v)
	case arrow.FLOAT64:
		x, err := ParseFloat(v, true)
		if err != nil {
			return err
		}
		c.AppendFloat64(x)
	case arrow.FLOAT32:
		return c.appendFloat32(v)
	case arrow.BOOL:
		b, err := ParseBool(v)
		if err != nil {
			return err
		}
		c.AppendBool(b)
	case arrow.TIMESTAMP:
		n, err := ParseTimestamp(v, c.Type.(*arrow.TimestampType).Unit)
		if err != nil {
			return err
		}
		c.AppendInt64(n)
	case arrow.DATE32, arrow.DATE64:
		return c.appendDate(v)
	case arrow.TIME32:
		return c.appendTime(v, c.Type.(*arrow.Time32Type).Unit)
	case arrow.TIME64:
		return c.appendTime(v, c.Type.(*arrow.Time64Type).Unit)
	case arrow.DECIMAL128:
		return c.AppendDecimalText(v)
	case arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		n, ok := ParseUint(v)
		if !ok || !c.AppendUnsigned(n) {
			return fmt.Errorf("%w of %s", errInt, c.Type)
		}
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.DURATION:
		n, ok := ParseInt(v)
		if !ok || !c.AppendInteger(n) {
			return fmt.Errorf("%w of %s", errInt, c.Type)
		}
	default:
		return fmt.Errorf("a column of type %s cannot be read from text", c.Type)
	}
	return nil
}

func (c *Column) appendFloat32(v []byte) error {
	x, err := ParseFloat(v, true)
	if err != nil {
		return err
	}
	f := float32(x)
	if math.IsInf(float64(f), 0) && !math.IsInf(x, 0) {
		return errFloat
	}
	if y, err := strconv.ParseFloat(view(v), 32); err == nil {
		f = float32(y) // rounded once
	}
	put(&c.data, f)
	c.ok()
	return nil
}

// AppendDecimalText appends to a decimal column. More digits behind the point
// than the column has are an error unless they are zero.
func (c *Column) AppendDecimalText(v []byte) error {
	t := c.Type.(*arrow.Decimal128Type)
	n, err := parseDecimal(v, t.Precision, t.Scale)
	if err != nil {
		return err
	}
	c.AppendDecimal(n)
	return nil
}

func view(v []byte) string { return unsafe.String(unsafe.SliceData(v), len(v)) }

// ParseInt reads an optional sign and digits.
func ParseInt(v []byte) (int64, bool) {
	neg := false
	d := v
	if len(d) > 0 && (d[0] == '-' || d[0] == '+') {
		neg, d = d[0] == '-', d[1:]
	}
	if len(d) == 0 {
		return 0, false
	}
	if len(d) > 18 {
		n, err := strconv.ParseInt(view(v), 10, 64)
		return n, err == nil
	}
	n := int64(0)
	for _, ch := range d {
		if ch -= '0'; ch > 9 {
			return 0, false
		} else {
			n = n*10 + int64(ch)
		}
	}
	if neg {
		n = -n
	}
	return n, true
}

// ParseUint reads digits.
func ParseUint(v []byte) (uint64, bool) {
	n, err := strconv.ParseUint(view(v), 10, 64)
	return n, err == nil
}

// ParseBool reads true or false in any case.
func ParseBool(v []byte) (bool, error) {
	switch {
	case len(v) == 4 && bytes.EqualFold(v, []byte("true")):
		return true, nil
	case len(v) == 5 && bytes.EqualFold(v, []byte("false")):
		return false, nil
	}
	return false, errBool
}

var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// ParseFloat reads a decimal number, rounded to the nearest float64. Numbers
// too large for one are an error. With special, NaN, Inf and Infinity are
// numbers too.
func ParseFloat(v []byte, special bool) (float64, error) {
	// Digits that fit 2^53 with a power of ten that is exact: one rounding.
	i, neg := 0, false
	if len(v) > 0 && (v[0] == '-' || v[0] == '+') {
		neg, i = v[0] == '-', 1
	}
	mantissa, digits, point := uint64(0), 0, -1
	for ; i < len(v); i++ {
		ch := v[i]
		if d := ch - '0'; d <= 9 {
			mantissa = mantissa*10 + uint64(d)
			digits++
		} else if ch == '.' && point < 0 {
			point = digits
		} else {
			break
		}
	}
	if i == len(v) && digits > 0 && digits <= 18 && mantissa < 1<<53 {
		x := float64(mantissa)
		if point >= 0 {
			x /= powers[digits-point]
		}
		if neg {
			x = -x
		}
		return x, nil
	}
	return parseFloatSlow(v, special)
}

func parseFloatSlow(v []byte, special bool) (float64, error) {
	for _, ch := range v {
		switch {
		case ch >= '0' && ch <= '9', ch == '.', ch == '-', ch == '+', ch == 'e', ch == 'E':
		default:
			if !special {
				return 0, errFloat
			}
			switch string(bytes.ToLower(v)) {
			case "nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity":
			default:
				return 0, errFloat
			}
		}
	}
	x, err := strconv.ParseFloat(view(v), 64)
	if err != nil {
		return 0, errFloat
	}
	return x, nil
}

// parseDecimal reads digits with a point and an exponent, scaled.
func parseDecimal(v []byte, precision, scale int32) (decimal128.Num, error) {
	bad := func() (decimal128.Num, error) {
		return decimal128.Num{}, fmt.Errorf("not a number of decimal(%d,%d)", precision, scale)
	}
	i, neg := 0, false
	if len(v) > 0 && (v[0] == '-' || v[0] == '+') {
		neg, i = v[0] == '-', 1
	}
	digits := make([]byte, 0, 48)
	seen, point, exp := false, -1, 0
	for ; i < len(v); i++ {
		ch := v[i]
		if ch >= '0' && ch <= '9' {
			seen = true
			if len(digits) > 0 || ch != '0' {
				digits = append(digits, ch)
			}
			if point >= 0 {
				point++
			}
		} else if ch == '.' && point < 0 {
			point = 0
		} else if (ch == 'e' || ch == 'E') && seen {
			e, ok := ParseInt(v[i+1:])
			if !ok || e > 1000 || e < -1000 {
				return bad()
			}
			exp = int(e)
			break
		} else {
			return bad()
		}
	}
	if !seen {
		return bad()
	}
	shift := int(scale) + exp - max(point, 0)
	if len(digits) == 0 {
		return decimal128.Num{}, nil
	}
	for ; shift < 0; shift++ {
		if len(digits) == 0 || digits[len(digits)-1] != '0' {
			return bad()
		}
		digits = digits[:len(digits)-1]
	}
	if len(digits)+shift > int(precision) {
		return bad()
	}
	for ; shift > 0; shift-- {
		digits = append(digits, '0')
	}
	n := decimal128.FromI64(0)
	ten := decimal128.FromI64(10)
	for _, d := range digits {
		n = n.Mul(ten).Add(decimal128.FromI64(int64(d - '0')))
	}
	if neg {
		n = n.Negate()
	}
	return n, nil
}
