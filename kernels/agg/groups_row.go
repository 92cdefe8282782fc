package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// rowTable is a keyTable for one column of nested values: they are written as
// bytes, in the form of appendValue, and those are looked up.
type rowTable struct {
	t     arrow.DataType
	mem   memory.Allocator
	index byteIndex
	buf   []byte
	ends  []int64
}

func newRowTable(mem memory.Allocator, t arrow.DataType) *rowTable {
	return &rowTable{t: t, mem: mem, index: newByteIndex(mem)}
}

func (r *rowTable) find(keys []arrow.Array, ids []uint32, s *slots) error {
	for lo := 0; lo < len(ids); lo += byteBlock {
		part := ids[lo:min(lo+byteBlock, len(ids))]
		r.buf, r.ends = r.buf[:0], append(r.ends[:0], 0)
		for i := range part {
			r.buf = appendValue(r.buf, keys[0], lo+i, true)
			r.ends = append(r.ends, int64(len(r.buf)))
		}
		findBytes(&r.index, byteRows[int64]{r.buf, r.ends, columnar.Bitmap{N: len(part)}}, part, s)
	}
	return nil
}

func (r *rowTable) remove(slot uint32) { r.index.remove(slot) }

func (r *rowTable) columns(slots []uint32) ([]arrow.Array, error) {
	a, err := decodeValues(r.mem, r.t, r.index.rows.rows(slots))
	return []arrow.Array{a}, err
}

func (r *rowTable) reserve(n int, _ *slots) { r.index.reserve(n) }

func (r *rowTable) bytes() int64 { return r.index.bytes() + int64(cap(r.buf)+8*cap(r.ends)) }

func (r *rowTable) release() { r.index.release() }
