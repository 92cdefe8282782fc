// Package console prints rows for people: tables on a terminal, JSON lines
// where nobody looks, or CSV. Floor 4.
package console

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/terminal"
)

// Connector is the row of this package in the table of connectors.
var Connector = arrowstream.Connector{
	Name:    "console",
	Aliases: []string{"print", "stdout"},
	Sink: func(t arrowstream.Table) (arrowstream.Sink, error) {
		s := &Sink{Stdio: t.Stdio}
		if err := arrowstream.DecodeOptions(t.Options, s); err != nil {
			return nil, err
		}
		if s.Layout == "" && t.Format != nil {
			s.Layout = t.Format.Name()
		}
		return s, nil
	},
	Options: []any{&Sink{}},
}

// Sink prints what it is given at every Flush.
type Sink struct {
	// Layout is table, csv, json (one object per line) or auto, the default:
	// table on a terminal, json elsewhere.
	Layout string `option:"layout,style,format"`
	// Title is a line above each table.
	Title string `option:"title,name"`
	// MaxRows is how many rows of a table are shown; default 40, negative all.
	MaxRows int `option:"max.rows"`
	// Width of a table in cells; default that of the terminal, without one
	// as wide as need be.
	Width int `option:"width"`

	// Stdio stands for the standard streams.
	Stdio arrowstream.Stdio

	schema *arrow.Schema
	out    *bufio.Writer
	layout string
	table  *table
	rows   *cell.Objects
	header bool
	buf    []byte

	aborted bool
}

var (
	_ arrowstream.Sink     = (*Sink)(nil)
	_ arrowstream.Updating = (*Sink)(nil)
)

// Bind implements [arrowstream.Sink].
func (s *Sink) Bind(in *arrow.Schema, _ arrowstream.Env) error {
	s.layout = strings.ToLower(s.Layout)
	switch s.layout {
	case "table", "csv", "json":
	case "jsonl":
		s.layout = "json"
	case "", "auto":
		s.layout = "json"
		if s.Stdio.Width > 0 {
			s.layout = "table"
		}
	default:
		return &arrowstream.Error{Code: "AS2140", Msg: fmt.Sprintf("console: unknown layout %q", s.Layout), Hint: arrowstream.Suggest(s.Layout, []string{"auto", "csv", "json", "table"}, "layouts")}
	}
	var err error
	if s.rows, err = cell.NewObjects(in); err != nil {
		return &arrowstream.Error{Code: "AS2140", Msg: "console: " + err.Error()}
	}
	s.schema = in
	out := s.Stdio.Out
	if out == nil {
		out = os.Stdout
	}
	s.out = bufio.NewWriterSize(out, 64<<10)
	width, limit := s.Width, s.MaxRows
	if width <= 0 {
		width = s.Stdio.Width
	}
	if limit == 0 {
		limit = 40
	}
	s.table = newTable(in, width, limit)
	return nil
}

// Takes implements [arrowstream.Updating].
func (s *Sink) Takes() arrowstream.Delivery { return arrowstream.Changelog }

// Write implements [arrowstream.Sink].
func (s *Sink) Write(_ context.Context, b arrowstream.Batch) error {
	switch s.layout {
	case "table":
		return wrap(s.table.add(b))
	case "csv":
		return wrap(s.csv(b))
	}
	if err := s.rows.Bind(b); err != nil {
		return wrap(err)
	}
	for i := range int(b.NumRows()) {
		s.buf = append(s.rows.Append(s.buf[:0], i), '\n')
		if _, err := s.out.Write(s.buf); err != nil {
			return wrap(err)
		}
	}
	return nil
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// csv prints the rows of b, after the header if it is the first batch.
func (s *Sink) csv(b arrowstream.Batch) error {
	c, err := newCells(b)
	if err != nil {
		return err
	}
	buf := s.buf[:0]
	if !s.header {
		s.header = true
		for j, name := range columnar.Names(s.schema) {
			buf = quote(buf, j, []byte(name))
		}
		buf = append(buf, '\n')
	}
	var text []byte
	for i := range int(b.NumRows()) {
		for j := range c.views {
			if text = text[:0]; !c.null(j, i) {
				text = c.append(text, j, i)
				if s.Stdio.Width > 0 {
					text = append(text[:0], terminal.Clean(text, true)...)
				}
			} else if j > 0 {
				buf = append(buf, ',')
				continue
			} else {
				continue
			}
			buf = quote(buf, j, text)
		}
		buf = append(buf, '\n')
	}
	s.buf = buf
	_, err = s.out.Write(buf)
	return err
}

// quote appends a CSV field.
func quote(to []byte, j int, v []byte) []byte {
	if j > 0 {
		to = append(to, ',')
	}
	if len(v) > 0 && !strings.ContainsAny(string(v), ",\"\r\n") {
		return append(to, v...)
	}
	to = append(to, '"')
	for _, c := range v {
		if c == '"' {
			to = append(to, '"')
		}
		to = append(to, c)
	}
	return append(to, '"')
}

// Flush implements [arrowstream.Sink].
func (s *Sink) Flush(context.Context) error { return wrap(s.flush()) }

func (s *Sink) flush() error {
	if s.layout == "table" && s.table.count > 0 {
		if s.Title != "" {
			fmt.Fprintf(s.out, "%s\n", terminal.Clean([]byte(s.Title), false))
		}
		if _, err := s.out.Write(s.table.render()); err != nil {
			return err
		}
	}
	return s.out.Flush()
}

// Abort implements [arrowstream.Aborter]: no empty table is printed for a
// result that did not come.
func (s *Sink) Abort(error) { s.aborted = true }

// Close implements [arrowstream.Sink]. A run without rows prints the columns.
func (s *Sink) Close() error {
	if s.out == nil {
		return nil
	}
	if s.layout == "table" && !s.table.printed && s.table.count == 0 && !s.aborted {
		if _, err := s.out.Write(s.table.render()); err != nil {
			return wrap(err)
		}
	}
	return wrap(s.flush())
}
