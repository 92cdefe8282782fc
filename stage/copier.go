package stage

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// copier emits rows of a record, each some times, in batches.
type copier struct {
	mem     memory.Allocator
	rows    arrow.Record
	out     *arrow.Schema
	changes bool // the output has a column of changes
	emit    arrowstream.Emit

	idx []int32
	ops []int8
}

// add emits row i n times.
func (c *copier) add(i int32, op columnar.Change, n int64) error {
	for range n {
		c.idx, c.ops = append(c.idx, i), append(c.ops, int8(op))
		if len(c.idx) == sortedRows {
			if err := c.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush emits what has been added.
func (c *copier) flush() error {
	if len(c.idx) == 0 {
		return nil
	}
	rows, err := kernels.TakeRecord(c.mem, c.rows, c.idx)
	if err != nil {
		return err
	}
	defer rows.Release()
	var out arrow.Record
	if c.changes {
		out = withOps(c.mem, c.out, rows, c.ops)
	} else {
		out = withSchema(rows, c.out)
	}
	defer out.Release()
	c.idx, c.ops = c.idx[:0], c.ops[:0]
	return c.emit(out)
}
