package ipc

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/files"
	"github.com/arrowstream/arrowstream/internal/filetable"
)

// Source reads IPC files or streams, told apart by their first bytes.
type Source struct {
	// Path is a file, a directory, a pattern, or - for stdin.
	Path string `option:"path,file,location" required:"true"`
	// EventTime names the column that holds the event time; default is the
	// one the schema marks.
	EventTime string `option:"event.time,event-time"`

	// Fields are the declared columns; nil takes those of the first file.
	Fields *arrow.Schema
	// Stdio stands for the standard streams.
	Stdio arrowstream.Stdio
	// Access is what may be reached.
	Access *arrowstream.Access

	set    *filetable.Set
	schema *arrow.Schema
}

var _ arrowstream.Source = (*Source)(nil)

// Schema implements [arrowstream.Source]. It reads the schema of the first file.
func (s *Source) Schema() (*arrow.Schema, error) {
	if s.schema != nil {
		return s.schema, nil
	}
	set, err := kind.Find(s.Access, s.Path, s.Stdio.In, Connector.Extensions...)
	if err != nil {
		return nil, err
	}
	schema := s.Fields
	if schema == nil {
		err := set.Each(func(in *files.Input) (bool, error) {
			rd, err := begin(in, memory.NewGoAllocator())
			if err == nil {
				schema = rd.Schema()
				rd.Release()
			}
			return true, err
		})
		if err != nil {
			return nil, err
		}
	}
	if schema, err = kind.EventTime(schema, s.EventTime); err != nil {
		return nil, err
	}
	s.set, s.schema = set, schema
	return schema, nil
}

// Bounded implements [arrowstream.Source]: files end, stdin may be live.
func (s *Source) Bounded() bool { return s.Path != files.Stdin }

// Delivers implements [arrowstream.Guaranteed].
func (s *Source) Delivers() (arrowstream.Guarantee, string) {
	if s.Path == files.Stdin {
		return arrowstream.AtMostOnce, "standard input cannot be read again"
	}
	return arrowstream.ExactlyOnce, "files are read again from a row on"
}

// Open implements [arrowstream.Source]: the files are one partition, in order.
func (s *Source) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	schema, err := s.Schema()
	if err != nil {
		return nil, err
	}
	return []arrowstream.Partition{filetable.NewPartition(s.set, &scanner{schema: schema, mem: env.Allocator, limit: int64(env.BatchRows)})}, nil
}
