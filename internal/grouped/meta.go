package grouped

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// Meta is a batch of one row of int64 columns: the part of the state of an
// operator that does not grow, such as counters.
func Meta(mem memory.Allocator, names []string, values ...int64) arrow.Record {
	fields, cols := make([]arrow.Field, len(names)), make([]arrow.Array, len(names))
	defer func() { Release(cols) }()
	for i, name := range names {
		fields[i] = arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64}
		b := array.NewInt64Builder(mem)
		b.Append(values[i])
		cols[i] = b.NewArray()
		b.Release()
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), cols, 1)
}

// ReadMeta returns the columns that [Meta] wrote, with a value for each
// instance of the operator that did, at least one.
func ReadMeta(b arrow.Record, names ...string) (columns [][]int64, ok bool) {
	if b == nil || int(b.NumCols()) != len(names) || b.NumRows() < 1 {
		return nil, false
	}
	for i, name := range names {
		if b.ColumnName(i) != name || b.Column(i).DataType().ID() != arrow.INT64 {
			return nil, false
		}
		columns = append(columns, columnar.Values[int64](b.Column(i)))
	}
	return columns, true
}

// Sum adds the counters of all former instances up in the first of the new ones.
func Sum(counters []int64, instance int) (sum int64) {
	if instance > 0 {
		return 0
	}
	for _, c := range counters {
		sum += c
	}
	return sum
}
