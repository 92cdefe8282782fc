package kernels

import (
	"math"
	"math/bits"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// fixed returns a buffer of n values and its view.
func fixed[T columnar.Fixed](mem memory.Allocator, n int) (*memory.Buffer, []T) {
	b := newBuffer(mem, n*int(unsafe.Sizeof(*new(T))))
	return b, columnar.AsValues[T](b.Bytes())
}

// unset is fixed for values that are all written: what they hold before is
// anything.
func unset[T columnar.Fixed](mem memory.Allocator, n int) (*memory.Buffer, []T) {
	b := newHeader(mem)
	columnar.FillUncleared(b, mem, n*int(unsafe.Sizeof(*new(T))))
	return b, columnar.AsValues[T](b.Bytes())
}

// bitBuffer returns a buffer of n clear bits and its view.
func bitBuffer(mem memory.Allocator, n int) (*memory.Buffer, columnar.Bitmap) {
	b := newBuffer(mem, columnar.BitmapBytes(n))
	bits := b.Bytes()
	if bits == nil {
		bits = []byte{}
	}
	return b, columnar.Bitmap{Bits: bits, N: n}
}

// validity is the validity bitmap of a column under construction. A nil buf
// stands for no nulls.
type validity struct {
	mem   memory.Allocator
	n     int
	buf   *memory.Buffer
	bits  columnar.Bitmap
	nulls int
}

// strict is the validity of a result that is NULL where any argument is.
func strict(mem memory.Allocator, n int, args ...Datum) validity {
	v := validity{mem: mem, n: n, bits: columnar.Bitmap{N: n}}
	for _, d := range args {
		if d.Const {
			if d.Null() {
				v.own()
				clear(v.bits.Bits)
				v.nulls = n
				return v
			}
			continue
		}
		if b := columnar.Validity(d.Array); !b.All() {
			v.and(b)
		}
	}
	if v.buf != nil {
		v.nulls = n - v.bits.Count()
	}
	return v
}

// noNulls is the validity of a column without nulls, to which null may add.
func noNulls(mem memory.Allocator, n int) validity {
	return validity{mem: mem, n: n, bits: columnar.Bitmap{N: n}}
}

func (v *validity) own() {
	if v.buf != nil {
		return
	}
	v.buf, v.bits = bitBuffer(v.mem, v.n)
	setAll(v.bits)
}

// setAll sets the bits of b, which has offset 0 and owns whole words, and
// leaves those past its end clear.
func setAll(b columnar.Bitmap) { b.CopyFrom(columnar.Bitmap{N: b.N}) }

// lowBits is a word whose n lowest bits are set.
func lowBits(n int) uint64 {
	if n >= 64 {
		return ^uint64(0)
	}
	return 1<<n - 1
}

func (v *validity) and(b columnar.Bitmap) {
	if v.buf == nil {
		v.buf, v.bits = bitBuffer(v.mem, v.n)
		v.bits.CopyFrom(b)
		return
	}
	v.bits.AndWith(b)
}

// null makes row i NULL.
func (v *validity) null(i int) {
	v.own()
	if v.bits.Get(i) {
		v.bits.Clear(i)
		v.nulls++
	}
}

// get reports whether row i is not NULL.
func (v *validity) get(i int) bool { return v.bits.Get(i) }

// release gives the bitmap back when no column is made of it.
func (v *validity) release() {
	if v.buf != nil {
		freeHeader(v.mem, v.buf)
		v.buf = nil
	}
}

// finish makes a column of type t and takes over its buffers.
func finish(t arrow.DataType, v validity, data ...*memory.Buffer) arrow.Array {
	if v.nulls == 0 {
		v.release()
	}
	if s, ok := v.mem.(*Scratch); ok && registers(t) {
		return s.column(t, v.n, v.nulls, v.buf, data...)
	}
	buffers := make([]*memory.Buffer, 1+len(data))
	buffers[0] = v.buf
	copy(buffers[1:], data)
	d := array.NewData(t, v.n, buffers, nil, v.nulls, 0)
	defer d.Release()
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
	return array.MakeFromData(d)
}

// giveUp releases what a kernel built before an error.
func giveUp(v validity, data ...*memory.Buffer) {
	v.release()
	for _, b := range data {
		freeHeader(v.mem, b)
	}
}

// textOut builds a utf8 or binary column row by row. The bytes of a row are
// appended to tail and handed to put.
type textOut struct {
	off  *memory.Buffer
	ends []int32
	data *memory.Buffer
	size int
	big  bool // more than 2 GiB
}

func newText(mem memory.Allocator, n, sizeHint int) *textOut {
	t := &textOut{data: newHeader(mem)}
	t.off, t.ends = fixed[int32](mem, n+1)
	t.data.Reserve(max(sizeHint, 64))
	return t
}

// tail is the bytes so far, with room to append those of the next row. Callers
// must not look at or change what stands before.
func (t *textOut) tail() []byte {
	buf := t.data.Buf()
	return buf[:t.size:len(buf)] // what lies between length and capacity is the allocator's
}

// put ends row i with b, what tail returned plus the bytes of the row.
func (t *textOut) put(i int, b []byte) {
	if len(b) > math.MaxInt32 {
		t.big = true
		b = b[:t.size]
	}
	if unsafe.SliceData(b) != unsafe.SliceData(t.data.Buf()) {
		t.data.Resize(t.size)
		t.data.Reserve(max(2*cap(t.data.Buf()), len(b)))
		copy(t.data.Buf()[t.size:len(b)], b[t.size:])
	}
	t.size = len(b)
	t.ends[i+1] = int32(t.size)
}

// skip ends row i, which is NULL or empty.
func (t *textOut) skip(i int) { t.ends[i+1] = int32(t.size) }

var errTextSize = &Error{Code: CodeValue, Msg: "text column larger than 2 GiB", Hint: "use smaller batches"}

func (t *textOut) finish(dt arrow.DataType, v validity) (arrow.Array, error) {
	if t.big {
		t.release(v)
		return nil, errTextSize
	}
	t.data.Resize(t.size)
	return finish(dt, v, t.off, t.data), nil
}

func (t *textOut) release(v validity) { giveUp(v, t.off, t.data) }

// boolOut builds a boolean column row by row.
type boolOut struct {
	buf  *memory.Buffer
	bits columnar.Bitmap
}

func newBools(mem memory.Allocator, n int) boolOut {
	var b boolOut
	b.buf, b.bits = bitBuffer(mem, n)
	return b
}

func (b boolOut) finish(v validity) arrow.Array { return finish(boolType, v, b.buf) }

// firstSet is the first row whose bit is set in valid and for which bad holds,
// or -1.
func firstBad(valid columnar.Bitmap, bad func(i int) bool) int {
	for w := range valid.Words() {
		for x := valid.Word(w); x != 0; x &= x - 1 {
			if i := 64*w + bits.TrailingZeros64(x); bad(i) {
				return i
			}
		}
	}
	return -1
}

// Nulls returns a column of n NULLs.
func Nulls(mem memory.Allocator, t arrow.DataType, n int) arrow.Array {
	return array.MakeArrayOfNull(mem, t, n)
}

// Repeat returns a column of n times the constant a, an array of length 1.
func Repeat(mem memory.Allocator, a arrow.Array, n int) (arrow.Array, error) {
	if n == 1 {
		a.Retain()
		return a, nil
	}
	if a.DataType().ID() == arrow.NULL || a.IsNull(0) {
		return Nulls(mem, a.DataType(), n), nil
	}
	return Take(mem, a, make([]int32, n))
}
