package stage

import (
	"math"
	"math/bits"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// joinRows are the rows of one input that a join remembers. A row has a slot,
// which it keeps until it is removed; the rows of a key are a chain of slots in
// the order in which they came. The values stand in chunks, records that are
// never changed: small ones are put together when there are eight of a size, so
// that a row is copied log8 of 64 Ki times at most, and what is mostly removed is
// written anew. Cost per row, besides its values: 24 bytes, and 8 per key.
type joinRows struct {
	mem    memory.Allocator
	schema *arrow.Schema
	timed  bool // rows have times
	hashed bool // rows may be taken back, and have hashes

	slots   grouped.Slots
	rows    []joinRow  // by slot
	hashes  []uint32   // by slot, if hashed
	heads   []joinHead // by key
	chunks  []*joinChunk
	records []arrow.Record // of chunks, for Gather
	free    []uint32       // chunks that are nil
	order   []uint32       // chunks as their rows came
	live    int
	claimed bool // slots has to be made anew

	gone    []uint32      // slots of saved rows that were removed since the last checkpoint
	touched grouped.Dirty // slots whose matches have changed since then
}

// joinRow is a row that is remembered, or a free slot.
type joinRow struct {
	place   kernels.Place // NoPlace if the slot is free
	next    uint32        // slot plus one of the next row of the key, 0 at the end
	matches uint32        // rows of the other input, where they are counted
}

// joinHead is the chain of a key: slots plus one, 0 if there are none.
type joinHead struct{ first, last uint32 }

// joinChunk is a run of rows.
type joinChunk struct {
	slots []uint32
	keys  []uint32
	times []int64 // empty unless rows have times
	live  int
	saved int // so many of the first rows are in a checkpoint
}

const (
	chunkRows = 1 << 16 // a chunk of so many is large enough
	chunkRuns = 8       // so many small ones become one
)

// untimed is the time of a row of this tick.
const untimed = math.MaxInt64

// add remembers the rows of b, which it takes over, under the given keys, and
// stores their slots in slots.
func (r *joinRows) add(b arrow.Record, keys, slots []uint32) {
	c := &joinChunk{slots: slices.Clone(slots), keys: slices.Clone(keys), live: len(keys)}
	n := uint32(len(r.chunks))
	if k := len(r.free); k > 0 {
		n, r.free = r.free[k-1], r.free[:k-1]
	} else {
		r.chunks, r.records = append(r.chunks, nil), append(r.records, nil)
	}
	r.chunks[n], r.records[n], r.order = c, b, append(r.order, n)
	for i, kid := range keys {
		slot := slots[i]
		r.rows[slot] = joinRow{place: kernels.Place{Chunk: n, Row: uint32(i)}, matches: r.rows[slot].matches}
		h := &r.heads[kid]
		if h.first == 0 {
			h.first = slot + 1
		} else {
			r.rows[h.last-1].next = slot + 1
		}
		h.last = slot + 1
	}
	if r.timed {
		c.times = slices.Repeat([]int64{untimed}, len(keys))
	}
	r.live += len(keys)
}

// take hands out slots for new rows, with no matches.
func (r *joinRows) take(slots []uint32) {
	r.recount()
	for i := range slots {
		slots[i] = r.slots.Get()
	}
	if n := r.slots.Len(); n > len(r.rows) {
		r.rows = slices.Grow(r.rows, n-len(r.rows))[:n]
	}
	for _, slot := range slots {
		r.rows[slot].matches = 0
	}
}

// growKeys makes room for keys less than n.
func (r *joinRows) growKeys(n int) {
	if n > len(r.heads) {
		r.heads = slices.Grow(r.heads, n-len(r.heads))[:n]
	}
}

// first is the slot plus one of the first row of a key.
func (r *joinRows) first(kid uint32) uint32 {
	if int(kid) >= len(r.heads) {
		return 0
	}
	return r.heads[kid].first
}

// unlink takes the row in slot out of the chain of its key, of which before is
// the row before it, or 0, as slots plus one. The row stays in its place.
func (r *joinRows) unlink(kid, before, slot uint32) {
	next := r.rows[slot].next
	h := &r.heads[kid]
	if before == 0 {
		h.first = next
	} else {
		r.rows[before-1].next = next
	}
	if h.last == slot+1 {
		h.last = before
	}
}

// drop forgets rows that are in no chain any more.
func (r *joinRows) drop(slots []uint32) {
	for _, slot := range slots {
		at := r.rows[slot].place
		c := r.chunks[at.Chunk]
		if int(at.Row) < c.saved && r.touched.On() {
			r.gone = append(r.gone, slot)
		}
		r.rows[slot].place = kernels.NoPlace
		c.live--
	}
	if !r.claimed {
		r.slots.Put(slots...)
	}
	r.live -= len(slots)
}

// alive are the rows of chunk n that are remembered still, and how many of the
// saved ones.
func (r *joinRows) alive(n uint32) (idx []int32, saved int) {
	c := r.chunks[n]
	idx = make([]int32, 0, c.live)
	for i, slot := range c.slots {
		if r.rows[slot].place == (kernels.Place{Chunk: n, Row: uint32(i)}) {
			if idx = append(idx, int32(i)); i < c.saved {
				saved = len(idx)
			}
		}
	}
	return idx, saved
}

// tidy lets go of chunks without rows, and puts together what is small.
func (r *joinRows) tidy() error {
	kept := r.order[:0]
	for _, n := range r.order {
		if r.chunks[n].live > 0 {
			kept = append(kept, n)
			continue
		}
		r.records[n].Release()
		r.chunks[n], r.records[n], r.free = nil, nil, append(r.free, n)
	}
	r.order = kept
	for i := 0; i < len(r.order); i++ {
		if c := r.chunks[r.order[i]]; 2*c.live < len(c.slots) {
			if err := r.merge(i, i+1); err != nil {
				return err
			}
		}
	}
	for {
		to := len(r.order)
		from := to
		for size := 0; from > 0; from-- {
			c := sizeClass(r.chunks[r.order[from-1]].live)
			if from == to {
				size = c
			}
			if c > size {
				break
			}
		}
		if to-from < chunkRuns || r.chunks[r.order[to-1]].live >= chunkRows {
			return nil
		}
		if err := r.merge(max(from, to-4*chunkRuns), to); err != nil {
			return err
		}
	}
}

func sizeClass(rows int) int { return bits.Len(uint(rows)) / 3 }

// merge makes one chunk of what is alive in those at order[from:to].
func (r *joinRows) merge(from, to int) error {
	var parts []arrow.Record
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	all := &joinChunk{}
	for _, n := range r.order[from:to] {
		c := r.chunks[n]
		idx, saved := r.alive(n)
		part := r.records[n]
		if part.Retain(); len(idx) < len(c.slots) {
			part.Release()
			var err error
			if part, err = kernels.TakeRecord(r.mem, r.records[n], idx); err != nil {
				return err
			}
		}
		parts = append(parts, part)
		if len(all.slots) == all.saved {
			all.saved += saved
		}
		for _, i := range idx {
			all.slots, all.keys = append(all.slots, c.slots[i]), append(all.keys, c.keys[i])
			if r.timed {
				all.times = append(all.times, c.times[i])
			}
		}
	}
	whole, err := kernels.Concat(r.mem, parts)
	if err != nil {
		return err
	}
	all.live = len(all.slots)
	for _, n := range r.order[from:to] {
		r.records[n].Release()
		r.chunks[n], r.records[n] = nil, nil
	}
	n := r.order[from]
	r.free = append(r.free, r.order[from+1:to]...)
	r.chunks[n], r.records[n] = all, whole
	r.order = slices.Delete(r.order, from+1, to)
	for i, slot := range all.slots {
		r.rows[slot].place = kernels.Place{Chunk: n, Row: uint32(i)}
	}
	return nil
}

// gather returns the rows at places; the caller releases them.
func (r *joinRows) gather(places []kernels.Place) (arrow.Record, error) {
	return kernels.GatherRecord(r.mem, r.schema, r.records, places)
}

// column is one column of all chunks, for [kernels.Gather], in scratch.
func (r *joinRows) column(i int, scratch []arrow.Array) []arrow.Array {
	scratch = scratch[:0]
	for _, rec := range r.records {
		if rec == nil {
			scratch = append(scratch, nil)
		} else {
			scratch = append(scratch, rec.Column(i))
		}
	}
	return scratch
}

// heapBytes is the memory that is not of the allocator.
func (r *joinRows) heapBytes() int64 {
	n := r.slots.Bytes() + r.touched.Bytes() + int64(16*cap(r.rows)+8*cap(r.heads)+4*cap(r.hashes)+4*cap(r.gone)+24*cap(r.chunks)+8*cap(r.order))
	for _, i := range r.order {
		c := r.chunks[i]
		n += int64(4*cap(c.slots) + 4*cap(c.keys) + 8*cap(c.times))
	}
	return n
}

// valueBytes is the memory of the values.
func (r *joinRows) valueBytes() (n int64) {
	for _, i := range r.order {
		for _, col := range r.records[i].Columns() {
			n += int64(col.Data().SizeInBytes())
		}
	}
	return n
}

// release frees everything.
func (r *joinRows) release() {
	for _, n := range r.order {
		r.records[n].Release()
	}
	*r = joinRows{mem: r.mem, schema: r.schema, timed: r.timed, hashed: r.hashed, gone: r.gone, touched: r.touched}
}
