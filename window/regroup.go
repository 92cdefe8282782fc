package window

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Regroup aggregates rows that carry their window already, such as the output
// of another window or of [Assign], per window and key: GROUP BY window_start,
// window_end. A window closes when the watermark reaches its end. The output
// is that of [Tumbling].
type Regroup struct {
	// Start and End are the columns of the window; window_start and window_end
	// if empty.
	Start, End string
	// By, Aggs, WindowTime, Delay, Lateness, Timeout, Updates and Nulls are
	// those of [Tumbling].
	By         []string
	Aggs       []Agg
	WindowTime bool
	Delay      time.Duration
	Lateness   time.Duration
	Timeout    time.Duration
	Updates    bool
	Nulls      NullTime

	grid
}

var (
	_ arrowstream.Logged   = (*Regroup)(nil)
	_ arrowstream.Sided    = (*Regroup)(nil)
	_ arrowstream.Parallel = (*Regroup)(nil)
	_ arrowstream.Counted  = (*Regroup)(nil)
	_ arrowstream.Spilling = (*Regroup)(nil)
)

// Bind implements [arrowstream.Stage].
func (r *Regroup) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	return r.bind(in, env, layoutConfig{kind: "regroup", start: r.start()}, r.options(), r.Clone)
}

func (r *Regroup) start() string {
	if r.Start == "" {
		return "window_start"
	}
	return r.Start
}

// Clone implements [arrowstream.Parallel].
func (r *Regroup) Clone() arrowstream.Stage {
	c := *r
	c.grid = grid{}
	return &c
}

// Keys implements [arrowstream.Parallel].
func (r *Regroup) Keys() []string { return r.options().parallelKeys() }

// Order implements [arrowstream.Parallel].
func (r *Regroup) Order() []string { return r.options().order() }

func (r *Regroup) options() options {
	end := r.End
	if end == "" {
		end = "window_end"
	}
	return options{end, r.By, r.Aggs, r.WindowTime, r.Delay, r.Lateness, r.Timeout, r.Updates, r.Nulls, ""}
}
