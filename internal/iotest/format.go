package iotest

import (
	"errors"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
)

// TextFormat renders a row as its cells joined by '|'; the cell "bad" cannot be
// decoded. With Block a value holds all rows of a batch, one per line, as Arrow
// IPC does.
type TextFormat struct{ Block bool }

var _ arrowstream.Format = TextFormat{}

// Name implements [arrowstream.Format].
func (f TextFormat) Name() string {
	if f.Block {
		return "block"
	}
	return "text"
}

// NewDecoder implements [arrowstream.Format].
func (f TextFormat) NewDecoder(s *arrow.Schema, mem memory.Allocator) (arrowstream.Decoder, error) {
	return &textDecoder{block: f.Block, schema: s, b: array.NewRecordBuilder(mem, s)}, nil
}

// NewEncoder implements [arrowstream.Format].
func (f TextFormat) NewEncoder(*arrow.Schema) (arrowstream.Encoder, error) {
	return textEncoder{block: f.Block}, nil
}

type textDecoder struct {
	block  bool
	schema *arrow.Schema
	b      *array.RecordBuilder
	rows   int
}

// Append implements [arrowstream.Decoder].
func (d *textDecoder) Append(value []byte) error {
	lines := []string{string(value)}
	if d.block {
		lines = strings.Split(string(value), "\n")
	}
	for _, line := range lines {
		cells := strings.Split(line, "|")
		if len(cells) != d.schema.NumFields() {
			return &arrowstream.DataError{Err: errors.New("wrong number of cells")}
		}
		for i, c := range cells {
			if c == "bad" {
				return &arrowstream.DataError{Column: d.schema.Field(i).Name, Err: errors.New("not a number")}
			}
		}
		for i, c := range cells {
			if err := d.b.Field(i).AppendValueFromString(c); err != nil {
				return err
			}
		}
		d.rows++
	}
	return nil
}

// Rows implements [arrowstream.Decoder].
func (d *textDecoder) Rows() int { return d.rows }

// Flush implements [arrowstream.Decoder].
func (d *textDecoder) Flush() (arrowstream.Batch, error) {
	if d.rows == 0 {
		return nil, nil
	}
	d.rows = 0
	return d.b.NewRecord(), nil
}

// Release implements [arrowstream.Decoder].
func (d *textDecoder) Release() { d.b.Release() }

type textEncoder struct{ block bool }

// Encode implements [arrowstream.Encoder].
func (e textEncoder) Encode(b arrowstream.Batch, yield func(int, []byte) error) error {
	var all []string
	for i := range int(b.NumRows()) {
		var cells []string
		for _, c := range b.Columns() {
			cells = append(cells, c.ValueStr(i))
		}
		line := strings.Join(cells, "|")
		if e.block {
			all = append(all, line)
		} else if err := yield(i, []byte(line)); err != nil {
			return err
		}
	}
	if e.block {
		return yield(0, []byte(strings.Join(all, "\n")))
	}
	return nil
}
