package expr

import (
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

// constants is where constants live: memory of the Go heap, which is collected
// with the expression and needs no release.
var constants memory.Allocator = memory.NewGoAllocator()

// literal is the array of length 1 of a literal.
func literal(l Lit) (arrow.Array, error) {
	natural, count := l.Type, int64(0)
	counted := true
	switch v := l.Value.(type) {
	case nil:
		if natural == nil {
			natural = arrow.Null
		}
		return kernels.Nulls(constants, natural, 1), nil
	case arrow.Timestamp:
		count = int64(v)
		if natural == nil {
			natural = &arrow.TimestampType{Unit: arrow.Microsecond}
		}
	case arrow.Duration:
		count = int64(v)
		if natural == nil {
			natural = arrow.FixedWidthTypes.Duration_us
		}
	case time.Duration:
		count = v.Microseconds()
		if natural == nil {
			natural = arrow.FixedWidthTypes.Duration_us
		}
	case arrow.Date32:
		count = int64(v)
		if natural == nil {
			natural = arrow.FixedWidthTypes.Date32
		}
	case arrow.MonthInterval:
		count = int64(v)
		natural = arrow.FixedWidthTypes.MonthInterval
	case int64:
		count = v
	case int:
		count = int64(v)
	case int32:
		count = int64(v)
	default:
		counted = false
	}
	if counted && natural != nil && isTemporal(natural) {
		return temporal(natural, count)
	}
	a, err := plain(l, count, counted)
	if err != nil || l.Type == nil || arrow.TypeEqual(a.DataType(), l.Type) {
		return a, err
	}
	return kernels.Cast(constants, a, l.Type, false)
}

// temporal builds a time out of its count of units.
func temporal(t arrow.DataType, count int64) (arrow.Array, error) {
	b := array.NewBuilder(constants, t)
	defer b.Release()
	switch b := b.(type) {
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(count))
	case *array.DurationBuilder:
		b.Append(arrow.Duration(count))
	case *array.Date32Builder:
		b.Append(arrow.Date32(count))
	case *array.Date64Builder:
		b.Append(arrow.Date64(count))
	case *array.Time32Builder:
		b.Append(arrow.Time32(count))
	case *array.Time64Builder:
		b.Append(arrow.Time64(count))
	case *array.MonthIntervalBuilder:
		b.Append(arrow.MonthInterval(count))
	default:
		return nil, &Error{Code: kernels.CodeTypes, Msg: "no literal of type " + kernels.SQLName(t)}
	}
	return b.NewArray(), nil
}

// plain builds a literal of its natural type.
func plain(l Lit, count int64, counted bool) (arrow.Array, error) {
	if counted {
		b := array.NewInt64Builder(constants)
		defer b.Release()
		b.Append(count)
		return b.NewArray(), nil
	}
	switch v := l.Value.(type) {
	case bool:
		b := array.NewBooleanBuilder(constants)
		defer b.Release()
		b.Append(v)
		return b.NewArray(), nil
	case float64:
		b := array.NewFloat64Builder(constants)
		defer b.Release()
		b.Append(v)
		return b.NewArray(), nil
	case float32:
		b := array.NewFloat32Builder(constants)
		defer b.Release()
		b.Append(v)
		return b.NewArray(), nil
	case string:
		b := array.NewStringBuilder(constants)
		defer b.Release()
		b.Append(v)
		return b.NewArray(), nil
	case []byte:
		b := array.NewBinaryBuilder(constants, arrow.BinaryTypes.Binary)
		defer b.Release()
		b.Append(v)
		return b.NewArray(), nil
	case decimal128.Num:
		t, ok := l.Type.(*arrow.Decimal128Type)
		if !ok {
			t = &arrow.Decimal128Type{Precision: 38}
		}
		b := array.NewDecimal128Builder(constants, t)
		defer b.Release()
		b.Append(v)
		return b.NewArray(), nil
	}
	return nil, &Error{Code: kernels.CodeTypes, Msg: fmt.Sprintf("no literal of Go type %T", l.Value)}
}
