package json

import (
	"bytes"
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/files"
	"github.com/arrowstream/arrowstream/internal/filetable"
	"github.com/arrowstream/arrowstream/internal/jsontext"
)

// Source reads objects, one per line, from files or stdin.
type Source struct {
	// Path is a file, a directory, a pattern, or - for stdin.
	Path string `option:"path,file,location" required:"true"`
	// Duplicates and Epoch are as in [Lines].
	Duplicates string `option:"duplicate.keys"`
	Epoch      string `option:"timestamp.epoch"`
	// OnBadRow is fail (the default) or skip, for lines that cannot be read.
	OnBadRow arrowstream.BadRow `option:"on.error,on-error,on_error"`
	// EventTime names the column that holds the event time.
	EventTime string `option:"event.time,event-time"`
	// SampleRows is how many lines the columns are inferred from, at most
	// 1 MiB; default 10,000.
	SampleRows int `option:"sample.rows"`
	// Hive adds the k=v directories of the paths as columns.
	Hive bool `option:"hive,hive_partitioning"`

	// Partition are columns that k=v directories give, with or without Hive.
	Partition []string
	// Predicates on such columns leave out the files of directories in which
	// no row satisfies them.
	Predicates []arrowstream.Predicate
	// Fields are the declared columns; nil infers them.
	Fields *arrow.Schema
	// Stdio stands for the standard streams.
	Stdio arrowstream.Stdio
	// Access is what may be reached.
	Access *arrowstream.Access

	known *known
}

var _ arrowstream.Pruning = (*Source)(nil)

// known is what is found out about a source once.
type known struct {
	set    *filetable.Set
	schema *arrow.Schema
	filetable.Partitioned
}

// Schema implements [arrowstream.Source]. It reads a sample of the first file
// that is not empty if the columns are not declared.
func (s *Source) Schema() (*arrow.Schema, error) {
	k, err := s.learn()
	if err != nil {
		return nil, err
	}
	return k.schema, nil
}

func (s *Source) learn() (*known, error) {
	if s.known != nil {
		return s.known, nil
	}
	if _, err := options(s.Duplicates, s.Epoch); err != nil {
		return nil, err
	}
	set, err := kind.Find(s.Access, s.Path, s.Stdio.In, Connector.Extensions...)
	if err != nil {
		return nil, err
	}
	k := &known{set: set, schema: s.Fields}
	if k.schema == nil {
		err := k.set.Sample(1, func(name string, text []byte, eof bool) (bool, error) {
			var err error
			k.schema, err = s.sample(name, text, eof)
			return k.schema != nil, err
		})
		if err != nil {
			return nil, err
		}
	}
	if k.schema == nil {
		return nil, kind.NoColumns(s.Path, "there is no object to infer them from")
	}
	k.schema, k.Partitioned = k.set.FolderColumns(k.schema, s.Fields != nil, s.Partition, s.Hive)
	if k.schema, err = kind.EventTime(k.schema, s.EventTime); err != nil {
		return nil, err
	}
	s.known = k
	return k, nil
}

// sample infers from the first lines of a file; nil if they hold no columns.
func (s *Source) sample(name string, data []byte, eof bool) (*arrow.Schema, error) {
	limit := s.SampleRows
	if limit <= 0 {
		limit = 10000
	}
	var g jsontext.Guess
	objects := 0
	var first error
	for line := 1; len(data) > 0 && objects < limit; line++ {
		text, rest, ended := bytes.Cut(data, []byte{'\n'})
		if !ended && !eof {
			if objects > 0 {
				break
			}
			return nil, kind.NoColumns(name, "the first line is too long")
		}
		data = rest
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		if err := g.Add(text); err == nil {
			objects++
		} else if first == nil {
			bad := describe(text, err)
			bad.Source, bad.Where = name, fmt.Sprintf("line %d", line)
			first = bad
		}
	}
	if objects == 0 && first != nil {
		return nil, &arrowstream.Error{
			Code: kind.Input, Msg: "json: no columns", Err: first,
			Hint: "each line must hold one object; jq -c '.[]' makes that of an array, jq -c . of objects over several lines",
		}
	}
	schema := g.Schema()
	if schema.NumFields() == 0 {
		return nil, nil
	}
	return schema, nil
}

// Prunes implements [arrowstream.Pruning].
func (s *Source) Prunes(column string) bool { return s.known != nil && s.known.Prunes(column) }

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
	k, err := s.learn()
	if err != nil {
		return nil, err
	}
	opts, err := options(s.Duplicates, s.Epoch)
	if err != nil {
		return nil, err
	}
	rows, err := cell.NewRows(k.schema, env.Allocator)
	if err != nil {
		return nil, kind.BadOption("%v", err)
	}
	p := &parser{dec: jsontext.NewDecoder(opts), rows: rows}
	text := filetable.NewText(kind, rows, p, env, s.OnBadRow)
	text.Folders(k.Partitioned)
	return []arrowstream.Partition{filetable.NewPartition(k.Prune(k.set, s.Predicates), text)}, nil
}
