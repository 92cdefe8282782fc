package agg

import (
	"encoding/binary"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/zeebo/xxh3"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
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
	block   [byteBlock]digest // of the strings in work
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

// digestOf reads a string.
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
	d.hash = hashShort(d.first, d.last, d.n)
	return d
}

// hashShort is a folded product, which is uneven, and a round of Mix after it.
func hashShort(first, last uint64, n int) uint64 {
	hi, lo := bits.Mul64(first^0x9e3779b97f4a7c15, last^0xd6e8feb86659fd93^uint64(n)<<56)
	return simd.Mix(hi ^ lo)
}

// byteRows are byte strings that stand one after the other: row i is
// data[ends[i]:ends[i+1]].
type byteRows[O int32 | int64] struct {
	data  []byte
	ends  []O
	valid columnar.Bitmap
}

// findBytes stores the slots of the rows in ids. New keys get one from s, or
// NoGroup when s is nil.
func findBytes[O int32 | int64](x *byteIndex, rows byteRows[O], ids []uint32, s *slots) {
	for lo := 0; lo < len(ids); lo += byteBlock {
		hi := min(lo+byteBlock, len(ids))
		block := x.block[:hi-lo]
		digestRows(block, rows.data, rows.ends[lo:hi+1])
		x.touch(block)
		part, at := ids[lo:hi], 0
		for from, to := range rows.valid.Slice(lo, hi).Runs() {
			x.findNulls(part[at:from], s)
			for from < to {
				if from += x.known(block[from:to], part[from:to]); from < to {
					part[from] = x.findOne(rows.data[rows.ends[lo+from]:rows.ends[lo+from+1]], &block[from], s)
					from++
				}
			}
			at = to
		}
		x.findNulls(part[at:], s)
	}
}

// digestRows reads a block of strings. Cost: 3 ns per row of 8 to 16 bytes.
func digestRows[O int32 | int64](block []digest, data []byte, ends []O) {
	from := ends[0]
	for i, to := range ends[1 : len(block)+1] {
		b, d := data[from:to], &block[i]
		if n := len(b); n >= 8 && n <= 16 {
			d.n, d.first, d.last = n, binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
			d.hash = hashShort(d.first, d.last, n)
		} else {
			*d = digestOf(b)
		}
		from = to
	}
}

// touch loads the entries of a block where the table is large, so that their
// cache misses overlap.
func (x *byteIndex) touch(block []digest) {
	entries, mask, sum := x.entries.v, x.mask, uint32(0)
	if len(entries) <= largeTable {
		return
	}
	for i := range block {
		sum += entries[block[i].hash&mask].id
	}
	x.touched = sum
}

// known stores the slots of short strings up to the first one that is not at
// its home, or new, or long; it returns the number of rows before that.
func (x *byteIndex) known(block []digest, ids []uint32) int {
	entries, mask, digests := x.entries.v, x.mask, x.digests.v
	ids = ids[:len(block)]
	for i := range block {
		d := &block[i]
		e := entries[d.hash&mask]
		if e.id == 0 || e.salt != uint32(d.hash>>32) || d.n > 16 {
			return i
		}
		if h := &digests[e.id-1]; h.first != d.first || h.last != d.last || h.n != d.n {
			return i
		}
		ids[i] = e.id - 1
	}
	return len(block)
}

// findOne is the slot of any string.
func (x *byteIndex) findOne(key []byte, d *digest, s *slots) uint32 {
	salt, p := uint32(d.hash>>32), d.hash&x.mask
	for {
		e := x.entries.v[p]
		if e.id == 0 {
			return x.add(p, key, d, s)
		}
		if e.salt == salt {
			h := &x.digests.v[e.id-1]
			if h.first == d.first && h.last == d.last && h.n == d.n && (d.n <= 16 || x.same(e.id-1, key)) {
				return e.id - 1
			}
		}
		p = (p + 1) & x.mask
	}
}

// same compares all bytes.
func (x *byteIndex) same(slot uint32, key []byte) bool {
	have, _ := x.rows.get(slot)
	return string(have) == string(key)
}

// findNulls stores the slot of NULL.
func (x *byteIndex) findNulls(ids []uint32, s *slots) {
	if len(ids) == 0 {
		return
	}
	if x.null == 0 && s != nil {
		x.null = s.take() + 1
		x.digests.grow(s.n)
		x.rows.grow(s.n)
	}
	for i := range ids {
		ids[i] = x.null - 1 // NoGroup where there is none
	}
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
		x.growTable(tableSize(x.used))
	}
	return slot
}

// reserve makes room for n strings; how long they are is not known.
func (x *byteIndex) reserve(n int) {
	x.digests.reserve(n)
	x.rows.spans.reserve(n)
	if full(n, len(x.entries.v)) {
		x.growTable(tableSize(n))
	}
}

func (x *byteIndex) growTable(size int) {
	old := x.entries
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
