package stage

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
)

// Cast aligns a stream to the schema of a table, column by column in their
// order, as INSERT does: names are those of the table, values are converted
// where that is an assignment (numbers to numbers, times to times, anything to
// text). A number that does not fit, or NULL where the table has NOT NULL, is
// an error that names the column. A changelog keeps its column of changes.
type Cast struct {
	// To is the schema of the table, without a column of changes.
	To *arrow.Schema

	stateless
	mem   memory.Allocator
	out   *arrow.Schema
	fails bool
}

var _ arrowstream.Rowwise = (*Cast)(nil)

// Bind implements [arrowstream.Stage].
func (c *Cast) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	c.mem, c.fails = env.Allocator, false
	from := in.Fields()
	if columnar.Changelog(in) {
		from = from[:len(from)-1]
	}
	if len(from) != c.To.NumFields() {
		return nil, planError("AS1302", fmt.Sprintf("insert: the query has %d columns, the table has %d", len(from), c.To.NumFields()),
			"name the columns to insert into")
	}
	for i, f := range from {
		to := c.To.Field(i)
		if !assignable(f.Type, to.Type) {
			return nil, planError("AS1302", fmt.Sprintf("insert: column %d, %q: %s cannot be assigned to %s",
				i+1, to.Name, kernels.SQLName(f.Type), kernels.SQLName(to.Type)), "use CAST")
		}
		if _, fails := kernels.CanCast(f.Type, to.Type); fails && !arrow.TypeEqual(f.Type, to.Type) || f.Nullable && !to.Nullable {
			c.fails = true
		}
	}
	mark := ""
	if e := columnar.EventTime(in); e >= 0 {
		if _, _, ok := columnar.Micros(c.To.Field(e).Type); ok {
			mark = c.To.Field(e).Name
		}
	}
	c.out = columnar.WithEventTime(c.To, mark)
	if columnar.Changelog(in) {
		c.out = columnar.WithChangelog(c.out)
	}
	return c.out, nil
}

// assignable reports whether INSERT converts from one type to the other by
// itself.
func assignable(from, to arrow.DataType) bool {
	if arrow.TypeEqual(from, to) || from.ID() == arrow.NULL {
		return true
	}
	if d, ok := from.(*arrow.DictionaryType); ok {
		from = d.ValueType
	}
	if d, ok := to.(*arrow.DictionaryType); ok {
		to = d.ValueType
	}
	if ok, _ := kernels.CanCast(from, to); !ok {
		return false
	}
	a, b := family(from), family(to)
	return a == b || b == textFamily && a != nestedFamily
}

type typeFamily int

const (
	otherFamily typeFamily = iota
	numberFamily
	textFamily
	timeFamily
	durationFamily
	nestedFamily
)

func family(t arrow.DataType) typeFamily {
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64,
		arrow.FLOAT16, arrow.FLOAT32, arrow.FLOAT64, arrow.DECIMAL128, arrow.DECIMAL256:
		return numberFamily
	case arrow.STRING, arrow.LARGE_STRING:
		return textFamily
	case arrow.TIMESTAMP, arrow.DATE32, arrow.DATE64:
		return timeFamily
	case arrow.DURATION:
		return durationFamily
	case arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST, arrow.STRUCT, arrow.MAP:
		return nestedFamily
	}
	return otherFamily
}

// Process implements [arrowstream.Stage].
func (c *Cast) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	cols := make([]arrow.Array, b.NumCols())
	defer grouped.Release(cols)
	for i, col := range b.Columns() {
		f := c.out.Field(i)
		if arrow.TypeEqual(col.DataType(), f.Type) {
			col.Retain()
			cols[i] = col
		} else {
			to, err := kernels.Cast(c.mem, col, f.Type, false)
			if err != nil {
				return &arrowstream.DataError{Column: f.Name, Err: grouped.Error("insert", err)}
			}
			cols[i] = to
		}
		if !f.Nullable && f.Name != columnar.OpColumn && cols[i].NullN() > 0 {
			return &arrowstream.DataError{Column: f.Name, Err: errNull}
		}
	}
	out := array.NewRecord(c.out, cols, b.NumRows())
	defer out.Release()
	return emit(out)
}

var errNull = &arrowstream.Error{Code: "AS4007", Msg: "insert: NULL in a column that is NOT NULL"}

// Fails implements [arrowstream.Rowwise].
func (c *Cast) Fails() bool { return c.fails }

// Clone implements [arrowstream.Parallel].
func (c *Cast) Clone() arrowstream.Stage { return &Cast{To: c.To} }
