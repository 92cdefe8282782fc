package agg

import (
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// pairTable is a keyTable for a key of several columns: all but the last are
// numbered by one table, the last by another, and the pair of numbers is a word
// for a wordIndex. The numbers are small and without gaps, so that the pairs of
// columns with few distinct values are found by an array whatever their types,
// and no key is ever compared column by column.
type pairTable struct {
	left, right part
	index       wordIndex
	shift       int // the word of a pair is left<<shift | right
	gone        int // pairs removed since the last sweep
	block       [wordBlock]uint64
}

// part is the table of some columns of a key, with slots of its own.
type part struct {
	table keyTable
	slots slots
	ids   []uint32 // of the rows in work
}

func newPairTable(mem memory.Allocator, left, right keyTable) *pairTable {
	return &pairTable{
		left:  part{table: left, slots: newSlots(mem)},
		right: part{table: right, slots: newSlots(mem)},
		index: newWordIndex(mem, true),
	}
}

func (t *pairTable) find(keys []arrow.Array, ids []uint32, s *slots) error {
	if s != nil {
		t.sweep(s)
	}
	last := len(keys) - 1
	if err := t.left.find(keys[:last], len(ids), s != nil); err != nil {
		return err
	}
	if err := t.right.find(keys[last:], len(ids), s != nil); err != nil {
		return err
	}
	if s == nil {
		t.lookup(ids)
		return nil
	}
	if n := t.right.slots.n; n > 1<<t.shift {
		t.widen(bits.Len(uint(n)), s)
	}
	for lo := 0; lo < len(ids); lo += wordBlock {
		part := ids[lo:min(lo+wordBlock, len(ids))]
		t.index.insert(t.words(lo, len(part)), part, s)
	}
	return nil
}

// find numbers the keys of n rows; unknown ones are added, or are NoGroup.
func (p *part) find(keys []arrow.Array, n int, add bool) error {
	if cap(p.ids) < n {
		p.ids = make([]uint32, n)
	}
	p.ids = p.ids[:n]
	if !add {
		return p.table.find(keys, p.ids, nil)
	}
	return p.table.find(keys, p.ids, &p.slots)
}

// words are the pairs of n rows from lo on.
func (t *pairTable) words(lo, n int) []uint64 {
	out := t.block[:n]
	left, right, shift := t.left.ids[lo:lo+n], t.right.ids[lo:lo+n], t.shift&63
	for i := range out {
		out[i] = uint64(left[i])<<shift | uint64(right[i])
	}
	return out
}

// lookup stores the slots of pairs that are there.
func (t *pairTable) lookup(ids []uint32) {
	for lo := 0; lo < len(ids); lo += wordBlock {
		part := ids[lo:min(lo+wordBlock, len(ids))]
		t.index.lookup(t.words(lo, len(part)), part)
	}
	for i := range ids {
		if t.left.ids[i] == NoGroup || t.right.ids[i] == NoGroup {
			ids[i] = NoGroup
		}
	}
}

// widen makes room for right numbers of more bits. Pairs that are hashed get
// all there can be at once.
func (t *pairTable) widen(to int, s *slots) {
	if t.index.hashed {
		to = 32
	}
	from := t.shift
	t.shift = to
	t.index.rekey(s, func(w uint64) uint64 { return w>>from<<to | w&(1<<from-1) })
}

// pair is the left and the right number of a slot.
func (t *pairTable) pair(slot uint32) (left, right uint32) {
	w := t.index.keys.v[slot]
	return uint32(w >> t.shift), uint32(w & (1<<t.shift - 1))
}

func (t *pairTable) remove(slot uint32) {
	t.index.remove(slot)
	t.gone++
}

// sweep removes the keys of the parts that no pair uses any more, once more
// pairs are gone than are left.
func (t *pairTable) sweep(s *slots) {
	if t.gone < max(1024, s.used()) {
		return
	}
	t.gone = 0
	left, right := make([]bool, t.left.slots.n), make([]bool, t.right.slots.n)
	for slot, live := range s.live.v {
		if live {
			l, r := t.pair(uint32(slot))
			left[l], right[r] = true, true
		}
	}
	t.left.keep(left)
	t.right.keep(right)
}

// keep removes the keys that are not in use.
func (p *part) keep(used []bool) {
	for slot, is := range used {
		if !is && p.slots.live.v[slot] {
			p.table.remove(uint32(slot))
			p.slots.give(uint32(slot))
		}
	}
}

func (t *pairTable) columns(slots []uint32) ([]arrow.Array, error) {
	left, right := make([]uint32, len(slots)), make([]uint32, len(slots))
	for i, slot := range slots {
		left[i], right[i] = t.pair(slot)
	}
	out, err := t.left.table.columns(left)
	if err != nil {
		return nil, err
	}
	last, err := t.right.table.columns(right)
	if err != nil {
		releaseAll(out)
		return nil, err
	}
	return append(out, last...), nil
}

// reserve makes room for n pairs; how many keys the parts have is not known.
func (t *pairTable) reserve(n int, s *slots) { t.index.reserve(n, s) }

func (t *pairTable) bytes() int64 {
	return t.index.bytes() + t.left.bytes() + t.right.bytes()
}

func (p *part) bytes() int64 {
	return p.table.bytes() + p.slots.bytes() + 4*int64(cap(p.ids))
}

func (t *pairTable) release() {
	t.index.release()
	for _, p := range []*part{&t.left, &t.right} {
		p.table.release()
		p.slots.live.release()
	}
}
