package window

import (
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"

	"github.com/arrowstream/arrowstream/columnar"
)

// layoutConfig is what the kinds of windows on a grid are made from.
type layoutConfig struct {
	kind                string
	size, slide, offset time.Duration
	cumulate            bool
	start               string // regroup: the column of the window's start
}

// layout is the arithmetic of windows on a grid, in units of the time column.
//
// Time is cut into panes such that every window is a run of whole panes: at
// the starts of windows, every slide, and at their ends, which stand size mod
// slide behind a start. So a slide has at most two panes, whatever the greatest
// common divisor of size and slide is, and a row belongs to exactly one.
type layout struct {
	size, slide, offset int64 // of cumulating windows: the maximum, the step
	cut                 int64 // end of the first pane of a slide; 0 if it has one
	cumulate            bool
	// The arithmetic of a time in [lo, hi] does not overflow.
	lo, hi int64
}

// maxWindowsPerRow bounds the windows that one row may belong to.
const maxWindowsPerRow = 1_000_000

func newLayout(c layoutConfig, u unit) (layout, error) {
	l := layout{cumulate: c.cumulate}
	var err error
	name := func(field string) string {
		if c.cumulate {
			return map[string]string{"size": "max size", "slide": "step"}[field]
		}
		return field
	}
	if l.size, err = u.exact(c.kind, name("size"), c.size, 1); err != nil {
		return l, err
	}
	if l.slide, err = u.exact(c.kind, name("slide"), c.slide, 1); err != nil {
		return l, err
	}
	if l.offset, err = u.exact(c.kind, "offset", c.offset, math.MinInt64); err != nil {
		return l, err
	}
	if l.size/l.slide > maxWindowsPerRow {
		return l, planError("AS1404", fmt.Sprintf("%s: a row would belong to %d windows", c.kind, l.size/l.slide), "are slide and size swapped?")
	}
	if c.cumulate {
		if l.size%l.slide != 0 {
			return l, planError("AS1404", fmt.Sprintf("cumulating: max size %s is no multiple of step %s", c.size, c.slide), "")
		}
		l.offset = mod(l.offset, l.size)
	} else {
		l.offset = mod(l.offset, l.slide)
		l.cut = l.size % l.slide
	}
	// No sum below leaves a time by more than this.
	margin := 3*max(l.size, l.slide) + 1
	if max(l.size, l.slide) > math.MaxInt64/16 {
		return l, planError("AS1404", fmt.Sprintf("%s: size %s is too great for the time column", c.kind, c.size), "")
	}
	l.lo, l.hi = u.min+margin, u.max-margin
	if l.lo >= l.hi {
		return l, planError("AS1404", fmt.Sprintf("%s: size %s is too great for the time column", c.kind, c.size), "")
	}
	return l, nil
}

// pane is the pane of time t, or ok false when t is in no window.
func (l *layout) pane(t int64) (start, end int64, ok bool) {
	s := floor(t-l.offset, l.slide) + l.offset
	switch {
	case l.cut == 0:
		return s, s + l.slide, true
	case t < s+l.cut:
		return s, s + l.cut, true
	case l.size < l.slide:
		return 0, 0, false
	}
	return s + l.cut, s + l.slide, true
}

// firstEnd is the end of the first window that holds the pane.
func (l *layout) firstEnd(start, end int64) int64 {
	if l.cumulate {
		return end
	}
	return end + mod(l.offset+l.size-end, l.slide)
}

// lastEnd is the end of the last window that holds time t, which is in one.
func (l *layout) lastEnd(t int64) int64 {
	period := l.slide
	if l.cumulate {
		period = l.size
	}
	return floor(t-l.offset, period) + l.offset + l.size
}

// start is the start of the window with the given end.
func (l *layout) start(end int64) int64 {
	if l.cumulate {
		return floor(end-1-l.offset, l.size) + l.offset
	}
	return end - l.size
}

// firstOpen is the first time whose last window ends after bound.
func (l *layout) firstOpen(bound int64) int64 {
	if bound < l.lo {
		return math.MinInt64
	}
	if bound > l.hi+l.size {
		return math.MaxInt64
	}
	period := l.slide
	if l.cumulate {
		period = l.size
	}
	// The least start s ≡ offset (mod period) with s+size > bound.
	return floor(bound-l.size-l.offset, period) + l.offset + period
}

// floor is the greatest multiple of m that is at most x; m > 0.
func floor(x, m int64) int64 { return x - mod(x, m) }

// mod is x modulo m, from 0 to m-1; m > 0.
func mod(x, m int64) int64 {
	r := x % m
	if r < 0 {
		r += m
	}
	return r
}

func planError(code, msg, hint string) error {
	return &arrowstream.Error{Code: code, Msg: "window: " + msg, Hint: hint}
}

// unit is the unit of a time column.
type unit struct {
	typ      arrow.DataType
	ns       int64 // nanoseconds per unit
	mul, div int64 // to microseconds
	min, max int64 // values that the column can hold
}

func unitOf(column string, t arrow.DataType) (unit, error) {
	u := unit{typ: t, mul: 1, div: 1, min: math.MinInt64, max: math.MaxInt64}
	switch t := t.(type) {
	case *arrow.TimestampType:
		u.ns = int64(t.Unit.Multiplier())
	case *arrow.Date32Type:
		u.ns, u.min, u.max = int64(24*time.Hour), math.MinInt32, math.MaxInt32
	default:
		return u, planError("AS1403", fmt.Sprintf("column %q is %s and no time", column, t), "windows need a timestamp or a date")
	}
	if u.ns >= 1000 {
		u.mul = u.ns / 1000
	} else {
		u.div = 1000 / u.ns
	}
	return u, nil
}

// exact is d in units; it must be a whole number of them and at least least.
func (u unit) exact(kind, field string, d time.Duration, least int64) (int64, error) {
	n := int64(d) / u.ns
	if n*u.ns != int64(d) {
		return 0, planError("AS1404", fmt.Sprintf("%s: %s %s is no whole number of units of the time column, which is %s", kind, field, d, u.typ), "cast the time to a finer type")
	}
	if n < least {
		if least == 1 {
			return 0, planError("AS1404", fmt.Sprintf("%s: %s %s is not positive", kind, field, d), "")
		}
		return 0, planError("AS1404", fmt.Sprintf("%s: %s %s is negative", kind, field, d), "")
	}
	return n, nil
}

// fromMicros is the watermark w, in microseconds, in units: x <= fromMicros(w)
// if and only if the instant x is at or before w.
func (u unit) fromMicros(w int64) int64 {
	if w == arrowstream.NoEventTime || w == arrowstream.EndOfTime {
		return w
	}
	if u.div > 1 {
		if w > math.MaxInt64/u.div {
			return math.MaxInt64 - 1
		}
		if w < math.MinInt64/u.div {
			return math.MinInt64 + 1
		}
		return w * u.div
	}
	return columnar.FloorDiv(w, u.mul)
}

// micros is x units in microseconds, rounded down. It is never one of the two
// marks that stand for no and for the end of time.
func (u unit) micros(x int64) int64 {
	if u.div > 1 {
		return columnar.FloorDiv(x, u.div)
	}
	if x > (math.MaxInt64-1)/u.mul {
		return math.MaxInt64 - 1
	}
	if x < (math.MinInt64+1)/u.mul {
		return math.MinInt64 + 1
	}
	return x * u.mul
}

// minus is x - y without leaving the range; y is not negative.
func minus(x, y int64) int64 {
	if x < math.MinInt64+y {
		return math.MinInt64
	}
	return x - y
}
