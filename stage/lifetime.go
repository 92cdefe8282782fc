package stage

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// lifetime is when the keys of a stage had their last row, for those that forget
// keys after a TTL. The age of a key is judged when the key has a row again, so
// when a search finds it does not show.
type lifetime struct {
	on    bool
	event bool // time is event time, else that of the clock
	ttl   int64
	last  []int64 // by key
	mark  int64   // time of the last Advance
	swept int64   // time of the last search
}

func newLifetime(ttl time.Duration, in *arrow.Schema, on bool) lifetime {
	return lifetime{on: on && ttl > 0, event: columnar.EventTime(in) >= 0, ttl: ttl.Microseconds(), mark: arrowstream.NoEventTime}
}

// grow makes room for keys less than n.
func (l *lifetime) grow(n int) {
	if l.on {
		l.last = grown(l.last, n)
	}
}

// tell moves the time on. It reports true when there is a time for the first
// time: keys that came before begin to age then.
func (l *lifetime) tell(w arrowstream.Watermark) (begins bool) {
	if !l.on || w.Done() {
		return false
	}
	now := w.Clock
	if l.event {
		now = w.Event
	}
	if begins = l.mark == arrowstream.NoEventTime && now > l.mark; begins {
		l.swept = now
	}
	l.mark = max(l.mark, now)
	return begins
}

// see notes that a key has a row in the tick.
func (l *lifetime) see(id uint32) {
	if l.on {
		l.last[id] = l.mark
	}
}

// over tells whether the last row of a key is too old.
func (l *lifetime) over(id uint32) bool {
	return l.on && l.mark != arrowstream.NoEventTime && l.mark-l.last[id] >= l.ttl
}

// due tells whether to search for keys that are over, some times per TTL.
func (l *lifetime) due() bool {
	const times = 8
	if !l.on || l.mark == arrowstream.NoEventTime || l.mark-l.swept < l.ttl/times {
		return false
	}
	l.swept = l.mark
	return true
}

func (l *lifetime) bytes() int64 { return int64(8 * cap(l.last)) }

// grown is s with room for n values, new ones zero.
func grown[T any](s []T, n int) []T {
	if n <= len(s) {
		return s
	}
	return append(s, make([]T, max(n, 2*len(s))-len(s))...)
}
