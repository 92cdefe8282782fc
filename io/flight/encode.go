package flight

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// maxMessage bounds the body of one message: clients accept 16 MiB by default,
// some less. A batch above it is cut by rows.
const maxMessage = 7 << 20

// encoder turns batches into Flight messages that many subscribers share.
type encoder struct {
	schema *arrow.Schema // as it goes over the wire: without dictionaries
	mem    memory.Allocator
	w      *ipc.Writer
	out    *collect
}

// collect is the payload writer of an encoder: it keeps what was written last.
type collect struct{ last *arrowflight.FlightData }

func (c *collect) Start() error { return nil }
func (c *collect) Close() error { return nil }

func (c *collect) WritePayload(p ipc.Payload) error {
	meta := p.Meta()
	defer meta.Release()
	var body bytes.Buffer
	if err := p.SerializeBody(&body); err != nil {
		return err
	}
	c.last = &arrowflight.FlightData{DataHeader: bytes.Clone(meta.Bytes()), DataBody: body.Bytes()}
	return nil
}

// newEncoder returns an encoder and the message that carries the schema.
// Dictionary columns become plain ones: a subscriber that comes late would
// miss the dictionaries.
func newEncoder(schema *arrow.Schema, mem memory.Allocator) (*encoder, *arrowflight.FlightData, error) {
	fields := append([]arrow.Field{}, schema.Fields()...)
	for i := range fields {
		if d, ok := fields[i].Type.(*arrow.DictionaryType); ok {
			fields[i].Type = d.ValueType
		}
		if nestedDictionary(fields[i].Type) {
			return nil, nil, fmt.Errorf("flight: column %q: dictionaries inside %s cannot be sent", fields[i].Name, fields[i].Type)
		}
	}
	md := schema.Metadata()
	e := &encoder{schema: arrow.NewSchema(fields, &md), mem: mem, out: &collect{}}
	e.w = ipc.NewWriterWithPayloadWriter(e.out, ipc.WithSchema(e.schema), ipc.WithAllocator(mem))
	// The schema is written with the first batch: an empty one brings it out.
	only := &collect{}
	w := ipc.NewWriterWithPayloadWriter(only, ipc.WithSchema(e.schema), ipc.WithAllocator(mem))
	if err := w.Close(); err != nil {
		return nil, nil, fmt.Errorf("flight: %w", err)
	}
	return e, only.last, nil
}

func nestedDictionary(t arrow.DataType) bool {
	if t.ID() == arrow.DICTIONARY {
		return true
	}
	if n, ok := t.(arrow.NestedType); ok {
		for _, f := range n.Fields() {
			if nestedDictionary(f.Type) {
				return true
			}
		}
	}
	return false
}

// encode calls yield for each message of b.
func (e *encoder) encode(b arrow.Record, yield func(m *arrowflight.FlightData, rows int64) error) error {
	if b.NumRows() == 0 {
		return nil
	}
	flat, err := e.flatten(b)
	if err != nil {
		return fmt.Errorf("flight: %w", err)
	}
	defer flat.Release()
	return e.pieces(flat, yield)
}

// empty is the message of a batch without rows.
func (e *encoder) empty() (*arrowflight.FlightData, error) {
	cols := make([]arrow.Array, e.schema.NumFields())
	for i, f := range e.schema.Fields() {
		cols[i] = array.MakeArrayOfNull(e.mem, f.Type, 0)
		defer cols[i].Release()
	}
	b := array.NewRecord(e.schema, cols, 0)
	defer b.Release()
	if err := e.w.Write(b); err != nil {
		return nil, fmt.Errorf("flight: %w", err)
	}
	m := e.out.last
	e.out.last = nil
	return m, nil
}

func (e *encoder) pieces(b arrow.Record, yield func(*arrowflight.FlightData, int64) error) error {
	if err := e.w.Write(b); err != nil {
		return fmt.Errorf("flight: %w", err)
	}
	m := e.out.last
	e.out.last = nil
	n := b.NumRows()
	if len(m.DataBody) <= maxMessage || n == 1 {
		return yield(m, n)
	}
	parts := int64(len(m.DataBody)/maxMessage + 1)
	step := max(1, n/parts)
	for at := int64(0); at < n; at += step {
		part := b.NewSlice(at, min(at+step, n))
		err := e.pieces(part, yield)
		part.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// flatten returns b, owned, with plain columns under the schema of e.
func (e *encoder) flatten(b arrow.Record) (arrow.Record, error) {
	cols := make([]arrow.Array, b.NumCols())
	defer func() {
		for i, c := range cols {
			if c != nil && c != b.Column(i) {
				c.Release()
			}
		}
	}()
	for i, c := range b.Columns() {
		var err error
		if cols[i], err = plain(e.mem, c); err != nil {
			return nil, err
		}
	}
	return array.NewRecord(e.schema, cols, b.NumRows()), nil
}

// plain is a itself, or, when it is dictionary-encoded, a new array of its
// values.
func plain(mem memory.Allocator, a arrow.Array) (arrow.Array, error) {
	codes, values, ok := columnar.Dictionary(a)
	if !ok {
		return a, nil
	}
	idx := make([]int32, a.Len())
	for i := range idx {
		idx[i] = -1
		if a.IsValid(i) {
			idx[i] = codes[i]
		}
	}
	return kernels.Take(mem, values, idx)
}
