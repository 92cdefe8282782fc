package arrowstream

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"
)

// Logged is a stage whose state may come to be more than memory holds, so that
// no snapshot of it can be asked for: from then on what it remembers is a log,
// and an epoch adds to it what has come since the one before, until it begins
// anew. All of it is read when the job starts again.
type Logged interface {
	Incremental
	// Logs reports whether the stage keeps a log from now on, for good: it is
	// asked for Log then, and not for Snapshot or Delta.
	Logs() bool
	// Renews reports whether the next Log is all of the state, in place of what
	// the store has.
	Renews() bool
	// Log returns what has come to the log since the last Snapshot, Delta, Log
	// or Apply; the caller releases both. Restored, the state is a delta, and
	// then every batch of the log, in order of the names, is one with the name.
	Log(ctx context.Context) (State, Log, error)
}

// Log is what is added to a log, as named sequences of batches.
type Log map[string]Pieces

// Release releases all of l.
func (l Log) Release() {
	for _, p := range l {
		p.Release()
	}
}

// Pieces are batches that need not be in memory together. They do not change
// until they are released, whatever the stage does, and are read and released by
// another goroutine than that of the stage.
type Pieces interface {
	Schema() *arrow.Schema
	// Bytes is about how much they are.
	Bytes() int64
	// Each calls yield with every batch, borrowed, and ends with its error.
	Each(yield func(b Batch) error) error
	Release()
}
