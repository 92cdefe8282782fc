package cell

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Rows collects rows of a schema. The columns are filled directly, one value
// each; [Rows.Commit] then makes them a row, [Rows.Rollback] takes them back.
type Rows struct {
	Schema  *arrow.Schema
	Columns []*Column
	N       int // rows committed

	constants map[int][]byte
}

// SetConstant gives all further rows the same value in a column, that of a text,
// or NULL if it is nil, whatever is appended to the column. A text that is no
// value of the column is an error, as is NULL where there must be none.
func (r *Rows) SetConstant(column int, text []byte) error {
	c := r.Columns[column]
	if text == nil {
		if !r.Schema.Field(column).Nullable {
			return errors.New("no value for a column that is NOT NULL")
		}
	} else {
		err := c.AppendParsed(text)
		c.Truncate(r.N)
		if err != nil {
			return err
		}
	}
	if r.constants == nil {
		r.constants = map[int][]byte{}
	}
	r.constants[column] = text
	return nil
}

// fill gives a row that is being committed its constants.
func (r *Rows) fill() error {
	for i, text := range r.constants {
		c := r.Columns[i]
		c.Truncate(r.N)
		if text == nil {
			continue
		}
		if err := c.AppendParsed(text); err != nil {
			return err
		}
	}
	return nil
}

// NewRows returns an empty collection.
func NewRows(schema *arrow.Schema, mem memory.Allocator) (*Rows, error) {
	r := &Rows{Schema: schema}
	for _, f := range schema.Fields() {
		c, err := NewColumn(f.Type, mem)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", f.Name, err)
		}
		r.Columns = append(r.Columns, c)
	}
	return r, nil
}

// Commit ends a row; columns without a value become NULL. If one of them must
// not be NULL, the row is taken back and its position returned, else -1.
func (r *Rows) Commit() (missing int) {
	if r.constants != nil {
		if err := r.fill(); err != nil {
			panic("cell: a constant that was a value is none: " + err.Error())
		}
	}
	for i, c := range r.Columns {
		if c.n == r.N {
			c.AppendNull()
		}
		// Rows before this one have no null in such a column.
		if c.nulls > 0 && !r.Schema.Field(i).Nullable {
			r.Rollback()
			return i
		}
	}
	r.N++
	return -1
}

// Rollback takes back what has been appended since the last Commit.
func (r *Rows) Rollback() {
	for _, c := range r.Columns {
		c.Truncate(r.N)
	}
}

// Bytes is the memory in use, about.
func (r *Rows) Bytes() int {
	n := 0
	for _, c := range r.Columns {
		n += c.Bytes()
	}
	return n
}

// Flush returns the rows as an owned batch, nil if there are none, and starts anew.
func (r *Rows) Flush() arrow.Record {
	if r.N == 0 {
		return nil
	}
	cols := make([]arrow.Array, len(r.Columns))
	for i, c := range r.Columns {
		cols[i] = c.Array()
	}
	rec := array.NewRecord(r.Schema, cols, int64(r.N))
	for _, c := range cols {
		c.Release()
	}
	r.N = 0
	return rec
}

// Release frees what has been collected.
func (r *Rows) Release() {
	for _, c := range r.Columns {
		c.Release()
	}
	r.N = 0
}
