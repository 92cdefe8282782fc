package json

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/jsontext"
)

// Format is the format of one object per value with the default options.
var Format arrowstream.Format = Lines{}

// Lines is the format of one object per value.
type Lines struct {
	// Duplicates is what a name that occurs twice means: error (the default)
	// or last.
	Duplicates string `option:"duplicate.keys"`
	// Epoch is the unit of instants that are numbers: s, ms, us, ns or column,
	// the default, which is the unit of the column.
	Epoch string `option:"timestamp.epoch"`
}

// Name implements [arrowstream.Format].
func (l Lines) Name() string { return "json" }

// NewDecoder implements [arrowstream.Format].
func (l Lines) NewDecoder(schema *arrow.Schema, mem memory.Allocator) (arrowstream.Decoder, error) {
	opts, err := options(l.Duplicates, l.Epoch)
	if err != nil {
		return nil, err
	}
	rows, err := cell.NewRows(schema, mem)
	if err != nil {
		return nil, kind.BadOption("%v", err)
	}
	return &decoder{rows: rows, dec: jsontext.NewDecoder(opts)}, nil
}

type decoder struct {
	rows *cell.Rows
	dec  *jsontext.Decoder
}

// Append implements [arrowstream.Decoder].
func (d *decoder) Append(value []byte) error {
	if err := d.dec.Row(value, d.rows); err != nil {
		return describe(value, err)
	}
	return nil
}

// describe says what is wrong with an object that cannot be read.
func describe(text []byte, err error) *arrowstream.DataError {
	e := &arrowstream.DataError{Value: arrowstream.CutValue(text), Err: err}
	var v *jsontext.ValueError
	if errors.As(err, &v) {
		e.Column, e.Err = v.Column, v.Err
		if v.Value != "" {
			e.Value = v.Value
		}
	}
	return e
}

// Rows implements [arrowstream.Decoder].
func (d *decoder) Rows() int { return d.rows.N }

// Flush implements [arrowstream.Decoder].
func (d *decoder) Flush() (arrowstream.Batch, error) {
	if b := d.rows.Flush(); b != nil {
		return b, nil
	}
	return nil, nil
}

// Release implements [arrowstream.Decoder].
func (d *decoder) Release() { d.rows.Release() }

// NewEncoder implements [arrowstream.Format].
func (l Lines) NewEncoder(schema *arrow.Schema) (arrowstream.Encoder, error) {
	rows, err := cell.NewObjects(schema)
	if err != nil {
		return nil, kind.BadOption("%v", err)
	}
	return &encoder{rows: rows}, nil
}

type encoder struct {
	rows *cell.Objects
	buf  []byte
}

// Encode implements [arrowstream.Encoder].
func (e *encoder) Encode(b arrowstream.Batch, yield func(row int, value []byte) error) error {
	if err := e.rows.Bind(b); err != nil {
		return fmt.Errorf("json: %w", err)
	}
	for i := range int(b.NumRows()) {
		e.buf = e.rows.Append(e.buf[:0], i)
		if err := yield(i, e.buf); err != nil {
			return err
		}
	}
	return nil
}
