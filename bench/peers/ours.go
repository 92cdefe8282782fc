package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/io/parquet"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

// runOurs plans and runs a query over the file as table t and looks at all
// rows of its result.
func runOurs(ctx context.Context, file, query string, workers int) (*Digest, error) {
	script := "CREATE TABLE t (WATERMARK FOR ts AS ts - INTERVAL 1 SECOND) USING parquet OPTIONS (path = '" +
		strings.ReplaceAll(file, "'", "''") + "');\n" + query
	digest := &Digest{}
	return digest, runSQL(ctx, script, parquet.Connector, workers, digest.Add)
}

// runSQL plans and runs a script that reads from one kind of connector, and
// hands the rows of its result to take, block by block.
func runSQL(ctx context.Context, script string, from arrowstream.Connector, workers int, take func(n int, columns []column)) error {
	program, err := sql.Prepare(script, sql.Options{
		Connectors: []arrowstream.Connector{from},
		Pipeline:   arrowstream.Options{Workers: workers},
		Display:    func(string) (arrowstream.Sink, error) { return &columnSink{take: take}, nil },
	})
	if err != nil {
		return errors.New(syntax.Render(err, script))
	}
	_, err = program.Run(ctx)
	return err
}

// columnSink hands on the columns of the rows it is given and keeps none.
type columnSink struct {
	take    func(n int, columns []column)
	columns []column
}

var _ arrowstream.Sink = (*columnSink)(nil)

// Bind implements arrowstream.Sink.
func (s *columnSink) Bind(in *arrow.Schema, _ arrowstream.Env) error {
	for _, f := range in.Fields() {
		switch t := f.Type.(type) {
		case *arrow.Int64Type, *arrow.Float64Type, *arrow.StringType:
		case *arrow.TimestampType:
			if t.Unit != arrow.Microsecond {
				return fmt.Errorf("column %s counts %s, not microseconds", f.Name, t.Unit)
			}
		case *arrow.DictionaryType:
			if t.ValueType.ID() != arrow.STRING {
				return fmt.Errorf("column %s is a dictionary of %s", f.Name, t.ValueType)
			}
		default:
			return fmt.Errorf("column %s has type %s: cast it to BIGINT, DOUBLE, STRING or TIMESTAMP", f.Name, t)
		}
	}
	s.columns = make([]column, in.NumFields())
	return nil
}

// Write implements arrowstream.Sink.
func (s *columnSink) Write(_ context.Context, b arrowstream.Batch) error {
	for j, a := range b.Columns() {
		s.columns[j] = columnOf(a)
	}
	s.take(int(b.NumRows()), s.columns)
	return nil
}

// columnOf views a column of a type that Bind takes.
func columnOf(a arrow.Array) column {
	c := column{valid: columnar.Validity(a)}
	switch a.DataType().ID() {
	case arrow.INT64, arrow.TIMESTAMP:
		c.ints = columnar.Values[int64](a)
	case arrow.FLOAT64:
		c.floats = columnar.Values[float64](a)
	case arrow.DICTIONARY:
		codes, values, _ := columnar.Dictionary(a)
		texts := columnar.StringsOf(values)
		c.text = func(i int) string { return texts.String(int(codes[i])) }
	default:
		texts := columnar.StringsOf(a)
		c.text = texts.String
	}
	return c
}

// Flush implements arrowstream.Sink.
func (s *columnSink) Flush(context.Context) error { return nil }

// Close implements arrowstream.Sink.
func (s *columnSink) Close() error { return nil }
