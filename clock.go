package arrowstream

import "time"

// Clock tells the time. The runtime hands one out so that tests and replays
// can set it; no stage, kernel or sink reads the clock of the machine.
type Clock interface {
	Now() time.Time
}

// SystemClock is the clock of the machine.
type SystemClock struct{}

// Now implements [Clock].
func (SystemClock) Now() time.Time { return time.Now() }
