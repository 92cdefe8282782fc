package database

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/cell"
)

// fake is a server that writes down what it is asked, and fails where it is told.
type fake struct {
	dialect  Dialect
	table    *Table
	rows     map[string][]string // answers by a part of the statement
	changed  int64               // by UPDATE
	fail     map[string]error    // by a part of the statement, once
	log      []string
	sessions int
	open     int
}

var (
	errLost = errors.New("connection lost")
	errNo   = errors.New("not allowed")
	errBad  = errors.New("bad value")
)

func newFake(columns ...Column) *fake {
	f := &fake{changed: 1, rows: map[string][]string{}, fail: map[string]error{}, table: &Table{Columns: columns}}
	f.dialect = Dialect{
		Kind: "fake", Quote: `"`, Arg: func(int) string { return "?" }, EpochText: "TEXT",
		Type:    func(t arrow.DataType, _ bool) string { return strings.ToUpper(t.Name()) },
		Style:   Style{Between: "\t", End: "\n", Null: `\N`, Bytes: "0x", True: "t", False: "f", Zone: true, NaN: true},
		Stage:   func(stage, table, columns string) string { return "STAGE " + stage + " " + table + " " + columns },
		Upsert:  func(key, rest []string) string { return fmt.Sprint(" UPSERT ", key, rest) },
		Unless:  func(key []string) string { return fmt.Sprint(" UNLESS ", key) },
		Delete:  func(table, stage, match, where string) string { return "DELETE " + match + " IF " + where },
		Literal: func(text string) string { return "'" + text + "'" },
	}
	return f
}

func (f *fake) Address() string   { return "host:1/db" }
func (f *fake) Dialect() *Dialect { return &f.dialect }

func (f *fake) Judge(err error) Trouble {
	switch {
	case errors.Is(err, errLost):
		return Passing
	case errors.Is(err, errBad):
		return BadValue
	}
	return Refused
}

func (f *fake) Connect(context.Context) (Session, error) {
	if err := f.did("CONNECT"); err != nil {
		return nil, err
	}
	f.sessions++
	f.open++
	return &fakeSession{fake: f}, nil
}

// did notes a statement, and says how it ends.
func (f *fake) did(statement string) error {
	f.log = append(f.log, statement)
	for part, err := range f.fail {
		if strings.Contains(statement, part) {
			delete(f.fail, part)
			return err
		}
	}
	return nil
}

// take returns what was noted since the last call.
func (f *fake) take() string {
	log := strings.Join(f.log, "\n")
	f.log = nil
	return log
}

type fakeSession struct {
	*fake
	closed bool
}

func (s *fakeSession) Close() {
	if !s.closed {
		s.open--
	}
	s.closed = true
}

func (s *fakeSession) Run(_ context.Context, statement string, args ...any) ([]string, int64, error) {
	text := statement
	for _, a := range args {
		text = strings.Replace(text, "?", fmt.Sprint(a), 1)
	}
	if err := s.did(text); err != nil {
		return nil, 0, err
	}
	for part, row := range s.rows {
		if strings.Contains(statement, part) {
			return row, 0, nil
		}
	}
	return nil, s.changed, nil
}

func (s *fakeSession) Table(_ context.Context, name string) (*Table, error) {
	if strings.HasSuffix(name, EpochsTable) {
		return &Table{}, nil
	}
	if s.table.Columns == nil {
		return nil, nil
	}
	return s.table, nil
}

func (s *fakeSession) Load(_ context.Context, table string, columns []Column, text []byte, rows int) error {
	return s.did(fmt.Sprintf("LOAD %s %v %d\n%s", table, columnNames(columns), rows, strings.TrimSuffix(string(text), "\n")))
}

func (s *fakeSession) Describe(context.Context, string) ([]Column, error) {
	return s.table.Columns, nil
}

func (s *fakeSession) Query(_ context.Context, query string, columns []Column) (Cursor, error) {
	if err := s.did(query); err != nil {
		return nil, err
	}
	return &fakeCursor{session: s, columns: columns, query: query}, nil
}

// fakeCursor counts from the constant of the query on, to 5.
type fakeCursor struct {
	session *fakeSession
	columns []Column
	query   string
	n       int64
	ended   bool
}

func (c *fakeCursor) Next(into *cell.Rows) error {
	if c.n == 0 {
		if _, after, found := strings.Cut(c.query, "> ("); found {
			_, _ = fmt.Sscan(after, &c.n)
		}
	}
	c.n++
	if err := c.session.did(fmt.Sprintf("ROW %d", c.n)); err != nil {
		return err
	}
	if c.n > 5 {
		c.ended = true
		return io.EOF
	}
	for i := range c.columns {
		into.Columns[i].AppendInt64(c.n)
	}
	return nil
}

func (c *fakeCursor) Close() {
	if !c.ended {
		c.session.Close()
	}
}

// bound is a writer to a fake, bound to columns.
func bound(t *testing.T, f *fake, columns string, key ...string) *Writer {
	t.Helper()
	schema, err := columnartest.Schema(columns)
	if err != nil {
		t.Fatal(err)
	}
	w := &Writer{Table: "s.t", Key: key, Create: true}
	if err := w.Bind(Client{Server: f}, schema, arrowstream.Env{Allocator: columnartest.Allocator(t)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if f.open != 0 {
			t.Errorf("%d connections are left", f.open)
		}
	})
	return w
}
