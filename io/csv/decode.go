package csv

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/filetable"
	"github.com/arrowstream/arrowstream/internal/jsontext"
)

// decoder turns scanned rows into columns.
type decoder struct {
	*dialect
	rows    *cell.Rows
	nested  []*jsontext.Decoder // of columns that hold JSON, else nil
	where   []int               // field of each column, -1 if directories give it
	width   int                 // fields of a row
	scratch []byte
	column  int // of the last error, -1 for the whole row
}

func newDecoder(d *dialect, schema *arrow.Schema, folders filetable.Partitioned, mem memory.Allocator) (*decoder, error) {
	rows, err := cell.NewRows(schema, mem)
	if err != nil {
		return nil, kind.BadOption("%v", err)
	}
	dec := &decoder{dialect: d, rows: rows, nested: make([]*jsontext.Decoder, schema.NumFields())}
	for i, f := range schema.Fields() {
		if folders.Prunes(f.Name) {
			dec.where = append(dec.where, -1)
			continue
		}
		dec.where = append(dec.where, dec.width)
		dec.width++
		switch f.Type.ID() {
		case arrow.LIST, arrow.FIXED_SIZE_LIST, arrow.STRUCT:
			dec.nested[i] = jsontext.NewDecoder(jsontext.Options{})
		}
	}
	return dec, nil
}

// row appends one scanned row. After an error nothing is appended.
func (dec *decoder) row(data []byte, r *record) error {
	dec.column = -1
	if len(r.fields) != dec.width {
		return fmt.Errorf("%d fields, want %d", len(r.fields), dec.width)
	}
	for i, c := range dec.rows.Columns {
		if dec.where[i] < 0 {
			continue
		}
		if err := dec.cell(data, r.fields[dec.where[i]], c, i); err != nil {
			dec.column = i
			dec.rows.Rollback()
			return err
		}
	}
	if missing := dec.rows.Commit(); missing >= 0 {
		dec.column = missing
		return fmt.Errorf("no value for a column that is NOT NULL")
	}
	return nil
}

func (dec *decoder) cell(data []byte, f field, c *cell.Column, i int) error {
	v := data[f.start:f.end]
	if !f.quoted && (len(v) == 0 || dec.null(v)) {
		c.AppendNull()
		return nil
	}
	if f.escaped {
		v = dec.value(data, f, &dec.scratch)
	}
	switch c.ID {
	case arrow.STRING, arrow.DICTIONARY:
		if !utf8.Valid(v) {
			if !dec.replace {
				return fmt.Errorf("text is not UTF-8")
			}
			v = bytes.ToValidUTF8(v, []byte("\uFFFD"))
		}
	case arrow.BINARY:
	default:
		if len(v) > 0 && (v[0] == ' ' || v[len(v)-1] == ' ') {
			v = bytes.Trim(v, " ")
		}
		if len(v) == 0 {
			c.AppendNull()
			return nil
		}
		if n := dec.nested[i]; n != nil {
			return n.Value(v, c)
		}
	}
	return c.AppendParsed(v)
}

func (d *dialect) null(v []byte) bool {
	for _, s := range d.nulls {
		if string(v) == s {
			return true
		}
	}
	return false
}

// dataError describes a row that cannot be read.
func (dec *decoder) dataError(data []byte, r *record, err error) *arrowstream.DataError {
	e := &arrowstream.DataError{Err: err}
	if dec.column >= 0 {
		e.Column = dec.rows.Schema.Field(dec.column).Name
		if at := dec.where[dec.column]; at >= 0 && at < len(r.fields) {
			e.Value = arrowstream.CutValue(dec.value(data, r.fields[at], &dec.scratch))
		}
	} else {
		line, _, _ := bytes.Cut(data, []byte{'\n'})
		e.Value = arrowstream.CutValue(bytes.TrimSuffix(line, []byte{'\r'}))
	}
	return e
}
