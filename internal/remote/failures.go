package remote

import (
	"sync"
	"time"
)

const (
	maxFailures   = 10
	failureSpan   = time.Minute
	maxFailureIPs = 4096
)

// Failures counts failed logins by address. An address with ten in a minute is
// blocked until that minute is over.
type Failures struct {
	mu   sync.Mutex
	seen map[string]failed
}

type failed struct {
	since time.Time
	n     int
}

// Blocked reports whether an address may not try now.
func (f *Failures) Blocked(address string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.seen[address]
	return ok && e.n >= maxFailures && now.Sub(e.since) < failureSpan
}

// Add counts one more. When too many addresses are known, those whose minute is
// over are forgotten, and then the whole table: it stays bounded.
func (f *Failures) Add(address string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		f.seen = map[string]failed{}
	}
	e, ok := f.seen[address]
	if !ok && len(f.seen) >= maxFailureIPs {
		for a, e := range f.seen {
			if now.Sub(e.since) >= failureSpan {
				delete(f.seen, a)
			}
		}
		if len(f.seen) >= maxFailureIPs {
			clear(f.seen)
		}
	}
	if now.Sub(e.since) >= failureSpan {
		e = failed{since: now}
	}
	e.n++
	f.seen[address] = e
}
