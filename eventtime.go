package arrowstream

import (
	"math"
	"time"

	"github.com/arrowstream/arrowstream/columnar"
)

// partitionTime follows the event time of one partition.
type partitionTime struct {
	max      int64 // largest event time so far, µs; NoEventTime before the first
	lastSeen time.Time
	done     bool
}

// observe takes in the event times of b; column is their index, or -1.
func (t *partitionTime) observe(b Batch, column int) {
	if column < 0 {
		return
	}
	col := b.Column(column)
	mul, div, _ := columnar.Micros(col.DataType())
	valid := columnar.Validity(col)
	var m int64
	if columnar.FixedWidth(col.DataType()) == 4 {
		days := maxValid(columnar.Values[int32](col), valid)
		if m = int64(days); days == math.MinInt32 {
			return
		}
	} else {
		m = maxValid(columnar.Values[int64](col), valid)
	}
	if m > math.MaxInt64/mul-1 || m < math.MinInt64/mul+1 {
		return // no row, or out of the range of instants: the operators report it
	}
	t.max = max(t.max, columnar.FloorDiv(m*mul, div))
}

func maxValid[T int32 | int64](values []T, valid columnar.Bitmap) T {
	m := lowest[T]()
	if valid.All() {
		for _, v := range values {
			m = max(m, v)
		}
		return m
	}
	for i := range valid.Ones() {
		m = max(m, values[i])
	}
	return m
}

func lowest[T int32 | int64]() T {
	var zero T
	switch any(zero).(type) {
	case int32:
		low := int32(math.MinInt32)
		return T(low)
	}
	low := int64(math.MinInt64)
	return T(low)
}

// combine is the watermark of a source: the least of its partitions, each less
// the delay. A partition that has ended does not count, nor does one that is
// idle; when all are idle it is the largest of theirs. now is the zero Time on
// bounded input, where nothing is idle. held is the index of the partition
// that holds the watermark back, or -1.
func (et EventTime) combine(parts []*partitionTime, now time.Time) (event int64, held int) {
	event, held = EndOfTime, -1
	latest, idle := NoEventTime, false
	for i, t := range parts {
		if t.done {
			continue
		}
		w := NoEventTime
		if t.max != NoEventTime {
			w = t.max - et.Delay.Microseconds()
		}
		if et.idle(t, now) {
			idle, latest = true, max(latest, w)
			continue
		}
		if w < event {
			event, held = w, i
		}
	}
	if event == EndOfTime && idle {
		return latest, -1
	}
	return event, held
}

// idle reports whether a partition has been silent for so long that it does not
// count; now is the zero Time on bounded input.
func (et EventTime) idle(t *partitionTime, now time.Time) bool {
	return !now.IsZero() && et.Idle > 0 && now.Sub(t.lastSeen) >= et.Idle
}

// ahead reports whether r has to wait for the slowest partition of its source,
// which never waits itself.
func (d *driver) ahead(r *reader) bool {
	et := r.node.source.eventTime
	if et.MaxDrift <= 0 || r.time.max == NoEventTime {
		return false
	}
	var now time.Time
	if !d.bounded {
		now = d.p.opts.Clock.Now()
	}
	least := r.time.max
	for _, o := range d.readers {
		if o.node == r.node && !o.over() && !et.idle(&o.time, now) {
			least = min(least, o.time.max)
		}
	}
	if r.time.max-least <= et.MaxDrift.Microseconds() && least != NoEventTime {
		return false
	}
	if r.head.len() > 0 || len(r.batches) > 0 {
		r.time.lastSeen = now // it waits, and is not silent
	}
	return true
}
