package expr

import (
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
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
	switch t.(type) {
	case *arrow.TimestampType, *arrow.DurationType, *arrow.Date64Type, *arrow.Time64Type:
		return one(t, count), nil
	case *arrow.Date32Type, *arrow.Time32Type, *arrow.MonthIntervalType:
		return one(t, int32(count)), nil
	}
	return nil, &Error{Code: kernels.CodeTypes, Msg: "no literal of type " + kernels.SQLName(t)}
}

// one is an array of one value of fixed width; v has the layout of type t.
func one[T columnar.Fixed](t arrow.DataType, v T) arrow.Array {
	return constantOf(t, memory.NewBufferBytes(columnar.AsBytes([]T{v})))
}

// constantOf is an array of one value in buffers of the Go heap, which the
// collector frees. A builder would take three times the objects.
func constantOf(t arrow.DataType, buffers ...*memory.Buffer) arrow.Array {
	return array.MakeFromData(array.NewData(t, 1, append([]*memory.Buffer{nil}, buffers...), nil, 0, 0))
}

// plain builds a literal of its natural type.
func plain(l Lit, count int64, counted bool) (arrow.Array, error) {
	if counted {
		return one(arrow.PrimitiveTypes.Int64, count), nil
	}
	switch v := l.Value.(type) {
	case bool:
		bits := []byte{0}
		if v {
			bits[0] = 1
		}
		return constantOf(arrow.FixedWidthTypes.Boolean, memory.NewBufferBytes(bits)), nil
	case float64:
		return one(arrow.PrimitiveTypes.Float64, v), nil
	case float32:
		return one(arrow.PrimitiveTypes.Float32, v), nil
	case string:
		return text(arrow.BinaryTypes.String, []byte(v)), nil
	case []byte:
		return text(arrow.BinaryTypes.Binary, slices.Clone(v)), nil
	case decimal128.Num:
		t, ok := l.Type.(*arrow.Decimal128Type)
		if !ok {
			t = &arrow.Decimal128Type{Precision: 38}
		}
		return constantOf(t, memory.NewBufferBytes(arrow.Decimal128Traits.CastToBytes([]decimal128.Num{v}))), nil
	}
	return nil, &Error{Code: kernels.CodeTypes, Msg: fmt.Sprintf("no literal of Go type %T", l.Value)}
}

// text is an array of one string, which it takes over.
func text(t arrow.DataType, v []byte) arrow.Array {
	ends := columnar.AsBytes([]int32{0, int32(len(v))})
	return constantOf(t, memory.NewBufferBytes(ends), memory.NewBufferBytes(v))
}
