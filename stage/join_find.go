package stage

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// withoutChanges is b with the columns of s, which are the first ones of b.
func withoutChanges(b arrowstream.Batch, s *arrow.Schema) arrow.Record {
	return array.NewRecord(s, b.Columns()[:s.NumFields()], b.NumRows())
}

// hash returns a hash of every row of b, nil for rows that are never taken back.
func (r *joinRows) hash(b arrow.Record) ([]uint64, error) {
	if !r.hashed {
		return nil, nil
	}
	hashes := make([]uint64, b.NumRows())
	return hashes, kernels.Hash(b.Columns(), hashes)
}

// setHash keeps hashes[i] for a slot.
func (r *joinRows) setHash(slot uint32, hashes []uint64, i int) {
	if hashes == nil {
		return
	}
	if n := len(r.rows); n > len(r.hashes) {
		r.hashes = append(r.hashes, make([]uint32, n-len(r.hashes))...)
	}
	r.hashes[slot] = uint32(hashes[i])
}

// takeOut takes the first row of a key that equals row i of b out of its chain.
// Cost: two loads per row of the key before it, which may miss the cache.
func (r *joinRows) takeOut(kid uint32, b arrow.Record, i int, hashes []uint64) (slot uint32, ok bool) {
	before := uint32(0)
	for at := r.first(kid); at != 0; before, at = at, r.rows[at-1].next {
		row := r.rows[at-1]
		if r.hashes[at-1] == uint32(hashes[i]) && grouped.Equal(b.Columns(), i, r.records[row.place.Chunk].Columns(), int(row.place.Row)) {
			r.unlink(kid, before, at-1)
			return at - 1, true
		}
	}
	return 0, false
}

// date gives the rows of this tick their time.
func (r *joinRows) date(time int64) {
	for k := len(r.order) - 1; k >= 0; k-- {
		times := r.chunks[r.order[k]].times
		for i := len(times) - 1; i >= 0; i-- {
			if times[i] != untimed {
				return
			}
			times[i] = time
		}
	}
}

// until takes the rows up to a time out of their chains, and returns them and
// their keys.
func (r *joinRows) until(time int64) (slots, kids []uint32) {
	for _, n := range r.order {
		c := r.chunks[n]
		for i, t := range c.times {
			if t > time {
				return slots, kids
			}
			slot := c.slots[i]
			if r.rows[slot].place != (kernels.Place{Chunk: n, Row: uint32(i)}) {
				continue
			}
			before := uint32(0)
			for at := r.first(c.keys[i]); at != slot+1; at = r.rows[at-1].next {
				before = at
			}
			r.unlink(c.keys[i], before, slot)
			slots, kids = append(slots, slot), append(kids, c.keys[i])
		}
	}
	return slots, kids
}

// touch notes that the matches of the row in slot have changed.
func (r *joinRows) touch(slot uint32) {
	if r.touched.On() {
		r.touched.Mark([]uint32{slot}, len(r.rows))
	}
}
