package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"github.com/arrowstream/arrowstream/columnar"
)

var (
	boolType    arrow.DataType = arrow.FixedWidthTypes.Boolean
	int32Type   arrow.DataType = arrow.PrimitiveTypes.Int32
	int64Type   arrow.DataType = arrow.PrimitiveTypes.Int64
	float32Type arrow.DataType = arrow.PrimitiveTypes.Float32
	float64Type arrow.DataType = arrow.PrimitiveTypes.Float64
	textType    arrow.DataType = arrow.BinaryTypes.String
	binaryType  arrow.DataType = arrow.BinaryTypes.Binary
	dateType    arrow.DataType = arrow.FixedWidthTypes.Date32
	micros      arrow.DataType = &arrow.TimestampType{Unit: arrow.Microsecond}
)

// Logical is t without its layout: the value type of a dictionary, the small
// layouts of text and binary.
func Logical(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return Logical(t.ValueType)
	case *arrow.LargeStringType:
		return textType
	case *arrow.LargeBinaryType:
		return binaryType
	}
	return t
}

func isInt(t arrow.DataType) bool     { return arrow.IsInteger(t.ID()) }
func isFloat(t arrow.DataType) bool   { return t.ID() == arrow.FLOAT32 || t.ID() == arrow.FLOAT64 }
func isDecimal(t arrow.DataType) bool { return t.ID() == arrow.DECIMAL128 }
func isNumber(t arrow.DataType) bool  { return isInt(t) || isFloat(t) || isDecimal(t) }
func isNull(t arrow.DataType) bool    { return t.ID() == arrow.NULL }
func isDate(t arrow.DataType) bool    { return t.ID() == arrow.DATE32 || t.ID() == arrow.DATE64 }
func isText(t arrow.DataType) bool    { return Logical(t).ID() == arrow.STRING }
func isBytes(t arrow.DataType) bool {
	id := Logical(t).ID()
	return id == arrow.STRING || id == arrow.BINARY
}
func isInstant(t arrow.DataType) bool { return t.ID() == arrow.TIMESTAMP || isDate(t) }
func isTimeOfDay(t arrow.DataType) bool {
	return t.ID() == arrow.TIME32 || t.ID() == arrow.TIME64
}

// unitOf is the unit of a timestamp, duration or time of day.
func unitOf(t arrow.DataType) arrow.TimeUnit {
	if u, ok := t.(arrow.TemporalWithUnit); ok {
		return u.TimeUnit()
	}
	return arrow.Second
}

// perSecond is the number of units in a second.
func perSecond(u arrow.TimeUnit) int64 {
	return [...]int64{1, 1e3, 1e6, 1e9}[u]
}

// digitsOf is the decimal type that holds every value of an integer type.
func digitsOf(t arrow.DataType) *arrow.Decimal128Type {
	if d, ok := t.(*arrow.Decimal128Type); ok {
		return d
	}
	p := map[arrow.Type]int32{arrow.INT8: 3, arrow.UINT8: 3, arrow.INT16: 5, arrow.UINT16: 5, arrow.INT32: 10, arrow.UINT32: 10}[t.ID()]
	if p == 0 {
		p = 19
	}
	if t.ID() == arrow.UINT64 {
		p = 20
	}
	return &arrow.Decimal128Type{Precision: p}
}

// signedWidth is the width in bits of the signed integer type that holds t, at
// most 64.
func signedWidth(t arrow.DataType) int {
	switch t.ID() {
	case arrow.INT8:
		return 8
	case arrow.INT16, arrow.UINT8:
		return 16
	case arrow.INT32, arrow.UINT16:
		return 32
	}
	return 64
}

func signedOf(width int) arrow.DataType {
	switch width {
	case 8:
		return arrow.PrimitiveTypes.Int8
	case 16:
		return arrow.PrimitiveTypes.Int16
	case 32:
		return int32Type
	}
	return int64Type
}

// commonNumber is the type in which two numbers of different types meet.
func commonNumber(a, b arrow.DataType) arrow.DataType {
	switch {
	case columnar.SameType(a, b):
		return a
	case isFloat(a) || isFloat(b):
		return float64Type
	case isDecimal(a) || isDecimal(b):
		x, y := digitsOf(a), digitsOf(b)
		scale := max(x.Scale, y.Scale)
		whole := max(x.Precision-x.Scale, y.Precision-y.Scale)
		return decimalType(whole+scale, scale)
	}
	return signedOf(max(signedWidth(a), signedWidth(b)))
}

// decimalType is decimal(p,s), with the scale reduced to fit 38 digits.
func decimalType(p, s int32) *arrow.Decimal128Type {
	if p > 38 {
		s = max(38-(p-s), min(s, 6))
		p = 38
	}
	return &arrow.Decimal128Type{Precision: p, Scale: s}
}

// Arg is an argument at bind time.
type Arg struct {
	Type    arrow.DataType
	Const   arrow.Array // length 1 if the argument is constant, else nil
	Literal bool        // a literal: text takes the type of what it meets
	Zone    string      // the time zone in which a text or a wall clock time is an instant; UTC if empty
}

func (a Arg) text() bool { return isText(a.Type) }

// stringConst is the value of a constant text argument.
func (a Arg) stringConst() (string, bool) {
	if a.Const == nil || !isText(a.Type) || a.Const.IsNull(0) {
		return "", false
	}
	switch c := a.Const.(type) {
	case *array.String:
		return c.Value(0), true
	case *array.LargeString:
		return c.Value(0), true
	}
	return "", false
}

// intConst is the value of a constant integer argument.
func (a Arg) intConst() (int64, bool) {
	if a.Const == nil || a.Const.DataType().ID() == arrow.NULL || a.Const.IsNull(0) {
		return 0, false
	}
	switch c := a.Const.(type) {
	case *array.Int64:
		return c.Value(0), true
	case *array.Int32:
		return int64(c.Value(0)), true
	case *array.Int16:
		return int64(c.Value(0)), true
	case *array.Int8:
		return int64(c.Value(0)), true
	case *array.Uint8:
		return int64(c.Value(0)), true
	case *array.Uint16:
		return int64(c.Value(0)), true
	case *array.Uint32:
		return int64(c.Value(0)), true
	case *array.Decimal128:
		scale := c.DataType().(*arrow.Decimal128Type).Scale
		v, rem := c.Value(0).Div(decimal128.GetScaleMultiplier(int(scale)))
		if scale > 0 && rem.Sign() != 0 {
			return 0, false
		}
		return int64(v.LowBits()), v == decimal128.FromI64(int64(v.LowBits()))
	}
	return 0, false
}

// CommonType is the type in which values of all args meet, for comparison, the
// branches of CASE, COALESCE and the like: text literals take the type of the
// others, numbers widen, dates become timestamps, finer units win, and a text
// column that meets a number becomes a number. what names the caller in errors.
func CommonType(what string, args []Arg) (arrow.DataType, error) {
	var out arrow.DataType
	for _, a := range args {
		if isNull(a.Type) || a.Literal && a.text() {
			continue
		}
		t := Logical(a.Type)
		if out == nil {
			out = t
			continue
		}
		next, ok := commonType(out, t)
		if !ok {
			return nil, &Error{Code: CodeTypes, Msg: what + ": " + SQLName(out) + " and " + SQLName(t) + " do not go together", Hint: "CAST one of them"}
		}
		out = next
	}
	if out == nil {
		out = arrow.Null
		for _, a := range args {
			if a.text() {
				out = textType
			}
		}
	}
	return out, nil
}

func commonType(a, b arrow.DataType) (arrow.DataType, bool) {
	switch {
	case columnar.SameType(a, b), isNull(b):
		return a, true
	case isNull(a):
		return b, true
	case isNumber(a) && isNumber(b):
		return commonNumber(a, b), true
	case isText(a) && isNumber(b):
		return textNumber(b), true
	case isNumber(a) && isText(b):
		return textNumber(a), true
	case isBytes(a) && isBytes(b):
		return binaryType, true
	case isInstant(a) && isInstant(b):
		if isDate(a) && isDate(b) {
			return dateType, true
		}
		return finerInstant(a, b), true
	case a.ID() == arrow.DURATION && b.ID() == arrow.DURATION:
		return &arrow.DurationType{Unit: max(unitOf(a), unitOf(b))}, true
	case isTimeOfDay(a) && isTimeOfDay(b):
		if unitOf(a) >= unitOf(b) {
			return a, true
		}
		return b, true
	}
	return commonNested(a, b)
}

func textNumber(t arrow.DataType) arrow.DataType {
	if isInt(t) {
		return int64Type
	}
	return float64Type
}

// finerInstant is the timestamp type in which two instants of which one at
// least is a timestamp meet.
func finerInstant(a, b arrow.DataType) arrow.DataType {
	out := &arrow.TimestampType{}
	for _, t := range []arrow.DataType{a, b} {
		ts, ok := t.(*arrow.TimestampType)
		if !ok {
			continue
		}
		out.Unit = max(out.Unit, ts.Unit)
		if out.TimeZone == "" {
			out.TimeZone = ts.TimeZone
		}
	}
	return out
}

// commonNested joins lists and vectors: element types meet, lengths must agree.
func commonNested(a, b arrow.DataType) (arrow.DataType, bool) {
	switch x := a.(type) {
	case *arrow.FixedSizeListType:
		y, ok := b.(*arrow.FixedSizeListType)
		if !ok || x.Len() != y.Len() {
			return nil, false
		}
		if elem, ok := commonType(x.Elem(), y.Elem()); ok && elem.ID() == arrow.FLOAT64 {
			return columnar.Vector(int(x.Len())), true
		}
	case *arrow.ListType:
		if y, ok := b.(*arrow.ListType); ok {
			if elem, ok := commonType(x.Elem(), y.Elem()); ok {
				return arrow.ListOf(elem), true
			}
		}
	}
	return nil, false
}
