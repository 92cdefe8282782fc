package grouped

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// LateSchema is the schema of the late rows of an operator: in with the columns
// late_by, how far the event time of a row is behind, and watermark. time is the
// type of the time column.
func LateSchema(in *arrow.Schema, time arrow.DataType) *arrow.Schema {
	zone := ""
	if t, ok := time.(*arrow.TimestampType); ok {
		zone = t.TimeZone
	}
	var fields []arrow.Field
	for _, f := range in.Fields() {
		if f.Name != "late_by" && f.Name != "watermark" {
			fields = append(fields, f)
		}
	}
	fields = append(fields,
		arrow.Field{Name: "late_by", Type: arrow.FixedWidthTypes.Duration_us},
		arrow.Field{Name: "watermark", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone}, Nullable: true})
	md := in.Metadata()
	return arrow.NewSchema(fields, &md)
}

// LateRows is rows under the schema late, which [LateSchema] made of theirs.
// micros are their event times and mark the watermark, in microseconds; how late
// the rows are is added to count. The caller releases the record.
func LateRows(mem memory.Allocator, late *arrow.Schema, rows arrow.Record, micros []int64, mark int64, count *arrowstream.Lateness) arrow.Record {
	by, marks := make([]int64, len(micros)), make([]int64, len(micros))
	for i, t := range micros {
		by[i], marks[i] = apart(mark, t), mark
		count.Add(by[i])
	}
	var cols []arrow.Array
	defer func() { Release(cols) }()
	for i, f := range rows.Schema().Fields() {
		if f.Name != "late_by" && f.Name != "watermark" {
			rows.Column(i).Retain()
			cols = append(cols, rows.Column(i))
		}
	}
	fields := late.Fields()[len(cols):]
	cols = append(cols, Fixed(mem, fields[0].Type, by), Fixed(mem, fields[1].Type, marks))
	return array.NewRecord(late, cols, rows.NumRows())
}

// apart is x - y, the greatest duration when that overflows.
func apart(x, y int64) int64 {
	if d := x - y; (d > x) == (y < 0) {
		return d
	}
	return math.MaxInt64
}

// Fixed is values as a column of t, a type as wide as they are, without nulls.
func Fixed[T columnar.Fixed](mem memory.Allocator, t arrow.DataType, values []T) arrow.Array {
	bytes := columnar.AsBytes(values)
	buf := columnar.UnclearedBuffer(mem, len(bytes))
	defer buf.Release()
	copy(buf.Bytes(), bytes)
	data := array.NewData(t, len(values), []*memory.Buffer{nil, buf}, nil, 0, 0)
	defer data.Release()
	return array.MakeFromData(data)
}
