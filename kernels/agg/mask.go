package agg

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// Mask returns a with NULL where the bit in keep is clear, sharing its values:
// the argument of an aggregate with FILTER (WHERE ...). Rows stay where they
// are, so that float sums do not depend on how the filter was applied. count(*)
// has no argument to mask: use count_if. Columns of type null are retained as
// they are; unions cannot be masked.
func Mask(mem memory.Allocator, a arrow.Array, keep columnar.Bitmap) (arrow.Array, error) {
	if keep.N != a.Len() {
		return nil, fmt.Errorf("agg: mask: %d bits for %d rows", keep.N, a.Len())
	}
	d := a.Data()
	switch a.DataType().ID() {
	case arrow.NULL:
		a.Retain()
		return a, nil
	case arrow.DENSE_UNION, arrow.SPARSE_UNION, arrow.RUN_END_ENCODED:
		return nil, fmt.Errorf("agg: mask: columns of type %s have no validity", columnar.TypeName(a.DataType()))
	}
	if keep.All() {
		a.Retain()
		return a, nil
	}
	valid := columnar.And(columnar.Validity(a), keep)
	// The values keep their offset, so the bitmap has it too.
	buf := memory.NewResizableBuffer(mem)
	defer buf.Release()
	buf.Resize(columnar.BitmapBytes(d.Offset() + a.Len() + 64))
	clear(buf.Bytes())
	n := valid.Count()
	if d.Offset()&7 == 0 {
		columnar.Bitmap{Bits: buf.Bytes()[d.Offset()/8:], N: a.Len()}.CopyFrom(valid)
	} else {
		bits := columnar.Bitmap{Bits: buf.Bytes(), Offset: d.Offset(), N: a.Len()}
		for i := range valid.Ones() {
			bits.Set(i)
		}
	}
	buffers := append([]*memory.Buffer{}, d.Buffers()...)
	buffers[0] = buf
	dict, _ := d.Dictionary().(*array.Data)
	var masked *array.Data
	if a.DataType().ID() == arrow.DICTIONARY {
		masked = array.NewDataWithDictionary(a.DataType(), a.Len(), buffers, a.Len()-n, d.Offset(), dict)
	} else {
		masked = array.NewData(a.DataType(), a.Len(), buffers, d.Children(), a.Len()-n, d.Offset())
	}
	defer masked.Release()
	return array.MakeFromData(masked), nil
}
