package wire

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/safe"
)

// Reader reads the batches of an IPC stream. It is used by one goroutine.
type Reader struct {
	name   string
	msgs   *messages
	arena  *arena
	r      *ipc.Reader
	schema *arrow.Schema
	valid  []arrow.ArrayData // by column, the dictionary found valid last; for comparison only
	err    error
}

// NewReader reads the schema of the IPC stream in r. name is the file, topic
// or address for errors; "" if the caller names it. Memory of the batches comes from mem.
func NewReader(name string, r io.Reader, mem memory.Allocator, l Limits) (*Reader, error) {
	l = l.withDefaults()
	msgs := newMessages(r, l)
	rd := &Reader{name: name, msgs: msgs, arena: newArena(mem, l.Buffer)}
	err := safe.Do("arrow", name, func() (err error) {
		rd.r, err = ipc.NewReaderFromMessageReader(msgs, ipc.WithAllocator(rd.arena))
		if err == nil {
			rd.schema = rd.r.Schema()
			err = rd.r.Err()
		}
		return err
	})
	if err != nil {
		if rd.r == nil {
			msgs.Release()
		}
		rd.Release()
		return nil, rd.wrap(err)
	}
	return rd, nil
}

// Schema is the schema of the stream.
func (rd *Reader) Schema() *arrow.Schema { return rd.schema }

// Offset is the number of bytes read from the stream.
func (rd *Reader) Offset() int64 { return rd.msgs.offset }

// Read returns the next batch, owned by the caller, and io.EOF at the end of
// the stream. After any other error the stream is unusable and Read returns
// the error again.
func (rd *Reader) Read() (arrow.Record, error) {
	if rd.err != nil {
		return nil, rd.err
	}
	var rec arrow.Record
	err := safe.Do("arrow", rd.name, func() error {
		if !rd.r.Next() {
			if err := rd.r.Err(); err != nil {
				return err
			}
			return io.EOF
		}
		rec = rd.r.Record()
		if rd.valid == nil {
			rd.valid = make([]arrow.ArrayData, rec.NumCols())
		}
		return validateRecord(rec, rd.valid)
	})
	if err == nil {
		rec.Retain()
		rd.arena.keep()
		return rec, nil
	}
	if err != io.EOF {
		err = rd.wrap(err)
		rd.arena.drop()
	}
	rd.err = err
	return nil, err
}

// Release frees the reader; batches it returned stay valid.
func (rd *Reader) Release() {
	if rd.r != nil {
		// The library may have been left in any state.
		_ = safe.Do("arrow", rd.name, func() error { rd.r.Release(); return nil })
		rd.r = nil
	}
	rd.arena.drop()
	if rd.err == nil {
		rd.err = errors.New("arrow: read after release")
	}
}

// wrap names the place, and frees errors of memory from the library's words.
func (rd *Reader) wrap(err error) error {
	var limit *columnar.LimitError
	if errors.As(err, &limit) {
		return limit
	}
	err = fmt.Errorf("near byte %d: %w", rd.Offset(), err)
	if rd.name == "" {
		return err
	}
	return fmt.Errorf("%s: %w", rd.name, err)
}
