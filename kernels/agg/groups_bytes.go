package agg

import (
	"encoding/binary"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/zeebo/xxh3"

	"github.com/arrowstream/arrowstream/kernels"
)

// byteIndex numbers byte strings: open addressing over entries of 8 bytes,
// {salt, slot}, and a digest per slot, which is compared when the salt agrees.
// The digest of a string of up to 16 bytes is the string, so that bytes are
// compared only beyond that.
type byteIndex struct {
	entries column[saltEntry]
	mask    uint64
	used    int
	digests column[digest] // per slot
	rows    *store         // per slot
	null    uint32         // slot of NULL plus one, 0 if there is none
	touched uint32         // keeps the loads of touch alive
	mem     memory.Allocator

	keys  [byteBlock][]byte // the block of strings in work, nil for NULL
	block [byteBlock]digest // of keys
}

// saltEntry is the salt of a string, the upper half of its hash, and its slot
// plus one, 0 for an empty entry.
type saltEntry struct{ salt, id uint32 }

// digest is what stands for a string: its hash, its length, and its first and
// last 8 bytes, which overlap where it is shorter than 16.
type digest struct {
	hash, first, last uint64
	n                 int
}

// byteBlock is the number of strings that are looked up at a time.
const byteBlock = 256

func newByteIndex(mem memory.Allocator) byteIndex {
	x := byteIndex{mem: mem, entries: column[saltEntry]{mem: mem}, digests: column[digest]{mem: mem}, rows: newStore(mem)}
	x.entries.grow(firstTable)
	x.mask = firstTable - 1
	return x
}

// digestOf reads a string. Cost: 2 ns up to 16 bytes.
func digestOf(b []byte) digest {
	d := digest{n: len(b)}
	switch n := len(b); {
	case n >= 8:
		d.first, d.last = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
		if n > 16 {
			d.hash = xxh3.Hash(b)
			return d
		}
	case n >= 4:
		d.first, d.last = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[n-4:]))
	case n > 0:
		d.first = uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16
	}
	// A folded product, which is uneven, and a round of Mix after it.
	hi, lo := bits.Mul64(d.first^0x9e3779b97f4a7c15, d.last^0xd6e8feb86659fd93^uint64(d.n)<<56)
	d.hash = kernels.Mix(hi ^ lo)
	return d
}

// find stores the slots of the first len(ids) strings of the block in ids. New
// ones get one from s, or NoGroup when s is nil.
func (x *byteIndex) find(ids []uint32, s *slots) {
	keys, block := x.keys[:len(ids)], x.block[:len(ids)]
	for i, b := range keys {
		block[i] = digestOf(b)
	}
	if entries, mask := x.entries.v, x.mask; len(entries) > largeTable {
		sum := uint32(0)
		for i := range block {
			sum += entries[block[i].hash&mask].id
		}
		x.touched = sum
	}
	entries, digests := x.entries.v, x.digests.v
	for i := range block {
		d := &block[i]
		salt, p := uint32(d.hash>>32), d.hash&x.mask
		if keys[i] == nil {
			ids[i] = x.findNull(s)
			entries, digests = x.entries.v, x.digests.v
			continue
		}
		for {
			e := entries[p]
			if e.id == 0 {
				ids[i] = x.add(p, keys[i], d, s)
				entries, digests = x.entries.v, x.digests.v
				break
			}
			if e.salt == salt {
				if h := &digests[e.id-1]; h.first == d.first && h.last == d.last && h.n == d.n && (d.n <= 16 || x.same(e.id-1, keys[i])) {
					ids[i] = e.id - 1
					break
				}
			}
			p = (p + 1) & x.mask
		}
	}
	clear(keys)
}

// same compares all bytes.
func (x *byteIndex) same(slot uint32, key []byte) bool {
	have, _ := x.rows.get(slot)
	return string(have) == string(key)
}

// findNull is the slot of NULL.
func (x *byteIndex) findNull(s *slots) uint32 {
	if x.null == 0 && s != nil {
		x.null = s.take() + 1
		x.digests.grow(s.n)
		x.rows.grow(s.n)
	}
	return x.null - 1 // NoGroup where there is none
}

// add puts a new string at place p and grows the table when it is full.
func (x *byteIndex) add(p uint64, key []byte, d *digest, s *slots) uint32 {
	if s == nil {
		return NoGroup
	}
	slot := s.take()
	x.entries.v[p] = saltEntry{salt: uint32(d.hash >> 32), id: slot + 1}
	x.digests.grow(s.n)
	x.digests.v[slot] = *d
	x.rows.grow(s.n)
	x.rows.set(slot, key)
	x.used++
	if full(x.used, len(x.entries.v)) {
		x.growTable()
	}
	return slot
}

func (x *byteIndex) growTable() {
	old := x.entries
	size := tableSize(x.used)
	x.entries = column[saltEntry]{mem: x.mem}
	x.entries.grow(size)
	x.mask = uint64(size - 1)
	for _, e := range old.v {
		if e.id == 0 {
			continue
		}
		p := x.digests.v[e.id-1].hash & x.mask
		for x.entries.v[p].id != 0 {
			p = (p + 1) & x.mask
		}
		x.entries.v[p] = e
	}
	old.release()
}

// remove takes the string of a live slot out and closes the gap in its chain by
// moving entries back.
func (x *byteIndex) remove(slot uint32) {
	if x.null == slot+1 {
		x.null = 0
		return
	}
	entries := x.entries.v
	p := x.digests.v[slot].hash & x.mask
	for entries[p].id != slot+1 {
		p = (p + 1) & x.mask
	}
	for q := p; ; {
		q = (q + 1) & x.mask
		e := entries[q]
		if e.id == 0 {
			break
		}
		// An entry may move to p unless its home lies behind p.
		if home := x.digests.v[e.id-1].hash & x.mask; (q-home)&x.mask >= (q-p)&x.mask {
			entries[p] = e
			p = q
		}
	}
	entries[p] = saltEntry{}
	x.used--
	x.rows.drop(slot)
}

func (x *byteIndex) bytes() int64 { return x.entries.bytes() + x.digests.bytes() + x.rows.bytes() }

func (x *byteIndex) release() {
	x.entries.release()
	x.digests.release()
	x.rows.release()
}

// textTable is a keyTable for one column of strings or binary values.
type textTable struct {
	t     arrow.DataType
	mem   memory.Allocator
	index byteIndex
}

func newTextTable(mem memory.Allocator, t arrow.DataType) *textTable {
	return &textTable{t: t, mem: mem, index: newByteIndex(mem)}
}

func (t *textTable) find(keys []arrow.Array, ids []uint32, s *slots) error {
	v := newByteValues(keys[0])
	for lo := 0; lo < len(ids); lo += byteBlock {
		part := ids[lo:min(lo+byteBlock, len(ids))]
		for i := range part {
			if v.valid.Get(lo + i) {
				t.index.keys[i] = notNil(v.at(lo + i))
			}
		}
		t.index.find(part, s)
	}
	return nil
}

// notNil tells the empty string from NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (t *textTable) remove(slot uint32) { t.index.remove(slot) }

func (t *textTable) columns(slots []uint32) ([]arrow.Array, error) {
	a, err := byteArray(t.mem, t.t, t.index.rows, slots)
	return []arrow.Array{a}, err
}

func (t *textTable) bytes() int64 { return t.index.bytes() }

func (t *textTable) release() { t.index.release() }
