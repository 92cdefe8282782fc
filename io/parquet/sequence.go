package parquet

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/files"
)

// sequence is a partition that reads files one after another.
type sequence struct {
	plan  *plan
	files []*fileInfo
	env   arrowstream.SourceEnv

	mu     sync.Mutex // held by Read; Close takes it after stopping the scan
	sieve  *sieve
	scan   *scan
	from   place            // where the scan starts
	behind files.Identities // of the files before, as far as Position has asked
	rows   found
	off    int64 // of these rows handed out
	ranged *rangeFilter
	ended  bool
	err    error

	stopMu  sync.Mutex
	stop    context.CancelFunc // ends a blocked Read
	stopped bool
}

var (
	_ arrowstream.Replayer = (*sequence)(nil)
	_ arrowstream.Lagging  = (*sequence)(nil)
)

func newSequence(p *plan, files []*fileInfo, env arrowstream.SourceEnv) *sequence {
	return &sequence{plan: p, files: files, env: env, sieve: newSieve(p), ranged: newRangeFilter(p)}
}

// Read implements arrowstream.Partition.
func (s *sequence) Read(ctx context.Context) (arrowstream.Batch, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !s.enter(cancel) {
		return nil, errClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		b, err := s.read(ctx)
		if err != nil || s.ranged == nil {
			return b, s.closedErr(err)
		}
		kept, err := s.ranged.apply(s.env.Allocator, b)
		b.Release()
		if err != nil || kept != nil {
			return kept, err
		}
	}
}

// enter notes how to end the Read that begins; false after Close.
func (s *sequence) enter(cancel context.CancelFunc) bool {
	s.stopMu.Lock()
	defer s.stopMu.Unlock()
	s.stop = cancel
	return !s.stopped
}

// closedErr is err, or that the partition was closed if that is why.
func (s *sequence) closedErr(err error) error {
	s.stopMu.Lock()
	defer s.stopMu.Unlock()
	if err != nil && s.stopped {
		return errClosed
	}
	return err
}

// read returns the next rows before the range is applied.
func (s *sequence) read(ctx context.Context) (arrow.Record, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.rows.rec == nil {
		if s.scan == nil {
			s.scan = newScan(s.plan, s.files, s.env)
			s.scan.at, s.scan.sieve = s.from, s.sieve
			s.rows.at = s.from
		}
		rows, err := s.scan.next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				s.err = err
			}
			s.ended = err == io.EOF
			return nil, err
		}
		s.rows, s.off = rows, 0
	}
	rec := s.rows.rec
	n := min(int64(s.scan.batch), rec.NumRows()-s.off)
	b := rec.NewSlice(s.off, s.off+n)
	if s.off += n; s.off == rec.NumRows() {
		s.letGo()
	}
	return b, nil
}

// letGo gives up the rows at hand.
func (s *sequence) letGo() {
	if s.rows.rec != nil {
		s.rows.rec.Release()
		s.rows.rec = nil
	}
}

// next is the place of the row after the last that was returned.
func (s *sequence) next() place {
	if s.ended {
		return place{file: len(s.files)}
	}
	if s.scan == nil {
		return s.from
	}
	p := s.rows.at
	p.row += s.rows.passed(s.off)
	return p
}

// Lag implements arrowstream.Lagging.
func (s *sequence) Lag() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, left := s.next(), int64(0)
	for i, f := range s.files {
		for g, rows := range f.groups {
			switch {
			case i > at.file || i == at.file && g > at.group:
				left += rows
			case i == at.file && g == at.group:
				left += max(0, rows-at.row)
			}
		}
	}
	return left
}

// Close implements io.Closer.
func (s *sequence) Close() error {
	s.stopMu.Lock()
	if s.stop != nil {
		s.stop()
	}
	s.stopped = true
	s.stopMu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letGo()
	s.err = errClosed
	if s.scan == nil {
		return nil
	}
	err := s.scan.close()
	s.scan = nil
	if errors.Is(err, errClosed) {
		return nil
	}
	return err
}
