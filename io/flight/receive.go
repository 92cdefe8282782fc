package flight

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/internal/wire"
)

// receiver reads batches from Flight messages. It puts the messages back into
// the framing of an IPC stream, so that the one hardened reader of the engine
// takes them apart.
type receiver struct {
	*wire.Reader
	frames *frames
}

func newReceiver(name string, first *arrowflight.FlightData, recv func() (*arrowflight.FlightData, error), mem memory.Allocator) (*receiver, error) {
	f := &frames{recv: recv}
	if first != nil && len(first.DataHeader) > 0 {
		f.take(first)
	}
	r, err := wire.NewReader("flight: "+name, f, mem, wire.Limits{Body: 64 << 20, Allocator: mem})
	if err != nil {
		return nil, err
	}
	return &receiver{r, f}, nil
}

// frames is the byte stream of the messages, which nobody reads ahead: after a
// batch was read, its message is the current one. Messages without a header carry
// metadata of the application only and are left out.
type frames struct {
	recv  func() (*arrowflight.FlightData, error)
	parts [3][]byte // rest of prefix, header, body of the current message
	head  [8]byte
	note  []byte // app_metadata of the current message
}

func (f *frames) take(m *arrowflight.FlightData) {
	binary.LittleEndian.PutUint32(f.head[:], 0xffffffff)
	binary.LittleEndian.PutUint32(f.head[4:], uint32(len(m.DataHeader)))
	f.parts = [3][]byte{f.head[:], m.DataHeader, m.DataBody}
	f.note = m.AppMetadata
}

// Read implements io.Reader.
func (f *frames) Read(p []byte) (int, error) {
	for {
		for i, part := range f.parts {
			if len(part) > 0 {
				n := copy(p, part)
				f.parts[i] = part[n:]
				return n, nil
			}
		}
		m, err := f.recv()
		if err != nil {
			return 0, err
		}
		if len(m.DataHeader) > 0 {
			f.take(m)
		}
	}
}

// fitting puts the columns of received batches under a declared schema.
type fitting struct {
	schema *arrow.Schema
	from   []int
}

// newFitting matches columns by name. Dictionary-encoded columns fit a column
// of their values; every other type must be the declared one.
func newFitting(got, want *arrow.Schema) (*fitting, error) {
	f := &fitting{schema: want}
	for _, w := range want.Fields() {
		at := got.FieldIndices(w.Name)
		if len(at) != 1 {
			return nil, fmt.Errorf("column %q is missing, the stream has: %s", w.Name, got)
		}
		t := got.Field(at[0]).Type
		if d, ok := t.(*arrow.DictionaryType); ok && w.Type.ID() != arrow.DICTIONARY {
			t = d.ValueType
		}
		if !arrow.TypeEqual(t, w.Type) {
			return nil, fmt.Errorf("column %q is %s, it should be %s", w.Name, t, w.Type)
		}
		f.from = append(f.from, at[0])
	}
	return f, nil
}

// apply returns an owned batch of the declared schema.
func (f *fitting) apply(mem memory.Allocator, b arrow.Record) (arrow.Record, error) {
	cols := make([]arrow.Array, len(f.from))
	var made []arrow.Array
	defer func() {
		for _, a := range made {
			a.Release()
		}
	}()
	for i, from := range f.from {
		col, field := b.Column(from), f.schema.Field(i)
		if !field.Nullable && col.NullN() > 0 {
			return nil, fmt.Errorf("column %q holds a null, it is declared NOT NULL", field.Name)
		}
		cols[i] = col
		if field.Type.ID() == arrow.DICTIONARY {
			continue
		}
		flat, err := plain(mem, col)
		if err != nil {
			return nil, err
		}
		if flat != col {
			cols[i], made = flat, append(made, flat)
		}
	}
	return array.NewRecord(f.schema, cols, b.NumRows()), nil
}

var _ io.Reader = (*frames)(nil)
