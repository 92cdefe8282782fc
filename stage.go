package arrowstream

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Env is what the runtime lends to the parts of a pipeline.
type Env struct {
	// Allocator accounts the memory of the part under its name. It panics
	// with a *columnar.LimitError when the budget of the job is used up; the
	// runtime turns that into an error that names the part.
	Allocator memory.Allocator
	// Name is the name of the part, unique in its pipeline.
	Name string
	// Instance numbers the instances of a [Parallel] stage; 0 is the first or
	// only one.
	Instance int
	// Access is what the part may reach; nil is everything.
	Access *Access
	// Spill is where the part may go on when it remembers more than its share
	// of the memory; nil is nowhere.
	Spill *Spill
}

// Stage is one operator. It owns no goroutine, no channel, no lock and no
// clock. The runtime binds it once and then, from one goroutine at a time,
// calls for every tick Process for each batch of the tick and Advance once. A
// stage that holds accounted memory between two calls implements io.Closer: it
// is closed once after the last call, also when the run failed half way.
type Stage interface {
	// Bind fixes the input schema and returns the output schema. It is called
	// once, before anything else; errors in columns, types and options are
	// reported here. The stage keeps env for its lifetime.
	Bind(in *arrow.Schema, env Env) (*arrow.Schema, error)
	// Process consumes b, which is borrowed, and may emit.
	Process(ctx context.Context, b Batch, emit Emit) error
	// Advance tells that the tick is over and that w holds now; it may emit,
	// and returns the watermark of the output. When w.Done(), it flushes and
	// is not called again. Watermarks never move back.
	Advance(ctx context.Context, w Watermark, emit Emit) (Watermark, error)
}

// Emit hands b downstream, borrowed: the stage still releases what it owns.
// Without a port the batch goes to the main output, with one to that side
// output (see [Sided]).
type Emit func(b Batch, port ...int) error

// Stateful is implemented by every stage and join that remembers anything
// between two ticks. Both calls happen between ticks only.
type Stateful interface {
	// Snapshot returns what the stage remembers; the caller releases it.
	Snapshot(ctx context.Context) (State, error)
	// Restore replaces what the stage remembers by st, which is borrowed, on
	// a stage that is bound and has processed nothing yet. A keyed stage may
	// be restored with another number of instances than were snapshot: of the
	// batches that have all of its key columns it gets the rows of its keys,
	// and every instance gets all rows of the others, those of each former
	// instance after the other. Counters among them are added up by Instance 0
	// and left alone by the others.
	Restore(ctx context.Context, st State) error
}

// State is what a stage remembers, as named Arrow batches. Restoring it and
// feeding the rest of the input gives the bits of an uninterrupted run.
type State map[string]Batch

// Release releases every batch of s.
func (s State) Release() {
	for _, b := range s {
		b.Release()
	}
}

// Sided is implemented by stages with side outputs, such as the late rows of
// a window. Port i of [Emit] is element i-1 of Sides; port 0 is the main output.
type Sided interface {
	Stage
	// Sides lists the side outputs; valid after Bind.
	Sides() []Side
}

// Side is one side output of a stage.
type Side struct {
	Name   string
	Schema *arrow.Schema
}

// Parallel is implemented by stages that may run as several instances. What
// the instances emit for one tick is put into an order that does not depend on
// their number, as Order says.
type Parallel interface {
	Stage
	// Clone returns an unbound stage with the same configuration.
	Clone() Stage
	// Keys are the input columns by which rows are spread: rows with equal
	// keys meet in the same instance, in their order. No keys means that rows
	// are independent of each other: whole ticks go to the instances in turn,
	// and the stage must remember nothing. A Stateful stage without keys runs
	// as one instance.
	Keys() []string
	// Order are the output columns that order the rows a keyed stage emits in
	// one tick, ascending, nulls first. Rows that are equal in them must come
	// from the same instance, and stay in its order. A single instance emits
	// in that order already.
	Order() []string
}

// Join is an operator with several inputs. In every tick the runtime calls
// Process for all batches of input 0, then of input 1 and so on, then Advance
// once with the least watermark of the inputs.
type Join interface {
	// Bind fixes the schemas of the inputs and returns the output schema.
	Bind(in []*arrow.Schema, env Env) (*arrow.Schema, error)
	// Process consumes b, which arrived on the given input and is borrowed.
	Process(ctx context.Context, input int, b Batch, emit Emit) error
	// Advance is as in [Stage].
	Advance(ctx context.Context, w Watermark, emit Emit) (Watermark, error)
}

// Ending is implemented by joins to which it matters that one of their inputs has
// ended while others go on.
type Ending interface {
	Join
	// Ended tells that nothing follows on the input. It is called for all such
	// inputs in their order, in every tick from the one on in which they end: of
	// an input with rows in the tick after Process, before Advance, and of one
	// without before the rows of the others.
	Ended(ctx context.Context, input int, emit Emit) error
}

// Loading is implemented by joins that want some of their inputs read to their
// end before the others, such as a table that a stream is looked up in.
type Loading interface {
	Join
	// First are those inputs. What they come from is read first if it is bounded
	// and nothing else of the join comes from it.
	First() []int
}

// Finisher is implemented by stages that leave something behind when a run
// ends well, such as a saved model.
type Finisher interface {
	Stage
	// Finish is called once after the last tick, when the input has ended or
	// was drained, and not when the run failed.
	Finish(ctx context.Context) error
}

// Counted is implemented by stages that count more than rows: late rows,
// skipped rows, groups in state. The runtime reads it between ticks.
type Counted interface {
	// Counts returns the counters of the stage so far.
	Counts() Counts
}

// Counts are the counters of one stage.
type Counts struct {
	Late        int64 // rows that came behind the watermark, cumulative
	Lateness    Lateness
	Skipped     int64 // rows left out by a policy (NULL feature, bad value), cumulative
	StateRows   int64 // rows, groups or windows remembered now
	StateBytes  int64 // bytes of what is remembered now
	HeapBytes   int64 // those of them that are not of Env.Allocator; the runtime charges them
	Unwindowed  int64 // rows that belong to no window, cumulative
	RowsUpdated int64 // state rows touched, cumulative
	Spilled     int64 // bytes written to [Env.Spill], cumulative
	// Warning says what is wrong with a stage that goes on all the same, such
	// as a model whose training has diverged; empty if nothing is.
	Warning string
}
