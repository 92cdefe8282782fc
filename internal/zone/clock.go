package zone

import (
	"math"
	"time"

	"github.com/arrowstream/arrowstream/columnar"
)

// Clock is the wall clock of a time zone: it converts between instants and
// what it shows, both counts of a unit since 1970. Where the clock is put forward there are times
// that it never shows, where it is put back it shows times twice. It remembers
// the stretch of constant offset that it was asked for last: a time in it costs
// two comparisons and an addition, any other one a search among the changes of
// the zone. It is used by one goroutine at a time.
type Clock struct {
	loc *time.Location
	per int64 // units per second
	// Instants in [from, to) have the offset; before and after it are those of
	// the neighbours.
	from, to              int64
	offset, before, after int64
	begin, end            int64 // wall clock times of the stretch, the earlier of two where the clock shows them twice
}

// New is the clock of a zone, nil for UTC, in units per second.
func New(loc *time.Location, perSecond int64) *Clock {
	c := &Clock{loc: loc, per: perSecond, from: math.MinInt64, to: math.MaxInt64, begin: math.MinInt64, end: math.MaxInt64}
	if loc != nil {
		c.from, c.begin = math.MaxInt64, math.MaxInt64 // empty
	}
	return c
}

// farthest is how many seconds before and after 1970 the changes of a zone are
// looked at: some 8,700 years.
const farthest = 1 << 38

// seek makes the stretch that of instant t.
func (c *Clock) seek(t int64) {
	sec := min(max(columnar.FloorDiv(t, c.per), -farthest), farthest)
	at := time.Unix(sec, 0).In(c.loc)
	start, end := at.ZoneBounds()
	c.offset = c.offsetOf(at)
	c.from, c.to, c.before, c.after = math.MinInt64, math.MaxInt64, c.offset, c.offset
	if s, ok := c.units(start); ok && sec > -farthest {
		c.from, c.before = s, c.offsetOf(start.Add(-time.Second).In(c.loc))
	}
	if e, ok := c.units(end); ok && sec < farthest {
		c.to, c.after = e, c.offsetOf(end.In(c.loc))
	}
	c.begin, c.end = math.MinInt64, math.MaxInt64
	if c.from != math.MinInt64 {
		c.begin = c.from + max(c.before, c.offset)
	}
	if c.to != math.MaxInt64 {
		c.end = c.to + max(c.offset, c.after)
	}
}

func (c *Clock) offsetOf(t time.Time) int64 {
	_, sec := t.Zone()
	return int64(sec) * c.per
}

// units is a change of the zone as a count of units; ok is false where there is
// none, or none that the unit reaches.
func (c *Clock) units(t time.Time) (int64, bool) {
	if t.IsZero() {
		return 0, false
	}
	const margin = 2 * 86400
	if s := t.Unix(); s > math.MinInt64/c.per+margin && s < math.MaxInt64/c.per-margin {
		return s * c.per, true
	}
	return 0, false
}

// Local is what the clock shows at instant t.
func (c *Clock) Local(t int64) int64 {
	if t < c.from || t >= c.to {
		c.seek(t)
	}
	return Plus(t, c.offset)
}

// Offset is how far the clock is ahead of UTC at instant t.
func (c *Clock) Offset(t int64) int64 {
	if t < c.from || t >= c.to {
		c.seek(t)
	}
	return c.offset
}

// seekLocal makes the stretch that in which the clock shows w, the earlier one
// if there are two, that before the change if there is none.
func (c *Clock) seekLocal(w int64) {
	c.seek(w)
	for w < c.begin {
		c.seek(c.from - 1)
	}
	for w >= c.end {
		c.seek(c.to)
	}
}

// Instant is when the clock shows w: the first time where it does so twice;
// where it never does, what w is by the offset before the change, so that half
// past two is half past three.
func (c *Clock) Instant(w int64) int64 {
	if w < c.begin || w >= c.end {
		c.seekLocal(w)
	}
	return Plus(w, -c.offset)
}

// First is the first instant at which the clock shows w or more.
func (c *Clock) First(w int64) int64 { return min(c.Instant(w), c.to) }

// Last is the first instant after which the clock never shows less than w.
func (c *Clock) Last(w int64) int64 {
	t := c.First(w)
	if c.after < c.offset && c.to != math.MaxInt64 && w > c.to+c.after {
		return w - c.after
	}
	return t
}

// Passed is the greatest w such that no instant from t on shows less: times
// that the clock will show once more are not passed.
func (c *Clock) Passed(t int64) int64 {
	w := c.Local(t)
	if c.after < c.offset && c.to != math.MaxInt64 {
		return min(w, c.to+c.after)
	}
	return w
}

// Shows is the name of the zone in the stretch, as CET or CEST, and how many
// seconds it is ahead of UTC.
func (c *Clock) Shows() (name string, offset int64) {
	name, sec := time.Unix(max(columnar.FloorDiv(c.from, c.per), -farthest), 0).In(c.loc).Zone()
	return name, int64(sec)
}

// Zone is the name of the zone.
func (c *Clock) Zone() string { return c.loc.String() }

// Plus is x+y, or the end of the range that it passes.
func Plus(x, y int64) int64 {
	sum := x + y
	switch {
	case y > 0 && sum < x:
		return math.MaxInt64
	case y < 0 && sum > x:
		return math.MinInt64
	}
	return sum
}
