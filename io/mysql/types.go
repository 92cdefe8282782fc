package mysql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/internal/database"
)

// typeOf is the type that a column is read as, by what the server calls its
// type: "int(11) unsigned", "decimal(10,2)". nil is one that cannot be read.
func typeOf(name string) arrow.DataType {
	name = strings.ToLower(name)
	unsigned := strings.Contains(name, " unsigned")
	base, args, _ := strings.Cut(name, "(")
	base, _, _ = strings.Cut(base, " ")
	args, _, _ = strings.Cut(args, ")")
	either := func(signed, other arrow.DataType) arrow.DataType {
		if unsigned {
			return other
		}
		return signed
	}
	switch base {
	case "tinyint":
		if args == "1" && !unsigned { // what BOOLEAN is
			return arrow.FixedWidthTypes.Boolean
		}
		return either(arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint8)
	case "smallint":
		return either(arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Uint16)
	case "mediumint", "int", "integer":
		return either(arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Uint32)
	case "bigint":
		return either(arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Uint64)
	case "year":
		return arrow.PrimitiveTypes.Int16
	case "float":
		return arrow.PrimitiveTypes.Float32
	case "double":
		return arrow.PrimitiveTypes.Float64
	case "decimal":
		p, s, _ := strings.Cut(args, ",")
		precision, err1 := strconv.Atoi(p)
		scale, err2 := strconv.Atoi(s)
		if err1 != nil || err2 != nil || precision > 38 {
			return nil
		}
		return &arrow.Decimal128Type{Precision: int32(precision), Scale: int32(scale)}
	case "bit":
		if args == "1" {
			return arrow.FixedWidthTypes.Boolean
		}
		return nil
	case "date":
		return arrow.FixedWidthTypes.Date32
	case "time":
		return arrow.FixedWidthTypes.Time64us
	case "datetime":
		return &arrow.TimestampType{Unit: unit(args)}
	case "timestamp":
		return &arrow.TimestampType{Unit: unit(args), TimeZone: "UTC"}
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry", "vector":
		return arrow.BinaryTypes.Binary
	case "null", "":
		return arrow.BinaryTypes.String
	}
	return arrow.BinaryTypes.String
}

// unit holds as many digits of a second as a type has.
func unit(digits string) arrow.TimeUnit {
	n, _ := strconv.Atoi(digits)
	return arrow.TimeUnit((n + 2) / 3)
}

// newType is the type of a new column. Keys are of bounded length, and texts
// are equal only if their bytes are.
func newType(t arrow.DataType, key bool, collation string) string {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return newType(t.ValueType, key, collation)
	case *arrow.BooleanType:
		return "BOOLEAN"
	case *arrow.Int8Type:
		return "TINYINT"
	case *arrow.Int16Type:
		return "SMALLINT"
	case *arrow.Int32Type:
		return "INT"
	case *arrow.Int64Type:
		return "BIGINT"
	case *arrow.Uint8Type:
		return "TINYINT UNSIGNED"
	case *arrow.Uint16Type:
		return "SMALLINT UNSIGNED"
	case *arrow.Uint32Type:
		return "INT UNSIGNED"
	case *arrow.Uint64Type:
		return "BIGINT UNSIGNED"
	case *arrow.Float32Type:
		return "FLOAT"
	case *arrow.Float64Type:
		return "DOUBLE"
	case *arrow.Decimal128Type:
		if t.Scale < 0 || t.Scale > 30 {
			return ""
		}
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	case *arrow.StringType, *arrow.LargeStringType, *arrow.NullType:
		if key {
			return "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE " + collation
		}
		return "LONGTEXT CHARACTER SET utf8mb4 COLLATE " + collation
	case *arrow.BinaryType, *arrow.LargeBinaryType:
		if key {
			return "VARBINARY(255)"
		}
		return "LONGBLOB"
	case *arrow.Date32Type, *arrow.Date64Type:
		return "DATE"
	case *arrow.Time32Type, *arrow.Time64Type:
		return "TIME(6)"
	case *arrow.TimestampType:
		digits := min(6, 3*int(t.Unit))
		if t.TimeZone != "" {
			return fmt.Sprintf("TIMESTAMP(%d)", digits)
		}
		return fmt.Sprintf("DATETIME(%d)", digits)
	case *arrow.ListType, *arrow.LargeListType, *arrow.FixedSizeListType, *arrow.StructType, *arrow.MapType:
		return "JSON"
	}
	return ""
}

// loadStyle is for LOAD DATA, where bytes come as hexadecimal digits;
// insertStyle is for the VALUES of INSERT, which convert from text.
var (
	loadStyle   = database.Style{Between: "\t", End: "\n", Null: `\N`, True: "1", False: "0", Wide: true}
	insertStyle = database.Style{
		Begin: "(", Between: ",", End: "),", Null: "NULL", Quote: "'", Bytes: "X'", BytesEnd: "'", True: "1", False: "0", Wide: true,
	}
)

var dialect = database.Dialect{
	Kind:      kind,
	Quote:     "`",
	Arg:       func(int) string { return "?" },
	Type:      func(t arrow.DataType, key bool) string { return newType(t, key, "utf8mb4_bin") },
	Options:   " ENGINE=InnoDB",
	EpochText: "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
	Style:     loadStyle,
	Stage: func(stage, table, columns string) string {
		return fmt.Sprintf("CREATE TEMPORARY TABLE %s ENGINE=InnoDB AS SELECT %s, 0 AS `__op` FROM %s LIMIT 0", stage, columns, table)
	},
	Upsert: func(key, rest []string) string {
		if len(rest) == 0 {
			rest = key
		}
		return " ON DUPLICATE KEY UPDATE " + values(rest)
	},
	Unless: func(key []string) string { return " ON DUPLICATE KEY UPDATE " + values(key) },
	Delete: func(table, stage, match, where string) string {
		return fmt.Sprintf("DELETE %s FROM %s JOIN %s ON %s WHERE %s", table, table, stage, match, where)
	},
	Literal: func(text string) string {
		return `'` + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`).Replace(text) + `'`
	},
}

// values sets columns to those of the new row.
func values(columns []string) string {
	set := make([]string, len(columns))
	for i, c := range columns {
		set[i] = fmt.Sprintf("%s = VALUES(%s)", quoting.Name(c), quoting.Name(c))
	}
	return strings.Join(set, ", ")
}

// quoting quotes names, for the functions of the dialect itself.
var quoting = database.Dialect{Quote: "`"}
