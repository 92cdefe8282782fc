package ipc

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/files"
	"github.com/arrowstream/arrowstream/internal/filetable"
	"github.com/arrowstream/arrowstream/internal/wire"
)

// scanner reads the batches of files. A place is a number of rows: an IPC
// stream has no index, so a file is read again from its start.
type scanner struct {
	schema *arrow.Schema
	mem    memory.Allocator
	limit  int64 // rows of a batch; 0 for no limit

	name  string
	rd    *wire.Reader
	where []int        // columns of the file, nil for all in order
	rest  arrow.Record // what was read and not returned
	skip  int64        // rows of the file to pass over
}

var _ filetable.Scanner = (*scanner)(nil)

// begin reads the schema of an input.
func begin(in *files.Input, mem memory.Allocator) (*wire.Reader, error) {
	var at io.ReaderAt
	if in.File != nil {
		at = in.File
	}
	stream, _, err := wire.Messages(in, at, in.Size)
	if err != nil {
		return nil, &arrowstream.DataError{Source: in.Name, Err: err}
	}
	rd, err := wire.NewReader("", stream, mem, wire.Limits{Allocator: mem})
	if err != nil {
		return nil, &arrowstream.DataError{Source: in.Name, Err: err}
	}
	return rd, nil
}

// Start implements [filetable.Scanner].
func (s *scanner) Start(in *files.Input, at *filetable.Place) (err error) {
	s.drop()
	s.name, s.skip = in.Name, at.Offset
	if s.rd, err = begin(in, s.mem); err != nil {
		return err
	}
	if s.where, err = matching(s.schema, s.rd.Schema()); err != nil {
		return fmt.Errorf("%s: %w", in.Name, err)
	}
	return nil
}

// Scan implements [filetable.Scanner]: it reads a batch when there is no rest.
func (s *scanner) Scan(at *filetable.Place) (more bool, err error) {
	for s.rest == nil {
		rec, err := s.rd.Read()
		if err == io.EOF && s.skip > 0 {
			return false, fmt.Errorf("arrow: %s has %d rows less than the position says", s.name, s.skip)
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, s.wrap(err, at)
		}
		s.take(rec)
	}
	at.Offset += s.next()
	return true, nil
}

// next is how many rows of the rest make the next batch.
func (s *scanner) next() int64 {
	if n := s.rest.NumRows(); s.limit <= 0 || n <= s.limit {
		return n
	}
	return s.limit
}

// wrap names the file of an error of the input; errors of memory stay as they are.
func (s *scanner) wrap(err error, at *filetable.Place) error {
	var limit *columnar.LimitError
	if errors.As(err, &limit) {
		return limit
	}
	return &arrowstream.DataError{Source: s.name, Where: fmt.Sprintf("row %d", at.Offset+1), Err: err}
}

// take makes rec, owned, the rest, less the rows to pass over.
func (s *scanner) take(rec arrow.Record) {
	defer rec.Release()
	from := min(s.skip, rec.NumRows())
	s.skip -= from
	if from == rec.NumRows() {
		return
	}
	cols := rec.Columns()
	if s.where != nil {
		cols = make([]arrow.Array, len(s.where))
		for i, at := range s.where {
			cols[i] = rec.Column(at)
		}
	}
	whole := array.NewRecord(s.schema, cols, rec.NumRows())
	defer whole.Release()
	s.rest = whole.NewSlice(from, rec.NumRows())
}

// Flush implements [filetable.Scanner].
func (s *scanner) Flush() arrowstream.Batch {
	if s.rest == nil {
		return nil
	}
	rec, n := s.rest, s.next()
	s.rest = nil
	if n == rec.NumRows() {
		return rec
	}
	defer rec.Release()
	s.rest = rec.NewSlice(n, rec.NumRows())
	return rec.NewSlice(0, n)
}

// Release implements [filetable.Scanner].
func (s *scanner) Release() {
	s.drop()
	if s.rest != nil {
		s.rest.Release()
		s.rest = nil
	}
}

// drop ends the reader of a file.
func (s *scanner) drop() {
	if s.rd != nil {
		s.rd.Release()
		s.rd = nil
	}
}
