package parquet

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream/columnar"
)

// outLeaf is a leaf column of a file being written.
type outLeaf struct {
	elem  *format.SchemaElement
	path  []string
	steps []step // from the top-level column down to the leaf
	typ   arrow.DataType
	def   int // greatest definition level
	rep   int // greatest repetition level
}

// step is one level of nesting: a list to enter or a field of a struct to take.
type step struct {
	list     bool
	nullable bool // of the list, or of the struct
	child    int  // of the struct
}

// outSchema is the schema of files being written.
type outSchema struct {
	arrow  *arrow.Schema
	elems  []format.SchemaElement
	leaves []*outLeaf
	noted  string // types the format cannot express; see typesKey
}

// newOutSchema derives the schema of the files, columns in their order.
func newOutSchema(s *arrow.Schema) (*outSchema, error) {
	out := &outSchema{arrow: s}
	out.elems = append(out.elems, format.SchemaElement{Name: "schema", NumChildren: thrift.New(int32(s.NumFields()))})
	noted := map[string]string{}
	seen := map[string]bool{}
	for _, f := range s.Fields() {
		if seen[f.Name] {
			return nil, fmt.Errorf("column %q occurs twice", f.Name)
		}
		seen[f.Name] = true
		if err := out.add(f, outLeaf{}); err != nil {
			return nil, fmt.Errorf("column %q: %w", f.Name, err)
		}
		if needsNote(f.Type) {
			noted[f.Name] = columnar.TypeName(f.Type)
		}
	}
	for i, leaf := range out.leaves {
		leaf.elem = &out.elems[leafIndex(out.elems, i)]
	}
	if len(noted) > 0 {
		b, err := json.Marshal(noted)
		if err != nil {
			return nil, err
		}
		out.noted = string(b)
	}
	return out, nil
}

// leafIndex is the position of the i-th leaf in the list of elements.
func leafIndex(elems []format.SchemaElement, i int) int {
	for at := range elems {
		if elems[at].Type.Valid {
			if i == 0 {
				return at
			}
			i--
		}
	}
	return -1
}

// needsNote reports whether a type is read back as another one.
func needsNote(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.FixedSizeListType, *arrow.DurationType, *arrow.Date64Type:
		return true
	case *arrow.Time32Type:
		return t.Unit == arrow.Second
	case *arrow.TimestampType:
		return t.Unit == arrow.Second || t.TimeZone != "" && t.TimeZone != "UTC"
	}
	return false
}

// add appends the elements of one field; at is the way down to it.
func (o *outSchema) add(f arrow.Field, at outLeaf) error {
	at.path = append(at.path[:len(at.path):len(at.path)], f.Name)
	elem := format.SchemaElement{Name: f.Name, RepetitionType: thrift.New(format.Required)}
	if f.Nullable {
		elem.RepetitionType = thrift.New(format.Optional)
		at.def++
	}
	switch t := f.Type.(type) {
	case *arrow.ListType, *arrow.LargeListType, *arrow.FixedSizeListType:
		elem.NumChildren = thrift.New(int32(1))
		elem.ConvertedType = thrift.New(deprecated.List)
		elem.LogicalType.Value = &format.ListType{}
		o.elems = append(o.elems, elem, format.SchemaElement{Name: "list", RepetitionType: thrift.New(format.Repeated), NumChildren: thrift.New(int32(1))})
		at.def++
		at.rep++
		at.path = append(at.path, "list")
		at.steps = append(at.steps[:len(at.steps):len(at.steps)], step{list: true, nullable: f.Nullable})
		e := t.(arrow.ListLikeType).ElemField()
		e.Name = "element"
		return o.add(e, at)
	case *arrow.StructType:
		if t.NumFields() == 0 {
			return errors.New("a struct without fields cannot be written")
		}
		elem.NumChildren = thrift.New(int32(t.NumFields()))
		o.elems = append(o.elems, elem)
		for i, c := range t.Fields() {
			down := at
			down.steps = append(at.steps[:len(at.steps):len(at.steps)], step{nullable: f.Nullable, child: i})
			if err := o.add(c, down); err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
		}
		return nil
	}
	typ, err := setLeafType(&elem, f.Type)
	if err != nil {
		return err
	}
	o.elems = append(o.elems, elem)
	at.typ = typ
	if f.Nullable {
		at.steps = append(at.steps[:len(at.steps):len(at.steps)], step{nullable: true, child: -1})
	}
	o.leaves = append(o.leaves, &at)
	return nil
}

// setLeafType sets physical and logical type of a leaf for values of an Arrow
// type, and returns the type of the values to encode.
func setLeafType(e *format.SchemaElement, t arrow.DataType) (arrow.DataType, error) {
	set := func(p format.Type, l format.LogicalTypeValue, c deprecated.ConvertedType) {
		e.Type = thrift.New(p)
		e.LogicalType.Value = l
		if c >= 0 {
			e.ConvertedType = thrift.New(c)
		}
	}
	integer := func(p format.Type, bits int8, signed bool, c deprecated.ConvertedType) {
		set(p, &format.IntType{BitWidth: bits, IsSigned: signed}, c)
	}
	switch t := t.(type) {
	case *arrow.BooleanType:
		set(format.Boolean, nil, -1)
	case *arrow.Int8Type:
		integer(format.Int32, 8, true, deprecated.Int8)
	case *arrow.Int16Type:
		integer(format.Int32, 16, true, deprecated.Int16)
	case *arrow.Int32Type:
		set(format.Int32, nil, -1)
	case *arrow.Int64Type:
		set(format.Int64, nil, -1)
	case *arrow.Uint8Type:
		integer(format.Int32, 8, false, deprecated.Uint8)
	case *arrow.Uint16Type:
		integer(format.Int32, 16, false, deprecated.Uint16)
	case *arrow.Uint32Type:
		integer(format.Int32, 32, false, deprecated.Uint32)
	case *arrow.Uint64Type:
		integer(format.Int64, 64, false, deprecated.Uint64)
	case *arrow.Float32Type:
		set(format.Float, nil, -1)
	case *arrow.Float64Type:
		set(format.Double, nil, -1)
	case *arrow.StringType, *arrow.LargeStringType:
		set(format.ByteArray, &format.StringType{}, deprecated.UTF8)
	case *arrow.BinaryType, *arrow.LargeBinaryType:
		set(format.ByteArray, nil, -1)
	case *arrow.DictionaryType:
		return setLeafType(e, t.ValueType)
	case *arrow.Date32Type, *arrow.Date64Type:
		set(format.Int32, &format.DateType{}, deprecated.Date)
	case *arrow.DurationType:
		set(format.Int64, nil, -1)
	case *arrow.TimestampType:
		return t, setTimestamp(e, t)
	case *arrow.Time32Type:
		set(format.Int32, &format.TimeType{Unit: format.TimeUnit{Value: &format.MilliSeconds{}}}, deprecated.TimeMillis)
	case *arrow.Time64Type:
		unit, _ := outUnit(t.Unit)
		c := deprecated.TimeMicros
		if t.Unit == arrow.Nanosecond {
			c = -1
		}
		set(format.Int64, &format.TimeType{Unit: unit}, c)
	case *arrow.Decimal128Type:
		set(format.FixedLenByteArray, &format.DecimalType{Precision: t.Precision, Scale: t.Scale}, deprecated.Decimal)
		e.TypeLength = thrift.New(int32(16))
		e.Precision, e.Scale = thrift.New(t.Precision), thrift.New(t.Scale)
	default:
		return nil, fmt.Errorf("type %s cannot be written to Parquet (cast it in the query)", t)
	}
	return t, nil
}

func setTimestamp(e *format.SchemaElement, t *arrow.TimestampType) error {
	unit, conv := outUnit(t.Unit)
	e.Type = thrift.New(format.Int64)
	e.LogicalType.Value = &format.TimestampType{IsAdjustedToUTC: t.TimeZone != "", Unit: unit}
	if t.TimeZone != "" && conv >= 0 {
		e.ConvertedType = thrift.New(conv)
	}
	return nil
}

// outUnit is the unit of the format for a unit of Arrow; seconds become
// milliseconds.
func outUnit(u arrow.TimeUnit) (format.TimeUnit, deprecated.ConvertedType) {
	switch u {
	case arrow.Second, arrow.Millisecond:
		return format.TimeUnit{Value: &format.MilliSeconds{}}, deprecated.TimestampMillis
	case arrow.Microsecond:
		return format.TimeUnit{Value: &format.MicroSeconds{}}, deprecated.TimestampMicros
	}
	return format.TimeUnit{Value: &format.NanoSeconds{}}, -1
}
