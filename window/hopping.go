package window

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Hopping aggregates rows per key in windows [start, start+Size) that begin
// every Slide, at all start ≡ Offset (mod Slide); Size need not be a multiple
// of Slide. With Slide < Size windows overlap, and a row is aggregated once,
// into its pane; with Slide > Size rows in the gaps belong to no window and
// are counted as unwindowed. The output is that of [Tumbling].
type Hopping struct {
	// Size is the length of a window, Slide the distance of their starts.
	Size, Slide time.Duration
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
	_ arrowstream.Logged   = (*Hopping)(nil)
	_ arrowstream.Sided    = (*Hopping)(nil)
	_ arrowstream.Parallel = (*Hopping)(nil)
	_ arrowstream.Counted  = (*Hopping)(nil)
	_ arrowstream.Spilling = (*Hopping)(nil)
)

// Bind implements [arrowstream.Stage].
func (h *Hopping) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	return h.bind(in, env, layoutConfig{kind: "hopping", size: h.Size, slide: h.Slide, offset: h.Offset}, h.options(), h.Clone)
}

// Clone implements [arrowstream.Parallel].
func (h *Hopping) Clone() arrowstream.Stage {
	c := *h
	c.grid = grid{}
	return &c
}

// Keys implements [arrowstream.Parallel].
func (h *Hopping) Keys() []string { return h.options().parallelKeys() }

// Order implements [arrowstream.Parallel].
func (h *Hopping) Order() []string { return h.options().order() }

func (h *Hopping) options() options {
	return options{h.Time, h.By, h.Aggs, h.WindowTime, h.Delay, h.Lateness, h.Timeout, h.Updates, h.Nulls, h.Zone}
}
