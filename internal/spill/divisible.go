package spill

import (
	"context"

	"github.com/arrowstream/arrowstream"
)

// Divisible is what stages and joins embed that may go on as a [Divided].
type Divisible struct {
	Over *Divided // nil without a folder
}

// Spills implements [arrowstream.Spilling].
func (o *Divisible) Spills() bool { return o.Over != nil }

// Logs implements [arrowstream.Logged].
func (o *Divisible) Logs() bool { return o.Over.On() }

// Renews implements [arrowstream.Logged].
func (o *Divisible) Renews() bool { return o.Over.Renews() }

// Log implements [arrowstream.Logged].
func (o *Divisible) Log(ctx context.Context) (arrowstream.State, arrowstream.Log, error) {
	return o.Over.Log(ctx)
}
