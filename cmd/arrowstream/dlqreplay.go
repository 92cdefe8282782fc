package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/spf13/cobra"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/io/csv"
	"github.com/arrowstream/arrowstream/io/json"
)

func newDLQReplay(stdio arrowstream.Stdio) *cobra.Command {
	j := &job{stdio: stdio}
	var l letters
	var table string
	cmd := &cobra.Command{
		Use:   "replay FILE.sql --table T --from FILES",
		Short: "Run a script with the dead letters of a table in the place of its rows",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case table == "" || l.path == "":
				return usageError{errors.New("say which rows: --table T --from FILES")}
			case j.state.Path != "":
				return usageError{errors.New("--state: dead letters have no positions to go on from; a replay keeps no state")}
			}
			list, err := l.read(cmd.Context(), stdio)
			if err != nil {
				return err
			}
			found := false
			j.source = func(connector string, t arrowstream.Table, src arrowstream.Source) (arrowstream.Source, error) {
				if !strings.EqualFold(t.Name, table) {
					return src, nil
				}
				found = true
				return newLetterSource(connector, t, src, list)
			}
			j.planned = func() error {
				if !found {
					return usageError{fmt.Errorf("--table %q: the script reads no such table", table)}
				}
				return nil
			}
			return j.run(cmd.Context(), args)
		},
	}
	j.flags(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&table, "table", "", "the table whose rows the dead letters were")
	f.StringVar(&l.path, "from", "", "files of dead letters, quoted if it is a pattern")
	f.StringVar(&l.code, "code", "", "only those with this error code")
	f.StringVar(&l.column, "column", "", "only those of this column")
	return cmd
}

// letter is one dead letter: a row as it came, or as the object it was
// decoded to.
type letter struct {
	source, position string
	raw              []byte
}

// decoded reports whether the row was decoded before it failed.
func (l letter) decoded() bool { return strings.HasPrefix(l.source, "table ") }

// read returns the letters in order. They are held in memory.
func (l letters) read(ctx context.Context, stdio arrowstream.Stdio) ([]letter, error) {
	table, err := l.table()
	if err != nil {
		return nil, err
	}
	got := &letterSink{}
	j := &job{
		stdio: stdio, quiet: true, display: func(string) (arrowstream.Sink, error) { return got, nil },
		text: table + "SELECT source, \"position\", raw FROM letters WHERE " + l.where(),
	}
	err = j.run(ctx, nil)
	return got.list, err
}

// letterSink collects letters.
type letterSink struct{ list []letter }

// Bind implements [arrowstream.Sink].
func (s *letterSink) Bind(*arrow.Schema, arrowstream.Env) error { return nil }

// Write implements [arrowstream.Sink].
func (s *letterSink) Write(_ context.Context, b arrowstream.Batch) error {
	source, position, raw := b.Column(0).(*array.String), b.Column(1).(*array.String), b.Column(2).(*array.Binary)
	for i := range int(b.NumRows()) {
		s.list = append(s.list, letter{strings.Clone(source.Value(i)), strings.Clone(position.Value(i)), append([]byte(nil), raw.Value(i)...)})
	}
	return nil
}

// Flush implements [arrowstream.Sink].
func (s *letterSink) Flush(context.Context) error { return nil }

// Close implements [arrowstream.Sink].
func (s *letterSink) Close() error { return nil }

// letterSource reads letters as the rows of a table.
type letterSource struct {
	// OnError is what the table says about rows that still cannot be decoded.
	OnError arrowstream.BadRow

	schema *arrow.Schema
	format arrowstream.Format // of the bytes; nil if the table has none
	list   []letter
}

// newLetterSource is a source of the columns of src. The letters are of the
// format of the table: that of its messages or lines, without a header.
func newLetterSource(connector string, t arrowstream.Table, src arrowstream.Source, list []letter) (arrowstream.Source, error) {
	schema, err := src.Schema()
	if err != nil {
		return nil, err
	}
	s := &letterSource{schema: schema, format: t.Format, list: list}
	switch connector {
	case "csv":
		lines := csv.Lines{}
		err = t.Decode(&lines, csv.Connector.Options...)
		s.format = lines
	case "json":
		lines := json.Lines{}
		err = t.Decode(&lines, json.Connector.Options...)
		s.format = lines
	}
	return s, err
}

// Schema implements [arrowstream.Source].
func (s *letterSource) Schema() (*arrow.Schema, error) { return s.schema, nil }

// Bounded implements [arrowstream.Source].
func (s *letterSource) Bounded() bool { return true }

// Open implements [arrowstream.Source].
func (s *letterSource) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	p := &letterPartition{letterSource: s, env: env, rejects: env.Rejects(s.OnError)}
	return []arrowstream.Partition{p}, nil
}

type letterPartition struct {
	*letterSource
	env     arrowstream.SourceEnv
	rejects *arrowstream.Rejects
	next    int
}

// Rejects implements [arrowstream.Rejecting].
func (p *letterPartition) Rejects() *arrowstream.Rejects { return p.rejects }

// Read implements [arrowstream.Partition]: letters of one kind at a time.
func (p *letterPartition) Read(context.Context) (arrowstream.Batch, error) {
	if p.next == len(p.list) {
		return nil, io.EOF
	}
	kind, format := p.list[p.next].decoded(), p.format
	if kind {
		format = json.Format
	}
	if format == nil {
		return nil, fmt.Errorf("dlq: %s: %s is no line or message of a format that can be read alone", p.env.Name, p.list[p.next].source)
	}
	d, err := format.NewDecoder(p.schema, columnar.Pool)
	if err != nil {
		return nil, err
	}
	defer d.Release()
	for p.next < len(p.list) && d.Rows() < p.env.BatchRows && !p.rejects.Full() && p.list[p.next].decoded() == kind {
		l := p.list[p.next]
		p.next++
		var bad *arrowstream.DataError
		switch err := d.Append(l.raw); {
		case err == nil:
		case errors.As(err, &bad):
			bad.Source, bad.Where = l.source, l.position
			if !p.rejects.Add(d.Rows(), l.raw, bad) {
				return nil, bad
			}
		default:
			return nil, err
		}
	}
	return d.Flush()
}

// Close implements [arrowstream.Partition].
func (p *letterPartition) Close() error { return nil }
