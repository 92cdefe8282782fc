package columnar

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
)

// Change is the kind of a changelog row, the value of the column OpColumn.
type Change int8

// The kinds of change: a row appears, its old form is taken back, its new form
// follows, it disappears.
const (
	Insert       Change = 0 // +I
	UpdateBefore Change = 1 // -U
	UpdateAfter  Change = 2 // +U
	Delete       Change = 3 // -D
)

// String is "+I", "-U", "+U" or "-D".
func (c Change) String() string {
	if c < Insert || c > Delete {
		return fmt.Sprintf("Change(%d)", int8(c))
	}
	return [...]string{"+I", "-U", "+U", "-D"}[c]
}

// OpColumn is the name of the trailing int8 column of an updating stream.
const OpColumn = "__op"

const eventTimeKey = "arrowstream.event_time"

// Changelog reports whether batches of schema carry the change column.
func Changelog(schema *arrow.Schema) bool {
	n := schema.NumFields()
	return n > 0 && schema.Field(n-1).Name == OpColumn && schema.Field(n-1).Type.ID() == arrow.INT8
}

// WithChangelog is schema with the change column at its end.
func WithChangelog(schema *arrow.Schema) *arrow.Schema {
	if Changelog(schema) {
		return schema
	}
	md := schema.Metadata()
	fields := append(append([]arrow.Field{}, schema.Fields()...), arrow.Field{Name: OpColumn, Type: arrow.PrimitiveTypes.Int8})
	return arrow.NewSchema(fields, &md)
}

// EventTime is the index of the event-time column, or -1 if there is none.
func EventTime(schema *arrow.Schema) int {
	md := schema.Metadata()
	i := md.FindKey(eventTimeKey)
	if i < 0 {
		return -1
	}
	return Index(schema, md.Values()[i])
}

// WithEventTime is schema with the named column marked as event time, or with
// no such mark when name is empty.
func WithEventTime(schema *arrow.Schema, name string) *arrow.Schema {
	md := schema.Metadata()
	i := md.FindKey(eventTimeKey)
	if i < 0 && name == "" || i >= 0 && name != "" && md.Values()[i] == name {
		return schema
	}
	return NewSchema(schema.Fields(), md, name)
}

// NewSchema is a schema of fields with the metadata md, of which the named column
// is the event time, or none when name is empty, whatever md says.
func NewSchema(fields []arrow.Field, md arrow.Metadata, name string) *arrow.Schema {
	if i := md.FindKey(eventTimeKey); name != "" || i >= 0 {
		var keys, values []string
		for i, k := range md.Keys() {
			if k != eventTimeKey {
				keys, values = append(keys, k), append(values, md.Values()[i])
			}
		}
		if name != "" {
			keys, values = append(keys, eventTimeKey), append(values, name)
		}
		md = arrow.NewMetadata(keys, values)
	}
	return arrow.NewSchema(fields, &md)
}

// Index is the position of the column called name, or -1. A name that occurs
// twice gives the first.
func Index(schema *arrow.Schema, name string) int {
	for i := range schema.NumFields() { // Fields would copy all of them
		if schema.Field(i).Name == name {
			return i
		}
	}
	return -1
}

// Names are the column names in order.
func Names(schema *arrow.Schema) []string {
	names := make([]string, schema.NumFields())
	for i := range names {
		names[i] = schema.Field(i).Name
	}
	return names
}

// Micros returns how a value of a date or timestamp column becomes
// microseconds since the epoch: value*mul/div, rounded down. ok is false for
// columns that hold no instant.
func Micros(t arrow.DataType) (mul, div int64, ok bool) {
	switch t := t.(type) {
	case *arrow.TimestampType:
		switch t.Unit {
		case arrow.Second:
			return 1_000_000, 1, true
		case arrow.Millisecond:
			return 1_000, 1, true
		case arrow.Microsecond:
			return 1, 1, true
		default:
			return 1, 1_000, true
		}
	case *arrow.Date32Type:
		return 86_400_000_000, 1, true
	case *arrow.Date64Type:
		return 1_000, 1, true
	}
	return 0, 0, false
}

// FixedWidth is the number of bytes of a value of a fixed-width type, 0 for
// booleans and for types of variable width.
func FixedWidth(t arrow.DataType) int {
	if f, ok := t.(arrow.FixedWidthDataType); ok && f.BitWidth()%8 == 0 {
		return f.BitWidth() / 8
	}
	return 0
}

// FloorDiv is a/b rounded down; b is positive.
func FloorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
