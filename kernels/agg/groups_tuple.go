package agg

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// allWords tells whether keys of all the types fit words, and their nulls one.
func allWords(types []arrow.DataType) bool {
	return len(types) <= 64 && !slices.ContainsFunc(types, func(t arrow.DataType) bool { return !wordKey(t) })
}

// tupleTable is a keyTable for several columns of at most 64 bits each. A key
// is one word per column and a word with a bit per NULL.
type tupleTable struct {
	mem     memory.Allocator
	types   []arrow.DataType
	stride  int // words per key
	entries column[rowEntry]
	mask    uint64
	used    int
	keys    column[uint64] // stride words per slot
	block   []uint64       // keys of a block of rows
}

const tupleBlock = 256 // rows

func newTupleTable(mem memory.Allocator, types []arrow.DataType) *tupleTable {
	t := &tupleTable{
		mem: mem, types: types, stride: len(types) + 1, mask: firstTable - 1,
		entries: column[rowEntry]{mem: mem}, keys: column[uint64]{mem: mem},
	}
	t.entries.grow(firstTable)
	t.block = make([]uint64, tupleBlock*t.stride)
	return t
}

func (t *tupleTable) find(keys []arrow.Array, ids []uint32, s *slots) error {
	for lo := 0; lo < len(ids); lo += tupleBlock {
		part := ids[lo:min(lo+tupleBlock, len(ids))]
		t.read(keys, lo, len(part))
		for i := range part {
			part[i] = t.findOne(t.block[i*t.stride:(i+1)*t.stride], s)
		}
	}
	return nil
}

// read fills the block with the keys of rows lo to lo+n-1.
func (t *tupleTable) read(keys []arrow.Array, lo, n int) {
	var words [tupleBlock]uint64
	last := t.stride - 1
	for i := range n {
		t.block[i*t.stride+last] = 0
	}
	for c, a := range keys {
		wordsOf(a, lo, words[:n])
		for i, x := range words[:n] {
			t.block[i*t.stride+c] = x
		}
		valid := columnar.Validity(a)
		if valid.All() {
			continue
		}
		for i := range n {
			if !valid.Get(lo + i) {
				t.block[i*t.stride+c] = 0
				t.block[i*t.stride+last] |= 1 << c
			}
		}
	}
}

func tupleHash(key []uint64) uint64 {
	h := uint64(len(key))
	for _, x := range key {
		h = kernels.Mix(h ^ x)
	}
	return h
}

// key is the key of a slot.
func (t *tupleTable) key(slot uint32) []uint64 {
	return t.keys.v[int(slot)*t.stride : (int(slot)+1)*t.stride]
}

func (t *tupleTable) findOne(key []uint64, s *slots) uint32 {
	hash := tupleHash(key)
	salt, p := uint32(hash>>32), hash&t.mask
	for {
		e := t.entries.v[p]
		if e.id == 0 {
			break
		}
		if e.salt == salt && slices.Equal(t.key(e.id-1), key) {
			return e.id - 1
		}
		p = (p + 1) & t.mask
	}
	if s == nil {
		return NoGroup
	}
	slot := s.take()
	t.entries.v[p] = rowEntry{salt: salt, id: slot + 1}
	t.keys.grow(s.n * t.stride)
	copy(t.key(slot), key)
	t.used++
	if full(t.used, len(t.entries.v)) {
		t.growTable()
	}
	return slot
}

func (t *tupleTable) growTable() {
	old := t.entries
	size := 4 * len(old.v)
	if len(old.v) >= 1<<20 {
		size = 2 * len(old.v)
	}
	t.entries = column[rowEntry]{mem: t.mem}
	t.entries.grow(size)
	t.mask = uint64(size - 1)
	for _, e := range old.v {
		if e.id == 0 {
			continue
		}
		p := tupleHash(t.key(e.id-1)) & t.mask
		for t.entries.v[p].id != 0 {
			p = (p + 1) & t.mask
		}
		t.entries.v[p] = e
	}
	old.release()
}

// remove closes the gap in the chain of the key by moving entries back.
func (t *tupleTable) remove(slot uint32) {
	entries := t.entries.v
	p := tupleHash(t.key(slot)) & t.mask
	for entries[p].id != slot+1 {
		p = (p + 1) & t.mask
	}
	for q := p; ; {
		q = (q + 1) & t.mask
		e := entries[q]
		if e.id == 0 {
			break
		}
		// An entry may move to p unless its home lies behind p.
		if home := tupleHash(t.key(e.id-1)) & t.mask; (q-home)&t.mask >= (q-p)&t.mask {
			entries[p] = e
			p = q
		}
	}
	entries[p] = rowEntry{}
	t.used--
}

func (t *tupleTable) columns(slots []uint32) ([]arrow.Array, error) {
	out, words := make([]arrow.Array, len(t.types)), make([]uint64, len(slots))
	for c, dt := range t.types {
		for i, slot := range slots {
			words[i] = t.key(slot)[c]
		}
		out[c] = wordArray(t.mem, dt, words, func(i int) bool { return t.key(slots[i])[t.stride-1]>>c&1 != 0 })
	}
	return out, nil
}

func (t *tupleTable) bytes() int64 {
	return t.entries.bytes() + t.keys.bytes() + 8*int64(len(t.block))
}

func (t *tupleTable) release() {
	t.entries.release()
	t.keys.release()
}
