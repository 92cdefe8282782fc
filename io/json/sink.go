package json

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/filetable"
)

// Sink writes one object per line to one file, which gets its name when the
// run has succeeded, or to stdout.
type Sink struct {
	// Path of the file, - for stdout; .gz and .zst compress.
	Path string `option:"path,file,location" required:"true"`
	// Stdio stands for the standard streams.
	Stdio arrowstream.Stdio

	rows *cell.Objects
	file filetable.Result
}

var (
	_ arrowstream.Sink     = (*Sink)(nil)
	_ arrowstream.Aborter  = (*Sink)(nil)
	_ arrowstream.Updating = (*Sink)(nil)
)

// Bind implements [arrowstream.Sink].
func (s *Sink) Bind(in *arrow.Schema, _ arrowstream.Env) (err error) {
	if s.rows, err = cell.NewObjects(in); err != nil {
		return kind.BadOption("%v", err)
	}
	s.file = filetable.Result{Kind: kind, Path: s.Path, Stdout: s.Stdio.Out}
	return nil
}

// Takes implements [arrowstream.Updating]: the change is one more member.
func (s *Sink) Takes() arrowstream.Delivery { return arrowstream.Changelog }

// Write implements [arrowstream.Sink].
func (s *Sink) Write(_ context.Context, b arrowstream.Batch) error {
	if err := s.rows.Bind(b); err != nil {
		return fmt.Errorf("json: %w", err)
	}
	return s.file.Lines(int(b.NumRows()), s.rows.Append)
}

// Flush implements [arrowstream.Sink].
func (s *Sink) Flush(context.Context) error { return s.file.Flush() }

// Abort implements [arrowstream.Aborter]: the unfinished file is removed.
func (s *Sink) Abort(error) { s.file.Abort() }

// Close implements [arrowstream.Sink].
func (s *Sink) Close() error { return s.file.Close() }
