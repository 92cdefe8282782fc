package postgres

import (
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/database"
)

// cursor reads the rows of a query as they come, without copies of the values.
type cursor struct {
	session *session
	columns []database.Column
	decode  []decoder
	formats []int16
	rows    *pgconn.ResultReader
	ended   bool
}

// decoder is how a column is decoded.
type decoder int

const (
	asText decoder = iota
	asBool
	asBytes
	asInt2
	asInt4
	asInt8
	asOID
	asFloat4
	asFloat8
	asDate
	asTime
	asTimestamp
)

// decoderOf says how a type is decoded, and asks for its text (0) or for its
// binary form (1).
func decoderOf(oid uint32) (decoder, int16) {
	switch oid {
	case oidBool:
		return asBool, 1
	case oidBytes:
		return asBytes, 1
	case oidInt2:
		return asInt2, 1
	case oidInt4:
		return asInt4, 1
	case oidInt8:
		return asInt8, 1
	case oidOID:
		return asOID, 1
	case oidFloat4:
		return asFloat4, 1
	case oidFloat8:
		return asFloat8, 1
	case oidDate:
		return asDate, 1
	case oidTime:
		return asTime, 1
	case oidTimestamp, oidTimestampTZ:
		return asTimestamp, 1
	}
	return asText, 0
}

// Days and microseconds between 1970 and 2000, where the server counts from.
const (
	days2000   = 10957
	micros2000 = days2000 * 86_400_000_000
)

var (
	errLength   = errors.New("the server sent a value of a wrong length")
	errInfinite = errors.New("an infinite time, which a column cannot hold: read it by a query that replaces it, such as CASE WHEN isfinite(t) THEN t END")
)

// Next implements database.Cursor.
func (c *cursor) Next(into *cell.Rows) error {
	if !c.rows.NextRow() {
		if _, err := c.rows.Close(); err != nil {
			return c.session.mark(err)
		}
		c.ended = true
		return io.EOF
	}
	for i, v := range c.rows.Values() {
		if v == nil {
			into.Columns[i].AppendNull()
			continue
		}
		if err := c.append(into.Columns[i], c.decode[i], v); err != nil {
			e := &arrowstream.DataError{Column: c.columns[i].Name, Err: err}
			if c.decode[i] == asText {
				e.Value = arrowstream.CutValue(v)
			}
			return e
		}
	}
	return nil
}

// widths are the lengths of the binary forms, 0 for any.
var widths = [...]int{asBool: 1, asInt2: 2, asInt4: 4, asInt8: 8, asOID: 4, asFloat4: 4, asFloat8: 8, asDate: 4, asTime: 8, asTimestamp: 8}

// append decodes a value.
func (c *cursor) append(to *cell.Column, as decoder, v []byte) error {
	if w := widths[as]; w > 0 && len(v) != w {
		return errLength
	}
	switch as {
	case asBool:
		to.AppendBool(v[0] != 0)
	case asBytes:
		if !to.Room(len(v)) {
			return errors.New("the batch holds more than 2 GiB of bytes")
		}
		to.AppendBytes(v)
	case asInt2:
		to.AppendInteger(int64(int16(binary.BigEndian.Uint16(v))))
	case asInt4:
		to.AppendInt32(int32(binary.BigEndian.Uint32(v)))
	case asInt8:
		to.AppendInt64(int64(binary.BigEndian.Uint64(v)))
	case asOID:
		to.AppendInt64(int64(binary.BigEndian.Uint32(v)))
	case asFloat4:
		to.AppendFloat32(math.Float32frombits(binary.BigEndian.Uint32(v)))
	case asFloat8:
		to.AppendFloat64(math.Float64frombits(binary.BigEndian.Uint64(v)))
	case asDate:
		days := int32(binary.BigEndian.Uint32(v))
		if days == math.MaxInt32 || days == math.MinInt32 {
			return errInfinite
		}
		to.AppendInt32(days + days2000)
	case asTime:
		to.AppendInt64(int64(binary.BigEndian.Uint64(v)))
	case asTimestamp:
		micros := int64(binary.BigEndian.Uint64(v))
		if micros == math.MaxInt64 || micros == math.MinInt64 {
			return errInfinite
		}
		to.AppendInt64(micros + micros2000)
	default:
		if to.ID == arrow.DECIMAL128 {
			return to.AppendDecimalText(v)
		}
		return to.AppendParsed(v)
	}
	return nil
}

// Close implements database.Cursor: the connection goes with what is left of the
// result, which may be long.
func (c *cursor) Close() {
	if !c.ended {
		c.session.Close()
	}
}
