// Package rowsum is a checksum over rows that depends neither on their order,
// nor on how they are cut into batches, nor on how an updating stream got to
// its final rows. Floor 1.
//
// A row is, for each column in order, 0x00 for NULL or 0x01 and the value:
// integers, booleans, dates and times as 8 bytes little endian, instants and
// durations in microseconds; decimals unscaled as 16 bytes; floats as the bits
// of a float64 with one NaN and no -0; text and bytes as their length (uvarint)
// and their bytes; lists as their length and elements; structs as their fields.
// The sum is that of the XXH3-64 hashes of the rows, modulo 2^64; rows taken
// back (-U, -D) are subtracted, and the column __op is left out.
package rowsum

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/arrowstream/arrowstream/columnar"
)

// Sum collects the checksum and the net number of rows of a stream. The zero
// value is ready; it is used by one goroutine at a time.
type Sum struct {
	Hash uint64
	Rows int64
	buf  []byte
}

// Add adds the rows of b. A column of a type that has no canonical bytes is an error.
func (s *Sum) Add(b arrow.Record) error {
	n := int(b.NumCols())
	var ops []int8
	if columnar.Changelog(b.Schema()) {
		n--
		ops = columnar.Values[int8](b.Column(n))
	}
	cols := make([]column, n)
	for i := range cols {
		var err error
		if cols[i], err = newColumn(b.Column(i)); err != nil {
			return fmt.Errorf("rowsum: column %q: %w", b.ColumnName(i), err)
		}
	}
	for row := range int(b.NumRows()) {
		s.buf = s.buf[:0]
		for i := range cols {
			s.buf = cols[i].append(s.buf, row)
		}
		h := xxh3.Hash(s.buf)
		if ops != nil && (ops[row] == int8(columnar.UpdateBefore) || ops[row] == int8(columnar.Delete)) {
			s.Hash -= h
			s.Rows--
		} else {
			s.Hash += h
			s.Rows++
		}
	}
	return nil
}

// String is the checksum as 16 hexadecimal digits.
func (s *Sum) String() string { return fmt.Sprintf("%016x", s.Hash) }

type kind int

const (
	kindNull kind = iota
	kindInt
	kindFloat
	kindText
	kindDict
	kindDecimal
	kindList
	kindStruct
)

// column is one column, ready to append the bytes of any of its rows.
type column struct {
	kind  kind
	valid columnar.Bitmap
	ints  []int64 // integers; codes of a dictionary
	flts  []float64
	text  columnar.Strings
	raw   []byte // decimals, 16 bytes each
	kids  []column
	list  array.ListLike
}

func newColumn(a arrow.Array) (column, error) {
	c := column{kind: kindInt, valid: columnar.Validity(a)}
	switch t := a.DataType().(type) {
	case *arrow.NullType:
		c.kind = kindNull
	case *arrow.BooleanType:
		c.ints = make([]int64, a.Len())
		for i := range columnar.Bools(a).Ones() {
			c.ints[i] = 1
		}
	case *arrow.Int8Type:
		c.ints = widen(columnar.Values[int8](a))
	case *arrow.Int16Type:
		c.ints = widen(columnar.Values[int16](a))
	case *arrow.Int32Type, *arrow.Date32Type, *arrow.Time32Type, *arrow.MonthIntervalType:
		c.ints = widen(columnar.Values[int32](a))
	case *arrow.Int64Type, *arrow.Date64Type, *arrow.Time64Type:
		c.ints = columnar.Values[int64](a)
	case *arrow.Uint8Type:
		c.ints = widen(columnar.Values[uint8](a))
	case *arrow.Uint16Type:
		c.ints = widen(columnar.Values[uint16](a))
	case *arrow.Uint32Type:
		c.ints = widen(columnar.Values[uint32](a))
	case *arrow.Uint64Type:
		c.ints = widen(columnar.Values[uint64](a))
	case *arrow.TimestampType:
		c.ints = micros(columnar.Values[int64](a), t.Unit)
	case *arrow.DurationType:
		c.ints = micros(columnar.Values[int64](a), t.Unit)
	case *arrow.Float32Type:
		c.kind, c.flts = kindFloat, make([]float64, a.Len())
		for i, v := range columnar.Values[float32](a) {
			c.flts[i] = float64(v)
		}
	case *arrow.Float64Type:
		c.kind, c.flts = kindFloat, columnar.Values[float64](a)
	case *arrow.StringType, *arrow.BinaryType, *arrow.LargeStringType, *arrow.LargeBinaryType:
		c.kind, c.text = kindText, columnar.StringsOf(a)
	case *arrow.Decimal128Type:
		c.kind = kindDecimal
		if b := a.Data().Buffers()[1]; b != nil {
			c.raw = b.Bytes()[16*a.Data().Offset():]
		}
	case *arrow.DictionaryType:
		codes, values, _ := columnar.Dictionary(a)
		kid, err := newColumn(values)
		if err != nil {
			return c, err
		}
		c.kind, c.ints, c.kids = kindDict, widen(codes), []column{kid}
	case *arrow.ListType, *arrow.LargeListType, *arrow.FixedSizeListType:
		c.kind, c.list = kindList, a.(array.ListLike)
		kid, err := newColumn(c.list.ListValues())
		if err != nil {
			return c, err
		}
		c.kids = []column{kid}
	case *arrow.StructType:
		c.kind = kindStruct
		for i := range t.NumFields() {
			kid, err := newColumn(a.(*array.Struct).Field(i))
			if err != nil {
				return c, err
			}
			c.kids = append(c.kids, kid)
		}
	default:
		return c, fmt.Errorf("type %s has no checksum", t)
	}
	return c, nil
}

func (c *column) append(b []byte, row int) []byte {
	if !c.valid.Get(row) {
		return append(b, 0)
	}
	switch c.kind {
	case kindInt:
		return binary.LittleEndian.AppendUint64(append(b, 1), uint64(c.ints[row]))
	case kindFloat:
		return binary.LittleEndian.AppendUint64(append(b, 1), floatBits(c.flts[row]))
	case kindText:
		v := c.text.Bytes(row)
		return append(binary.AppendUvarint(append(b, 1), uint64(len(v))), v...)
	case kindDict:
		return c.kids[0].append(b, int(c.ints[row]))
	case kindDecimal:
		return append(append(b, 1), c.raw[16*row:16*row+16]...)
	case kindList:
		from, to := c.list.ValueOffsets(row)
		b = binary.AppendUvarint(append(b, 1), uint64(to-from))
		for i := from; i < to; i++ {
			b = c.kids[0].append(b, int(i))
		}
		return b
	case kindStruct:
		b = append(b, 1)
		for i := range c.kids {
			b = c.kids[i].append(b, row)
		}
		return b
	}
	return append(b, 0)
}

func widen[T columnar.Fixed](v []T) []int64 {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return out
}

func micros(v []int64, unit arrow.TimeUnit) []int64 {
	if unit == arrow.Microsecond {
		return v
	}
	out := make([]int64, len(v))
	for i, x := range v {
		switch unit {
		case arrow.Second:
			x *= 1_000_000
		case arrow.Millisecond:
			x *= 1_000
		default:
			x = (x - ((x%1000)+1000)%1000) / 1000
		}
		out[i] = x
	}
	return out
}

func floatBits(x float64) uint64 {
	switch {
	case x != x:
		return 0x7FF8000000000000
	case x == 0:
		return 0
	}
	return math.Float64bits(x)
}
