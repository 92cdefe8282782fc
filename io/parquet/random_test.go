package parquet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// allTypes is one nullable column of every type that is written and read back
// as it was.
func allTypes(nullable bool) *arrow.Schema {
	types := []arrow.DataType{
		arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
		arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64, columnar.Dict, arrow.BinaryTypes.Binary, arrow.FixedWidthTypes.Date32,
		arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time32ms, arrow.FixedWidthTypes.Time64us, arrow.FixedWidthTypes.Time64ns,
		&arrow.TimestampType{Unit: arrow.Second}, &arrow.TimestampType{Unit: arrow.Millisecond}, &arrow.TimestampType{Unit: arrow.Microsecond},
		&arrow.TimestampType{Unit: arrow.Nanosecond}, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, &arrow.DurationType{Unit: arrow.Microsecond},
		&arrow.Decimal128Type{Precision: 38, Scale: 4}, arrow.ListOf(arrow.PrimitiveTypes.Float64), arrow.ListOf(arrow.BinaryTypes.String), columnar.Vector(3),
		arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, arrow.Field{Name: "b", Type: arrow.BinaryTypes.String},
			arrow.Field{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true}),
	}
	var fields []arrow.Field
	for i, t := range types {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("c%02d", i), Type: t, Nullable: nullable})
	}
	return arrow.NewSchema(fields, nil)
}

// randomBatch fills n rows; nulls is the share of nulls in nullable columns.
func randomBatch(t testing.TB, mem memory.Allocator, r *rand.Rand, s *arrow.Schema, n int, nulls float64) arrow.Record {
	t.Helper()
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	for i, f := range s.Fields() {
		for range n {
			appendRandom(t, r, b.Field(i), f, nulls)
		}
	}
	rec := b.NewRecord()
	t.Cleanup(rec.Release)
	return rec
}

func appendRandom(t testing.TB, r *rand.Rand, b array.Builder, f arrow.Field, nulls float64) {
	if f.Nullable && r.Float64() < nulls {
		b.AppendNull()
		return
	}
	x := r.Int64() >> r.IntN(64)
	word := fmt.Sprintf("w%d ü", r.IntN(300))
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(x&1 == 0)
	case *array.Int8Builder:
		b.Append(int8(x))
	case *array.Int16Builder:
		b.Append(int16(x))
	case *array.Int32Builder:
		b.Append(int32(x))
	case *array.Int64Builder:
		b.Append(x)
	case *array.Uint8Builder:
		b.Append(uint8(x))
	case *array.Uint16Builder:
		b.Append(uint16(x))
	case *array.Uint32Builder:
		b.Append(uint32(x))
	case *array.Uint64Builder:
		b.Append(uint64(x))
	case *array.Float32Builder:
		b.Append([]float32{float32(r.NormFloat64()), float32(math.NaN()), float32(math.Inf(1)), 0}[min(r.IntN(40), 3)])
	case *array.Float64Builder:
		b.Append([]float64{math.NaN(), math.Inf(-1), math.Copysign(0, -1), r.NormFloat64()}[min(r.IntN(40), 3)])
	case *array.BinaryDictionaryBuilder:
		if err := b.AppendString(word); err != nil {
			t.Fatal(err)
		}
	case *array.StringBuilder:
		b.Append(word)
	case *array.BinaryBuilder:
		b.Append([]byte{byte(x), 0xff, byte(x >> 8)}[:r.IntN(4)])
	case *array.Date32Builder:
		b.Append(arrow.Date32(x))
	case *array.Time32Builder:
		b.Append(arrow.Time32(r.IntN(86400)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(r.IntN(86400_000_000)))
	case *array.TimestampBuilder:
		if f.Type.(*arrow.TimestampType).Unit == arrow.Second {
			x /= 1000
		}
		b.Append(arrow.Timestamp(x))
	case *array.DurationBuilder:
		b.Append(arrow.Duration(x))
	case *array.Decimal128Builder:
		b.Append(decimal128.New(x>>8, r.Uint64()))
	case *array.ListBuilder:
		b.Append(true)
		e := f.Type.(*arrow.ListType).ElemField()
		for range r.IntN(5) {
			appendRandom(t, r, b.ValueBuilder(), e, nulls)
		}
	case *array.FixedSizeListBuilder:
		b.Append(true)
		e := f.Type.(*arrow.FixedSizeListType).ElemField()
		for range f.Type.(*arrow.FixedSizeListType).Len() {
			appendRandom(t, r, b.ValueBuilder(), e, nulls)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i, c := range f.Type.(*arrow.StructType).Fields() {
			appendRandom(t, r, b.FieldBuilder(i), c, nulls)
		}
	default:
		t.Fatalf("no random values for %T", b)
	}
}
