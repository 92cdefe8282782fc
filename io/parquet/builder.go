package parquet

import (
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// builder collects the values of a leaf column as the buffers of an Arrow
// array. fill decodes, for slots [row, row+m) of which the k whose bits are set
// in valid hold a value, the next k values of a page; all of them when k == m.
type builder interface {
	// grow makes room for n slots in all.
	grow(n int)
	fill(d *dense, row, m, k int, valid []byte) error
	// array makes an array of n slots out of what was filled in; validity is
	// nil when there are no nulls.
	array(n int, validity *memory.Buffer, nulls int) arrow.Array
	release()
}

// newBuilder returns the builder for a column of a file read as typ.
func newBuilder(mem memory.Allocator, leaf *node, typ arrow.DataType) (builder, error) {
	switch typ.ID() {
	case arrow.BOOL:
		return &boolBuilder{bits: memory.NewResizableBuffer(mem)}, nil
	case arrow.STRING, arrow.BINARY:
		return &textBuilder{typ: typ, offsets: rawBuffer(mem), data: newByteBuffer(mem)}, nil
	case arrow.DICTIONARY:
		return &dictBuilder{typ: typ, mem: mem, codes: rawBuffer(mem)}, nil
	}
	conv, err := converter(leaf.elem, typ)
	if err != nil {
		return nil, err
	}
	width := typ.(arrow.FixedWidthDataType).BitWidth() / 8
	return &fixedBuilder{typ: typ, width: width, from: physicalWidth(leaf.elem), conv: conv, buf: rawBuffer(mem)}, nil
}

// rawBuffer is an empty buffer for bytes that are all written.
func rawBuffer(mem memory.Allocator) *memory.Buffer {
	return memory.NewResizableBuffer(columnar.Uncleared(mem))
}

// fixedBuilder builds arrays of fixed-width values.
type fixedBuilder struct {
	typ   arrow.DataType
	width int // bytes of a slot
	from  int // bytes of a value in the file
	conv  convert
	buf   *memory.Buffer
	raw   []byte
}

func (b *fixedBuilder) grow(n int) { b.buf.Resize(n * b.width) }

func (b *fixedBuilder) fill(d *dense, row, m, k int, valid []byte) error {
	dst := b.buf.Bytes()[row*b.width : (row+m)*b.width]
	if b.conv == nil {
		if err := d.fixed(dst, k); err != nil {
			return err
		}
	} else {
		b.raw = resize(b.raw, k*b.from)
		if err := d.fixed(b.raw, k); err != nil {
			return err
		}
		if err := b.conv(dst[:k*b.width], b.raw, k); err != nil {
			return err
		}
	}
	if k < m {
		spreadBytes(dst, b.width, valid, row, m, k)
	}
	return nil
}

func (b *fixedBuilder) array(n int, validity *memory.Buffer, nulls int) arrow.Array {
	b.buf.ResizeNoShrink(n * b.width)
	return makeArray(b.typ, n, nulls, []*memory.Buffer{validity, b.buf}, nil)
}

func (b *fixedBuilder) release() { b.buf.Release() }

// makeArray builds an array and leaves the buffers with the caller.
func makeArray(t arrow.DataType, n, nulls int, buffers []*memory.Buffer, children []arrow.ArrayData) arrow.Array {
	d := array.NewData(t, n, buffers, children, nulls, 0)
	defer d.Release()
	return array.MakeFromData(d)
}

// spreadBytes moves the k values at the start of dst to the slots whose bits
// are set in valid from bit row on, and clears the other slots of the m.
func spreadBytes(dst []byte, width int, valid []byte, row, m, k int) {
	switch width {
	case 1:
		spread(dst, valid, row, m, k)
	case 2:
		spread(columnar.AsValues[uint16](dst), valid, row, m, k)
	case 4:
		spread(columnar.AsValues[uint32](dst), valid, row, m, k)
	case 8:
		spread(columnar.AsValues[uint64](dst), valid, row, m, k)
	default:
		for i := m - 1; i >= 0; i-- {
			if bit := row + i; valid[bit>>3]>>(bit&7)&1 != 0 {
				k--
				copy(dst[i*width:(i+1)*width], dst[k*width:(k+1)*width])
			} else {
				clear(dst[i*width : (i+1)*width])
			}
		}
	}
}

// spread works from the end, so that no value is overwritten before it moved.
// Slots without a value become 0. About 1 ns per slot.
func spread[T uint8 | uint16 | uint32 | uint64](v []T, valid []byte, row, m, k int) {
	v = v[:m]
	for i := m - 1; i >= 0 && k <= i; i-- {
		bit := row + i
		set := int(valid[bit>>3] >> (bit & 7) & 1)
		k -= set
		v[i] = v[min(k, i)] & -T(set)
	}
}

// boolBuilder builds bitmaps.
type boolBuilder struct {
	bits  *memory.Buffer
	dense []byte
}

func (b *boolBuilder) grow(n int) { b.bits.Resize(columnar.BitmapBytes(n) + bitSlack) }

func (b *boolBuilder) fill(d *dense, row, m, k int, valid []byte) error {
	b.dense = resize(b.dense, columnar.BitmapBytes(k)+bitSlack)
	clear(b.dense)
	if err := d.bools(b.dense, k); err != nil {
		return err
	}
	dst := b.bits.Bytes()
	if k == m {
		copyBits(dst, row, columnar.Bitmap{Bits: b.dense, N: k})
		return nil
	}
	next := 0
	for i := range (columnar.Bitmap{Bits: valid, Offset: row, N: m}).Ones() {
		if b.dense[next>>3]>>(next&7)&1 != 0 {
			dst[(row+i)>>3] |= 1 << ((row + i) & 7)
		}
		next++
	}
	return nil
}

func (b *boolBuilder) array(n int, validity *memory.Buffer, nulls int) arrow.Array {
	b.bits.ResizeNoShrink(columnar.BitmapBytes(n))
	return makeArray(arrow.FixedWidthTypes.Boolean, n, nulls, []*memory.Buffer{validity, b.bits}, nil)
}

func (b *boolBuilder) release() { b.bits.Release() }

// textBuilder builds utf8 and binary arrays.
type textBuilder struct {
	typ     arrow.DataType
	offsets *memory.Buffer
	data    *byteBuffer
	lengths []int32
}

func (b *textBuilder) grow(n int) { b.offsets.Resize(4 * (n + 1)) }

func (b *textBuilder) fill(d *dense, row, m, k int, valid []byte) error {
	b.lengths = resize(b.lengths, k)
	start := b.data.n
	if err := d.texts(b.lengths, b.data); err != nil {
		return err
	}
	off := columnar.AsValues[int32](b.offsets.Bytes())[row : row+m+1]
	off[0] = int32(start)
	if k == m {
		for i, n := range b.lengths {
			off[i+1] = off[i] + n
		}
	} else {
		next := 0
		for i := range m {
			off[i+1] = off[i]
			if bit := row + i; valid[bit>>3]>>(bit&7)&1 != 0 {
				off[i+1] += b.lengths[next]
				next++
			}
		}
	}
	if b.typ.ID() == arrow.STRING && d.mode != dictionaryIndex {
		return checkUTF8From(b.data.bytes(), off)
	}
	return nil
}

// checkUTF8From is checkUTF8 for the strings that offsets cut out of data.
func checkUTF8From(data []byte, offsets []int32) error {
	from, to := offsets[0], offsets[len(offsets)-1]
	if err := checkUTF8(data[from:to], nil); err != nil {
		return err
	}
	return checkStarts(data[:to], offsets)
}

func (b *textBuilder) array(n int, validity *memory.Buffer, nulls int) arrow.Array {
	b.offsets.ResizeNoShrink(4 * (n + 1))
	return makeArray(b.typ, n, nulls, []*memory.Buffer{validity, b.offsets, b.data.finish()}, nil)
}

func (b *textBuilder) release() {
	b.offsets.Release()
	b.data.buf.Release()
}

// dictBuilder builds dictionary arrays with int32 codes. As long as all values
// come from the dictionary page, its values are shared; texts from plain pages
// extend a copy.
type dictBuilder struct {
	typ   arrow.DataType
	mem   memory.Allocator
	codes *memory.Buffer
	page  *dictionary      // whose codes are in use
	extra map[string]int32 // codes of values from plain pages
	added []string
	data  *byteBuffer
	sizes []int32
}

func (b *dictBuilder) grow(n int) { b.codes.Resize(4 * n) }

func (b *dictBuilder) fill(d *dense, row, m, k int, valid []byte) error {
	dst := columnar.AsValues[int32](b.codes.Bytes())[row : row+m]
	b.page = d.c.dict // a chunk has one dictionary at most, before all data
	var err error
	if d.mode == dictionaryIndex {
		err = d.indicesInto(dst[:k])
	} else {
		err = b.plain(d, dst[:k])
	}
	if err != nil {
		return err
	}
	if k < m {
		spread(columnar.AsValues[uint32](columnar.AsBytes(dst)), valid, row, m, k)
	}
	return nil
}

// plain gives codes to the next values of a page without dictionary.
func (b *dictBuilder) plain(d *dense, dst []int32) error {
	if b.page != nil && b.page.texts == nil {
		return errors.New("a page holds values where the footer says that all are dictionary indices")
	}
	if b.extra == nil {
		b.extra = map[string]int32{}
	}
	if b.data != nil {
		b.data.buf.Release()
	}
	b.data = newByteBuffer(b.mem)
	b.sizes = resize(b.sizes, len(dst))
	if err := d.texts(b.sizes, b.data); err != nil {
		return err
	}
	base := 0
	if b.page != nil {
		base = b.page.n
	}
	text := b.data.bytes()
	for i, n := range b.sizes {
		code, ok := b.extra[string(text[:n])]
		if !ok {
			s := string(text[:n])
			if err := checkUTF8([]byte(s), nil); err != nil {
				return err
			}
			code = int32(base + len(b.added))
			b.extra[s] = code
			b.added = append(b.added, s)
		}
		dst[i] = code
		text = text[n:]
	}
	return nil
}

func (b *dictBuilder) array(n int, validity *memory.Buffer, nulls int) arrow.Array {
	b.codes.ResizeNoShrink(4 * n)
	values := b.values()
	defer values.Release()
	d := array.NewDataWithDictionary(b.typ, n, []*memory.Buffer{validity, b.codes}, nulls, 0, values.Data().(*array.Data))
	defer d.Release()
	return array.MakeFromData(d)
}

// values is the dictionary of the array: the page's own, or a longer one.
func (b *dictBuilder) values() arrow.Array {
	if len(b.added) == 0 && b.page != nil {
		b.page.array.Retain()
		return b.page.array
	}
	sb := array.NewStringBuilder(b.mem)
	defer sb.Release()
	if b.page != nil {
		old := b.page.texts.(*array.String)
		for i := range old.Len() {
			sb.Append(old.Value(i))
		}
	}
	for _, s := range b.added {
		sb.Append(s)
	}
	return sb.NewArray()
}

func (b *dictBuilder) release() {
	b.codes.Release()
	if b.data != nil {
		b.data.buf.Release()
	}
}

// byteBuffer is a growing buffer.
type byteBuffer struct {
	buf *memory.Buffer
	n   int
}

// maxTextBytes bounds the strings of one column in one batch.
const maxTextBytes = 1 << 30

func newByteBuffer(mem memory.Allocator) *byteBuffer {
	return &byteBuffer{buf: rawBuffer(mem)}
}

// check refuses to grow beyond what 32-bit offsets and good sense allow.
func (b *byteBuffer) check(more int) error {
	if b.n+more > maxTextBytes {
		return fmt.Errorf("the strings of one batch are longer than %d bytes (read fewer rows per batch)", maxTextBytes)
	}
	return nil
}

// extend adds n bytes and returns them.
func (b *byteBuffer) extend(n int) []byte {
	if b.n+n > b.buf.Len() {
		b.buf.Resize(max(b.n+n, min(2*b.buf.Len(), b.n+n+1<<24)))
	}
	b.n += n
	return b.buf.Bytes()[b.n-n : b.n]
}

func (b *byteBuffer) bytes() []byte { return b.buf.Bytes()[:b.n] }

func (b *byteBuffer) finish() *memory.Buffer {
	b.buf.ResizeNoShrink(b.n)
	return b.buf
}
