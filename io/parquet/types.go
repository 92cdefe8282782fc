package parquet

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// leafType is the Arrow type of the values of a leaf column.
func leafType(e *format.SchemaElement) (arrow.DataType, error) {
	logical := e.LogicalType.Value
	conv := deprecated.ConvertedType(-1)
	if e.ConvertedType.Valid {
		conv = e.ConvertedType.V
	}
	switch e.Type.V {
	case format.Boolean:
		return arrow.FixedWidthTypes.Boolean, nil
	case format.Int32:
		return int32Type(e, logical, conv)
	case format.Int64:
		return int64Type(e, logical, conv)
	case format.Int96:
		return &arrow.TimestampType{Unit: arrow.Microsecond}, nil
	case format.Float:
		return arrow.PrimitiveTypes.Float32, nil
	case format.Double:
		return arrow.PrimitiveTypes.Float64, nil
	case format.ByteArray:
		switch logical.(type) {
		case *format.StringType, *format.EnumType, *format.JsonType:
			return arrow.BinaryTypes.String, nil
		case *format.DecimalType:
			return decimalType(e)
		case nil:
			switch conv {
			case deprecated.UTF8, deprecated.Enum, deprecated.Json:
				return arrow.BinaryTypes.String, nil
			case deprecated.Decimal:
				return decimalType(e)
			}
			return arrow.BinaryTypes.Binary, nil
		case *format.BsonType:
			return arrow.BinaryTypes.Binary, nil
		}
	case format.FixedLenByteArray:
		if n := e.TypeLength.V; n <= 0 || n > 1<<20 {
			return nil, fmt.Errorf("fixed length %d is out of range", n)
		}
		switch logical.(type) {
		case *format.DecimalType:
			return decimalType(e)
		case nil:
			switch conv {
			case deprecated.Decimal:
				return decimalType(e)
			case -1:
				return arrow.BinaryTypes.Binary, nil
			}
		case *format.UUIDType:
			return arrow.BinaryTypes.Binary, nil
		}
	}
	return nil, fmt.Errorf("type %s is not supported", typeText(e))
}

func int32Type(e *format.SchemaElement, logical format.LogicalTypeValue, conv deprecated.ConvertedType) (arrow.DataType, error) {
	switch t := logical.(type) {
	case *format.IntType:
		if t.BitWidth <= 32 {
			return intType(int(t.BitWidth), t.IsSigned)
		}
	case *format.DateType:
		return arrow.FixedWidthTypes.Date32, nil
	case *format.TimeType:
		if _, ok := t.Unit.Value.(*format.MilliSeconds); ok {
			return arrow.FixedWidthTypes.Time32ms, nil
		}
	case *format.DecimalType:
		return decimalType(e)
	case nil:
		switch conv {
		case -1, deprecated.Int32:
			return arrow.PrimitiveTypes.Int32, nil
		case deprecated.Date:
			return arrow.FixedWidthTypes.Date32, nil
		case deprecated.TimeMillis:
			return arrow.FixedWidthTypes.Time32ms, nil
		case deprecated.Decimal:
			return decimalType(e)
		case deprecated.Int8:
			return arrow.PrimitiveTypes.Int8, nil
		case deprecated.Int16:
			return arrow.PrimitiveTypes.Int16, nil
		case deprecated.Uint8:
			return arrow.PrimitiveTypes.Uint8, nil
		case deprecated.Uint16:
			return arrow.PrimitiveTypes.Uint16, nil
		case deprecated.Uint32:
			return arrow.PrimitiveTypes.Uint32, nil
		}
	}
	return nil, fmt.Errorf("type %s is not supported", typeText(e))
}

func int64Type(e *format.SchemaElement, logical format.LogicalTypeValue, conv deprecated.ConvertedType) (arrow.DataType, error) {
	switch t := logical.(type) {
	case *format.IntType:
		if t.BitWidth == 64 {
			return intType(64, t.IsSigned)
		}
	case *format.TimestampType:
		zone := ""
		if t.IsAdjustedToUTC {
			zone = "UTC"
		}
		if unit, ok := timeUnit(t.Unit.Value); ok {
			return &arrow.TimestampType{Unit: unit, TimeZone: zone}, nil
		}
	case *format.TimeType:
		if unit, ok := timeUnit(t.Unit.Value); ok && unit != arrow.Millisecond {
			return &arrow.Time64Type{Unit: unit}, nil
		}
	case *format.DecimalType:
		return decimalType(e)
	case nil:
		switch conv {
		case -1, deprecated.Int64:
			return arrow.PrimitiveTypes.Int64, nil
		case deprecated.Uint64:
			return arrow.PrimitiveTypes.Uint64, nil
		case deprecated.TimestampMillis:
			return &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}, nil
		case deprecated.TimestampMicros:
			return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, nil
		case deprecated.TimeMicros:
			return arrow.FixedWidthTypes.Time64us, nil
		case deprecated.Decimal:
			return decimalType(e)
		}
	}
	return nil, fmt.Errorf("type %s is not supported", typeText(e))
}

func timeUnit(v format.TimeUnitValue) (arrow.TimeUnit, bool) {
	switch v.(type) {
	case *format.MilliSeconds:
		return arrow.Millisecond, true
	case *format.MicroSeconds:
		return arrow.Microsecond, true
	case *format.NanoSeconds:
		return arrow.Nanosecond, true
	}
	return 0, false
}

func intType(bits int, signed bool) (arrow.DataType, error) {
	types := map[int][2]arrow.DataType{
		8:  {arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Int8},
		16: {arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Int16},
		32: {arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Int32},
		64: {arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Int64},
	}
	t, ok := types[bits]
	switch {
	case !ok:
		return nil, fmt.Errorf("integers of %d bits are not supported", bits)
	case signed:
		return t[1], nil
	}
	return t[0], nil
}

func decimalType(e *format.SchemaElement) (arrow.DataType, error) {
	precision, scale := e.Precision.V, e.Scale.V
	if t, ok := e.LogicalType.Value.(*format.DecimalType); ok {
		precision, scale = t.Precision, t.Scale
	}
	if precision < 1 || precision > 38 || scale < 0 || scale > precision {
		return nil, fmt.Errorf("decimal(%d,%d) is not supported: at most 38 digits", precision, scale)
	}
	if e.Type.V == format.FixedLenByteArray && e.TypeLength.V > 16 {
		return nil, fmt.Errorf("decimal in %d bytes is not supported", e.TypeLength.V)
	}
	if e.Type.V == format.ByteArray {
		return nil, fmt.Errorf("decimal in byte arrays is not supported")
	}
	return &arrow.Decimal128Type{Precision: precision, Scale: scale}, nil
}

// typeText names the type of a schema element in the words of the format.
func typeText(e *format.SchemaElement) string {
	s := "group"
	if e.Type.Valid {
		s = e.Type.V.String()
	}
	switch {
	case e.LogicalType.Value != nil:
		s += " " + e.LogicalType.String()
	case e.ConvertedType.Valid:
		name := fmt.Sprintf("converted type %d", e.ConvertedType.V)
		if n, ok := convertedNames[e.ConvertedType.V]; ok {
			name = n
		}
		s += " " + name
	}
	return s
}

// convertedNames are the annotations of older files that make a type other than
// its physical one.
var convertedNames = map[deprecated.ConvertedType]string{
	deprecated.Map: "MAP", deprecated.MapKeyValue: "MAP", deprecated.List: "LIST", deprecated.Interval: "INTERVAL", deprecated.Bson: "BSON", deprecated.Decimal: "DECIMAL",
}
