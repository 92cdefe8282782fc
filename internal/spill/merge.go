package spill

import (
	"sort"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// Run is a sequence of batches of one file whose rows are in order.
type Run []Piece

// cursor is a run of which a batch is at hand.
type cursor struct {
	rest Run
	b    arrow.Record // nil at the end
	at   int          // first row that was not merged
}

// Merge emits the rows of runs, ordered by the first keys columns, ascending,
// nulls first, which no two rows have the same, in batches of at most so many
// rows and about so many bytes.
// A batch of each run is in memory at a time: in every round the rows up to the
// least of their last ones are sorted, which uses up a batch at least.
func Merge(mem memory.Allocator, f *File, runs []Run, keys, rows int, size int64, emit func(b arrow.Record) error) error {
	cursors := make([]cursor, len(runs))
	defer func() {
		for i := range cursors {
			cursors[i].drop()
		}
	}()
	for i, run := range runs {
		cursors[i].rest = run
	}
	for {
		var bound *cursor
		for i := range cursors {
			c := &cursors[i]
			if err := c.fill(f); err != nil {
				return err
			}
			if len(c.rest) > 0 && (bound == nil || c.compare(int(c.b.NumRows())-1, bound, int(bound.b.NumRows())-1, keys) < 0) {
				bound = c
			}
		}
		parts := take(cursors, bound, keys)
		if len(parts) == 0 {
			return nil
		}
		if err := sorted(mem, parts, keys, rows, size, emit); err != nil {
			return err
		}
	}
}

// fill reads the next batch if there is nothing left of the last one.
func (c *cursor) fill(f *File) (err error) {
	for c.b == nil || c.at == int(c.b.NumRows()) {
		c.drop()
		if len(c.rest) == 0 {
			return nil
		}
		if c.b, err = f.Read(c.rest[0]); err != nil {
			return err
		}
		c.rest, c.at = c.rest[1:], 0
	}
	return nil
}

func (c *cursor) drop() {
	if c.b != nil {
		c.b.Release()
		c.b = nil
	}
}

// compare is the order of row i of c and row j of o.
func (c *cursor) compare(i int, o *cursor, j, keys int) int {
	for k := range keys {
		if order := kernels.Compare(c.b.Column(k), i, o.b.Column(k), j); order != 0 {
			return order
		}
	}
	return 0
}

// take are the rows up to the last one of bound, all if that is nil.
func take(cursors []cursor, bound *cursor, keys int) (parts []arrow.Record) {
	ends := make([]int, len(cursors))
	for i := range cursors {
		c := &cursors[i]
		if c.b == nil {
			continue
		}
		n := int(c.b.NumRows()) - c.at
		if bound != nil {
			last := int(bound.b.NumRows()) - 1
			n = sort.Search(n, func(k int) bool { return c.compare(c.at+k, bound, last, keys) > 0 })
		}
		if n > 0 {
			parts = append(parts, c.b.NewSlice(int64(c.at), int64(c.at+n)))
		}
		ends[i] = c.at + n
	}
	for i := range cursors {
		cursors[i].at = ends[i]
	}
	return parts
}

// sorted emits the rows of parts in order; it takes them over.
func sorted(mem memory.Allocator, parts []arrow.Record, keys, rows int, size int64, emit func(b arrow.Record) error) error {
	all, err := kernels.Concat(mem, parts)
	for _, p := range parts {
		p.Release()
	}
	if err != nil {
		return err
	}
	defer all.Release()
	rows = int(min(int64(rows), max(size/(bytesOf(all)/max(all.NumRows(), 1)+1), 1)))
	defer columnar.Charge(mem, all.NumRows()*kernels.SortRowBytes)()
	order, err := grouped.Order(all.Columns()[:keys], int(all.NumRows()))
	if err != nil {
		return err
	}
	for len(order) > 0 {
		n := min(len(order), rows)
		b, err := kernels.TakeRecord(mem, all, order[:n])
		if err != nil {
			return err
		}
		err = emit(b)
		b.Release()
		if err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}

func bytesOf(b arrow.Record) (n int64) {
	for _, c := range b.Columns() {
		n += int64(c.Data().SizeInBytes())
	}
	return n
}
