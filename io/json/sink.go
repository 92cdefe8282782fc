package json

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/filetable"
	"github.com/arrowstream/arrowstream/internal/hive"
)

// Sink writes one object per line to one file, which gets its name when the
// run has succeeded, to files in a directory, or to stdout.
type Sink struct {
	// Path of the file, of a directory (it exists or ends in a slash), - for
	// stdout; .gz and .zst compress.
	Path string `option:"path,file,location" required:"true"`
	// RollSize and RollAge are when a file of a directory becomes visible if
	// the job has a state directory: at the first commit after it has so many
	// bytes, by default 128 MiB, or has been invisible for so long, by default
	// 1 minute. Without one, RollSize alone begins a new file; 0 means never.
	RollSize int64         `option:"roll.size"`
	RollAge  time.Duration `option:"roll.age"`
	// Partition are columns that become k=v directories instead of members; Path
	// is then a directory.
	Partition []string `option:"partition"`
	// MaxOpen bounds the k=v directories that are written to at the same time;
	// default 64. Beyond it the one unused for the longest time is finished.
	MaxOpen int `option:"max-open"`
	// Stdio stands for the standard streams.
	Stdio arrowstream.Stdio

	rows *cell.Objects
	file filetable.Result
	keys *hive.Keys       // nil without partitions
	test filetable.Result // fields for tests
}

var (
	_ arrowstream.Concluder = (*Sink)(nil)
	_ arrowstream.Aborter   = (*Sink)(nil)
	_ arrowstream.Updating  = (*Sink)(nil)
)

// Bind implements [arrowstream.Sink].
func (s *Sink) Bind(in *arrow.Schema, env arrowstream.Env) (err error) {
	s.file = s.test
	s.file.Kind, s.file.Path, s.file.Stdout, s.file.Sink, s.file.Extension = kind, s.Path, s.Stdio.Out, env.Name, ".json"
	s.file.RollSize, s.file.RollAge, s.file.Access = s.RollSize, s.RollAge, env.Access
	s.file.MaxOpen = s.MaxOpen
	if s.keys, err = s.file.Fold(in, s.Partition, Connector.Extensions...); err != nil {
		return err
	}
	if s.keys != nil {
		in = s.keys.Files
	}
	if s.rows, err = cell.NewObjects(in); err != nil {
		return kind.BadOption("%v", err)
	}
	return nil
}

// Takes implements [arrowstream.Updating]: the change is one more member.
func (s *Sink) Takes() arrowstream.Delivery { return arrowstream.Changelog }

// Write implements [arrowstream.Sink].
func (s *Sink) Write(_ context.Context, b arrowstream.Batch) error {
	if s.keys != nil {
		return s.spread(b)
	}
	if err := s.rows.Bind(b); err != nil {
		return fmt.Errorf("json: %w", err)
	}
	return s.file.Lines(int(b.NumRows()), s.rows.Append)
}

// spread writes the rows of b to the k=v directories.
func (s *Sink) spread(b arrowstream.Batch) error {
	runs, err := s.keys.Runs(b)
	if err != nil {
		return err
	}
	rest := s.keys.Project(b)
	defer rest.Release()
	if err := s.rows.Bind(rest); err != nil {
		return fmt.Errorf("json: %w", err)
	}
	return s.file.LinesIn(runs, s.rows.Append)
}

// Flush implements [arrowstream.Sink].
func (s *Sink) Flush(context.Context) error { return s.file.Flush() }

// Abort implements [arrowstream.Aborter]: the unfinished file is removed.
func (s *Sink) Abort(error) { s.file.Abort() }

// Close implements [arrowstream.Sink].
func (s *Sink) Close() error { return s.file.Close() }

// Resume implements [arrowstream.Committer].
func (s *Sink) Resume(_ context.Context, job arrowstream.Start, prepared []byte) error {
	return s.file.Resume(job, prepared)
}

// Conclude implements [arrowstream.Concluder].
func (s *Sink) Conclude(_ context.Context, ended bool) error {
	s.file.Conclude(ended)
	return nil
}

// Waiting implements [arrowstream.Concluder].
func (s *Sink) Waiting() bool { return s.file.Waiting() }

// Prepare implements [arrowstream.Committer].
func (s *Sink) Prepare(_ context.Context, e arrowstream.Epoch) ([]byte, error) {
	return s.file.Prepare(e)
}

// Commit implements [arrowstream.Committer].
func (s *Sink) Commit(_ context.Context, e arrowstream.Epoch, prepared []byte) error {
	return s.file.Commit(e, prepared)
}
