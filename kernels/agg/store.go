package agg

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// store keeps one byte string per slot, or none. The bytes stand in one arena,
// which is compacted when more than half of it is garbage.
type store struct {
	mem   memory.Allocator
	spans column[span]
	arena column[byte]
	live  int // bytes of the arena in use
}

// span is where a value stands in the arena; set tells that there is one.
type span struct {
	from int64
	n    int32
	set  bool
}

func newStore(mem memory.Allocator) *store {
	return &store{mem: mem, spans: column[span]{mem: mem}, arena: column[byte]{mem: mem}}
}

func (s *store) len() int   { return len(s.spans.v) }
func (s *store) grow(n int) { s.spans.grow(n) }

// get is the value of a slot, valid until the next set.
func (s *store) get(slot uint32) ([]byte, bool) {
	p := s.spans.v[slot]
	return s.arena.v[p.from : p.from+int64(p.n) : p.from+int64(p.n)], p.set
}

// has tells whether a slot has a value.
func (s *store) has(slot uint32) bool { return s.spans.v[slot].set }

// rows are the values of slots, nil where there is none, valid until the next
// set.
func (s *store) rows(slots []uint32) [][]byte {
	rows := make([][]byte, len(slots))
	for i, slot := range slots {
		if b, ok := s.get(slot); ok {
			rows[i] = b
			if b == nil {
				rows[i] = []byte{}
			}
		}
	}
	return rows
}

// set replaces the value of a slot. b is not part of the store.
func (s *store) set(slot uint32, b []byte) {
	p := &s.spans.v[slot]
	if p.set && len(b) <= int(p.n) {
		copy(s.arena.v[p.from:], b)
		s.live -= int(p.n) - len(b)
		p.n = int32(len(b))
		return
	}
	s.drop(slot)
	used := len(s.arena.v)
	if used+len(b) > cap(s.arena.v) && used > 4096 && s.live < used/2 {
		s.compact()
		used = len(s.arena.v)
	}
	s.arena.grow(used + len(b))
	copy(s.arena.v[used:], b)
	*p = span{from: int64(used), n: int32(len(b)), set: true}
	s.live += len(b)
}

// drop removes the value of a slot.
func (s *store) drop(slot uint32) {
	s.live -= int(s.spans.v[slot].n)
	s.spans.v[slot] = span{}
}

// reset drops the values of slots, all when nil.
func (s *store) reset(slots []uint32) {
	if slots == nil {
		s.spans.reset(nil)
		s.arena.v, s.live = s.arena.v[:0], 0
		return
	}
	for _, g := range slots {
		if int(g) < len(s.spans.v) {
			s.drop(g)
		}
	}
}

// compact moves the live values into a new arena.
func (s *store) compact() {
	fresh := column[byte]{mem: s.mem}
	fresh.grow(s.live)
	fresh.v = fresh.v[:0]
	for i := range s.spans.v {
		if p := &s.spans.v[i]; p.set {
			from := int64(len(fresh.v))
			fresh.v = append(fresh.v, s.arena.v[p.from:p.from+int64(p.n)]...)
			p.from = from
		}
	}
	s.arena.release()
	s.arena = fresh
}

func (s *store) bytes() int64 { return s.spans.bytes() + s.arena.bytes() }

func (s *store) release() {
	s.spans.release()
	s.arena.release()
}

// byteValues reads the values of a string, binary, fixed-size binary or
// dictionary column.
type byteValues struct {
	valid columnar.Bitmap // of the rows, null dictionary entries included
	codes []int32         // dictionary: row to entry
	text  columnar.Strings
	fixed *array.FixedSizeBinary
}

func newByteValues(a arrow.Array) byteValues {
	v := byteValues{valid: logicalValidity(a)}
	if codes, values, ok := columnar.Dictionary(a); ok {
		v.codes, a = codes, values
	}
	if f, ok := a.(*array.FixedSizeBinary); ok {
		v.fixed = f
	} else {
		v.text = columnar.StringsOf(a)
	}
	return v
}

// at is the value of row i, valid as long as the column.
func (v *byteValues) at(i int) []byte {
	if v.codes != nil {
		i = int(v.codes[i])
	}
	if v.fixed != nil {
		return v.fixed.Value(i)
	}
	return v.text.Bytes(i)
}

// byteArray builds a column of a string or binary type out of the values of
// slots; a slot without a value gives NULL.
func byteArray(mem memory.Allocator, t arrow.DataType, s *store, slots []uint32) (arrow.Array, error) {
	return bytesToArray(mem, t, s.rows(slots))
}

// bytesToArray builds a column of a string or binary type; nil is NULL.
func bytesToArray(mem memory.Allocator, t arrow.DataType, rows [][]byte) (arrow.Array, error) {
	switch t.ID() {
	case arrow.FIXED_SIZE_BINARY:
		b := array.NewFixedSizeBinaryBuilder(mem, t.(*arrow.FixedSizeBinaryType))
		defer b.Release()
		for _, r := range rows {
			if r == nil {
				b.AppendNull()
			} else {
				b.Append(r)
			}
		}
		return b.NewArray(), nil
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		return varArray[int64](mem, t, rows)
	}
	return varArray[int32](mem, t, rows)
}

// varArray is bytesToArray for values of any length.
func varArray[O int32 | int64](mem memory.Allocator, t arrow.DataType, rows [][]byte) (arrow.Array, error) {
	size := 0
	for _, r := range rows {
		size += len(r)
	}
	if int(O(size)) != size {
		return nil, fmt.Errorf("agg: %d bytes are too many for one column of %s", size, columnar.TypeName(t))
	}
	offsets, data := newResult[O](mem, len(rows)+1), newResult[byte](mem, size)
	valid, nulls := newValid(mem, len(rows)), 0
	at := 0
	for i, r := range rows {
		at += copy(data.v[at:], r)
		offsets.v[i+1] = O(at)
		if r == nil {
			valid.bits.Clear(i)
			nulls++
		}
	}
	return newArray(t, len(rows), nulls, []*memory.Buffer{valid.buffer(nulls), offsets.values, data.values}), nil
}
