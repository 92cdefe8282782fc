package arrowstream

import (
	"context"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
)

// Sink is a place rows go to. A value serves one run: Bind, then Write and
// Flush from one goroutine at a time, then Close.
type Sink interface {
	// Bind fixes the schema and checks it and the options. Nothing is created
	// before the first Write or Flush.
	Bind(in *arrow.Schema, env Env) error
	// Write takes b, which is borrowed.
	Write(ctx context.Context, b Batch) error
	// Flush makes what was written so far visible to readers as far as the
	// sink can without hurting: a console prints, a producer waits for its
	// answers, a file goes on. The runtime calls it at the end of every tick
	// in which it wrote.
	Flush(ctx context.Context) error
	// Close finishes: whatever was written becomes visible, files get their
	// final names. After an error of the run the context of the last calls is
	// cancelled and Abort, if there is one, is called before Close.
	io.Closer
}

// Aborter is implemented by sinks that must not publish the unfinished rest of
// a run that failed: a half-written file is removed.
type Aborter interface {
	Abort(cause error)
}

// Delivery says which rows a sink can take.
type Delivery int

const (
	// AppendOnly sinks take rows that are never taken back.
	AppendOnly Delivery = iota
	// Upsert sinks take updates by key.
	Upsert
	// Changelog sinks take every kind of change, with the __op column.
	Changelog
)

// Updating is implemented by sinks that take more than appended rows.
type Updating interface {
	// Takes is the kind of changelog the sink can take.
	Takes() Delivery
}
