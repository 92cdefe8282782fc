package window

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Count aggregates per key in windows of Rows rows that begin every Step rows.
// Rows count in the order of their event time, ties in source order, once the
// watermark has passed them; with Arrival in the order in which they come.
//
// The output, which has no event time, has window_start and window_end, here the event times of the
// first and the last row, both inclusive (left out when there is no time
// column), window_ordinal (int64, from 0, per key), window_rows (int64), the
// columns of By and the aggregates, ordered by window_end, window_start, By
// and window_ordinal within one Advance. Rows that are in no full window at
// the end of the input make one last, partial window.
type Count struct {
	// Rows is the number of rows of a window, at least 1.
	Rows int64
	// Step is the number of rows between the starts of windows; Rows if 0.
	// With Step > Rows the rows between are counted as unwindowed.
	Step int64
	// Arrival counts rows as they come, whatever their event time.
	Arrival bool
	// Time, By, Aggs, Delay, Timeout and Nulls are those of [Tumbling];
	// without event time and Time, Arrival is implied. A window that the
	// timeout closes is partial, and the next row begins a new one.
	Time    string
	By      []string
	Aggs    []Agg
	Delay   time.Duration
	Timeout time.Duration
	Nulls   NullTime

	counts
}

var (
	_ arrowstream.Incremental = (*Count)(nil)
	_ arrowstream.Sided       = (*Count)(nil)
	_ arrowstream.Parallel    = (*Count)(nil)
	_ arrowstream.Counted     = (*Count)(nil)
)

// Bind implements [arrowstream.Stage].
func (c *Count) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	return c.bind(in, env, c.Rows, c.Step, c.Arrival, c.options())
}

// Clone implements [arrowstream.Parallel].
func (c *Count) Clone() arrowstream.Stage {
	d := *c
	d.counts = counts{}
	return &d
}

// Keys implements [arrowstream.Parallel].
func (c *Count) Keys() []string { return c.options().parallelKeys() }

// Order implements [arrowstream.Parallel].
func (c *Count) Order() []string {
	order := append(c.options().order(), "window_ordinal")
	if c.untimed {
		return order[2:]
	}
	return order
}

func (c *Count) options() options {
	return options{time: c.Time, by: c.By, aggs: c.Aggs, delay: c.Delay, timeout: c.Timeout, nulls: c.Nulls}
}
