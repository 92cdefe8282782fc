package mysql

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/database"
)

// cursor reads the rows of a query as they come. Texts and bytes are copied
// once, into the column.
type cursor struct {
	session   *session
	columns   []database.Column
	statement driver.Stmt
	rows      driver.Rows
	values    []driver.Value
	ended     bool
}

// Next implements database.Cursor.
func (c *cursor) Next(into *cell.Rows) error {
	if err := c.rows.Next(c.values); err != nil {
		if errors.Is(err, io.EOF) {
			c.ended = true
		}
		return err
	}
	for i, v := range c.values {
		if err := put(into.Columns[i], v); err != nil {
			e := &arrowstream.DataError{Column: c.columns[i].Name, Err: err}
			if b, ok := v.([]byte); ok {
				e.Value = arrowstream.CutValue(b)
			} else {
				e.Value = fmt.Sprint(v)
			}
			return e
		}
	}
	return nil
}

// put appends a value of the driver to a column.
func put(to *cell.Column, v driver.Value) error {
	switch v := v.(type) {
	case nil:
		to.AppendNull()
	case int64:
		return putInteger(to, v)
	case float32:
		if to.ID != arrow.FLOAT32 {
			return fmt.Errorf("a FLOAT in a column of type %s", to.Type)
		}
		to.AppendFloat32(v)
	case float64:
		if to.ID != arrow.FLOAT64 {
			return fmt.Errorf("a DOUBLE in a column of type %s", to.Type)
		}
		to.AppendFloat64(v)
	case string:
		return to.AppendParsed([]byte(v))
	case []byte:
		if to.ID == arrow.BOOL && len(v) == 1 { // BIT(1)
			to.AppendBool(v[0] != 0)
			return nil
		}
		if err := to.AppendParsed(v); err != nil {
			if len(v) >= 10 && string(v[:10]) == "0000-00-00" {
				return errors.New("no date, which a column cannot hold: read it by a query that replaces it, such as NULLIF(t, 0)")
			}
			return err
		}
	default:
		return fmt.Errorf("the driver gives a %T", v)
	}
	return nil
}

func putInteger(to *cell.Column, v int64) error {
	switch to.ID {
	case arrow.BOOL:
		if v != 0 && v != 1 {
			return errors.New("neither 0 nor 1 in a column of type TINYINT(1): read it by a query that casts it, such as t + 0")
		}
		to.AppendBool(v == 1)
		return nil
	case arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64:
		if v >= 0 && to.AppendUnsigned(uint64(v)) {
			return nil
		}
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64:
		if to.AppendInteger(v) {
			return nil
		}
	}
	return fmt.Errorf("a whole number in a column of type %s", to.Type)
}

// Close implements database.Cursor: the connection goes with what is left of the
// result, which may be long, and when the server cannot be told.
func (c *cursor) Close() {
	if !c.ended || errors.Join(c.rows.Close(), c.statement.Close()) != nil {
		c.session.Close()
	}
}
