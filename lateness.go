package arrowstream

import (
	"encoding/json"
	"time"
)

// Lateness counts late rows by how far their event times were behind: up to 1 s,
// 10 s, 1 min, 10 min, 1 h, 1 day, and more. It counts from the start of the
// process; states do not keep it.
type Lateness [len(latenessNames)]int64

var (
	latenessNames  = [...]string{"1s", "10s", "1m", "10m", "1h", "1d", "more"}
	latenessBounds = [...]time.Duration{time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour}
)

// Add counts a row that was so many microseconds behind.
func (l *Lateness) Add(micros int64) {
	for i, bound := range latenessBounds {
		if micros <= bound.Microseconds() {
			l[i]++
			return
		}
	}
	l[len(latenessBounds)]++
}

// Plus is the rows of both.
func (l Lateness) Plus(o Lateness) Lateness {
	for i, n := range o {
		l[i] += n
	}
	return l
}

// Minus is the rows of l without those of an earlier o.
func (l Lateness) Minus(o Lateness) Lateness {
	for i, n := range o {
		l[i] -= n
	}
	return l
}

// MarshalJSON implements [json.Marshaler]: an object of the numbers that are not 0,
// by the bound.
func (l Lateness) MarshalJSON() ([]byte, error) {
	out := map[string]int64{}
	for i, n := range l {
		if n != 0 {
			out[latenessNames[i]] = n
		}
	}
	return json.Marshal(out)
}
