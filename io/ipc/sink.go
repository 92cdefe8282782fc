package ipc

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/files"
	"github.com/arrowstream/arrowstream/internal/filetable"
	"github.com/arrowstream/arrowstream/internal/wire"
)

// Sink writes one IPC file or stream, which gets its name when the run has
// succeeded, files in a directory, or a stream to stdout.
type Sink struct {
	// Path of the file, of a directory (it exists or ends in a slash), - for
	// stdout.
	Path string `option:"path,file,location" required:"true"`
	// Layout is file (the default for files) or stream (for stdout and .arrows).
	Layout string `option:"layout"`
	// Compression of the buffers: none (the default), lz4 or zstd.
	Compression string `option:"compression"`
	// RollSize and RollAge are when a file of a directory becomes visible if
	// the job has a state directory: at the first commit after it has so many
	// bytes, by default 128 MiB, or has been invisible for so long, by default
	// 1 minute. Without one, RollSize alone begins a new file; 0 means never.
	RollSize int64         `option:"roll.size"`
	RollAge  time.Duration `option:"roll.age"`

	// Stdio stands for the standard streams.
	Stdio arrowstream.Stdio

	schema *arrow.Schema
	mem    memory.Allocator
	plain  bool // dictionary columns are written as their values
	w      batchWriter
	file   filetable.Result
	test   filetable.Result // fields for tests
}

// batchWriter is what ipc.Writer and ipc.FileWriter have in common.
type batchWriter interface {
	Write(arrow.Record) error
	Close() error
}

var (
	_ arrowstream.Concluder = (*Sink)(nil)
	_ arrowstream.Aborter   = (*Sink)(nil)
	_ arrowstream.Updating  = (*Sink)(nil)
)

func (s *Sink) stream() (bool, error) {
	switch strings.ToLower(s.Layout) {
	case "":
		return s.Path == files.Stdin || files.Extension(s.Path) == ".arrows", nil
	case "stream":
		return true, nil
	case "file":
		return false, nil
	}
	return false, kind.BadOption("option %q is file or stream, not %q", "layout", s.Layout)
}

func (s *Sink) options() ([]ipc.Option, error) {
	opts := []ipc.Option{ipc.WithSchema(s.schema), ipc.WithAllocator(s.mem)}
	switch strings.ToLower(s.Compression) {
	case "", "none":
	case "lz4":
		opts = append(opts, ipc.WithLZ4())
	case "zstd":
		opts = append(opts, ipc.WithZstd())
	default:
		return nil, kind.BadOption("option %q is none, lz4 or zstd, not %q", "compression", s.Compression)
	}
	return opts, nil
}

// Bind implements [arrowstream.Sink]. The dictionaries of a file cannot change
// from batch to batch, so files hold text as text.
func (s *Sink) Bind(in *arrow.Schema, env arrowstream.Env) error {
	stream, err := s.stream()
	if err != nil {
		return err
	}
	s.schema, s.mem = in, env.Allocator
	if !stream {
		fields := append([]arrow.Field(nil), in.Fields()...)
		for i, f := range fields {
			if cell.IsTextDictionary(f.Type) {
				fields[i].Type, s.plain = arrow.BinaryTypes.String, true
			}
		}
		md := in.Metadata()
		s.schema = arrow.NewSchema(fields, &md)
	}
	opts, err := s.options()
	if err != nil {
		return err
	}
	s.file = s.test
	s.file.Kind, s.file.Path, s.file.Stdout, s.file.Sink, s.file.Extension = kind, s.Path, s.Stdio.Out, env.Name, ".arrow"
	s.file.RollSize, s.file.RollAge, s.file.Access = s.RollSize, s.RollAge, env.Access
	if stream {
		s.file.Extension = ".arrows"
	}
	s.file.Begin = func() (err error) {
		if stream {
			s.w = ipc.NewWriter(&s.file, opts...)
			return nil
		}
		s.w, err = ipc.NewFileWriter(newSeekless(&s.file), opts...)
		return err
	}
	s.file.End = func() error { return s.w.Close() }
	s.file.Carry = s.carry
	return nil
}

// Takes implements [arrowstream.Updating]: the change is one more column.
func (s *Sink) Takes() arrowstream.Delivery { return arrowstream.Changelog }

// Write implements [arrowstream.Sink].
func (s *Sink) Write(_ context.Context, b arrowstream.Batch) error {
	if err := s.file.Open(); err != nil {
		return err
	}
	cols := append([]arrow.Array(nil), b.Columns()...)
	for i, c := range cols {
		if s.plain && cell.IsTextDictionary(c.DataType()) {
			p, err := cell.Plain(c, s.mem)
			if err != nil {
				return fmt.Errorf("arrow: column %q: %w", b.ColumnName(i), err)
			}
			defer p.Release()
			cols[i] = p
		}
	}
	rec := array.NewRecord(s.schema, cols, b.NumRows())
	defer rec.Release()
	if err := s.w.Write(rec); err != nil {
		return fmt.Errorf("arrow: write %s: %w", s.Path, err)
	}
	return s.file.Rows(int(b.NumRows()))
}

// carry writes the batches at the beginning of a file again: a file needs to
// know where they stand, and a stream which dictionaries it has.
func (s *Sink) carry(r io.Reader) error {
	msgs, _, err := wire.Messages(r, nil, -1)
	if err != nil {
		return err
	}
	rd, err := wire.NewReader("", msgs, s.mem, wire.Limits{Allocator: s.mem})
	if err != nil {
		return err
	}
	defer rd.Release()
	for {
		rec, err := rd.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		err = s.w.Write(rec)
		rec.Release()
		if err != nil {
			return err
		}
	}
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
