package ipc

import (
	"bytes"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/safe"
	"github.com/arrowstream/arrowstream/internal/wire"
)

// Format is the format in which a value is an IPC stream.
var Format arrowstream.Format = Batches{}

// Batches is the format in which a value is an IPC stream: a schema with at
// least the wanted columns, then batches.
type Batches struct{}

// Name implements [arrowstream.Format].
func (Batches) Name() string { return "arrow" }

// NewDecoder implements [arrowstream.Format].
func (Batches) NewDecoder(schema *arrow.Schema, mem memory.Allocator) (arrowstream.Decoder, error) {
	return &decoder{schema: schema, mem: mem}, nil
}

type decoder struct {
	schema  *arrow.Schema
	mem     memory.Allocator
	batches []arrow.Record
	rows    int
}

// Append implements [arrowstream.Decoder].
func (d *decoder) Append(value []byte) error {
	kept := len(d.batches)
	err := d.append(value)
	if err == nil {
		return nil
	}
	for _, b := range d.batches[kept:] {
		d.rows -= int(b.NumRows())
		b.Release()
	}
	d.batches = d.batches[:kept]
	return &arrowstream.DataError{Err: err}
}

func (d *decoder) append(value []byte) error {
	rd, err := wire.NewReader("message", bytes.NewReader(value), d.mem, wire.Limits{Metadata: int64(max(len(value), 8))})
	if err != nil {
		return err
	}
	defer rd.Release()
	where, err := matching(d.schema, rd.Schema())
	if err != nil {
		return err
	}
	for {
		rec, err := rd.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := d.keep(rec, where); err != nil {
			return err
		}
	}
}

// keep takes over rec.
func (d *decoder) keep(rec arrow.Record, where []int) error {
	defer rec.Release()
	if rec.NumRows() == 0 {
		return nil
	}
	cols := rec.Columns()
	if where != nil {
		cols = make([]arrow.Array, len(where))
		for i, at := range where {
			cols[i] = rec.Column(at)
		}
	}
	for i, f := range d.schema.Fields() {
		if !f.Nullable && cols[i].NullN() > 0 {
			return fmt.Errorf("column %q: %d nulls in a column that is NOT NULL", f.Name, cols[i].NullN())
		}
	}
	d.batches = append(d.batches, array.NewRecord(d.schema, cols, rec.NumRows()))
	d.rows += int(rec.NumRows())
	return nil
}

// Rows implements [arrowstream.Decoder].
func (d *decoder) Rows() int { return d.rows }

// Flush implements [arrowstream.Decoder].
func (d *decoder) Flush() (arrowstream.Batch, error) {
	defer d.Release()
	switch len(d.batches) {
	case 0:
		return nil, nil
	case 1:
		b := d.batches[0]
		b.Retain()
		return b, nil
	}
	cols := make([]arrow.Array, 0, d.schema.NumFields())
	defer func() {
		for _, c := range cols {
			c.Release()
		}
	}()
	err := safe.Do("arrow", "messages", func() error {
		for i := range d.schema.NumFields() {
			parts := make([]arrow.Array, len(d.batches))
			for j, b := range d.batches {
				parts[j] = b.Column(i)
			}
			c, err := array.Concatenate(parts, d.mem)
			if err != nil {
				return err
			}
			cols = append(cols, c)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return array.NewRecord(d.schema, cols, int64(d.rows)), nil
}

// Release implements [arrowstream.Decoder].
func (d *decoder) Release() {
	for _, b := range d.batches {
		b.Release()
	}
	d.batches, d.rows = d.batches[:0], 0
}

// NewEncoder implements [arrowstream.Format].
func (Batches) NewEncoder(schema *arrow.Schema) (arrowstream.Encoder, error) {
	return &encoder{schema: schema}, nil
}

type encoder struct {
	schema *arrow.Schema
	buf    bytes.Buffer
}

// Encode implements [arrowstream.Encoder].
func (e *encoder) Encode(b arrowstream.Batch, yield func(row int, value []byte) error) error {
	if b.NumRows() == 0 {
		return nil
	}
	e.buf.Reset()
	w := ipc.NewWriter(&e.buf, ipc.WithSchema(b.Schema()))
	if err := w.Write(b); err != nil {
		return fmt.Errorf("arrow: encode: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("arrow: encode: %w", err)
	}
	return yield(0, e.buf.Bytes())
}
