package bucket

import (
	"context"
	"math/rand/v2"
	"time"
)

// Patience says how long an operation is tried. A try that takes longer than
// Try is given up; between two there is a pause that doubles from 100 ms to
// Pause and is cut at random, so that many jobs do not come back at once.
type Patience struct {
	Tries int           // default 8
	Try   time.Duration // default 30 s
	Pause time.Duration // default 5 s
}

func (p Patience) withDefaults() Patience {
	if p.Tries <= 0 {
		p.Tries = 8
	}
	if p.Try <= 0 {
		p.Try = 30 * time.Second
	}
	if p.Pause <= 0 {
		p.Pause = 5 * time.Second
	}
	return p
}

// try calls f until it succeeds, fails for good, or patience is at its end.
func (o *Bucket) try(ctx context.Context, what, name string, f func(context.Context) error) error {
	p := o.patience
	pause := min(100*time.Millisecond, p.Pause)
	for n := 1; ; n++ {
		once, cancel := context.WithTimeout(ctx, p.Try)
		err := f(once)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || lasting(err) || n >= p.Tries {
			return o.failure(what, name, err)
		}
		timer := time.NewTimer(pause/2 + rand.N(pause/2+1))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, p.Pause)
	}
}
