package remote

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/arrowstream/arrowstream"
)

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 2 * time.Second
)

// GaveUpError says that a server stayed out of reach.
type GaveUpError struct {
	After time.Duration
	Err   error // what the last try met
}

// Error implements error.
func (e *GaveUpError) Error() string { return fmt.Sprintf("%v (%s)", e.Err, e.Hint()) }

// Unwrap returns what the last try met.
func (e *GaveUpError) Unwrap() error { return e.Err }

// Hint says how long it was tried, and what decides about that.
func (e *GaveUpError) Hint() string {
	return fmt.Sprintf("gave up after %s, see option connect.timeout", e.After)
}

// Retry calls try until it succeeds or says that it need not be called again,
// waiting between the calls: 50 ms doubled up to 2 s, times a random factor
// between 0.5 and 1. The error is that of try, a *GaveUpError when timeout has
// passed, or that of ctx when it has ended.
func Retry(ctx context.Context, timeout time.Duration, try func(ctx context.Context) (again bool, err error)) error {
	limit, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	backoff := minBackoff
	var last error
	for {
		again, err := try(limit)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case arrowstream.Refused(err) != nil, !again && limit.Err() == nil:
			return err
		case last == nil || limit.Err() == nil:
			last = err
		}
		wait := time.NewTimer(time.Duration(float64(backoff) * (0.5 + rand.Float64()/2)))
		select {
		case <-wait.C:
		case <-limit.Done():
			wait.Stop()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &GaveUpError{After: timeout, Err: last}
		}
		backoff = min(2*backoff, maxBackoff)
	}
}
