package window

import (
	"math"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"pgregory.net/rapid"

	"github.com/arrowstream/arrowstream"
)

func TestUnits(t *testing.T) {
	ns, err := unitOf("ts", &arrow.TimestampType{Unit: arrow.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	s, err := unitOf("ts", &arrow.TimestampType{Unit: arrow.Second})
	if err != nil {
		t.Fatal(err)
	}
	day, err := unitOf("d", arrow.FixedWidthTypes.Date32)
	if err != nil {
		t.Fatal(err)
	}
	const dayMicros = 86_400_000_000
	for _, c := range []struct {
		u          unit
		mark, want int64
	}{
		{s, 999_999, 0},
		{s, -1, -1},
		{s, -1_000_000, -1},
		{s, -1_000_001, -2},
		{ns, 5, 5000},
		{ns, math.MaxInt64 - 1, math.MaxInt64 - 1},
		{ns, math.MinInt64 + 1, math.MinInt64 + 1},
		{day, dayMicros - 1, 0},
		{day, -1, -1},
		{s, arrowstream.EndOfTime, math.MaxInt64},
		{ns, arrowstream.NoEventTime, math.MinInt64},
	} {
		if got := c.u.fromMicros(c.mark); got != c.want {
			t.Errorf("%s: mark %d is %d, want %d", c.u.typ, c.mark, got, c.want)
		}
	}
	for _, c := range []struct {
		u       unit
		x, want int64
	}{
		{ns, 1999, 1}, {ns, -1, -1}, {ns, -1000, -1}, {s, 2, 2_000_000}, {s, math.MaxInt64, math.MaxInt64 - 1}, {s, math.MinInt64, math.MinInt64 + 1}, {day, -1, -dayMicros},
	} {
		if got := c.u.micros(c.x); got != c.want {
			t.Errorf("%s: %d is %d us, want %d", c.u.typ, c.x, got, c.want)
		}
	}
	if minus(math.MinInt64+1, 2) != math.MinInt64 || minus(5, 7) != -2 {
		t.Error("minus")
	}
}

func TestLayoutErrors(t *testing.T) {
	u, err := unitOf("ts", &arrow.TimestampType{Unit: arrow.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []layoutConfig{
		{kind: "hopping", size: time.Second},
		{kind: "hopping", size: time.Second, slide: -time.Second},
		{kind: "hopping", size: 1 << 61, slide: time.Second},
		{kind: "hopping", size: time.Second, slide: 1},
		{kind: "hopping", size: time.Second, slide: time.Second, offset: 1},
		{kind: "cumulating", cumulate: true, size: 5 * time.Second, slide: 2 * time.Second},
	} {
		if _, err := newLayout(c, u); err == nil {
			t.Errorf("%+v is a layout", c)
		}
	}
}

// TestLayout checks panes and windows against their definition, for times all
// over the range.
func TestLayout(t *testing.T) {
	u := unit{typ: arrow.FixedWidthTypes.Timestamp_ns, ns: 1, mul: 1, div: 1000, min: math.MinInt64, max: math.MaxInt64}
	rapid.Check(t, func(rt *rapid.T) {
		size, slide := rapid.Int64Range(1, 1<<40).Draw(rt, "size"), rapid.Int64Range(1, 1<<40).Draw(rt, "slide")
		if size/slide > maxWindowsPerRow {
			slide = size/1000 + 1
		}
		c := layoutConfig{kind: "hopping", size: time.Duration(size), slide: time.Duration(slide), offset: time.Duration(rapid.Int64().Draw(rt, "offset"))}
		if c.cumulate = rapid.Bool().Draw(rt, "cumulate"); c.cumulate {
			c.slide = time.Duration(size/7 + 1)
			c.size = 7 * c.slide
		}
		l, err := newLayout(c, u)
		if err != nil {
			rt.Fatal(err)
		}
		x := rapid.Int64Range(l.lo, l.hi).Draw(rt, "t")
		start, end, ok := l.pane(x)
		if !ok {
			if in := mod(x-l.offset, l.slide); in < l.size {
				rt.Fatalf("time %d is %d after a start and in no window", x, in)
			}
			return
		}
		if x < start || x >= end {
			rt.Fatalf("pane [%d, %d) of %d", start, end, x)
		}
		first, last := l.firstEnd(start, end), l.lastEnd(x)
		for _, e := range []int64{first, last} {
			if s := l.start(e); s > start || e < end || mod(e-first, l.slide) != 0 {
				rt.Fatalf("window [%d, %d) does not hold pane [%d, %d)", s, e, start, end)
			}
		}
		if s, e := l.start(first-l.slide), first-l.slide; s <= start && e >= end {
			rt.Fatalf("window [%d, %d) before the first one holds the pane", s, e)
		}
		if s, e := l.start(last+l.slide), last+l.slide; s <= start && e >= end {
			rt.Fatalf("window [%d, %d) after the last one holds the pane", s, e)
		}
		bound := rapid.Int64Range(x-2*l.size, x+2*l.size).Draw(rt, "bound")
		if open := l.firstOpen(bound); (last > bound) != (x >= open) {
			rt.Fatalf("bound %d: first open time %d, but %d is in windows up to %d", bound, open, x, last)
		}
	})
}

func TestIndexStaysSmall(t *testing.T) {
	var x index
	for kid := uint32(1 << 20); kid < 1<<20+500; kid++ {
		x.put(kid, kid+1)
	}
	if len(x.dense) > 0 {
		t.Errorf("%d dense entries for far keys", len(x.dense))
	}
	for kid := uint32(0); kid < 1<<18; kid += 2 {
		x.put(kid, kid+1)
	}
	for _, kid := range []uint32{0, 2, 1<<18 - 2, 1 << 20, 1<<20 + 499} {
		if slot, ok := x.get(kid); !ok || slot != kid+1 {
			t.Errorf("key %d: slot %d, %v", kid, slot, ok)
		}
	}
	if _, ok := x.get(3); ok {
		t.Error("key 3 was never put")
	}
	if _, ok := x.get(1<<20 + 500); ok {
		t.Error("key 1<<20+500 was never put")
	}
}
