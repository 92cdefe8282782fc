package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// textTable is a keyTable for one column of strings, binary values, or values
// of fixed size that do not fit a word.
type textTable struct {
	t     arrow.DataType
	mem   memory.Allocator
	index byteIndex
	ends  []int64 // of values of fixed size
}

func newTextTable(mem memory.Allocator, t arrow.DataType) *textTable {
	return &textTable{t: t, mem: mem, index: newByteIndex(mem)}
}

func (t *textTable) find(keys []arrow.Array, ids []uint32, s *slots) error {
	if len(ids) == 0 {
		return nil
	}
	d, valid := keys[0].Data(), columnar.Validity(keys[0])
	buffers := d.Buffers()
	values := buffers[len(buffers)-1].Bytes()
	switch t.t.ID() {
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		ends := columnar.AsValues[int64](buffers[1].Bytes())[d.Offset() : d.Offset()+len(ids)+1]
		findBytes(&t.index, byteRows[int64]{values, ends, valid}, ids, s)
	case arrow.STRING, arrow.BINARY:
		ends := columnar.AsValues[int32](buffers[1].Bytes())[d.Offset() : d.Offset()+len(ids)+1]
		findBytes(&t.index, byteRows[int32]{values, ends, valid}, ids, s)
	default:
		findBytes(&t.index, byteRows[int64]{values, t.fixed(d.Offset(), len(ids)), valid}, ids, s)
	}
	return nil
}

// fixed are the ends of n values of fixed size from number from on.
func (t *textTable) fixed(from, n int) []int64 {
	width := fixedWidth(t.t)
	t.ends = t.ends[:0]
	for i := range n + 1 {
		t.ends = append(t.ends, int64((from+i)*width))
	}
	return t.ends
}

func (t *textTable) remove(slot uint32) { t.index.remove(slot) }

func (t *textTable) columns(slots []uint32) ([]arrow.Array, error) {
	rows := t.index.rows.rows(slots)
	if textual(t.t) {
		a, err := bytesToArray(t.mem, t.t, rows)
		return []arrow.Array{a}, err
	}
	return []arrow.Array{fixedArray(t.mem, t.t, rows)}, nil
}

func (t *textTable) reserve(n int, _ *slots) { t.index.reserve(n) }

func (t *textTable) bytes() int64 { return t.index.bytes() + 8*int64(cap(t.ends)) }

func (t *textTable) release() { t.index.release() }

// fixedArray builds a column of fixed width out of the bytes of its values; nil
// is NULL.
func fixedArray(mem memory.Allocator, t arrow.DataType, rows [][]byte) arrow.Array {
	width := fixedWidth(t)
	values, valid, nulls := newResult[byte](mem, len(rows)*width), newValid(mem, len(rows)), 0
	for i, row := range rows {
		if copy(values.v[i*width:], row) == 0 {
			valid.bits.Clear(i)
			nulls++
		}
	}
	return newArray(t, len(rows), nulls, []*memory.Buffer{valid.buffer(nulls), values.values})
}

// textual tells whether t is a string or binary type.
func textual(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.STRING, arrow.BINARY, arrow.LARGE_STRING, arrow.LARGE_BINARY:
		return true
	}
	return false
}
