package cell

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// Column is a column under construction. It can be cut back to an earlier
// length, which the builders of the Arrow library cannot.
type Column struct {
	Type arrow.DataType
	ID   arrow.Type // of Type
	Kids []*Column  // elements of a list, entries of a map, fields of a struct

	n     int
	nulls int
	width int    // bytes per value in data; 0 for text, lists, structs
	valid buffer // one bit per row, kept from the first null on
	data  buffer // values or text
	off   buffer // int32 offsets of text and lists
	codes map[string]int32
}

// NewColumn returns an empty column. Types that have no text form are an error.
func NewColumn(t arrow.DataType, mem memory.Allocator) (*Column, error) {
	c := &Column{Type: t, ID: t.ID(), valid: buffer{mem: mem}, data: buffer{mem: mem}, off: buffer{mem: mem}}
	kid := func(t arrow.DataType) error {
		k, err := NewColumn(t, mem)
		c.Kids = append(c.Kids, k)
		return err
	}
	switch t := t.(type) {
	case *arrow.NullType, *arrow.BooleanType, *arrow.StringType, *arrow.BinaryType:
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type,
		*arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type, *arrow.Uint64Type,
		*arrow.Float32Type, *arrow.Float64Type, *arrow.TimestampType, *arrow.DurationType,
		*arrow.Date32Type, *arrow.Date64Type, *arrow.Time32Type, *arrow.Time64Type, *arrow.Decimal128Type:
		c.width = t.(arrow.FixedWidthDataType).BitWidth() / 8
	case *arrow.DictionaryType:
		if t.IndexType.ID() != arrow.INT32 || t.ValueType.ID() != arrow.STRING {
			return nil, fmt.Errorf("type %s cannot be built from text", t)
		}
		c.width, c.codes = 4, map[string]int32{}
		return c, kid(t.ValueType)
	case *arrow.ListType:
		return c, kid(t.Elem())
	case *arrow.FixedSizeListType:
		return c, kid(t.Elem())
	case *arrow.MapType:
		return c, kid(t.Elem())
	case *arrow.StructType:
		for _, f := range t.Fields() {
			if err := kid(f.Type); err != nil {
				return nil, err
			}
		}
	default:
		return nil, fmt.Errorf("type %s cannot be built from text", t)
	}
	return c, nil
}

// Len is the number of rows.
func (c *Column) Len() int { return c.n }

// Bytes is the memory in use, about.
func (c *Column) Bytes() int {
	n := c.valid.n + c.data.n + c.off.n
	for _, k := range c.Kids {
		n += k.Bytes()
	}
	return n
}

// ok counts a row that is no null.
func (c *Column) ok() {
	if c.valid.p != nil {
		c.bit(true)
	}
	c.n++
}

// bit sets the validity of row n.
func (c *Column) bit(set bool) {
	at := c.n >> 3
	for at >= c.valid.n {
		c.valid.reserve(8)
		clear(c.valid.p[c.valid.n : c.valid.n+8])
		c.valid.n += 8
	}
	if set {
		c.valid.p[at] |= 1 << (c.n & 7)
	} else {
		c.valid.p[at] &^= 1 << (c.n & 7)
	}
}

// AppendNull appends a null.
func (c *Column) AppendNull() {
	c.keepValidity()
	c.bit(false)
	c.nulls++
	switch c.ID {
	case arrow.NULL:
	case arrow.BOOL:
		c.bool(false)
	case arrow.STRING, arrow.BINARY, arrow.LIST, arrow.MAP:
		c.offset()
	case arrow.FIXED_SIZE_LIST:
		for range c.Type.(*arrow.FixedSizeListType).Len() {
			c.Kids[0].AppendNull()
		}
	case arrow.STRUCT:
		for _, k := range c.Kids {
			k.AppendNull()
		}
	default:
		c.data.reserve(c.width)
		clear(c.data.p[c.data.n : c.data.n+c.width])
		c.data.n += c.width
	}
	c.n++
}

func (c *Column) bool(v bool) {
	at := c.n >> 3
	if at >= c.data.n {
		c.data.reserve(1)
		c.data.p[at] = 0
		c.data.n = at + 1
	}
	if v {
		c.data.p[at] |= 1 << (c.n & 7)
	} else {
		c.data.p[at] &^= 1 << (c.n & 7)
	}
}

// offset appends the start of row n; the end is the start of the next row.
func (c *Column) offset() {
	if c.ID == arrow.LIST || c.ID == arrow.MAP {
		put(&c.off, int32(c.Kids[0].n))
	} else {
		put(&c.off, int32(c.data.n))
	}
}

// AppendBool appends to a bool column.
func (c *Column) AppendBool(v bool) {
	c.bool(v)
	c.ok()
}

// AppendInt64 appends to a column of 8-byte integers or times.
func (c *Column) AppendInt64(v int64) {
	put(&c.data, v)
	c.ok()
}

// AppendInt32 appends to a column of 4-byte integers, dates or times.
func (c *Column) AppendInt32(v int32) {
	put(&c.data, v)
	c.ok()
}

// AppendFloat32 appends to a float32 column.
func (c *Column) AppendFloat32(v float32) {
	put(&c.data, v)
	c.ok()
}

// AppendFloat64 appends to a float64 column.
func (c *Column) AppendFloat64(v float64) {
	put(&c.data, v)
	c.ok()
}

// AppendString appends to a utf8 or binary column.
func (c *Column) AppendString(v string) {
	c.offset()
	c.data.text(v)
	c.ok()
}

// AppendText appends to a utf8, binary or dictionary column.
func (c *Column) AppendText(v string) {
	if c.codes == nil {
		c.AppendString(v)
		return
	}
	c.AppendBytes(unsafe.Slice(unsafe.StringData(v), len(v)))
}

// AppendBytes appends to a utf8, binary or dictionary column.
func (c *Column) AppendBytes(v []byte) {
	if c.codes != nil {
		code, known := c.codes[string(v)]
		if !known {
			code = int32(len(c.codes))
			c.codes[string(v)] = code
			c.Kids[0].AppendBytes(v)
		}
		put(&c.data, code)
		c.ok()
		return
	}
	c.offset()
	c.data.bytes(v)
	c.ok()
}

// AppendDecimal appends to a decimal column.
func (c *Column) AppendDecimal(v decimal128.Num) {
	put(&c.data, v.LowBits())
	put(&c.data, v.HighBits())
	c.ok()
}

// BeginList starts a list or a map; its elements follow in Kids[0], then EndList.
func (c *Column) BeginList() { c.offset() }

// EndList ends a list, or the fields of a struct or a vector, which need no begin.
func (c *Column) EndList() { c.ok() }

// Room says whether v more bytes of text and elements fit the 32-bit offsets.
func (c *Column) Room(v int) bool { return c.data.n <= math.MaxInt32-v }

// AppendInteger appends v to a column of any integer type, dates, times and
// durations included. ok is false if v does not fit.
func (c *Column) AppendInteger(v int64) bool {
	switch c.ID {
	case arrow.INT64, arrow.TIMESTAMP, arrow.DURATION, arrow.TIME64, arrow.DATE64:
		put(&c.data, v)
	case arrow.INT32, arrow.DATE32, arrow.TIME32:
		if v != int64(int32(v)) {
			return false
		}
		put(&c.data, int32(v))
	case arrow.INT16:
		if v != int64(int16(v)) {
			return false
		}
		put(&c.data, int16(v))
	case arrow.INT8:
		if v != int64(int8(v)) {
			return false
		}
		put(&c.data, int8(v))
	default:
		return v >= 0 && c.AppendUnsigned(uint64(v))
	}
	c.ok()
	return true
}

// AppendUnsigned is [Column.AppendInteger] for unsigned types.
func (c *Column) AppendUnsigned(v uint64) bool {
	switch c.ID {
	case arrow.UINT64:
		put(&c.data, v)
	case arrow.UINT32:
		if v != uint64(uint32(v)) {
			return false
		}
		put(&c.data, uint32(v))
	case arrow.UINT16:
		if v != uint64(uint16(v)) {
			return false
		}
		put(&c.data, uint16(v))
	case arrow.UINT8:
		if v != uint64(uint8(v)) {
			return false
		}
		put(&c.data, uint8(v))
	default:
		return false
	}
	c.ok()
	return true
}

// Truncate cuts the column back to n rows.
func (c *Column) Truncate(n int) {
	if n >= c.n {
		// A list that was begun and not ended has an offset too many.
		c.cutOffsets(n)
		return
	}
	if c.nulls > 0 {
		for i := n; i < c.n; i++ {
			if c.valid.p[i>>3]>>(i&7)&1 == 0 {
				c.nulls--
			}
		}
		c.valid.n = min(c.valid.n, (n/64+1)*8)
	}
	switch c.ID {
	case arrow.NULL:
	case arrow.BOOL:
		c.data.n = (n + 7) / 8
	case arrow.STRING, arrow.BINARY, arrow.LIST, arrow.MAP:
		c.cutOffsets(n)
	case arrow.FIXED_SIZE_LIST:
		c.Kids[0].Truncate(n * int(c.Type.(*arrow.FixedSizeListType).Len()))
	case arrow.STRUCT:
		for _, k := range c.Kids {
			k.Truncate(n)
		}
	default:
		c.data.n = n * c.width
	}
	c.n = n
}

func (c *Column) cutOffsets(n int) {
	switch c.ID {
	case arrow.STRING, arrow.BINARY, arrow.LIST, arrow.MAP:
		if c.off.n <= 4*n {
			return
		}
		at := int(columnar.AsValues[int32](c.off.p[:c.off.n])[n])
		if c.ID == arrow.LIST || c.ID == arrow.MAP {
			c.Kids[0].Truncate(at)
		} else {
			c.data.n = at
		}
		c.off.n = 4 * n
	case arrow.STRUCT:
		for _, k := range c.Kids {
			k.Truncate(n)
		}
	case arrow.FIXED_SIZE_LIST:
		c.Kids[0].Truncate(n * int(c.Type.(*arrow.FixedSizeListType).Len()))
	}
}

// Array returns the column as an owned array and starts anew.
func (c *Column) Array() arrow.Array {
	d := c.take()
	defer d.Release()
	return array.MakeFromData(d)
}

func (c *Column) take() *array.Data {
	var bufs []*memory.Buffer
	var valid *memory.Buffer
	if c.nulls > 0 {
		c.valid.n = (c.n + 7) / 8
		valid = c.valid.take()
	} else {
		c.valid.release()
	}
	switch c.ID {
	case arrow.NULL:
		bufs = []*memory.Buffer{nil}
	case arrow.STRING, arrow.BINARY:
		c.offset()
		bufs = []*memory.Buffer{valid, c.off.take(), c.data.take()}
	case arrow.LIST, arrow.MAP:
		c.offset()
		bufs = []*memory.Buffer{valid, c.off.take()}
	case arrow.STRUCT, arrow.FIXED_SIZE_LIST:
		bufs = []*memory.Buffer{valid}
	default:
		bufs = []*memory.Buffer{valid, c.data.take()}
	}
	kids := make([]arrow.ArrayData, len(c.Kids))
	for i, k := range c.Kids {
		kids[i] = k.take()
	}
	var d *array.Data
	if c.codes != nil {
		d = array.NewDataWithDictionary(c.Type, c.n, bufs, c.nulls, 0, kids[0].(*array.Data))
		clear(c.codes)
	} else {
		d = array.NewData(c.Type, c.n, bufs, kids, c.nulls, 0)
	}
	for _, k := range kids {
		k.Release()
	}
	for _, b := range bufs {
		if b != nil {
			b.Release()
		}
	}
	c.n, c.nulls = 0, 0
	return d
}

// Release frees what has been collected.
func (c *Column) Release() {
	c.valid.release()
	c.data.release()
	c.off.release()
	for _, k := range c.Kids {
		k.Release()
	}
	c.n, c.nulls = 0, 0
}
