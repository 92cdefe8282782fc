package agg

import (
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// wordIndex numbers words of 64 bits. While the words lie close together it is
// an array with a place for each of them, 1 ns per row; when they no longer
// do, it turns into a hash table. Slots keep their numbers.
type wordIndex struct {
	mem    memory.Allocator
	keys   column[uint64] // per slot
	null   uint32         // slot of NULL plus one, 0 if there is none
	direct places
	hash   hashIndex
	hashed bool // hash is in use, not direct
	room   int  // keys that are expected at least
}

// wordBlock is the number of words that are looked up at a time.
const wordBlock = 512

// newWordIndex returns an empty index. ordered tells that words of similar
// values are close together as signed integers.
func newWordIndex(mem memory.Allocator, ordered bool) wordIndex {
	x := wordIndex{
		mem: mem, hashed: !ordered, keys: column[uint64]{mem: mem},
		direct: places{of: column[uint32]{mem: mem}}, hash: hashIndex{mem: mem, entries: column[wordEntry]{mem: mem}},
	}
	if x.hashed {
		x.build(&slots{})
	}
	return x
}

// reserve makes room for n words.
func (x *wordIndex) reserve(n int, s *slots) {
	x.room = n
	x.keys.reserve(n)
	if x.hashed && full(n, len(x.hash.entries.v)) {
		x.build(s)
	}
}

// build makes the hash table anew.
func (x *wordIndex) build(s *slots) { x.hash.build(&x.keys, s, x.null, x.room) }

// insert stores the slots of at most wordBlock words in ids; new words get one
// from s.
func (x *wordIndex) insert(words []uint64, ids []uint32, s *slots) {
	for !x.hashed {
		n := x.insertDirect(words, ids, s)
		if n == len(words) {
			return
		}
		words, ids = words[n:], ids[n:]
		if !x.direct.reach(words, x, s) {
			x.hashed = true
			x.direct.of.release()
			x.build(s)
		}
	}
	x.insertHash(words, ids, s)
}

// insertDirect is insert up to the first word without a place; it returns the
// number of words before it.
func (x *wordIndex) insertDirect(words []uint64, ids []uint32, s *slots) int {
	of, base := x.direct.of.v, x.direct.base
	ids = ids[:len(words)]
	for i, w := range words {
		at := w - base
		if at >= uint64(len(of)) {
			return i
		}
		id := of[at]
		if id == 0 {
			id = x.add(w, s) + 1
			of[at] = id
		}
		ids[i] = id - 1
	}
	return len(words)
}

// insertHash is insert by the hash table. Cost: 3 ns per row while the table is
// in cache.
func (x *wordIndex) insertHash(words []uint64, ids []uint32, s *slots) {
	h := &x.hash
	home := h.homes(words)
	entries, mask := h.entries.v, h.mask
	ids = ids[:len(words)]
	for i, w := range words {
		if i%askAhead == 0 {
			h.ask(home, i+askAhead)
		}
		p := home[i] & mask
		for {
			e := &entries[p]
			if e.key == w && e.id != 0 {
				ids[i] = e.id - 1
				break
			}
			if e.id == 0 {
				ids[i] = x.add(w, s)
				*e = wordEntry{key: w, id: ids[i] + 1}
				if h.used++; full(h.used, len(entries)) {
					x.build(s)
					home = h.homes(words)
					entries, mask = h.entries.v, h.mask
				}
				break
			}
			p = (p + 1) & mask
		}
	}
}

// add gives a new word a slot.
func (x *wordIndex) add(w uint64, s *slots) uint32 {
	slot := s.take()
	x.keys.grow(s.n)
	x.keys.v[slot] = w
	return slot
}

// findNull is the slot of NULL.
func (x *wordIndex) findNull(s *slots) uint32 {
	if x.null == 0 && s != nil {
		x.null = x.add(0, s) + 1
	}
	return x.null - 1 // NoGroup where there is none
}

// lookup is insert for words that are there; others give NoGroup.
func (x *wordIndex) lookup(words []uint64, ids []uint32) {
	if x.hashed {
		x.hash.lookup(words, ids)
		return
	}
	of, base := x.direct.of.v, x.direct.base
	for i, w := range words {
		ids[i] = NoGroup
		if at := w - base; at < uint64(len(of)) {
			ids[i] = of[at] - 1
		}
	}
}

// remove takes the word of a live slot out.
func (x *wordIndex) remove(slot uint32) {
	switch w := x.keys.v[slot]; {
	case x.null == slot+1:
		x.null = 0
	case x.hashed:
		x.hash.remove(w, slot)
	default:
		x.direct.of.v[w-x.direct.base] = 0
	}
}

// rekey changes the words of all live slots, which stay different and ordered.
func (x *wordIndex) rekey(s *slots, to func(w uint64) uint64) {
	for slot, live := range s.live.v[:len(x.keys.v)] {
		if live {
			x.keys.v[slot] = to(x.keys.v[slot])
		}
	}
	if x.hashed {
		x.build(s)
		return
	}
	x.direct.of.release()
	x.direct.base = 0
	if x.direct.reach(nil, x, s) {
		x.fill(s)
		return
	}
	x.hashed = true
	x.build(s)
}

// fill puts the words of all live slots into their places.
func (x *wordIndex) fill(s *slots) {
	of := x.direct.of.v
	for slot, w := range x.keys.v {
		if s.live.v[slot] && x.null != uint32(slot)+1 {
			of[w-x.direct.base] = uint32(slot) + 1
		}
	}
}

func (x *wordIndex) bytes() int64 {
	return x.keys.bytes() + x.direct.of.bytes() + x.hash.entries.bytes()
}

func (x *wordIndex) release() {
	x.keys.release()
	x.direct.of.release()
	x.hash.entries.release()
}
