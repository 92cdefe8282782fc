package arrowstream

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Format turns bytes into rows and back: JSON, CSV, Arrow IPC. Connectors that
// carry bytes (Kafka, sockets) are given one and know none by name.
type Format interface {
	// Name is the name in SQL options: "json", "csv", "arrow".
	Name() string
	// NewDecoder returns a decoder of values into rows of schema.
	NewDecoder(schema *arrow.Schema, mem memory.Allocator) (Decoder, error)
	// NewEncoder returns an encoder of rows of schema.
	NewEncoder(schema *arrow.Schema) (Encoder, error)
}

// Decoder collects values into a batch. It is used by one goroutine.
type Decoder interface {
	// Append decodes one value: a message or a line without its end. A value
	// that cannot be decoded is a *DataError; the rows collected before it
	// stay as they were and decoding may go on with the next value. value is
	// not kept.
	Append(value []byte) error
	// Rows is the number of rows collected.
	Rows() int
	// Flush returns the collected rows as an owned batch, or nil if there are
	// none, and starts anew.
	Flush() (Batch, error)
	// Release frees what has been collected; the decoder is not used again.
	Release()
}

// Encoder renders rows.
type Encoder interface {
	// Encode calls yield for each value of b in order, until it returns an
	// error: one value per row for row formats, one per batch for Arrow IPC,
	// in which case row is the first row of b. value is valid during the call.
	Encode(b Batch, yield func(row int, value []byte) error) error
}
