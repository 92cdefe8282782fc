package agg

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// wordKey tells whether keys of type t fit a word of 64 bits.
func wordKey(t arrow.DataType) bool {
	if t.ID() == arrow.BOOL {
		return true
	}
	switch fixedWidth(t) {
	case 1, 2, 4, 8:
		return t.ID() != arrow.FIXED_SIZE_BINARY && t.ID() != arrow.FLOAT16
	}
	return false
}

// wordTable is a keyTable for one key column of at most 64 bits: open
// addressing with linear probing over entries of 16 bytes. It is kept sparse
// (at most 1/8 full up to 16K keys, 1/4 above), because mispredicted probes
// cost more than untouched memory.
type wordTable struct {
	t       arrow.DataType
	mem     memory.Allocator
	entries column[wordEntry]
	mask    uint64
	used    int
	keys    column[uint64] // per slot
	null    uint32         // slot of NULL plus one, 0 if there is none
	touched uint32         // keeps the loads of touch alive
}

// wordEntry is a key and its slot plus one; zeroed memory is an empty table.
type wordEntry struct {
	key uint64
	id  uint32
}

const firstTable = 1024 // entries

func newWordTable(mem memory.Allocator, t arrow.DataType) *wordTable {
	w := &wordTable{t: t, mem: mem, entries: column[wordEntry]{mem: mem}, keys: column[uint64]{mem: mem}}
	w.entries.grow(firstTable)
	w.mask = firstTable - 1
	return w
}

// full tells whether a table of size entries is too full with used keys.
func full(used, size int) bool {
	if size <= 128<<10 {
		return used*8 > size
	}
	return used*4 > size
}

func (w *wordTable) find(keys []arrow.Array, ids []uint32, s *slots) error {
	a := keys[0]
	valid := columnar.Validity(a)
	var block [512]uint64
	for lo := 0; lo < len(ids); lo += len(block) {
		part := ids[lo:min(lo+len(block), len(ids))]
		words := block[:len(part)]
		wordsOf(a, lo, words)
		switch {
		case valid.All() && s != nil:
			w.insert(words, part, s)
		case valid.All():
			w.lookup(words, part)
		default:
			w.findNulls(words, part, valid.Slice(lo, lo+len(part)), s)
		}
	}
	return nil
}

// insert finds or inserts a block of keys. Cost: 2.5 ns per row while the
// table is in cache.
func (w *wordTable) insert(words []uint64, ids []uint32, s *slots) {
	words = words[:len(ids)]
	if len(w.entries.v) > largeTable {
		w.touch(words)
	}
	entries, mask := w.entries.v, w.mask
	for i, k := range words {
		p := kernels.Mix(k) & mask
		for {
			e := &entries[p]
			if e.key == k && e.id != 0 {
				ids[i] = e.id - 1
				break
			}
			if e.id == 0 {
				ids[i] = w.add(p, k, s)
				entries, mask = w.entries.v, w.mask
				break
			}
			p = (p + 1) & mask
		}
	}
}

// largeTable is the number of entries above which a table does not fit the
// second-level cache.
const largeTable = 1 << 17

// touch loads the entries of a block of keys: independent loads, whose cache
// misses overlap, unlike those of the probe loop.
func (w *wordTable) touch(words []uint64) {
	entries, mask, sum := w.entries.v, w.mask, uint32(0)
	for _, k := range words {
		sum += entries[kernels.Mix(k)&mask].id
	}
	w.touched = sum
}

// add puts a new key at place p and grows the table when it is full.
func (w *wordTable) add(p, key uint64, s *slots) uint32 {
	slot := s.take()
	w.entries.v[p] = wordEntry{key: key, id: slot + 1}
	w.keys.grow(s.n)
	w.keys.v[slot] = key
	w.used++
	if full(w.used, len(w.entries.v)) {
		w.growTable()
	}
	return slot
}

// growTable makes the table 4 times as large, twice above a million entries.
func (w *wordTable) growTable() {
	old := w.entries
	size := 4 * len(old.v)
	if len(old.v) >= 1<<20 {
		size = 2 * len(old.v)
	}
	w.entries = column[wordEntry]{mem: w.mem}
	w.entries.grow(size)
	w.mask = uint64(size - 1)
	for _, e := range old.v {
		if e.id == 0 {
			continue
		}
		p := kernels.Mix(e.key) & w.mask
		for w.entries.v[p].id != 0 {
			p = (p + 1) & w.mask
		}
		w.entries.v[p] = e
	}
	old.release()
}

func (w *wordTable) lookup(words []uint64, ids []uint32) {
	for i, k := range words {
		p := kernels.Mix(k) & w.mask
		for w.entries.v[p].id != 0 && w.entries.v[p].key != k {
			p = (p + 1) & w.mask
		}
		ids[i] = w.entries.v[p].id - 1 // NoGroup where there is none
	}
}

// findNulls goes by runs of values and nulls, in row order.
func (w *wordTable) findNulls(words []uint64, ids []uint32, valid columnar.Bitmap, s *slots) {
	at := 0
	nulls := func(to int) {
		for ; at < to; at++ {
			if w.null == 0 && s != nil {
				w.null = s.take() + 1
				w.keys.grow(s.n)
			}
			ids[at] = w.null - 1
		}
	}
	for lo, hi := range valid.Runs() {
		nulls(lo)
		if s != nil {
			w.insert(words[lo:hi], ids[lo:hi], s)
		} else {
			w.lookup(words[lo:hi], ids[lo:hi])
		}
		at = hi
	}
	nulls(len(ids))
}

// remove closes the gap in the chain of the key by moving entries back.
func (w *wordTable) remove(slot uint32) {
	if w.null == slot+1 {
		w.null = 0
		return
	}
	entries := w.entries.v
	p := kernels.Mix(w.keys.v[slot]) & w.mask
	for entries[p].id != slot+1 {
		p = (p + 1) & w.mask
	}
	for q := p; ; {
		q = (q + 1) & w.mask
		e := entries[q]
		if e.id == 0 {
			break
		}
		// An entry may move to p unless its home lies behind p.
		if home := kernels.Mix(e.key) & w.mask; (q-home)&w.mask >= (q-p)&w.mask {
			entries[p] = e
			p = q
		}
	}
	entries[p] = wordEntry{}
	w.used--
}

func (w *wordTable) columns(slots []uint32) ([]arrow.Array, error) {
	words, null := make([]uint64, len(slots)), -1
	for i, slot := range slots {
		words[i] = w.keys.v[slot]
		if w.null == slot+1 {
			null = i
		}
	}
	return []arrow.Array{wordArray(w.mem, w.t, words, func(i int) bool { return i == null })}, nil
}

func (w *wordTable) bytes() int64 { return w.entries.bytes() + w.keys.bytes() }

func (w *wordTable) release() {
	w.entries.release()
	w.keys.release()
}

// wordArray builds a column of type t out of its words, as wordsOf made them.
func wordArray(mem memory.Allocator, t arrow.DataType, words []uint64, null func(i int) bool) arrow.Array {
	if t.ID() == arrow.BOOL {
		vals := make([]uint8, len(words))
		for i, x := range words {
			vals[i] = uint8(x)
			if null(i) {
				vals[i] = 2
			}
		}
		return boolArray(mem, vals)
	}
	switch fixedWidth(t) {
	case 1:
		return narrow[uint8](mem, t, words, null)
	case 2:
		return narrow[uint16](mem, t, words, null)
	case 4:
		return narrow[uint32](mem, t, words, null)
	}
	return narrow[uint64](mem, t, words, null)
}

func narrow[T uint8 | uint16 | uint32 | uint64](mem memory.Allocator, t arrow.DataType, words []uint64, null func(i int) bool) arrow.Array {
	out := newResult[T](mem, len(words))
	for i, x := range words {
		if null(i) {
			out.null(i)
		} else {
			out.v[i] = T(x)
		}
	}
	return out.array(t)
}

// wordsOf widens the rows of a from lo on to words, floats with one NaN and
// one zero.
func wordsOf(a arrow.Array, lo int, out []uint64) {
	switch a.DataType().ID() {
	case arrow.BOOL:
		b := columnar.Bools(a)
		for i := range out {
			out[i] = 0
			if b.Get(lo + i) {
				out[i] = 1
			}
		}
	case arrow.FLOAT32:
		for i, v := range columnar.Values[float32](a)[lo : lo+len(out)] {
			if v != v {
				v = float32(nan)
			}
			out[i] = uint64(math.Float32bits(v + 0))
		}
	case arrow.FLOAT64:
		for i, v := range columnar.Values[float64](a)[lo : lo+len(out)] {
			if v != v {
				v = nan
			}
			out[i] = math.Float64bits(v + 0)
		}
	default:
		switch fixedWidth(a.DataType()) {
		case 1:
			widen(columnar.Values[uint8](a)[lo:], out)
		case 2:
			widen(columnar.Values[uint16](a)[lo:], out)
		case 4:
			widen(columnar.Values[uint32](a)[lo:], out)
		default:
			copy(out, columnar.Values[uint64](a)[lo:])
		}
	}
}

func widen[T uint8 | uint16 | uint32](vals []T, out []uint64) {
	vals = vals[:len(out)]
	for i := range out {
		out[i] = uint64(vals[i])
	}
}
