package stage

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

func badState(what, part string) error {
	return planError("AS5001", fmt.Sprintf("%s: state %q is not of this query", what, part), "the query has changed: start from an empty state")
}

func int64Array(mem memory.Allocator, values []int64) arrow.Array {
	return fixedArray(mem, arrow.PrimitiveTypes.Int64, columnar.AsBytes(values), len(values))
}

func opArray(mem memory.Allocator, ops []int8) arrow.Array {
	return fixedArray(mem, arrow.PrimitiveTypes.Int8, columnar.AsBytes(ops), len(ops))
}

// withOps is rows with a column of changes, under the schema of the output.
func withOps(mem memory.Allocator, out *arrow.Schema, rows arrow.Record, ops []int8) arrow.Record {
	op := opArray(mem, ops)
	defer op.Release()
	return array.NewRecord(out, append(slices.Clone(rows.Columns()), op), rows.NumRows())
}

// singly is a batch of a changelog with -D for -U and +I for +U, the caller
// releases it: what is done to rows one by one may tear the two apart.
func singly(mem memory.Allocator, b arrow.Record) arrow.Record {
	last := int(b.NumCols()) - 1
	ops := slices.Clone(columnar.Values[int8](b.Column(last)))
	for i, op := range ops {
		switch columnar.Change(op) {
		case columnar.UpdateBefore:
			ops[i] = int8(columnar.Delete)
		case columnar.UpdateAfter:
			ops[i] = int8(columnar.Insert)
		}
	}
	op := opArray(mem, ops)
	defer op.Release()
	return array.NewRecord(b.Schema(), append(slices.Clone(b.Columns()[:last]), op), b.NumRows())
}

// fixedArray is a column of n fixed-width values without nulls.
func fixedArray(mem memory.Allocator, t arrow.DataType, values []byte, n int) arrow.Array {
	buf := memory.NewResizableBuffer(mem)
	defer buf.Release()
	buf.Resize(len(values))
	copy(buf.Bytes(), values)
	data := array.NewData(t, n, []*memory.Buffer{nil, buf}, nil, 0, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// sameTypes reports whether b has the column types of fields.
func sameTypes(b arrow.Record, fields []arrow.Field) bool {
	if b == nil || int(b.NumCols()) != len(fields) {
		return false
	}
	for i, f := range fields {
		if !arrow.TypeEqual(b.Column(i).DataType(), f.Type) {
			return false
		}
	}
	return true
}

// emptyRecord is a record of s without rows.
func emptyRecord(mem memory.Allocator, s *arrow.Schema) arrow.Record {
	rb := array.NewRecordBuilder(mem, s)
	defer rb.Release()
	return rb.NewRecord()
}

// recordBytes is about how many bytes the values of b take.
func recordBytes(b arrow.Record) (n int64) {
	for _, c := range b.Columns() {
		width := cmp.Or(columnar.FixedWidth(c.DataType()), 16) // text, about
		n += int64(c.Len() * width)
	}
	return n
}

// withSchema is b under another schema with the same column types.
func withSchema(b arrow.Record, s *arrow.Schema) arrow.Record {
	return array.NewRecord(s, b.Columns(), b.NumRows())
}
