// Package blackhole is the sink that forgets: it counts rows and, if asked,
// adds up a checksum that does not depend on their order. Floor 4.
package blackhole

import (
	"context"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/rowsum"
)

// Connector is the row of this package in the table of connectors.
var Connector = arrowstream.Connector{
	Name: "blackhole",
	Sink: func(t arrowstream.Table) (arrowstream.Sink, error) {
		s := &Sink{}
		if err := arrowstream.DecodeOptions(t.Options, s); err != nil {
			return nil, err
		}
		return s, nil
	},
	Options: []any{&Sink{}},
}

// Sink counts rows. Its figures may be read while a pipeline runs.
type Sink struct {
	// Checksum asks for the checksum of the rows.
	Checksum bool `option:"checksum"`

	mu   sync.Mutex
	rows int64
	sum  rowsum.Sum
}

var (
	_ arrowstream.Sink     = (*Sink)(nil)
	_ arrowstream.Updating = (*Sink)(nil)
)

// Bind implements [arrowstream.Sink].
func (s *Sink) Bind(*arrow.Schema, arrowstream.Env) error {
	return nil
}

// Write implements [arrowstream.Sink].
func (s *Sink) Write(_ context.Context, b arrowstream.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Checksum {
		err := s.sum.Add(b)
		s.rows = s.sum.Rows
		return err
	}
	s.rows += net(b)
	return nil
}

// net is the number of rows of b less twice those it takes back.
func net(b arrowstream.Batch) int64 {
	rows := b.NumRows()
	if !columnar.Changelog(b.Schema()) {
		return rows
	}
	for _, op := range columnar.Values[int8](b.Column(int(b.NumCols()) - 1)) {
		if c := columnar.Change(op); c == columnar.UpdateBefore || c == columnar.Delete {
			rows -= 2
		}
	}
	return rows
}

// Flush implements [arrowstream.Sink].
func (s *Sink) Flush(context.Context) error { return nil }

// Close implements [arrowstream.Sink].
func (s *Sink) Close() error { return nil }

// Takes implements [arrowstream.Updating].
func (s *Sink) Takes() arrowstream.Delivery { return arrowstream.Changelog }

// Rows is the number of rows; rows that were taken back are subtracted.
func (s *Sink) Rows() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows
}

// Sum is the checksum of the rows so far, 0 if it was not asked for.
func (s *Sink) Sum() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum.Hash
}
