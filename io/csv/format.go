package csv

import (
	"bytes"
	"errors"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
)

// Format is the format of single lines with the default options.
var Format arrowstream.Format = Lines{}

// Lines is the format of single lines without a header, the columns in the
// order of the schema.
type Lines struct {
	// Delimiter, Quote and Escape are as in [Source].
	Delimiter string `option:"delimiter,field-delimiter"`
	Quote     string `option:"quote,quote-character"`
	Escape    string `option:"escape,escape-character"`
	// Null is a text that means NULL; the empty unquoted field does anyway.
	Null string `option:"null,null-literal"`
}

func (l Lines) dialect() (*dialect, error) {
	d, err := newDialect("", l.Delimiter, l.Quote, l.Escape, "")
	if err == nil && l.Null != "" {
		d.nulls = []string{l.Null}
	}
	return d, err
}

// Name implements [arrowstream.Format].
func (l Lines) Name() string { return "csv" }

// NewDecoder implements [arrowstream.Format].
func (l Lines) NewDecoder(schema *arrow.Schema, mem memory.Allocator) (arrowstream.Decoder, error) {
	d, err := l.dialect()
	if err != nil {
		return nil, err
	}
	dec, err := newDecoder(d, schema, nil, mem)
	if err != nil {
		return nil, err
	}
	return &lineDecoder{dec: dec}, nil
}

type lineDecoder struct {
	dec *decoder
	rec record
}

// Append implements [arrowstream.Decoder].
func (l *lineDecoder) Append(value []byte) error {
	value = bytes.TrimSuffix(bytes.TrimSuffix(value, []byte{'\n'}), []byte{'\r'})
	l.dec.column = -1
	n, err := l.dec.scan(value, true, &l.rec)
	if err == nil && n < len(value) {
		err = errors.New("more than one line")
	}
	if err == nil {
		err = l.dec.row(value, &l.rec)
	}
	if err != nil {
		return l.dec.dataError(value, &l.rec, err)
	}
	return nil
}

// Rows implements [arrowstream.Decoder].
func (l *lineDecoder) Rows() int { return l.dec.rows.N }

// Flush implements [arrowstream.Decoder].
func (l *lineDecoder) Flush() (arrowstream.Batch, error) {
	if b := l.dec.rows.Flush(); b != nil {
		return b, nil
	}
	return nil, nil
}

// Release implements [arrowstream.Decoder].
func (l *lineDecoder) Release() { l.dec.rows.Release() }

// NewEncoder implements [arrowstream.Format].
func (l Lines) NewEncoder(schema *arrow.Schema) (arrowstream.Encoder, error) {
	d, err := l.dialect()
	if err != nil {
		return nil, err
	}
	return &lineEncoder{w: writer{dialect: d, null: l.Null}}, writable(schema)
}

type lineEncoder struct {
	w   writer
	buf []byte
}

// Encode implements [arrowstream.Encoder].
func (l *lineEncoder) Encode(b arrowstream.Batch, yield func(row int, value []byte) error) error {
	if err := l.w.bind(b); err != nil {
		return err
	}
	for i := range int(b.NumRows()) {
		l.buf = l.w.row(l.buf[:0], i)
		if err := yield(i, l.buf); err != nil {
			return err
		}
	}
	return nil
}
