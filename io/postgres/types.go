package postgres

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/internal/database"
)

// Numbers of the types of the server that are not read as text, and those of
// numeric, interval and the like, which are; see pg_type.dat of its source.
const (
	oidBool        = 16
	oidBytes       = 17
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidOID         = 26
	oidFloat4      = 700
	oidFloat8      = 701
	oidDate        = 1082
	oidTime        = 1083
	oidTimestamp   = 1114
	oidTimestampTZ = 1184
	oidNumeric     = 1700
)

// typeOf is the type that a column of the server is read as: text where there
// is no better one. A numeric without scale is DECIMAL(38, 18); one that
// DECIMAL does not hold cannot be read.
func typeOf(oid uint32, modifier int32) arrow.DataType {
	switch oid {
	case oidBool:
		return arrow.FixedWidthTypes.Boolean
	case oidBytes:
		return arrow.BinaryTypes.Binary
	case oidInt2:
		return arrow.PrimitiveTypes.Int16
	case oidInt4:
		return arrow.PrimitiveTypes.Int32
	case oidInt8, oidOID:
		return arrow.PrimitiveTypes.Int64
	case oidFloat4:
		return arrow.PrimitiveTypes.Float32
	case oidFloat8:
		return arrow.PrimitiveTypes.Float64
	case oidDate:
		return arrow.FixedWidthTypes.Date32
	case oidTime:
		return arrow.FixedWidthTypes.Time64us
	case oidTimestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case oidTimestampTZ:
		return arrow.FixedWidthTypes.Timestamp_us
	case oidNumeric:
		if modifier < 4 {
			return &arrow.Decimal128Type{Precision: 38, Scale: 18}
		}
		precision := (modifier - 4) >> 16 & 0xffff
		scale := (modifier-4)&0x7ff ^ 1024 - 1024 // 11 bits with a sign
		if precision > 38 || scale < 0 || scale > precision {
			return nil
		}
		return &arrow.Decimal128Type{Precision: precision, Scale: scale}
	}
	return arrow.BinaryTypes.String
}

// newType is the type of a new column.
func newType(t arrow.DataType, _ bool) string {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return newType(t.ValueType, false)
	case *arrow.BooleanType:
		return "boolean"
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Uint8Type:
		return "smallint"
	case *arrow.Int32Type, *arrow.Uint16Type:
		return "integer"
	case *arrow.Int64Type, *arrow.Uint32Type:
		return "bigint"
	case *arrow.Uint64Type:
		return "numeric(20,0)"
	case *arrow.Float32Type:
		return "real"
	case *arrow.Float64Type:
		return "double precision"
	case *arrow.Decimal128Type:
		return fmt.Sprintf("numeric(%d,%d)", t.Precision, t.Scale)
	case *arrow.StringType, *arrow.LargeStringType, *arrow.NullType:
		return "text"
	case *arrow.BinaryType, *arrow.LargeBinaryType:
		return "bytea"
	case *arrow.Date32Type, *arrow.Date64Type:
		return "date"
	case *arrow.Time32Type, *arrow.Time64Type:
		return "time"
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return "timestamptz"
		}
		return "timestamp"
	case *arrow.ListType, *arrow.LargeListType, *arrow.FixedSizeListType, *arrow.StructType, *arrow.MapType:
		return "jsonb"
	}
	return ""
}

var dialect = database.Dialect{
	Kind:      kind,
	Quote:     `"`,
	Arg:       func(i int) string { return fmt.Sprintf("$%d", i) },
	Type:      newType,
	EpochText: "text",
	Style:     database.Style{Between: "\t", End: "\n", Null: `\N`, Bytes: `\\x`, True: "t", False: "f", Zone: true, NaN: true},
	Stage: func(stage, table, columns string) string {
		return fmt.Sprintf(`CREATE TEMPORARY TABLE %s ON COMMIT DELETE ROWS AS SELECT %s, 0::smallint AS "__op" FROM %s WITH NO DATA`, stage, columns, table)
	},
	Upsert: func(key, rest []string) string {
		return " ON CONFLICT " + conflict(key, rest)
	},
	Unless: func(key []string) string { return " ON CONFLICT " + conflict(key, nil) },
	Delete: func(table, stage, match, where string) string {
		return fmt.Sprintf("DELETE FROM %s USING %s WHERE %s AND %s", table, stage, match, where)
	},
	Literal: func(text string) string {
		return `E'` + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + `'`
	},
}

// conflict is what happens when the key of a new row exists.
func conflict(key, rest []string) string {
	if len(rest) == 0 {
		return fmt.Sprintf("(%s) DO NOTHING", quoting.Names(key))
	}
	set := make([]string, len(rest))
	for i, c := range rest {
		set[i] = quoting.Name(c) + " = EXCLUDED." + quoting.Name(c)
	}
	return fmt.Sprintf("(%s) DO UPDATE SET %s", quoting.Names(key), strings.Join(set, ", "))
}

// quoting quotes names, for the functions of the dialect itself.
var quoting = database.Dialect{Quote: `"`}
