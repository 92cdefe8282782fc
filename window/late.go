package window

import (
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// emitLate counts the rows idx of b, whose times are ts, as late and sends
// them to the side output.
func (c *core) emitLate(b arrow.Record, ts []int64, idx []int32, emit arrowstream.Emit) error {
	if len(idx) == 0 {
		return nil
	}
	c.counted.Late += int64(len(idx))
	rows, err := c.taken(b, idx)
	if err != nil {
		return err
	}
	defer rows.Release()
	mark := c.event
	if mark == arrowstream.NoEventTime || mark == arrowstream.EndOfTime || c.micros(c.horizon) > mark {
		mark = c.micros(c.horizon) // closed by a timeout
	}
	if c.clock != nil {
		ts = c.instants(b)
	}
	micros := make([]int64, len(idx))
	for i, k := range idx {
		micros[i] = c.u.micros(ts[k])
	}
	out := grouped.LateRows(c.mem, c.late, rows, micros, mark, &c.counted.Lateness)
	defer out.Release()
	return emit(out, 1)
}

// classified are the rows of a batch by what becomes of them.
type classified struct {
	keep, late []int32
	nulls      int
	unwindowed int
}

// extremes are the least and the greatest of ts, which is not empty.
func extremes(ts []int64) (least, greatest int64) {
	least, greatest = ts[0], ts[0]
	for _, t := range ts {
		least, greatest = min(least, t), max(greatest, t)
	}
	return least, greatest
}

// split takes the rows of cl.keep out of b; it counts the others and emits the
// late ones. The caller releases the record.
func (c *core) split(b arrow.Record, ts []int64, cl *classified, emit arrowstream.Emit) (arrow.Record, error) {
	c.counted.Unwindowed += int64(cl.unwindowed)
	if cl.nulls > 0 {
		if err := c.null(cl.nulls); err != nil {
			return nil, err
		}
	}
	if err := c.emitLate(b, ts, cl.late, emit); err != nil {
		return nil, err
	}
	return kernels.TakeRecord(c.mem, b, cl.keep)
}
