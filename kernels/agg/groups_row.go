package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// rowTable is a keyTable for one column of any other type: its values are
// written as bytes, in the form of appendValue, and those are looked up.
type rowTable struct {
	t     arrow.DataType
	mem   memory.Allocator
	index byteIndex
	enc   encoder
}

func newRowTable(mem memory.Allocator, t arrow.DataType) *rowTable {
	return &rowTable{t: t, mem: mem, index: newByteIndex(mem)}
}

func (r *rowTable) find(keys []arrow.Array, ids []uint32, s *slots) error {
	for lo := 0; lo < len(ids); lo += byteBlock {
		part := ids[lo:min(lo+byteBlock, len(ids))]
		r.enc.encode(keys, lo, lo+len(part))
		for i := range part {
			r.index.keys[i] = r.enc.row(i)
		}
		r.index.find(part, s)
	}
	return nil
}

func (r *rowTable) remove(slot uint32) { r.index.remove(slot) }

func (r *rowTable) columns(slots []uint32) ([]arrow.Array, error) {
	a, err := decodeValues(r.mem, r.t, r.index.rows.rows(slots))
	return []arrow.Array{a}, err
}

func (r *rowTable) bytes() int64 { return r.index.bytes() + int64(cap(r.enc.buf)) }

func (r *rowTable) release() { r.index.release() }
