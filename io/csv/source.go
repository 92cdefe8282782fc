package csv

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/files"
	"github.com/arrowstream/arrowstream/internal/filetable"
)

var _ arrowstream.Pruning = (*Source)(nil)

// known is what is found out about a source once.
type known struct {
	set    *filetable.Set
	schema *arrow.Schema
	header bool
	filetable.Partitioned
}

// Schema implements [arrowstream.Source]. It reads a sample of the first file
// if the columns are not declared or the header is to be found out.
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
	d, err := s.dialect()
	if err != nil {
		return nil, err
	}
	k := &known{schema: s.Fields, header: strings.EqualFold(s.Header, "true")}
	if k.set, err = kind.Find(s.Access, s.Path, s.Stdio.In, Connector.Extensions...); err != nil {
		return nil, err
	}
	auto := s.Header == "" || strings.EqualFold(s.Header, "auto")
	if s.Fields == nil || auto {
		lines := 1
		if s.Fields == nil {
			lines = 2 // a header tells no types
		}
		err := k.set.Sample(lines, func(name string, data []byte, eof bool) (bool, error) {
			return s.sample(d, k, auto, name, data, eof)
		})
		if err != nil {
			return nil, err
		}
	}
	if k.schema == nil {
		return nil, kind.NoColumns(s.Path, "the input is empty")
	}
	k.schema, k.Partitioned = k.set.FolderColumns(k.schema, s.Fields != nil, s.Partition, s.Hive)
	if k.schema, err = kind.EventTime(k.schema, s.EventTime); err != nil {
		return nil, err
	}
	s.known = k
	return k, nil
}

// sample infers the columns from the beginning of a file; found says that
// there was a row.
func (s *Source) sample(d *dialect, k *known, auto bool, name string, data []byte, eof bool) (found bool, err error) {
	var guesses []cell.Guess
	var names []string
	limit := s.SampleRows
	if limit <= 0 {
		limit = 10000
	}
	var r record
	var scratch []byte
	for line, rows := 1, 0; len(data) > 0 && rows < limit; line += r.lines {
		n, err := d.scan(data, eof, &r)
		if err == filetable.ErrMore && names == nil && guesses == nil {
			// A first row without an end yet: take it as it is.
			n, err = d.scan(data, true, &r)
		}
		if err == filetable.ErrMore {
			break
		}
		if err != nil {
			if found {
				break // reading will report it, or skip it
			}
			return false, &arrowstream.DataError{Source: name, Where: fmt.Sprintf("line %d", line), Err: err}
		}
		row := data[:n]
		data = data[n:]
		if r.blank {
			continue
		}
		if !found {
			found = true
			if auto {
				k.header = d.isHeader(row, &r, s.Fields)
			}
			if s.Fields != nil {
				return true, nil
			}
			guesses = make([]cell.Guess, len(r.fields))
			if k.header {
				names = d.names(row, &r)
				continue
			}
		}
		if len(r.fields) != len(guesses) {
			continue // reading will report it, or skip it
		}
		rows++
		for i, f := range r.fields {
			if v := row[f.start:f.end]; !f.quoted && (len(v) == 0 || d.null(v)) {
				continue
			}
			guesses[i].Add(d.value(row, f, &scratch))
		}
	}
	if !found {
		return false, nil
	}
	fields := make([]arrow.Field, len(guesses))
	for i := range guesses {
		fields[i] = arrow.Field{Name: fmt.Sprintf("column%d", i+1), Type: guesses[i].Type(), Nullable: true}
		if names != nil {
			fields[i].Name = names[i]
		}
	}
	k.schema = arrow.NewSchema(fields, nil)
	return true, nil
}

// isHeader decides about a first row: with declared columns, whether it names
// one of them.
func (d *dialect) isHeader(row []byte, r *record, declared *arrow.Schema) bool {
	if declared == nil {
		return d.looksLikeHeader(row, r)
	}
	for _, name := range d.names(row, r) {
		for _, f := range declared.Fields() {
			if strings.EqualFold(name, f.Name) {
				return true
			}
		}
	}
	return false
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
	d, err := s.dialect()
	if err != nil {
		return nil, err
	}
	dec, err := newDecoder(d, k.schema, k.Partitioned, env.Allocator)
	if err != nil {
		return nil, err
	}
	p := &parser{dec: dec, header: k.header}
	text := filetable.NewText(kind, dec.rows, p, env, s.OnBadRow)
	text.Folders(k.Partitioned)
	return []arrowstream.Partition{filetable.NewPartition(k.Prune(k.set, s.Predicates), text)}, nil
}
