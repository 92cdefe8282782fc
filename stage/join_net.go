package stage

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// netChanges holds the changes of a tick until its end, and then lets those pass
// that are left when equal rows that come and go cancel each other, in their
// order: of a row that is left out, and one that takes it back, neither is seen.
// Changes that come and go are what updates of both inputs in one tick make, and
// rows that get their first match in the tick in which they came. It holds at
// most netRows rows: what cancels with a row that has passed already stays.
type netChanges struct {
	held []arrow.Record
	rows int64
	back bool // some take a row back
}

// netRows bounds the rows that are held.
const netRows = 1 << 18

// hold returns an Emit that keeps what it is given.
func (c *netChanges) hold(mem memory.Allocator, emit arrowstream.Emit) arrowstream.Emit {
	return func(b arrowstream.Batch, _ ...int) error {
		b.Retain()
		c.held, c.rows = append(c.held, b), c.rows+b.NumRows()
		if !c.back {
			_, c.back = grouped.Back(b, true)
		}
		if c.rows < netRows {
			return nil
		}
		return c.flush(mem, emit)
	}
}

// flush emits what is left.
func (c *netChanges) flush(mem memory.Allocator, emit arrowstream.Emit) error {
	defer c.release()
	if c.back {
		net, err := c.net(mem)
		if err != nil {
			return err
		}
		if net != nil {
			defer net.Release()
			if net.NumRows() == 0 {
				return nil
			}
			return emit(net)
		}
	}
	for _, b := range c.held {
		if err := emit(b); err != nil {
			return err
		}
	}
	return nil
}

// net is what is left, nil for everything. Cost: a hash of every row, and three
// loads for those that have the hash of one that takes a row back.
func (c *netChanges) net(mem memory.Allocator) (arrow.Record, error) {
	all, err := kernels.Concat(mem, c.held)
	if err != nil {
		return nil, err
	}
	defer all.Release()
	last := int(all.NumCols()) - 1
	values, ops := all.Columns()[:last], columnar.Values[int8](all.Column(last))
	hashes := make([]uint64, len(ops))
	if err := kernels.Hash(values, hashes); err != nil {
		return nil, err
	}
	keep := cancel(values, ops, hashes)
	if len(keep) == len(ops) {
		return nil, nil
	}
	return kernels.TakeRecord(mem, all, keep)
}

// cancel returns the rows that are left.
func cancel(values []arrow.Array, ops []int8, hashes []uint64) []int32 {
	backs := 0
	for _, op := range ops {
		if grouped.Takes(op) {
			backs++
		}
	}
	size := 16
	for size < 2*backs {
		size *= 2
	}
	// By hash of a row that takes one back: the rows of either direction that
	// are left so far, plus one, the last one first.
	type pending struct {
		hash uint64
		used bool
		rows [2]int32
	}
	table := make([]pending, size)
	find := func(h uint64) *pending {
		at := int(h) & (size - 1)
		for table[at].used && table[at].hash != h {
			at = (at + 1) & (size - 1)
		}
		return &table[at]
	}
	for i, op := range ops {
		if grouped.Takes(op) {
			p := find(hashes[i])
			p.hash, p.used = hashes[i], true
		}
	}
	next, gone := make([]int32, len(ops)), columnar.NewBitmap(len(ops))
	for i, op := range ops {
		p := find(hashes[i])
		if !p.used {
			continue
		}
		mine := 0
		if grouped.Takes(op) {
			mine = 1
		}
		at := &p.rows[1-mine]
		for *at != 0 && !grouped.Equal(values, i, values, int(*at-1)) {
			at = &next[*at-1]
		}
		if *at == 0 {
			next[i], p.rows[mine] = p.rows[mine], int32(i+1)
			continue
		}
		gone.Set(i)
		gone.Set(int(*at - 1))
		*at = next[*at-1]
	}
	keep := make([]int32, 0, len(ops)-gone.Count())
	for i := range ops {
		if !gone.Get(i) {
			keep = append(keep, int32(i))
		}
	}
	return keep
}

func (c *netChanges) release() {
	releaseRecords(c.held)
	c.held, c.rows, c.back = c.held[:0], 0, false
}
