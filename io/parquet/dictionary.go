package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// dictionary holds the values of a dictionary page.
type dictionary struct {
	n     int
	fixed scratch     // values of fixed width
	texts arrow.Array // byte arrays, as utf8 or binary
	view  columnar.Strings
	array arrow.Array // what a column of indices points into: texts, or made of fixed
}

func (d *dictionary) release() {
	d.fixed.release()
	if d.array != nil {
		d.array.Release()
		d.texts, d.array = nil, nil
	}
}

// values are the values as an array of a type: texts as they are, the others
// converted, once.
func (d *dictionary) values(mem memory.Allocator, leaf *node, typ arrow.DataType) (arrow.Array, error) {
	if d.array != nil {
		return d.array, nil
	}
	conv, err := converter(leaf.elem, typ)
	if err != nil {
		return nil, err
	}
	buf := rawBuffer(mem)
	defer buf.Release()
	buf.Resize(d.n * columnar.FixedWidth(typ))
	raw := d.fixed.mine[:d.n*physicalWidth(leaf.elem)]
	if conv == nil {
		copy(buf.Bytes(), raw)
	} else if err := conv(buf.Bytes(), raw, d.n); err != nil {
		return nil, err
	}
	d.array = makeArray(typ, d.n, 0, []*memory.Buffer{nil, buf}, nil)
	return d.array, nil
}

// loadDictionary reads the dictionary page of the chunk.
func (c *chunk) loadDictionary(h pageHeader, b []byte) error {
	if c.dict != nil || c.begun {
		return errors.New("the column chunk has a second dictionary, or one behind its data")
	}
	if h.encoding != format.Plain && h.encoding != plainDictionary {
		return fmt.Errorf("dictionary in encoding %s is not supported", h.encoding)
	}
	b, err := c.inflate(c.meta.Codec, b, int(h.inflated))
	if err != nil {
		return err
	}
	d := &dictionary{n: int(h.values), fixed: newScratch(c.mem)}
	width := physicalWidth(c.leaf.elem)
	switch {
	case c.leaf.elem.Type.V == format.Boolean:
		return errors.New("dictionary of booleans")
	case c.leaf.elem.Type.V == format.ByteArray:
		if d.texts, err = plainTexts(c.mem, b, d.n, c.utf8); err != nil {
			return err
		}
		d.array, d.view = d.texts, columnar.StringsOf(d.texts)
	case int64(width)*int64(d.n) > int64(len(b)):
		return fmt.Errorf("dictionary of %d values in %d bytes", d.n, len(b))
	default:
		copy(d.fixed.size(width*d.n), b)
	}
	c.dict = d
	return nil
}

// physicalWidth is the number of bytes of a value, 0 if that varies.
func physicalWidth(e *format.SchemaElement) int {
	switch e.Type.V {
	case format.Int32, format.Float:
		return 4
	case format.Int64, format.Double:
		return 8
	case format.Int96:
		return 12
	case format.FixedLenByteArray:
		return int(e.TypeLength.V)
	}
	return 0
}

// plainTexts decodes n PLAIN byte arrays.
func plainTexts(mem memory.Allocator, b []byte, n int, text bool) (arrow.Array, error) {
	if int64(n)*4 > int64(len(b)) {
		return nil, fmt.Errorf("%d strings in %d bytes", n, len(b))
	}
	offsets, data := rawBuffer(mem), rawBuffer(mem)
	defer offsets.Release()
	defer data.Release()
	offsets.Resize(4 * (n + 1))
	data.Resize(len(b) - 4*n)
	off, out := columnar.AsValues[int32](offsets.Bytes()), data.Bytes()
	at := 0
	off[0] = 0
	for i := range n {
		if len(b) < 4 {
			return nil, errFewValues
		}
		k := binary.LittleEndian.Uint32(b)
		if int64(k) > int64(len(b)-4) || int(k) > len(out)-at {
			return nil, fmt.Errorf("string of %d bytes does not fit its page", k)
		}
		copy(out[at:], b[4:4+k])
		at += int(k)
		off[i+1] = int32(at)
		b = b[4+k:]
	}
	typ := arrow.DataType(arrow.BinaryTypes.Binary)
	if text {
		if err := checkUTF8(out[:at], off); err != nil {
			return nil, err
		}
		typ = arrow.BinaryTypes.String
	}
	d := array.NewData(typ, n, []*memory.Buffer{nil, offsets, data}, nil, 0, 0)
	defer d.Release()
	return array.MakeFromData(d), nil
}

var errUTF8 = errors.New("a string is not valid UTF-8 (the column is declared as text)")

// checkUTF8 checks the strings that offsets cut data into.
func checkUTF8(data []byte, offsets []int32) error {
	if !simd.ValidUTF8(data) {
		return errUTF8
	}
	return checkStarts(data, offsets)
}

// checkStarts checks that no string starts in the middle of a character of
// data, which is valid as a whole.
func checkStarts(data []byte, offsets []int32) error {
	for _, o := range offsets {
		if int(o) < len(data) && data[o]&0xC0 == 0x80 {
			return errUTF8
		}
	}
	return nil
}

// plainDictionary is what writers of the first version of the format, and many
// today, call both the encoding of a dictionary page and that of its indices.
const plainDictionary format.Encoding = 2
