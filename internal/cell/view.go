package cell

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/zone"
)

// View renders the values of one column as text. It is valid as long as the
// array.
type View struct {
	Valid columnar.Bitmap
	id    arrow.Type
	typ   arrow.DataType
	ints  []int64
	uints []uint64
	flts  []float64
	text  columnar.Strings
	bools columnar.Bitmap
	codes []int32
	list  array.ListLike
	names [][]byte // quoted names of struct fields, with the colon
	kids  []*View
	arr   arrow.Array
	clock *zone.Clock // of timestamps in a zone
}

// NewView returns a view of a. Types without a text form are an error.
func NewView(a arrow.Array) (*View, error) {
	v := &View{Valid: columnar.Validity(a), id: a.DataType().ID(), typ: a.DataType(), arr: a}
	switch v.id {
	case arrow.NULL:
	case arrow.BOOL:
		v.bools = columnar.Bools(a)
	case arrow.INT8:
		v.ints = widen[int64](columnar.Values[int8](a))
	case arrow.INT16:
		v.ints = widen[int64](columnar.Values[int16](a))
	case arrow.INT32, arrow.DATE32, arrow.TIME32, arrow.INTERVAL_MONTHS:
		v.ints = widen[int64](columnar.Values[int32](a))
	case arrow.TIMESTAMP:
		v.ints, v.clock = columnar.Values[int64](a), clockOf(a.DataType().(*arrow.TimestampType))
	case arrow.INT64, arrow.DATE64, arrow.TIME64, arrow.DURATION:
		v.ints = columnar.Values[int64](a)
	case arrow.UINT8:
		v.uints = widen[uint64](columnar.Values[uint8](a))
	case arrow.UINT16:
		v.uints = widen[uint64](columnar.Values[uint16](a))
	case arrow.UINT32:
		v.uints = widen[uint64](columnar.Values[uint32](a))
	case arrow.UINT64:
		v.uints = columnar.Values[uint64](a)
	case arrow.FLOAT32:
		v.flts = widen[float64](columnar.Values[float32](a))
	case arrow.FLOAT64:
		v.flts = columnar.Values[float64](a)
	case arrow.STRING, arrow.BINARY, arrow.LARGE_STRING, arrow.LARGE_BINARY:
		if a.Len() > 0 {
			v.text = columnar.StringsOf(a)
		}
	case arrow.DECIMAL128:
	case arrow.DICTIONARY:
		codes, values, _ := columnar.Dictionary(a)
		v.codes = codes
		return v, v.kid(values)
	case arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST, arrow.MAP:
		v.list = a.(array.ListLike)
		return v, v.kid(v.list.ListValues())
	case arrow.STRUCT:
		for i, f := range a.DataType().(*arrow.StructType).Fields() {
			v.names = append(v.names, append(AppendQuoted(nil, []byte(f.Name)), ':'))
			if err := v.kid(a.(*array.Struct).Field(i)); err != nil {
				return nil, err
			}
		}
	default:
		return nil, fmt.Errorf("a column of type %s cannot be written as text", a.DataType())
	}
	return v, nil
}

func (v *View) kid(a arrow.Array) error {
	k, err := NewView(a)
	v.kids = append(v.kids, k)
	return err
}

func widen[To, From int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64](from []From) []To {
	out := make([]To, len(from))
	for i, x := range from {
		out[i] = To(x)
	}
	return out
}

// Numeric reports whether the values are numbers, for alignment.
func (v *View) Numeric() bool {
	return arrow.IsInteger(v.id) || arrow.IsFloating(v.id) || arrow.IsDecimal(v.id) || v.id == arrow.DURATION
}

// AppendPlain appends row i as people and CSV write it: text bare, nested
// values as JSON, NULL as nothing. sep stands between date and time.
func (v *View) AppendPlain(b []byte, i int, sep byte) []byte {
	if !v.Valid.Get(i) {
		return b
	}
	switch v.id {
	case arrow.STRING, arrow.LARGE_STRING:
		return append(b, v.text.Bytes(i)...)
	case arrow.BINARY, arrow.LARGE_BINARY:
		return base64.StdEncoding.AppendEncode(b, v.text.Bytes(i))
	case arrow.DICTIONARY:
		return v.kids[0].AppendPlain(b, int(v.codes[i]), sep)
	case arrow.FLOAT32, arrow.FLOAT64:
		return v.float(b, v.flts[i])
	case arrow.TIMESTAMP:
		t := v.typ.(*arrow.TimestampType)
		return v.timestamp(b, i, t, sep)
	}
	return v.scalar(b, i)
}

// AppendJSON appends row i as JSON. NaN and the infinities are null, which
// JSON has no other word for; bytes are in base64; times are text in RFC 3339.
func (v *View) AppendJSON(b []byte, i int) []byte {
	if !v.Valid.Get(i) {
		return append(b, "null"...)
	}
	switch v.id {
	case arrow.STRING, arrow.LARGE_STRING:
		return AppendQuoted(b, v.text.Bytes(i))
	case arrow.BINARY, arrow.LARGE_BINARY:
		b = base64.StdEncoding.AppendEncode(append(b, '"'), v.text.Bytes(i))
		return append(b, '"')
	case arrow.DICTIONARY:
		return v.kids[0].AppendJSON(b, int(v.codes[i]))
	case arrow.FLOAT32, arrow.FLOAT64:
		if x := v.flts[i]; x != x || math.IsInf(x, 0) {
			return append(b, "null"...)
		}
		return v.float(b, v.flts[i])
	case arrow.TIMESTAMP:
		t := v.typ.(*arrow.TimestampType)
		return append(v.timestamp(append(b, '"'), i, t, 'T'), '"')
	case arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64:
		return append(v.scalar(append(b, '"'), i), '"')
	}
	return v.scalar(b, i)
}

func (v *View) scalar(b []byte, i int) []byte {
	switch v.id {
	case arrow.BOOL:
		return strconv.AppendBool(b, v.bools.Get(i))
	case arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		return strconv.AppendUint(b, v.uints[i], 10)
	case arrow.DATE32:
		return AppendDate(b, v.ints[i])
	case arrow.DATE64:
		return AppendDate(b, columnar.FloorDiv(v.ints[i], 86_400_000))
	case arrow.TIME32:
		return AppendTimeOfDay(b, v.ints[i], v.typ.(*arrow.Time32Type).Unit)
	case arrow.TIME64:
		return AppendTimeOfDay(b, v.ints[i], v.typ.(*arrow.Time64Type).Unit)
	case arrow.DECIMAL128:
		return appendDecimal(b, v.arr.(*array.Decimal128).Value(i), int(v.typ.(*arrow.Decimal128Type).Scale))
	case arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST, arrow.MAP:
		from, to := v.list.ValueOffsets(i)
		b = append(b, '[')
		for j := from; j < to; j++ {
			if j > from {
				b = append(b, ',')
			}
			b = v.kids[0].AppendJSON(b, int(j))
		}
		return append(b, ']')
	case arrow.STRUCT:
		b = append(b, '{')
		for j, k := range v.kids {
			if j > 0 {
				b = append(b, ',')
			}
			b = k.AppendJSON(append(b, v.names[j]...), i)
		}
		return append(b, '}')
	case arrow.NULL:
		return b
	}
	return strconv.AppendInt(b, v.ints[i], 10)
}

// float renders the shortest digits that read back as the same number.
func (v *View) float(b []byte, x float64) []byte {
	bits := 64
	if v.id == arrow.FLOAT32 {
		bits = 32
	}
	switch {
	case x != x:
		return append(b, "NaN"...)
	case math.IsInf(x, 0):
		if x < 0 {
			b = append(b, '-')
		}
		return append(b, "Infinity"...)
	}
	format := byte('f')
	if abs := math.Abs(x); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, x, format, -1, bits)
}

func appendDecimal(b []byte, n decimal128.Num, scale int) []byte {
	digits := new(big.Int).Abs(n.BigInt()).String()
	if n.Sign() < 0 {
		b = append(b, '-')
	}
	if scale <= 0 {
		b = append(b, digits...)
		for range -scale {
			b = append(b, '0')
		}
		return b
	}
	for len(digits) <= scale {
		digits = "0" + digits
	}
	b = append(b, digits[:len(digits)-scale]...)
	return append(append(b, '.'), digits[len(digits)-scale:]...)
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends v as a JSON string. Bytes that are no UTF-8 become the
// replacement character.
func AppendQuoted(b, v []byte) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(v); {
		c := v[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(v[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = append(b, v[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			if c < 0x20 {
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			} else {
				b = append(b, "\uFFFD"...)
			}
		}
		i++
		start = i
	}
	return append(append(b, v[start:]...), '"')
}

// HasText reports whether [NewView] takes columns of type t.
func HasText(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return HasText(t.ValueType)
	case *arrow.StructType:
		for _, f := range t.Fields() {
			if !HasText(f.Type) {
				return false
			}
		}
		return true
	case arrow.ListLikeType:
		id := t.ID()
		return (id == arrow.LIST || id == arrow.LARGE_LIST || id == arrow.FIXED_SIZE_LIST || id == arrow.MAP) && HasText(t.Elem())
	}
	switch t.ID() {
	case arrow.STRING_VIEW, arrow.BINARY_VIEW, arrow.DECIMAL256, arrow.FLOAT16, arrow.FIXED_SIZE_BINARY, arrow.INTERVAL_DAY_TIME,
		arrow.INTERVAL_MONTH_DAY_NANO, arrow.DENSE_UNION, arrow.SPARSE_UNION, arrow.EXTENSION, arrow.RUN_END_ENCODED:
		return false
	}
	return true
}
