package stage

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

// shelf keeps a block of rows for each slot: those of a key that later rows
// look back at. Blocks are taken and put many at a time. What one call puts is
// a box; boxes of like size are put together, without the blocks that were
// replaced, so that there are few and a row is copied a logarithmic number of
// times while it stays.
type shelf struct {
	mem    memory.Allocator
	schema *arrow.Schema
	boxes  []*box
	at     []block // by slot
	rows   int64   // in blocks
}

type box struct {
	rec   arrow.Record
	slots []uint32 // whose blocks were put, ascending by from
	live  int32    // rows in blocks that are there still
	chunk uint32   // its number among those that records has returned
}

// block is where the rows of a slot are; n is 0 if there are none.
type block struct {
	box     *box
	from, n int32
}

func newShelf(mem memory.Allocator, fields []arrow.Field) *shelf {
	return &shelf{mem: mem, schema: arrow.NewSchema(fields, nil)}
}

// of is the block of a slot.
func (s *shelf) of(slot uint32) block {
	if int(slot) < len(s.at) {
		return s.at[slot]
	}
	return block{}
}

// records are the rows of all boxes, borrowed, for places of them, which hold
// until a block is put.
func (s *shelf) records() []arrow.Record {
	out := make([]arrow.Record, len(s.boxes))
	for i, b := range s.boxes {
		out[i], b.chunk = b.rec, uint32(i)
	}
	return out
}

// first is the place of the first row of a slot.
func (s *shelf) first(slot uint32) kernels.Place {
	b := s.of(slot)
	if b.n == 0 {
		return kernels.NoPlace
	}
	return kernels.Place{Chunk: b.box.chunk, Row: uint32(b.from)}
}

// take is the rows of slots in one record, which the caller releases; starts[i]
// is where those of slots[i] begin.
func (s *shelf) take(slots []uint32) (rec arrow.Record, starts []int32, err error) {
	starts = make([]int32, len(slots))
	idx := make(map[*box][]int32, len(s.boxes))
	in := make(map[*box][]int, len(s.boxes))
	for i, slot := range slots {
		if b := s.of(slot); b.n > 0 {
			starts[i] = int32(len(idx[b.box]))
			idx[b.box] = span(idx[b.box], b.from, b.n)
			in[b.box] = append(in[b.box], i)
		}
	}
	var parts []arrow.Record
	defer func() { releaseRecords(parts) }()
	base := int32(0)
	for _, b := range s.boxes {
		if len(idx[b]) == 0 {
			continue
		}
		part, err := kernels.TakeRecord(s.mem, b.rec, idx[b])
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, part)
		for _, i := range in[b] {
			starts[i] += base
		}
		base += int32(len(idx[b]))
	}
	if len(parts) == 0 {
		return emptyRecord(s.mem, s.schema), starts, nil
	}
	rec, err = kernels.Concat(s.mem, parts)
	return rec, starts, err
}

// span appends from, from+1, ..., n numbers.
func span(idx []int32, from, n int32) []int32 {
	for k := range n {
		idx = append(idx, from+k)
	}
	return idx
}

func releaseRecords(recs []arrow.Record) {
	for _, r := range recs {
		r.Release()
	}
}

// put replaces the blocks of slots, which are different, by the rows of rec, one
// after the other: ns[i] rows for slots[i]. It takes rec over.
func (s *shelf) put(slots []uint32, ns []int32, rec arrow.Record) error {
	s.drop(slots)
	if rec.NumRows() == 0 {
		rec.Release()
		return nil
	}
	b, from := &box{rec: rec}, int32(0)
	for i, slot := range slots {
		if ns[i] > 0 {
			s.place(slot, block{b, from, ns[i]})
			from += ns[i]
		}
	}
	s.boxes = append(s.boxes, b)
	return s.tidy()
}

func (s *shelf) place(slot uint32, b block) {
	if more := int(slot) + 1 - len(s.at); more > 0 {
		s.at = append(s.at, make([]block, max(more, len(s.at)))...)
	}
	s.at[slot] = b
	b.box.slots = append(b.box.slots, slot)
	b.box.live += b.n
	s.rows += int64(b.n)
}

// drop forgets the rows of slots.
func (s *shelf) drop(slots []uint32) {
	for _, slot := range slots {
		if b := s.of(slot); b.n > 0 {
			b.box.live -= b.n
			s.rows -= int64(b.n)
			s.at[slot] = block{}
		}
	}
}

// tidy frees boxes that are empty, and puts together the last ones while they
// are of like size, and any that is mostly empty with itself.
func (s *shelf) tidy() error {
	s.boxes = slices.DeleteFunc(s.boxes, func(b *box) bool {
		if b.live == 0 {
			b.rec.Release()
		}
		return b.live == 0
	})
	for i, b := range s.boxes {
		if 2*int64(b.live) < b.rec.NumRows() {
			if err := s.pack(i, i+1); err != nil {
				return err
			}
		}
	}
	for n := len(s.boxes); n > 1 && s.boxes[n-2].rec.NumRows() <= 2*s.boxes[n-1].rec.NumRows(); n = len(s.boxes) {
		if err := s.pack(n-2, n); err != nil {
			return err
		}
	}
	return nil
}

// pack makes one box of the boxes from i to k.
func (s *shelf) pack(i, k int) error {
	old := slices.Clone(s.boxes[i:k])
	b := &box{}
	parts := make([]arrow.Record, 0, len(old))
	defer func() { releaseRecords(parts) }()
	base := int32(0)
	for _, o := range old {
		var idx []int32
		for _, slot := range o.slots {
			if at := s.of(slot); at.box == o && at.n > 0 {
				s.rows -= int64(at.n)
				s.place(slot, block{b, base + int32(len(idx)), at.n})
				idx = span(idx, at.from, at.n)
			}
		}
		part, err := kernels.TakeRecord(s.mem, o.rec, idx)
		if err != nil {
			return err
		}
		parts, base = append(parts, part), base+int32(len(idx))
	}
	var err error
	if b.rec, err = kernels.Concat(s.mem, parts); err != nil {
		return err
	}
	for _, o := range old {
		o.rec.Release()
	}
	s.boxes = slices.Replace(s.boxes, i, k, b)
	return nil
}

func (s *shelf) bytes() int64 {
	n := int64(24 * cap(s.at))
	for _, b := range s.boxes {
		n += int64(4 * cap(b.slots))
	}
	return n
}

func (s *shelf) release() {
	for _, b := range s.boxes {
		b.rec.Release()
	}
	s.boxes, s.at, s.rows = nil, nil, 0
}
