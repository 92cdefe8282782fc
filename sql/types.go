package sql

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// arrowType is the Arrow type of a type as written (docs/sql/types.md).
func (s *session) arrowType(t *syntax.Type) (arrow.DataType, error) {
	bad := func(msg, hint string) (arrow.DataType, error) { return nil, s.src.Error(t.Span, "AS1301", hint, msg) }
	param := func(i, def int) int {
		if i < len(t.Params) {
			return t.Params[i]
		}
		return def
	}
	switch t.Name {
	case "BOOLEAN":
		return arrow.FixedWidthTypes.Boolean, nil
	case "TINYINT":
		return arrow.PrimitiveTypes.Int8, nil
	case "SMALLINT":
		return arrow.PrimitiveTypes.Int16, nil
	case "INT":
		return arrow.PrimitiveTypes.Int32, nil
	case "BIGINT":
		return arrow.PrimitiveTypes.Int64, nil
	case "TINYINT UNSIGNED":
		return arrow.PrimitiveTypes.Uint8, nil
	case "SMALLINT UNSIGNED":
		return arrow.PrimitiveTypes.Uint16, nil
	case "INT UNSIGNED":
		return arrow.PrimitiveTypes.Uint32, nil
	case "BIGINT UNSIGNED":
		return arrow.PrimitiveTypes.Uint64, nil
	case "FLOAT":
		return arrow.PrimitiveTypes.Float32, nil
	case "DOUBLE":
		return arrow.PrimitiveTypes.Float64, nil
	case "VARCHAR", "JSON":
		return arrow.BinaryTypes.String, nil
	case "VARBINARY":
		return arrow.BinaryTypes.Binary, nil
	case "DATE":
		return arrow.FixedWidthTypes.Date32, nil
	case "DECIMAL":
		p, sc := param(0, 10), param(1, 0)
		if p < 1 || p > 38 || sc < 0 || sc > p {
			return bad(fmt.Sprintf("DECIMAL(%d, %d) is out of range", p, sc), "the precision is 1 to 38, the scale 0 to the precision")
		}
		return &arrow.Decimal128Type{Precision: int32(p), Scale: int32(sc)}, nil
	case "TIME", "TIMESTAMP", "TIMESTAMP_LTZ":
		def := 6
		if t.Name == "TIME" {
			def = 0
		}
		p := param(0, def)
		if p < 0 || p > 9 {
			return bad(fmt.Sprintf("precision %d of %s is out of range", p, t.Name), "write 0 to 9 digits of a second")
		}
		unit := [...]arrow.TimeUnit{arrow.Second, arrow.Millisecond, arrow.Microsecond, arrow.Nanosecond}[(p+2)/3]
		if t.Name == "TIME" {
			return timeOfDay(unit), nil
		}
		zone := ""
		if t.Name == "TIMESTAMP_LTZ" || t.Name == "TIMESTAMP" && !t.NoZone && s.compat("sql.timestamp") == "local" {
			zone = "UTC"
		}
		return &arrow.TimestampType{Unit: unit, TimeZone: zone}, nil
	case "INTERVAL YEAR TO MONTH":
		return arrow.FixedWidthTypes.MonthInterval, nil
	case "INTERVAL DAY TO SECOND":
		return arrow.FixedWidthTypes.Duration_us, nil
	case "VECTOR":
		if n := param(0, 0); n >= 1 && n <= 1<<20 {
			if len(t.Elem) > 0 {
				return arrow.FixedSizeListOf(int32(n), arrow.PrimitiveTypes.Float32), nil
			}
			return columnar.Vector(n), nil
		}
		return bad("VECTOR needs its length", "write VECTOR(12)")
	case "ARRAY":
		elem, err := s.arrowType(t.Elem[0])
		if err != nil {
			return nil, err
		}
		return arrow.ListOf(elem), nil
	case "MAP":
		k, err := s.arrowType(t.Elem[0])
		if err != nil {
			return nil, err
		}
		v, err := s.arrowType(t.Elem[1])
		if err != nil {
			return nil, err
		}
		return arrow.MapOf(k, v), nil
	case "ROW":
		fields := make([]arrow.Field, len(t.Fields))
		for i, f := range t.Fields {
			ft, err := s.arrowType(f.Type)
			if err != nil {
				return nil, err
			}
			fields[i] = arrow.Field{Name: f.Name.Name, Type: ft, Nullable: true}
		}
		return arrow.StructOf(fields...), nil
	}
	return bad("unknown type "+t.Name, "")
}

func timeOfDay(unit arrow.TimeUnit) arrow.DataType {
	switch unit {
	case arrow.Second:
		return arrow.FixedWidthTypes.Time32s
	case arrow.Millisecond:
		return arrow.FixedWidthTypes.Time32ms
	case arrow.Microsecond:
		return arrow.FixedWidthTypes.Time64us
	}
	return arrow.FixedWidthTypes.Time64ns
}

// typeName is the SQL name of t.
func typeName(t arrow.DataType) string { return kernels.SQLName(t) }

// isInstant reports whether a column of type t can be an event time.
func isInstant(t arrow.DataType) bool {
	_, _, ok := columnar.Micros(t)
	return ok
}

// coded makes any error one with a code and a place. Errors that have both stay
// as they are.
func (s *session) coded(at syntax.Span, code string, err error) *arrowstream.Error {
	e := toError(err)
	if e.Code == "" {
		e.Code = code
	}
	if e.Pos.Line == 0 {
		e.Pos = s.src.Pos(at)
	}
	return e
}
