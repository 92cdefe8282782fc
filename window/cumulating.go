package window

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Cumulating aggregates rows per key in windows that grow by Step up to Max
// and then start anew: [s, s+Step), [s, s+2*Step) ... [s, s+Max), where s are
// the starts of tumbling windows of length Max. The output is that of
// [Tumbling]; a window without rows of a key gives no row for it.
type Cumulating struct {
	// Step is the growth, Max the greatest length, a multiple of Step.
	Step, Max time.Duration
	// Offset shifts the windows.
	Offset time.Duration
	// Time, By, Aggs, WindowTime, Delay, Lateness, Timeout, Updates, Nulls and
	// Zone are those of [Tumbling].
	Time       string
	By         []string
	Aggs       []Agg
	WindowTime bool
	Delay      time.Duration
	Lateness   time.Duration
	Timeout    time.Duration
	Updates    bool
	Nulls      NullTime
	Zone       string `state:"default=UTC"`

	grid
}

var (
	_ arrowstream.Logged   = (*Cumulating)(nil)
	_ arrowstream.Sided    = (*Cumulating)(nil)
	_ arrowstream.Parallel = (*Cumulating)(nil)
	_ arrowstream.Counted  = (*Cumulating)(nil)
	_ arrowstream.Spilling = (*Cumulating)(nil)
)

// Bind implements [arrowstream.Stage].
func (c *Cumulating) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	return c.bind(in, env, layoutConfig{kind: "cumulating", size: c.Max, slide: c.Step, offset: c.Offset, cumulate: true}, c.options(), c.Clone)
}

// Clone implements [arrowstream.Parallel].
func (c *Cumulating) Clone() arrowstream.Stage {
	d := *c
	d.grid = grid{}
	return &d
}

// Keys implements [arrowstream.Parallel].
func (c *Cumulating) Keys() []string { return c.options().parallelKeys() }

// Order implements [arrowstream.Parallel].
func (c *Cumulating) Order() []string { return c.options().order() }

func (c *Cumulating) options() options {
	return options{c.Time, c.By, c.Aggs, c.WindowTime, c.Delay, c.Lateness, c.Timeout, c.Updates, c.Nulls, c.Zone}
}
