package agg

import (
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// hashIndex finds the slots of words by open addressing with linear probing
// over entries of 16 bytes. It is kept sparse, at most 1/8 full up to 16K keys
// and 1/4 above, because mispredicted probes cost more than untouched memory;
// tables of millions of keys are up to 5/8 full, where memory is what counts.
type hashIndex struct {
	mem     memory.Allocator
	entries column[wordEntry]
	mask    uint64
	used    int
	hashes  [wordBlock]uint64 // of the block of words in work
}

// wordEntry is a key and its slot plus one; zeroed memory is an empty table.
type wordEntry struct {
	key uint64
	id  uint32
}

const (
	firstTable = 1024 // entries
	entryShift = 4    // an entry has 1<<entryShift bytes
)

// full tells whether a table of size entries is too full with used keys.
func full(used, size int) bool {
	switch {
	case size <= 128<<10:
		return used*8 > size
	case size <= 4<<20:
		return used*4 > size
	case size <= 8<<20:
		return used*2 > size
	}
	return used*8 > size*5
}

// tableSize is the size of a table for used keys that leaves room for as many
// again: 4 times the one that is full, twice from 4M entries on.
func tableSize(used int) int {
	size := firstTable
	for full(used, size) {
		if size < 4<<20 {
			size *= 4
		} else {
			size *= 2
		}
	}
	return size
}

// largeTable is the number of entries above which a probe is likely to miss the
// cache, and askAhead the number of words between a probe and the request for
// its entry: misses then overlap with each other and with probing. Requests for
// a whole block at once wait for the memory where no probe runs.
const (
	largeTable = 1 << 17
	askAhead   = 32
)

// homes hashes a block of words and asks for the entries of the first ones.
func (h *hashIndex) homes(words []uint64) []uint64 {
	homes := h.hashes[:len(words)]
	simd.Hash(homes, words, 0)
	h.ask(homes, 0)
	return homes
}

// ask asks for the entries of the homes from row lo on, askAhead of them, where
// the table is large. A loop over homes calls it with the row it is at plus
// askAhead, when that is one of the multiples.
func (h *hashIndex) ask(homes []uint64, lo int) {
	if entries := h.entries.v; len(entries) > largeTable && lo < len(homes) {
		simd.Prefetch(unsafe.Pointer(unsafe.SliceData(entries)), homes[lo:min(lo+askAhead, len(homes))], h.mask, entryShift)
	}
}

// build makes the table anew, larger if it is full or has no room for so many
// keys, of the keys of all live slots but that of NULL.
func (h *hashIndex) build(keys *column[uint64], s *slots, null uint32, room int) {
	old := h.entries
	size := max(tableSize(max(s.used(), room)), len(old.v))
	h.entries, h.used = column[wordEntry]{mem: h.mem}, 0
	old.release()
	h.entries.grow(size)
	h.mask = uint64(size - 1)
	entries, mask := h.entries.v, h.mask
	for lo := 0; lo < len(keys.v); lo += wordBlock {
		block := keys.v[lo:min(lo+wordBlock, len(keys.v))]
		homes := h.homes(block)
		for i, p := range homes {
			if i%askAhead == 0 {
				h.ask(homes, i+askAhead)
			}
			slot := lo + i
			if !s.live.v[slot] || null == uint32(slot)+1 {
				continue
			}
			p &= mask
			for entries[p].id != 0 {
				p = (p + 1) & mask
			}
			entries[p] = wordEntry{key: block[i], id: uint32(slot) + 1}
			h.used++
		}
	}
}

// lookup stores the slots of a block of words, NoGroup where there is none.
func (h *hashIndex) lookup(words []uint64, ids []uint32) {
	homes := h.homes(words)
	for i, p := range homes {
		if i%askAhead == 0 {
			h.ask(homes, i+askAhead)
		}
		p &= h.mask
		for h.entries.v[p].id != 0 && h.entries.v[p].key != words[i] {
			p = (p + 1) & h.mask
		}
		ids[i] = h.entries.v[p].id - 1
	}
}

// remove takes the key of a slot out and closes the gap in its chain by moving
// entries back.
func (h *hashIndex) remove(key uint64, slot uint32) {
	entries, mask := h.entries.v, h.mask
	p := simd.Mix(key) & mask
	for entries[p].id != slot+1 {
		p = (p + 1) & mask
	}
	for q := p; ; {
		q = (q + 1) & mask
		e := entries[q]
		if e.id == 0 {
			break
		}
		// An entry may move to p unless its home lies behind p.
		if home := simd.Mix(e.key) & mask; (q-home)&mask >= (q-p)&mask {
			entries[p] = e
			p = q
		}
	}
	entries[p] = wordEntry{}
	h.used--
}
