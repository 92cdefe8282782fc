package agg

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// rowTable is a keyTable for any key: the key columns of a row are written one
// after the other as bytes, and looked up by their hash. Entries are 8 bytes,
// {salt, slot}: the upper half of the hash is compared before the bytes.
type rowTable struct {
	mem     memory.Allocator
	types   []arrow.DataType
	entries column[rowEntry]
	mask    uint64
	used    int
	hashes  column[uint64] // per slot
	rows    *store         // per slot
	text    bool           // the key is one string column: its values are stored as they are
	null    uint32         // text: slot of NULL plus one, 0 if there is none

	scratch []uint64
	enc     encoder
}

// rowEntry is the salt of a key and its slot plus one, 0 for an empty entry.
type rowEntry struct{ salt, id uint32 }

func newRowTable(mem memory.Allocator, types []arrow.DataType) *rowTable {
	r := &rowTable{
		mem: mem, types: types, entries: column[rowEntry]{mem: mem}, mask: firstTable - 1,
		hashes: column[uint64]{mem: mem}, rows: newStore(mem), text: len(types) == 1 && textual(types[0]),
	}
	r.entries.grow(firstTable)
	return r
}

func (r *rowTable) find(keys []arrow.Array, ids []uint32, s *slots) error {
	if len(r.scratch) < len(ids) {
		r.scratch = make([]uint64, len(ids))
	}
	hashes := r.scratch[:len(ids)]
	if err := kernels.Hash(keys, hashes); err != nil {
		return err
	}
	if r.text {
		r.findText(keys[0], hashes, ids, s)
		return nil
	}
	const block = 1024
	for lo := 0; lo < len(ids); lo += block {
		hi := min(lo+block, len(ids))
		r.enc.encode(keys, lo, hi)
		for i := range ids[lo:hi] {
			ids[lo+i] = r.findOne(hashes[lo+i], r.enc.row(i), s)
		}
	}
	return nil
}

// findText is find for one string column.
func (r *rowTable) findText(a arrow.Array, hashes []uint64, ids []uint32, s *slots) {
	v := newByteValues(a)
	for i, h := range hashes {
		if v.valid.Get(i) {
			ids[i] = r.findOne(h, v.at(i), s)
		} else {
			ids[i] = r.findNull(h, s)
		}
	}
}

// findNull returns the slot of the key of one column that is NULL, whose hash
// is given.
func (r *rowTable) findNull(hash uint64, s *slots) uint32 {
	if !r.text {
		return r.findOne(hash, []byte{0}, s)
	}
	if r.null == 0 && s != nil {
		r.null = s.take() + 1
		r.hashes.grow(s.n)
		r.rows.grow(s.n)
	}
	return r.null - 1
}

// findOne returns the slot of a key, a new one from s if there is none.
func (r *rowTable) findOne(hash uint64, key []byte, s *slots) uint32 {
	salt := uint32(hash >> 32)
	p := hash & r.mask
	for {
		e := r.entries.v[p]
		if e.id == 0 {
			break
		}
		if e.salt == salt {
			if have, _ := r.rows.get(e.id - 1); string(have) == string(key) {
				return e.id - 1
			}
		}
		p = (p + 1) & r.mask
	}
	if s == nil {
		return NoGroup
	}
	slot := s.take()
	r.entries.v[p] = rowEntry{salt: salt, id: slot + 1}
	r.hashes.grow(s.n)
	r.hashes.v[slot] = hash
	r.rows.grow(s.n)
	r.rows.set(slot, key)
	r.used++
	if full(r.used, len(r.entries.v)) {
		r.growTable()
	}
	return slot
}

func (r *rowTable) growTable() {
	old := r.entries
	size := 4 * len(old.v)
	if len(old.v) >= 1<<20 {
		size = 2 * len(old.v)
	}
	r.entries = column[rowEntry]{mem: r.mem}
	r.entries.grow(size)
	r.mask = uint64(size - 1)
	for _, e := range old.v {
		if e.id == 0 {
			continue
		}
		p := r.hashes.v[e.id-1] & r.mask
		for r.entries.v[p].id != 0 {
			p = (p + 1) & r.mask
		}
		r.entries.v[p] = e
	}
	old.release()
}

// remove closes the gap in the chain of the key by moving entries back.
func (r *rowTable) remove(slot uint32) {
	if r.null == slot+1 {
		r.null = 0
		return
	}
	entries := r.entries.v
	p := r.hashes.v[slot] & r.mask
	for entries[p].id != slot+1 {
		p = (p + 1) & r.mask
	}
	for q := p; ; {
		q = (q + 1) & r.mask
		e := entries[q]
		if e.id == 0 {
			break
		}
		// An entry may move to p unless its home lies behind p.
		if home := r.hashes.v[e.id-1] & r.mask; (q-home)&r.mask >= (q-p)&r.mask {
			entries[p] = e
			p = q
		}
	}
	entries[p] = rowEntry{}
	r.used--
	r.rows.drop(slot)
}

func (r *rowTable) columns(slots []uint32) ([]arrow.Array, error) {
	rows := r.rows.rows(slots)
	if r.text {
		a, err := bytesToArray(r.mem, r.types[0], rows)
		return []arrow.Array{a}, err
	}
	out := make([]arrow.Array, len(r.types))
	for k, t := range r.types {
		var err error
		if out[k], err = decodeValues(r.mem, t, rows); err != nil {
			releaseAll(out)
			return nil, err
		}
	}
	return out, nil
}

func (r *rowTable) bytes() int64 {
	return r.entries.bytes() + r.hashes.bytes() + r.rows.bytes() + 8*int64(cap(r.scratch)) + int64(cap(r.enc.buf))
}

func (r *rowTable) release() {
	r.entries.release()
	r.hashes.release()
	r.rows.release()
}

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
