package csv

import (
	"context"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/filetable"
	"github.com/arrowstream/arrowstream/internal/hive"
)

// Sink writes one file, which gets its name when the run has succeeded, files
// in a directory, or stdout. A run without rows gives the header alone.
type Sink struct {
	// Path of the file, of a directory (it exists or ends in a slash), - for
	// stdout; .gz and .zst compress.
	Path string `option:"path,file,location" required:"true"`
	// Header says whether the first line names the columns: true, the
	// default, or false; auto, which is for reading, means true.
	Header string `option:"header"`
	// Delimiter, Quote and Escape are as in [Source].
	Delimiter string `option:"delimiter,sep,separator,field-delimiter"`
	Quote     string `option:"quote,quote-character"`
	Escape    string `option:"escape,escape-character"`
	// Null is the text for NULL; default nothing. Empty texts are quoted.
	Null string `option:"null,null-literal"`
	// EscapeFormulas puts an apostrophe in front of texts that a spreadsheet
	// would run.
	EscapeFormulas bool `option:"escape.formulas"`
	// RollSize and RollAge are when a file of a directory becomes visible if
	// the job has a state directory: at the first commit after it has so many
	// bytes, by default 128 MiB, or has been invisible for so long, by default
	// 1 minute. Without one, RollSize alone begins a new file; 0 means never.
	RollSize int64         `option:"roll.size"`
	RollAge  time.Duration `option:"roll.age"`
	// Partition are columns that become k=v directories instead of columns; Path
	// is then a directory.
	Partition []string `option:"partition"`
	// MaxOpen bounds the k=v directories that are written to at the same time;
	// default 64. Beyond it the one unused for the longest time is finished.
	MaxOpen int `option:"max-open"`

	// Stdio stands for the standard streams.
	Stdio arrowstream.Stdio

	w    writer
	file filetable.Result
	keys *hive.Keys       // nil without partitions
	test filetable.Result // fields for tests
}

var (
	_ arrowstream.Concluder = (*Sink)(nil)
	_ arrowstream.Aborter   = (*Sink)(nil)
)

// Bind implements [arrowstream.Sink].
func (s *Sink) Bind(in *arrow.Schema, env arrowstream.Env) error {
	d, err := newDialect(s.Path, s.Delimiter, s.Quote, s.Escape, "")
	if err != nil {
		return err
	}
	switch strings.ToLower(s.Header) {
	case "", "true", "false", "auto":
	default:
		return kind.BadOption("option %q is true or false, not %q", "header", s.Header)
	}
	s.w = writer{dialect: d, null: s.Null, formulas: s.EscapeFormulas}
	s.file = s.test
	s.file.Kind, s.file.Path, s.file.Stdout, s.file.Sink, s.file.Extension = kind, s.Path, s.Stdio.Out, env.Name, ".csv"
	s.file.RollSize, s.file.RollAge, s.file.Access = s.RollSize, s.RollAge, env.Access
	s.file.MaxOpen = s.MaxOpen
	if s.keys, err = s.file.Fold(in, s.Partition, Connector.Extensions...); err != nil {
		return err
	}
	if s.keys != nil {
		in = s.keys.Files
	}
	if !strings.EqualFold(s.Header, "false") {
		s.file.Begin = func() error {
			_, err := s.file.Write(append(s.w.header(nil, in), '\n'))
			return err
		}
	}
	return writable(in)
}

// Write implements [arrowstream.Sink].
func (s *Sink) Write(_ context.Context, b arrowstream.Batch) error {
	if s.keys != nil {
		return s.spread(b)
	}
	if err := s.w.bind(b); err != nil {
		return err
	}
	return s.file.Lines(int(b.NumRows()), s.w.row)
}

// spread writes the rows of b to the k=v directories.
func (s *Sink) spread(b arrowstream.Batch) error {
	runs, err := s.keys.Runs(b)
	if err != nil {
		return err
	}
	rest := s.keys.Project(b)
	defer rest.Release()
	if err := s.w.bind(rest); err != nil {
		return err
	}
	return s.file.LinesIn(runs, s.w.row)
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
