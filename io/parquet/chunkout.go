package parquet

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream/columnar"
)

const (
	// A page ends at a multiple of pageStep rows, so that files do not depend
	// on how the rows were cut into batches, once it has pageOutRows rows or
	// pageOutBytes bytes.
	pageStep     = 1024
	pageOutRows  = 32768
	pageOutBytes = 1 << 20
	// A dictionary that grew beyond maxDictBytes is not used for further pages.
	maxDictBytes = 1 << 20
)

// chunkOut encodes one leaf column of one row group.
type chunkOut struct {
	leaf   *outLeaf
	nested bool
	text   bool
	width  int // bytes of a value as it is stored, 0 if that varies

	// the page under construction
	rows  int
	vals  int // entries, nulls included
	ones  int // entries that are values
	data  []byte
	codes []int32
	bits  []byte
	defs  []uint8
	reps  []uint8

	// the pages so far
	pages    []byte
	inflated int64
	values   int64
	nulls    int64
	plain    int  // plain pages
	coded    int  // pages of dictionary codes
	delta    int  // pages of packed differences
	raw      bool // the pages are not compressed: it does not pay
	dict     *dictOut
	stats    stats
	shredder *shredder // shared by the columns
	body     []byte
}

func newChunkOut(leaf *outLeaf, shredder *shredder) *chunkOut {
	c := &chunkOut{leaf: leaf, stats: newStats(leaf.elem), shredder: shredder}
	for _, s := range leaf.steps {
		c.nested = c.nested || s.list || s.child >= 0
	}
	c.text, c.width = leaf.elem.Type.V == format.ByteArray, physicalWidth(leaf.elem)
	if c.text || c.width == 4 || c.width == 8 {
		c.dict = newDictOut()
	}
	return c
}

// append adds rows [from, to) of a top-level column.
func (c *chunkOut) append(col arrow.Array, from, to int, d *deflater) error {
	for from < to {
		n := min(to-from, pageStep-c.rows%pageStep)
		var err error
		if c.nested {
			err = c.appendNested(col, from, from+n)
		} else {
			err = c.appendFlat(col, from, from+n)
		}
		if err != nil {
			return err
		}
		c.rows += n
		from += n
		if c.rows == dictTrial {
			c.judgeDict()
		}
		if c.rows%pageStep == 0 && (c.rows >= pageOutRows || len(c.data)+4*len(c.codes) >= pageOutBytes) {
			if err := c.flush(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *chunkOut) appendFlat(col arrow.Array, from, to int) error {
	n := to - from
	if col.NullN() == 0 {
		if c.leaf.def > 0 {
			c.validBits(columnar.Bitmap{N: n})
		}
		c.vals += n
		c.ones += n
		return c.appendRun(col, from, to)
	}
	valid := columnar.Validity(col).Slice(from, to)
	ones := valid.Count()
	if ones < n && c.leaf.def == 0 {
		return fmt.Errorf("column %q is declared NOT NULL and holds a NULL", c.leaf.path[0])
	}
	if c.leaf.def > 0 {
		c.validBits(valid)
	}
	c.vals += n
	c.ones += ones
	for i, j := range valid.Runs() {
		if err := c.appendRun(col, from+i, from+j); err != nil {
			return err
		}
	}
	return nil
}

// validBits appends definition levels of a flat column as bits.
func (c *chunkOut) validBits(valid columnar.Bitmap) {
	if need := columnar.BitmapBytes(c.vals+valid.N) + bitSlack; len(c.bits) < need {
		c.bits = append(c.bits, make([]byte, max(need-len(c.bits), pageOutRows/8))...)
	}
	copyBits(c.bits, c.vals, valid)
}

func (c *chunkOut) appendNested(col arrow.Array, from, to int) error {
	leaf, l, err := c.shredder.shred(col, from, to, c.leaf.steps)
	if err != nil {
		return err
	}
	c.defs, c.reps = append(c.defs, l.def...), append(c.reps, l.rep...)
	c.vals += len(l.idx)
	for i := 0; i < len(l.idx); {
		first := l.idx[i]
		if first < 0 {
			i++
			continue
		}
		n := 1
		for i+n < len(l.idx) && l.idx[i+n] == first+int32(n) {
			n++
		}
		c.ones += n
		if err := c.appendRun(leaf, int(first), int(first)+n); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// appendRun adds values, none of which is null.
func (c *chunkOut) appendRun(col arrow.Array, from, to int) error {
	if c.text {
		return c.appendTexts(col, from, to)
	}
	if c.leaf.elem.Type.V == format.Boolean {
		// Bits are collected as bytes and packed when the page ends.
		v := columnar.Bools(col)
		for i := from; i < to; i++ {
			b := byte(0)
			if v.Get(i) {
				b = 1
			}
			c.data = append(c.data, b)
		}
		c.stats.bools(c.data[len(c.data)-(to-from):])
		return nil
	}
	at := len(c.data)
	var err error
	if c.data, err = appendFixed(c.data, col, from, to); err != nil {
		return err
	}
	if c.dict != nil && c.dict.active {
		c.appendCodes(at)
		return nil
	}
	c.stats.fixed(c.data[at:])
	return nil
}

// flush ends the page.
func (c *chunkOut) flush(d *deflater) error {
	if c.vals == 0 {
		return nil
	}
	c.judgeDict()
	b := c.body[:0]
	switch {
	case c.nested:
		if c.leaf.rep > 0 {
			b = appendLevels(b, c.reps, c.leaf.rep)
		}
		if c.leaf.def > 0 {
			b = appendLevels(b, c.defs, c.leaf.def)
		}
	case c.leaf.def > 0:
		b = appendBitRun(b, columnar.Bitmap{Bits: c.bits, N: c.vals})
	}
	enc := format.Plain
	switch {
	case c.dict != nil && c.dict.active:
		enc = format.RLEDictionary
		width := bits.Len(uint(max(c.dict.n-1, 0)))
		b = append(b, byte(width))
		b = appendHybrid(b, c.codes, width)
		c.coded++
		c.dict.active = !c.dict.full()
	case c.leaf.elem.Type.V == format.Boolean:
		b = packBools(b, c.data)
		c.plain++
	default:
		if packed, ok := c.appendDelta(b); ok {
			b, enc = packed, format.DeltaBinaryPacked
			c.delta++
			break
		}
		b = append(b, c.data...)
		c.plain++
	}
	c.body = b
	if err := c.emit(d, format.DataPage, b, c.vals, enc); err != nil {
		return err
	}
	c.values += int64(c.vals)
	c.nulls += int64(c.vals - c.ones)
	clear(c.bits)
	c.rows, c.vals, c.ones = 0, 0, 0
	c.data, c.codes, c.defs, c.reps = c.data[:0], c.codes[:0], c.defs[:0], c.reps[:0]
	return nil
}

// appendDelta appends the page as packed differences, if it is one of integers
// that get shorter by that.
func (c *chunkOut) appendDelta(b []byte) ([]byte, bool) {
	switch c.leaf.elem.Type.V {
	case format.Int32:
		return appendDelta(b, columnar.AsValues[int32](c.data), 4)
	case format.Int64:
		return appendDelta(b, columnar.AsValues[int64](c.data), 8)
	}
	return b, false
}

// emit appends a page to the pages of the chunk. Whether a chunk is compressed
// is decided at its first page.
func (c *chunkOut) emit(d *deflater, kind format.PageType, body []byte, values int, enc format.Encoding) error {
	if len(body) > 1<<31-1 {
		return fmt.Errorf("column %q: page of %d bytes is too large", c.leaf.path[0], len(body))
	}
	if len(c.pages) == 0 && kind == format.DataPage {
		sample := body
		if c.coded > 0 && len(c.dict.data) > len(body) {
			sample = c.dict.data
		}
		var err error
		if c.raw, err = d.useless(sample); err != nil {
			return fmt.Errorf("column %q: compress: %w", c.leaf.path[0], err)
		}
	}
	stored := body
	if !c.raw {
		var err error
		if stored, err = d.deflate(body); err != nil {
			return fmt.Errorf("column %q: compress: %w", c.leaf.path[0], err)
		}
	}
	at := len(c.pages)
	c.pages = appendPageHeader(c.pages, kind, len(body), len(stored), values, enc, crc32.ChecksumIEEE(stored))
	c.inflated += int64(len(c.pages)-at) + int64(len(body))
	c.pages = append(c.pages, stored...)
	return nil
}

// finish ends the chunk, which will start at a file offset, and returns its
// bytes: the dictionary page, if there is one, and the data pages.
func (c *chunkOut) finish(d *deflater, offset int64) (dict, pages []byte, meta format.ColumnChunk, err error) {
	if err = c.flush(d); err != nil {
		return nil, nil, meta, err
	}
	m := &meta.MetaData
	m.DataPageOffset = offset
	m.Encoding = thrift.Slice[format.Encoding]{format.RLE}
	if c.coded > 0 {
		data := c.pages
		c.pages = c.dict.page[:0]
		err = c.emit(d, format.DictionaryPage, c.dict.data, c.dict.n, format.Plain)
		c.dict.page, c.pages = c.pages, data
		if err != nil {
			return nil, nil, meta, err
		}
		dict = c.dict.page
		m.DictionaryPageOffset, m.DataPageOffset = offset, offset+int64(len(dict))
		m.Encoding = append(m.Encoding, format.Plain, format.RLEDictionary)
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1},
			format.PageEncodingStats{PageType: format.DataPage, Encoding: format.RLEDictionary, Count: int32(c.coded)})
	}
	if c.delta > 0 {
		m.Encoding = append(m.Encoding, format.DeltaBinaryPacked)
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DataPage, Encoding: format.DeltaBinaryPacked, Count: int32(c.delta)})
	}
	if c.plain > 0 {
		if c.coded == 0 {
			m.Encoding = append(m.Encoding, format.Plain)
		}
		m.EncodingStats = append(m.EncodingStats, format.PageEncodingStats{PageType: format.DataPage, Encoding: format.Plain, Count: int32(c.plain)})
	}
	m.Type = c.leaf.elem.Type.V
	m.PathInSchema = c.leaf.path
	if m.Codec = d.codec; c.raw {
		m.Codec = format.Uncompressed
	}
	m.NumValues = c.values
	m.TotalUncompressedSize = c.inflated
	m.TotalCompressedSize = int64(len(dict) + len(c.pages))
	m.Statistics = c.stats.result(c)
	return dict, c.pages, meta, nil
}

// reset makes c ready for the next row group.
func (c *chunkOut) reset() {
	c.pages, c.inflated, c.values, c.nulls = c.pages[:0], 0, 0, 0
	c.plain, c.coded, c.delta = 0, 0, 0
	c.stats = newStats(c.leaf.elem)
	if c.dict != nil {
		c.dict.reset()
	}
}

// release lets go of the dictionary of the last batch.
func (c *chunkOut) release() {
	if c.dict != nil {
		c.dict.forget()
	}
}

func packBools(b, v []byte) []byte {
	at := len(b)
	b = append(b, make([]byte, (len(v)+7)/8)...)
	for i, x := range v {
		b[at+i>>3] |= x << (i & 7)
	}
	return b
}

// appendFixed appends values as the format stores them: little-endian, small
// integers in 32 bits, seconds as milliseconds, decimals big-endian.
func appendFixed(b []byte, col arrow.Array, from, to int) ([]byte, error) {
	switch t := col.DataType().(type) {
	case *arrow.Int8Type:
		return appendWide[int32](b, columnar.Values[int8](col)[from:to], 1), nil
	case *arrow.Int16Type:
		return appendWide[int32](b, columnar.Values[int16](col)[from:to], 1), nil
	case *arrow.Uint8Type:
		return appendWide[int32](b, columnar.Values[uint8](col)[from:to], 1), nil
	case *arrow.Uint16Type:
		return appendWide[int32](b, columnar.Values[uint16](col)[from:to], 1), nil
	case *arrow.Date64Type:
		for _, x := range columnar.Values[int64](col)[from:to] {
			b = binary.LittleEndian.AppendUint32(b, uint32(columnar.FloorDiv(x, 86_400_000)))
		}
		return b, nil
	case *arrow.Time32Type:
		if t.Unit == arrow.Second {
			return appendWide[int32](b, columnar.Values[int32](col)[from:to], 1000), nil
		}
	case *arrow.TimestampType:
		if t.Unit == arrow.Second {
			v := columnar.Values[int64](col)[from:to]
			for _, x := range v {
				if y := x * 1000; y/1000 != x {
					return nil, fmt.Errorf("timestamp %d s is out of range in milliseconds", x)
				}
			}
			return appendWide[int64](b, v, 1000), nil
		}
	case *arrow.Decimal128Type:
		v := columnar.AsValues[uint64](col.Data().Buffers()[1].Bytes())[2*col.Data().Offset():]
		for i := from; i < to; i++ {
			b = binary.BigEndian.AppendUint64(b, v[2*i+1])
			b = binary.BigEndian.AppendUint64(b, v[2*i])
		}
		return b, nil
	}
	switch col.DataType().(arrow.FixedWidthDataType).BitWidth() {
	case 32:
		return append(b, columnar.AsBytes(columnar.Values[int32](col)[from:to])...), nil
	case 64:
		return append(b, columnar.AsBytes(columnar.Values[int64](col)[from:to])...), nil
	}
	return nil, fmt.Errorf("type %s cannot be written to Parquet", col.DataType())
}

// appendWide appends factor times each value as a D.
func appendWide[D int32 | int64, S columnar.Fixed](b []byte, v []S, factor D) []byte {
	var out [256]D
	for len(v) > 0 {
		n := min(len(v), len(out))
		for i, x := range v[:n] {
			out[i] = D(x) * factor
		}
		b = append(b, columnar.AsBytes(out[:n])...)
		v = v[n:]
	}
	return b
}
