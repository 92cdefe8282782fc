package columnar

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// Dict is the type of dictionary-encoded strings: int32 codes into utf8.
var Dict = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}

// Vector is the type of a feature vector of n float64.
func Vector(n int) arrow.DataType {
	return arrow.FixedSizeListOfField(int32(n), arrow.Field{Name: "item", Type: arrow.PrimitiveTypes.Float64})
}

var simpleTypes = map[string]arrow.DataType{
	"null": arrow.Null, "bool": arrow.FixedWidthTypes.Boolean,
	"int8": arrow.PrimitiveTypes.Int8, "int16": arrow.PrimitiveTypes.Int16, "int32": arrow.PrimitiveTypes.Int32, "int64": arrow.PrimitiveTypes.Int64,
	"uint8": arrow.PrimitiveTypes.Uint8, "uint16": arrow.PrimitiveTypes.Uint16, "uint32": arrow.PrimitiveTypes.Uint32, "uint64": arrow.PrimitiveTypes.Uint64,
	"float32": arrow.PrimitiveTypes.Float32, "float64": arrow.PrimitiveTypes.Float64,
	"utf8": arrow.BinaryTypes.String, "binary": arrow.BinaryTypes.Binary, "large_utf8": arrow.BinaryTypes.LargeString, "large_binary": arrow.BinaryTypes.LargeBinary,
	"dict": Dict, "date32": arrow.FixedWidthTypes.Date32, "date64": arrow.FixedWidthTypes.Date64,
	"time32[s]": arrow.FixedWidthTypes.Time32s, "time32[ms]": arrow.FixedWidthTypes.Time32ms,
	"time64[us]": arrow.FixedWidthTypes.Time64us, "time64[ns]": arrow.FixedWidthTypes.Time64ns,
	"months": arrow.FixedWidthTypes.MonthInterval,
}

var timeUnits = map[string]arrow.TimeUnit{"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond}

// plainNames are the names of types that have no parameters.
var plainNames = func() map[arrow.Type]string {
	names := map[arrow.Type]string{}
	for name, t := range simpleTypes {
		if plainType(t.ID()) {
			names[t.ID()] = name
		}
	}
	return names
}()

// plainType reports whether all types of an ID are equal.
func plainType(id arrow.Type) bool {
	switch id {
	case arrow.NULL, arrow.BOOL, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64,
		arrow.FLOAT32, arrow.FLOAT64, arrow.STRING, arrow.BINARY, arrow.LARGE_STRING, arrow.LARGE_BINARY, arrow.DATE32, arrow.DATE64, arrow.INTERVAL_MONTHS:
		return true
	}
	return false
}

// SameType is [arrow.TypeEqual] without reflection for most types.
func SameType(a, b arrow.DataType) bool {
	if a == nil || b == nil || a.ID() != b.ID() {
		return a == nil && b == nil
	}
	return plainType(a.ID()) || arrow.TypeEqual(a, b)
}

// TypeName is the short name of t that [ParseType] reads.
func TypeName(t arrow.DataType) string {
	if name, ok := plainNames[t.ID()]; ok {
		return name
	}
	switch t := t.(type) {
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return fmt.Sprintf("timestamp[%s,%s]", t.Unit, t.TimeZone)
		}
		return fmt.Sprintf("timestamp[%s]", t.Unit)
	case *arrow.DurationType:
		return fmt.Sprintf("duration[%s]", t.Unit)
	case *arrow.Decimal128Type:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case *arrow.ListType:
		return "list<" + TypeName(t.Elem()) + ">"
	case *arrow.FixedSizeListType:
		if t.Elem().ID() == arrow.FLOAT64 {
			return fmt.Sprintf("vector[%d]", t.Len())
		}
		return fmt.Sprintf("fixed_list[%d]<%s>", t.Len(), TypeName(t.Elem()))
	case *arrow.StructType:
		parts := make([]string, t.NumFields())
		for i, f := range t.Fields() {
			parts[i] = f.Name + ":" + TypeName(f.Type)
		}
		return "struct<" + strings.Join(parts, ",") + ">"
	}
	for name, s := range simpleTypes {
		if arrow.TypeEqual(s, t) {
			return name
		}
	}
	return t.String()
}

// ParseType reads a type name as [TypeName] writes it.
func ParseType(name string) (arrow.DataType, error) {
	if t, ok := simpleTypes[name]; ok {
		return t, nil
	}
	bad := func() (arrow.DataType, error) { return nil, fmt.Errorf("columnar: unknown type %q", name) }
	head, args, ok := splitType(name)
	if !ok {
		return bad()
	}
	switch head {
	case "timestamp":
		unit, zone, _ := strings.Cut(args, ",")
		u, ok := timeUnits[unit]
		if !ok {
			return bad()
		}
		return &arrow.TimestampType{Unit: u, TimeZone: zone}, nil
	case "duration":
		u, ok := timeUnits[args]
		if !ok {
			return bad()
		}
		return &arrow.DurationType{Unit: u}, nil
	case "decimal":
		p, s, _ := strings.Cut(args, ",")
		precision, err1 := strconv.Atoi(p)
		scale, err2 := strconv.Atoi(s)
		if err1 != nil || err2 != nil {
			return bad()
		}
		return &arrow.Decimal128Type{Precision: int32(precision), Scale: int32(scale)}, nil
	case "list":
		elem, err := ParseType(args)
		if err != nil {
			return nil, err
		}
		return arrow.ListOf(elem), nil
	case "vector":
		n, err := strconv.Atoi(args)
		if err != nil {
			return bad()
		}
		return Vector(n), nil
	case "struct":
		var fields []arrow.Field
		for _, part := range splitTop(args) {
			fname, ftype, _ := strings.Cut(part, ":")
			t, err := ParseType(ftype)
			if err != nil {
				return nil, err
			}
			fields = append(fields, arrow.Field{Name: fname, Type: t, Nullable: true})
		}
		return arrow.StructOf(fields...), nil
	}
	return bad()
}

// splitType splits "head[args]", "head(args)" and "head<args>".
func splitType(name string) (head, args string, ok bool) {
	i := strings.IndexAny(name, "[(<")
	if i < 0 {
		return "", "", false
	}
	closing := map[byte]byte{'[': ']', '(': ')', '<': '>'}[name[i]]
	if name[len(name)-1] != closing {
		return "", "", false
	}
	return name[:i], name[i+1 : len(name)-1], true
}

// splitTop splits at commas outside brackets.
func splitTop(s string) []string {
	var parts []string
	depth, start := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '<', '[', '(':
			depth++
		case '>', ']', ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, s[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, s[start:])
}
