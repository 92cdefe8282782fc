package database

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/remote"
)

// Server is a database as its connector knows it.
type Server interface {
	// Connect opens a connection: one attempt. What it says of itself must not
	// hold the password.
	Connect(ctx context.Context) (Session, error)
	// Judge says what an error means for the work that met it.
	Judge(err error) Trouble
	// Address is host:port/database, for messages.
	Address() string
	// Dialect is how the server wants things written.
	Dialect() *Dialect
}

// Trouble is what an error means.
type Trouble int

const (
	// Refused work stays refused: a wrong statement, a missing permission.
	Refused Trouble = iota
	// Passing trouble may be over when the work is done again from its start: a
	// broken connection, a restart, a deadlock.
	Passing
	// BadValue is a value that its column cannot hold.
	BadValue
)

// Session is a connection, used by one goroutine at a time. Its transactions
// end with it.
type Session interface {
	Writing
	Reading
}

// Conn is what writing and reading have in common.
type Conn interface {
	// Run runs a statement. It returns the first row of the result, NULL as
	// "", nil if there is none, and the number of rows changed.
	Run(ctx context.Context, statement string, args ...any) (row []string, changed int64, err error)
	// Table describes a table or view, nil if it does not exist.
	Table(ctx context.Context, name string) (*Table, error)
	// Close ends the connection, and a transaction that is open.
	Close()
}

// Writing is a connection of a sink.
type Writing interface {
	Conn
	// Load appends rows, rendered in the style of the dialect, to a table whose
	// name is quoted. It stores all of them as they are, or fails.
	Load(ctx context.Context, table string, columns []Column, text []byte, rows int) error
}

// Reading is a connection of a source.
type Reading interface {
	Conn
	// Describe returns the columns of a query without running it.
	Describe(ctx context.Context, query string) ([]Column, error)
	// Query runs a query with these columns. ctx ends it at any time.
	Query(ctx context.Context, query string, columns []Column) (Cursor, error)
}

// Cursor is the result of a query that is being read.
type Cursor interface {
	// Next appends the next row to the columns of into, without committing it.
	// io.EOF ends the result.
	Next(into *cell.Rows) error
	// Close ends the connection, too, unless the result has ended.
	Close()
}

// Table describes a table of a server.
type Table struct {
	Columns []Column
	// Key is the primary key, Unique are all keys that rows can be told by.
	Key    []string
	Unique [][]string
	// NoTransactions names an engine that cannot take changes back.
	NoTransactions string
}

// Column is a column of a table or of a result.
type Column struct {
	Name string
	// SQL is the type as the server calls it.
	SQL string
	// Type is what it is read as, nil if it cannot be read.
	Type arrow.DataType
	// NotNull columns hold no NULL. Filled ones get a value by themselves when
	// a row has none, Generated ones always.
	NotNull, Filled, Generated bool
}

// Dialect is how a server wants things written.
type Dialect struct {
	Kind remote.Kind
	// Quote stands around names.
	Quote string
	// Arg is the placeholder of argument i, from 1.
	Arg func(i int) string
	// Type is the SQL type of a new column, "" if there is none; key says that
	// it belongs to the primary key.
	Type func(t arrow.DataType, key bool) string
	// Options follow the columns of CREATE TABLE.
	Options string
	// EpochText is the type of the names in the table of epochs.
	EpochText string
	// Style renders rows for Load.
	Style Style
	// Stage makes a temporary table that is like the columns of a table.
	Stage func(stage, table, columns string) string
	// Upsert ends INSERT ... SELECT: rows whose key exists replace the others.
	Upsert func(key, rest []string) string
	// Unless ends an INSERT that does nothing if the key exists.
	Unless func(key []string) string
	// Delete removes the rows of a table that match those of the stage.
	Delete func(table, stage, match, where string) string
	// Literal is a text as a constant.
	Literal func(text string) string
}
