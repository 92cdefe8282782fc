package memory

import (
	"context"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// Sink keeps every batch it is given. Its methods may be called while a
// pipeline runs.
type Sink struct {
	// OnWrite, if set, is called with every batch, borrowed, after it was kept.
	OnWrite func(b arrowstream.Batch)

	mu      sync.Mutex
	schema  *arrow.Schema
	batches []arrowstream.Batch
	rows    int64
	flushes int
	closed  bool
	cause   error
}

var (
	_ arrowstream.Sink     = (*Sink)(nil)
	_ arrowstream.Aborter  = (*Sink)(nil)
	_ arrowstream.Updating = (*Sink)(nil)
)

// Bind implements [arrowstream.Sink].
func (s *Sink) Bind(in *arrow.Schema, _ arrowstream.Env) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.schema = in
	return nil
}

// Write implements [arrowstream.Sink].
func (s *Sink) Write(_ context.Context, b arrowstream.Batch) error {
	b.Retain()
	s.mu.Lock()
	s.batches = append(s.batches, b)
	s.rows += b.NumRows()
	s.mu.Unlock()
	if s.OnWrite != nil {
		s.OnWrite(b)
	}
	return nil
}

// Flush implements [arrowstream.Sink].
func (s *Sink) Flush(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushes++
	return nil
}

// Close implements [arrowstream.Sink]; what was kept stays.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// Abort implements [arrowstream.Aborter].
func (s *Sink) Abort(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cause = cause
}

// Takes implements [arrowstream.Updating].
func (s *Sink) Takes() arrowstream.Delivery { return arrowstream.Changelog }

// Schema is the schema of the rows; nil before Bind.
func (s *Sink) Schema() *arrow.Schema {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.schema
}

// Rows is the number of rows so far.
func (s *Sink) Rows() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows
}

// Batches are the batches so far, borrowed until Release.
func (s *Sink) Batches() []arrowstream.Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]arrowstream.Batch(nil), s.batches...)
}

// Flushes is how often Flush was called.
func (s *Sink) Flushes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flushes
}

// Closed reports whether Close was called.
func (s *Sink) Closed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Aborted is the error that Abort was called with, or nil.
func (s *Sink) Aborted() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// Release frees the batches.
func (s *Sink) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.batches {
		b.Release()
	}
	s.batches = nil
}
