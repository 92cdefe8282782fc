package spill

import (
	"context"
	"io"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Operator is what a [Divided] runs: a stage or a join that is bound. What it
// does for a key depends on the rows of that key and on watermarks alone.
type Operator interface {
	arrowstream.Stateful
	arrowstream.Counted
	io.Closer
	// Process, Ended and Advance are those of [arrowstream.Ending].
	Process(ctx context.Context, input int, b arrowstream.Batch, emit arrowstream.Emit) error
	Ended(ctx context.Context, input int, emit arrowstream.Emit) error
	Advance(ctx context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error)
}

// Stage is a stage that may be divided, once it is bound.
type Stage interface {
	arrowstream.Stateful
	arrowstream.Counted
	io.Closer
	// Process and Advance are those of [arrowstream.Stage].
	Process(ctx context.Context, b arrowstream.Batch, emit arrowstream.Emit) error
	Advance(ctx context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error)
}

// Alone is a stage as an operator.
func Alone(s Stage) Operator { return alone{s} }

type alone struct{ Stage }

// Process implements [Operator].
func (a alone) Process(ctx context.Context, _ int, b arrowstream.Batch, emit arrowstream.Emit) error {
	return a.Stage.Process(ctx, b, emit)
}

// Ended implements [Operator]: a stage is told by its watermark.
func (alone) Ended(context.Context, int, arrowstream.Emit) error { return nil }

// Plan is how an operator is divided.
type Plan struct {
	// Inputs are the schemas of its inputs, and Keys the columns of each by
	// which it is divided: rows that meet are equal in them.
	Inputs []*arrow.Schema
	Keys   [][]int
	// New returns another operator like it, bound, which remembers nothing.
	New func(env arrowstream.Env) (Operator, error)
	// StateKeys are the columns of those keys in a batch of its state; nil for
	// a batch of which every part gets all rows.
	StateKeys func(name string, b arrow.Record) []int
	// Own makes what a part has got of a state, which it takes over, the state
	// of an operator of its own; nil if it is.
	Own func(name string, b arrow.Record) arrow.Record
	// Timers says that watermarks alone make it emit, or hold back its own.
	Timers bool
	// Flushes says that it emits when an input ends.
	Flushes bool
}
