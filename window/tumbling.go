package window

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Tumbling aggregates rows per key in windows [start, start+Size) that follow
// each other without gap: start = floor((t-Offset)/Size)*Size + Offset, counted
// from 1970-01-01, also for times before it.
//
// The output has window_start, window_end, window_time if asked for, the
// columns of By and one column per aggregate, ordered by window_end,
// window_start and By within one Advance. Its event time is window_time, or
// window_end without it.
type Tumbling struct {
	// Size is the length of a window; it must be a whole number of units of
	// the time column.
	Size time.Duration
	// Offset shifts the windows: 4 days make weeks start on Monday.
	Offset time.Duration
	// Time is the time column; the event time of the input if empty.
	Time string
	// By are the input columns of the key; none aggregates all rows together.
	By []string
	// Aggs are the aggregates; none yields the distinct keys per window.
	Aggs []Agg
	// WindowTime adds the column window_time = window_end - 1 unit, and makes
	// it the event time of the output: windows over windows need it.
	WindowTime bool
	// Delay holds a window back until the watermark is Delay past its end.
	Delay time.Duration
	// Lateness keeps a window that has fired for that long and emits
	// corrections: the output becomes a changelog.
	Lateness time.Duration
	// Timeout closes the open windows when no row came for that long in
	// processing time; 0 never does.
	Timeout time.Duration
	// Updates emits changed rows of open windows at every tick: the output
	// becomes a changelog.
	Updates bool
	// Nulls is the policy for rows without event time.
	Nulls NullTime
	// Zone is the time zone on whose wall clock a time column with a zone is cut
	// into windows; UTC if empty. A size of 24 hours is then a day of the zone.
	Zone string `state:"default=UTC"`

	grid
}

var (
	_ arrowstream.Logged   = (*Tumbling)(nil)
	_ arrowstream.Sided    = (*Tumbling)(nil)
	_ arrowstream.Parallel = (*Tumbling)(nil)
	_ arrowstream.Counted  = (*Tumbling)(nil)
	_ arrowstream.Spilling = (*Tumbling)(nil)
)

// Bind implements [arrowstream.Stage].
func (t *Tumbling) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	return t.bind(in, env, layoutConfig{kind: "tumbling", size: t.Size, slide: t.Size, offset: t.Offset}, t.options(), t.Clone)
}

// Clone implements [arrowstream.Parallel].
func (t *Tumbling) Clone() arrowstream.Stage {
	c := *t
	c.grid = grid{}
	return &c
}

// Keys implements [arrowstream.Parallel].
func (t *Tumbling) Keys() []string { return t.options().parallelKeys() }

// Order implements [arrowstream.Parallel].
func (t *Tumbling) Order() []string { return t.options().order() }

func (t *Tumbling) options() options {
	return options{t.Time, t.By, t.Aggs, t.WindowTime, t.Delay, t.Lateness, t.Timeout, t.Updates, t.Nulls, t.Zone}
}
