package agg

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
)

// encoder writes blocks of rows as bytes, in the form of appendValue, a column
// at a time.
type encoder struct {
	buf  []byte
	ends []int // ends[i] is where row i ends and row i+1 begins
	pos  []int
}

// row is row i of the block, valid until the next encode.
func (e *encoder) row(i int) []byte {
	from := 0
	if i > 0 {
		from = e.ends[i-1]
	}
	return e.buf[from:e.ends[i]]
}

// encode writes rows [lo, hi) of the columns.
func (e *encoder) encode(cols []arrow.Array, lo, hi int) {
	n := hi - lo
	if cap(e.ends) < n {
		e.ends, e.pos = make([]int, n), make([]int, n)
	}
	e.ends, e.pos = e.ends[:n], e.pos[:n]
	clear(e.ends)
	flat := true
	for _, a := range cols {
		flat = flat && e.measure(a, lo, hi)
	}
	if !flat {
		e.encodeRows(cols, lo, hi)
		return
	}
	size := 0
	for i, k := range e.ends {
		e.pos[i] = size
		size += k
		e.ends[i] = size
	}
	if cap(e.buf) < size {
		e.buf = make([]byte, 2*size)
	}
	e.buf = e.buf[:size]
	for _, a := range cols {
		e.write(a, lo, hi)
	}
}

// encodeRows is the way of nested columns.
func (e *encoder) encodeRows(cols []arrow.Array, lo, hi int) {
	e.buf = e.buf[:0]
	for i := lo; i < hi; i++ {
		for _, a := range cols {
			e.buf = appendValue(e.buf, a, i, true)
		}
		e.ends[i-lo] = len(e.buf)
	}
}

// measure adds the sizes of the values of a to ends; false for nested columns.
func (e *encoder) measure(a arrow.Array, lo, hi int) bool {
	switch w := fixedWidth(a.DataType()); {
	case w > 0:
		valid := columnar.Validity(a)
		for i := range e.ends {
			e.ends[i]++
			if valid.Get(lo + i) {
				e.ends[i] += w
			}
		}
		return true
	case textual(a.DataType()):
		v := newByteValues(a)
		for i := range e.ends {
			e.ends[i]++
			if v.valid.Get(lo + i) {
				e.ends[i] += 4 + len(v.at(lo+i))
			}
		}
		return true
	}
	return false
}

// write writes the values of a at pos and moves pos past them.
func (e *encoder) write(a arrow.Array, lo, hi int) {
	if textual(a.DataType()) {
		v := newByteValues(a)
		for i, p := range e.pos {
			if !v.valid.Get(lo + i) {
				e.buf[p] = 0
				e.pos[i] = p + 1
				continue
			}
			b := v.at(lo + i)
			e.buf[p] = 1
			binary.LittleEndian.PutUint32(e.buf[p+1:], uint32(len(b)))
			e.pos[i] = p + 5 + copy(e.buf[p+5:], b)
		}
		return
	}
	w := fixedWidth(a.DataType())
	raw := a.Data().Buffers()[1].Bytes()[(a.Data().Offset()+lo)*w : (a.Data().Offset()+hi)*w]
	valid := columnar.Validity(a)
	isFloat := a.DataType().ID() == arrow.FLOAT32 || a.DataType().ID() == arrow.FLOAT64
	for i, p := range e.pos {
		if !valid.Get(lo + i) {
			e.buf[p] = 0
			e.pos[i] = p + 1
			continue
		}
		e.buf[p] = 1
		dst := e.buf[p+1 : p+1+w]
		copy(dst, raw[i*w:])
		if isFloat {
			canonicalFloat(a.DataType(), dst)
		}
		e.pos[i] = p + 1 + w
	}
}

// textual tells whether t is a string or binary type, or a dictionary of one.
func textual(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.StringType, *arrow.BinaryType, *arrow.LargeStringType, *arrow.LargeBinaryType:
		return true
	case *arrow.DictionaryType:
		return textual(t.ValueType)
	}
	return false
}
