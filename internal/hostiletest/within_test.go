package hostiletest

import (
	"testing"
	"time"
)

// failures is a test that only takes note of errors.
type failures struct {
	testing.TB
	n int
}

func (f *failures) Errorf(string, ...any) { f.n++ }

var held []byte

func TestWithin(t *testing.T) {
	const most = 300 * time.Millisecond // of processor time
	for name, c := range map[string]struct {
		n     int
		read  func()
		fails int
	}{
		"little":                 {10, func() { held = make([]byte, 32<<20) }, 0},
		"much":                   {10, func() { held = make([]byte, 65<<20) }, 1},
		"much for a large input": {1 << 20, func() { held = make([]byte, 65<<20) }, 0},
		"much, released again": {10, func() {
			for range 65 {
				held = make([]byte, 1<<20)
			}
		}, 1},
		"slow": {10, func() {
			for start := processor(t); processor(t) <= start+most; {
			}
		}, 1},
		"asleep": {10, func() { time.Sleep(most) }, 0},
	} {
		f := &failures{TB: t}
		within(f, c.n, most, c.read)
		if f.n != c.fails {
			t.Errorf("%s: %d failures, want %d", name, f.n, c.fails)
		}
	}
	held = nil
}
