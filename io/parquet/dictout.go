package parquet

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar"
)

// dictOut is the dictionary of a column of a row group.
type dictOut struct {
	active bool             // the current page holds codes
	texts  map[string]int32 // codes of texts
	fixed  fixedCodes       // codes of values of fixed width
	n      int
	data   []byte // PLAIN values
	page   []byte

	last  arrow.Array // dictionary of the last batch
	remap []int32     // its codes in ours, -1 unknown
}

func newDictOut() *dictOut { return &dictOut{active: true, texts: map[string]int32{}} }

// full reports whether further pages do without the dictionary.
func (d *dictOut) full() bool {
	return len(d.data) > maxDictBytes || len(d.texts) == 0 && d.n > maxFixedDict
}

func (d *dictOut) reset() {
	if d.n > 0 {
		clear(d.texts)
		d.fixed.reset()
	}
	d.active, d.n, d.data = true, 0, d.data[:0]
	d.forget()
}

// forget lets go of the dictionary of the last batch.
func (d *dictOut) forget() {
	if d.last != nil {
		d.last.Release()
		d.last = nil
	}
}

// code is the code of a value, which is added if it is new.
func (d *dictOut) code(v []byte) int32 {
	c, ok := d.texts[string(v)]
	if !ok {
		c = int32(d.n)
		d.texts[string(v)] = c
		d.n++
		d.data = binary.LittleEndian.AppendUint32(d.data, uint32(len(v)))
		d.data = append(d.data, v...)
	}
	return c
}

// adopt prepares remap for the dictionary of a batch.
func (d *dictOut) adopt(values arrow.Array) {
	if d.last != nil && d.last.Data() == values.Data() {
		return
	}
	d.forget()
	values.Retain()
	d.last = values
	d.remap = resize(d.remap, values.Len())
	for i := range d.remap {
		d.remap[i] = -1
	}
}

// appendTexts adds byte arrays, none of which is null.
func (c *chunkOut) appendTexts(col arrow.Array, from, to int) error {
	codes, values, isDict := columnar.Dictionary(col)
	if !isDict {
		v := columnar.StringsOf(col)
		if c.dict.active {
			for i := from; i < to; i++ {
				c.codes = append(c.codes, c.dict.code(v.Bytes(i)))
			}
			return nil
		}
		for i := from; i < to; i++ {
			c.appendText(v.Bytes(i))
		}
		return nil
	}
	switch values.DataType().ID() {
	case arrow.STRING, arrow.BINARY, arrow.LARGE_STRING, arrow.LARGE_BINARY:
	default:
		return fmt.Errorf("dictionary of %s cannot be written to Parquet", values.DataType())
	}
	v := columnar.StringsOf(values)
	if !c.dict.active {
		for _, x := range codes[from:to] {
			c.appendText(v.Bytes(int(x)))
		}
		return nil
	}
	c.dict.adopt(values)
	remap := c.dict.remap
	for _, x := range codes[from:to] {
		y := remap[x]
		if y < 0 {
			y = c.dict.code(v.Bytes(int(x)))
			remap[x] = y
		}
		c.codes = append(c.codes, y)
	}
	return nil
}

// appendText adds a value to a plain page.
func (c *chunkOut) appendText(v []byte) {
	c.data = binary.LittleEndian.AppendUint32(c.data, uint32(len(v)))
	c.data = append(c.data, v...)
	c.stats.text(v)
}
