package arrowstream

import (
	"math"
	"time"
)

// Watermark is the progress of a stream in its two times.
type Watermark struct {
	// Event promises that no row with an event time before it follows.
	// Microseconds since 1970-01-01 UTC; NoEventTime before the first row of
	// a stream, and for ever on a stream without event time; EndOfTime after
	// the last row of a bounded stream.
	Event int64
	// Clock is the processing time of the tick, in microseconds since
	// 1970-01-01 UTC, read by the runtime from its injected clock. It is the
	// only clock a stage sees.
	Clock int64
}

const (
	// NoEventTime is the watermark of a stream that has seen no event time.
	NoEventTime int64 = math.MinInt64
	// EndOfTime is the watermark after the last row: every stage flushes.
	EndOfTime int64 = math.MaxInt64
)

// Done reports whether w follows the last row of the stream.
func (w Watermark) Done() bool { return w.Event == EndOfTime }

// Time is the event time of w, the zero Time when there is none.
func (w Watermark) Time() time.Time {
	if w.Event == NoEventTime || w.Event == EndOfTime {
		return time.Time{}
	}
	return time.UnixMicro(w.Event).UTC()
}

// MinWatermark combines the watermarks of several inputs: the earlier event
// time, the later clock.
func MinWatermark(a, b Watermark) Watermark {
	return Watermark{Event: min(a.Event, b.Event), Clock: max(a.Clock, b.Clock)}
}
