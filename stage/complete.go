package stage

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
)

// Complete emits the whole result that a changelog amounts to whenever it has
// changed: at the end of every tick, or when processing time passes the next
// multiple of Every since 1970. The rows are appended, ordered by all columns; an
// empty result is no rows. Each time costs a sort of the result, which is the
// state.
type Complete struct {
	// Every is the period; 0 is every tick.
	Every time.Duration
	// MaxRows bounds the result; 0 is no bound. A larger one is an error.
	MaxRows int64 `state:"-"`

	all     Periodic // the result, as insertions, and the changes since
	out     *arrow.Schema
	changed bool // in this tick
}

var (
	_ arrowstream.Stateful = (*Complete)(nil)
	_ arrowstream.Counted  = (*Complete)(nil)
)

// Bind implements [arrowstream.Stage]. The rows have no event time: they come
// again and again.
func (c *Complete) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	if c.Every < 0 || c.MaxRows < 0 {
		return nil, planError("AS1301", fmt.Sprintf("complete: the period is %s, at most %d rows", c.Every, c.MaxRows), "numbers that are not negative")
	}
	c.all = Periodic{Every: max(c.Every, time.Microsecond)}
	if _, err := c.all.Bind(in, env); err != nil {
		return nil, err
	}
	c.out = arrow.NewSchema(in.Fields()[:in.NumFields()-1], nil)
	return c.out, nil
}

// Process implements [arrowstream.Stage].
func (c *Complete) Process(ctx context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	c.changed = c.changed || b.NumRows() > 0
	return c.all.Process(ctx, b, emit)
}

// Advance implements [arrowstream.Stage].
func (c *Complete) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if c.changed && c.all.due == 0 {
		c.all.due = w.Clock
		if every := c.Every.Microseconds(); every > 0 {
			c.all.due = math.MaxInt64
			if w.Clock < math.MaxInt64-every {
				c.all.due = w.Clock - w.Clock%every + every
			}
		}
		c.all.due = max(c.all.due, 1) // 0 is none
	}
	c.changed = false
	if c.all.due == 0 || w.Clock < c.all.due && w.Event < arrowstream.EndOfTime && c.Every > 0 {
		return w, nil
	}
	c.all.due = 0
	return w, c.emit(emit)
}

// emit emits the result.
func (c *Complete) emit(emit arrowstream.Emit) error {
	if c.all.held == 0 {
		return nil
	}
	if err := c.all.shrink(); err != nil || c.all.held == 0 {
		return err
	}
	if c.MaxRows > 0 && c.all.held > c.MaxRows {
		return &arrowstream.Error{
			Code: "AS1401", Msg: fmt.Sprintf("complete: the result has %d rows, at most %d are allowed", c.all.held, c.MaxRows),
			Hint: "group by fewer values, SET job.NAME.complete-max-rows, or SET job.NAME.output-mode = update",
		}
	}
	rows := c.all.compact.held[0]
	last := int(rows.NumCols()) - 1
	b := array.NewRecord(c.out, rows.Columns()[:last], rows.NumRows())
	defer b.Release()
	return emit(b)
}

// Snapshot implements [arrowstream.Stateful]: the result, and when it is due.
func (c *Complete) Snapshot(ctx context.Context) (arrowstream.State, error) {
	return c.all.Snapshot(ctx)
}

// Restore implements [arrowstream.Stateful].
func (c *Complete) Restore(ctx context.Context, st arrowstream.State) error {
	return c.all.Restore(ctx, st)
}

// Counts implements [arrowstream.Counted].
func (c *Complete) Counts() arrowstream.Counts { return c.all.Counts() }

// Close frees the memory of a stage that is given up; it may be called twice.
func (c *Complete) Close() error { return c.all.Close() }
