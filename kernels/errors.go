package kernels

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
)

// Error is an error of a function call or of a value, with a stable code. The
// package stands below the root package, whose Error carries the same fields.
type Error struct {
	Code string // one of the constants below, or another AS1xxx of package expr
	Msg  string // lower case, names the function and the value
	Hint string // what to do; may be empty
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Msg
	if e.Code != "" {
		s += " [" + e.Code + "]"
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Codes of the errors of this package.
const (
	CodeTypes    = "AS1301" // operands or casts whose types do not go together
	CodeFunction = "AS1601" // unknown function, wrong number or types of arguments
	CodeContract = "AS1603" // a declared function does not do what it declares
	CodePattern  = "AS1604" // bad pattern of LIKE, a regular expression or a date format
	CodeOverflow = "AS4001" // result outside the range of its type
	CodeDivision = "AS4002" // integer or decimal division by zero
	CodeValue    = "AS4003" // a value that cannot be converted or used
	CodeNull     = "AS4007" // NULL where there may be none
	CodeUser     = "AS4011" // a declared function fails for a value
)

func errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...)}
}

// cut shortens a value for an error text.
func cut[T string | []byte](v T) string {
	if len(v) > 100 {
		return string(v[:97]) + "..."
	}
	return string(v)
}

// SQLName is the name of t in SQL, for messages: "BIGINT", "TIMESTAMP(3)".
func SQLName(t arrow.DataType) string {
	switch t := t.(type) {
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
	case *arrow.StringType, *arrow.LargeStringType:
		return "VARCHAR"
	case *arrow.BinaryType, *arrow.LargeBinaryType:
		return "VARBINARY"
	case *arrow.Date32Type, *arrow.Date64Type:
		return "DATE"
	case *arrow.TimestampType:
		name := "TIMESTAMP"
		if t.TimeZone != "" {
			name = "TIMESTAMP_LTZ"
		}
		return fmt.Sprintf("%s(%d)", name, 3*int(t.Unit))
	case *arrow.Time32Type:
		return fmt.Sprintf("TIME(%d)", 3*int(t.Unit))
	case *arrow.Time64Type:
		return fmt.Sprintf("TIME(%d)", 3*int(t.Unit))
	case *arrow.DurationType:
		return "INTERVAL DAY TO SECOND"
	case *arrow.MonthIntervalType:
		return "INTERVAL YEAR TO MONTH"
	case *arrow.Decimal128Type:
		return fmt.Sprintf("DECIMAL(%d, %d)", t.Precision, t.Scale)
	case *arrow.DictionaryType:
		return SQLName(t.ValueType)
	case *arrow.FixedSizeListType:
		return fmt.Sprintf("VECTOR(%d)", t.Len())
	case *arrow.ListType:
		return "ARRAY<" + SQLName(t.Elem()) + ">"
	case *arrow.NullType:
		return "NULL"
	}
	return columnar.TypeName(t)
}
