package window

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/zone"
	"github.com/arrowstream/arrowstream/kernels"
)

// Windows of a time zone are cut on the wall clock of the zone: a window of a
// day is the day of the zone, with 23 hours when the clock is put forward and
// 25 when it is put back. All times inside a stage are then what the clock
// shows. A time that the clock shows twice belongs to one window, which ends
// when it has been shown for the second time; hours that are skipped have none.

// setZone makes the clock of a zone that is not UTC, if the time column holds
// instants.
func (c *core) setZone(name string) error {
	t, ok := c.u.typ.(*arrow.TimestampType)
	if !ok || t.TimeZone == "" || name == "" {
		return nil
	}
	loc, err := kernels.FindZone(name)
	if loc != nil {
		c.clock = zone.New(loc, int64(time.Second)/c.u.ns)
	}
	return err
}

// onClock is what the clock shows at instants, which stay as they are.
func (c *core) onClock(ts []int64) []int64 {
	if c.clock == nil {
		return ts
	}
	if cap(c.shown) < len(ts) {
		c.shown = make([]int64, len(ts))
	}
	out := c.shown[:len(ts)]
	for i, t := range ts {
		out[i] = c.clock.Local(t)
	}
	return out
}

// bounds turns starts and ends of windows into instants.
func (c *core) bounds(starts, ends []int64) {
	if c.clock == nil {
		return
	}
	for i, s := range starts {
		starts[i], ends[i] = c.clock.First(s), c.clock.Last(ends[i])
	}
}

// passed is the watermark w, in microseconds, in units on the clock: windows
// that end at or before it are over.
func (c *core) passed(w int64) int64 {
	u := c.u.fromMicros(w)
	if c.clock == nil || w == arrowstream.NoEventTime || w == arrowstream.EndOfTime {
		return u
	}
	return c.clock.Passed(u)
}

// micros is time x of the clock in microseconds.
func (c *core) micros(x int64) int64 {
	if c.clock != nil {
		x = c.clock.First(x)
	}
	return c.u.micros(x)
}

// instants are the event times of b in units of the time column.
func (c *core) instants(b arrow.Record) []int64 {
	return columnar.Values[int64](b.Column(c.time))
}
