package stage

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/grouped"
)

// Check passes rows for which the arguments and filters of aggregates can be
// computed; for others it fails, so that the stage behind it, which remembers
// what it has seen of a batch, does not. Arguments are computed twice that way,
// which only a query pays for that says what to do with bad rows.
type Check struct {
	// Aggs are the aggregates of the stage behind.
	Aggs []grouped.Agg

	stateless
	plan *grouped.Plan
	mem  memory.Allocator
}

var _ arrowstream.Rowwise = (*Check)(nil)

// Bind implements [arrowstream.Stage].
func (c *Check) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	var err error
	c.mem = env.Allocator
	c.plan, err = grouped.Bind("check", c.Aggs, in)
	return in, err
}

// Process implements [arrowstream.Stage].
func (c *Check) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if err := c.plan.Check(c.mem, b); err != nil {
		return err
	}
	return emit(b)
}

// Fails implements [arrowstream.Rowwise].
func (c *Check) Fails() bool { return c.plan.Fails() }

// Transparent says that rows pass as they are.
func (c *Check) Transparent() {}

// Clone implements [arrowstream.Parallel].
func (c *Check) Clone() arrowstream.Stage { return &Check{Aggs: c.Aggs} }
