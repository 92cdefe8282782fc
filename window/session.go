package window

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Session aggregates rows per key in sessions: a session is [first, last+Gap),
// rows exactly Gap apart belong together, and a row that touches two open
// sessions of its key merges them. A session closes when the watermark reaches
// its end. The output is that of [Tumbling].
type Session struct {
	// Gap is the silence that ends a session.
	Gap time.Duration
	// MaxSpan cuts a session at that length, 0 never: a row at or after
	// first+MaxSpan begins a new one.
	MaxSpan time.Duration
	// Time, By, Aggs, WindowTime, Delay, Lateness, Timeout, Updates and Nulls
	// are those of [Tumbling].
	Time       string
	By         []string
	Aggs       []Agg
	WindowTime bool
	Delay      time.Duration
	Lateness   time.Duration
	Timeout    time.Duration
	Updates    bool
	Nulls      NullTime

	sessions
}

var (
	_ arrowstream.Logged   = (*Session)(nil)
	_ arrowstream.Sided    = (*Session)(nil)
	_ arrowstream.Parallel = (*Session)(nil)
	_ arrowstream.Counted  = (*Session)(nil)
	_ arrowstream.Spilling = (*Session)(nil)
)

// Bind implements [arrowstream.Stage].
func (s *Session) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	return s.bind(in, env, s.Gap, s.MaxSpan, s.options(), s.Clone)
}

// Clone implements [arrowstream.Parallel].
func (s *Session) Clone() arrowstream.Stage {
	c := *s
	c.sessions = sessions{}
	return &c
}

// Keys implements [arrowstream.Parallel].
func (s *Session) Keys() []string { return s.options().parallelKeys() }

// Order implements [arrowstream.Parallel].
func (s *Session) Order() []string { return s.options().order() }

func (s *Session) options() options {
	return options{s.Time, s.By, s.Aggs, s.WindowTime, s.Delay, s.Lateness, s.Timeout, s.Updates, s.Nulls, ""}
}
