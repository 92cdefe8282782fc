package kernels

import (
	"fmt"
	"math"
	"math/bits"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// layout is the physical shape of a column: what the kernels that move values
// around dispatch on.
type layout int

const (
	layoutOther layout = iota // unions, list views: through arrow's own slices
	layoutNull
	layoutBool
	layoutFixed // width bytes per value
	layoutBytes // utf8, binary: int32 offsets
	layoutLargeBytes
	layoutView // utf8 and binary views: headers of 16 bytes
	layoutDictionary
	layoutList // list, map: int32 offsets
	layoutLargeList
	layoutFixedList
	layoutStruct
	layoutExtension
	layoutRunEnd // refused: arrow v17 concatenates slices of it wrongly
)

// layoutOf returns the layout of t and, for layoutFixed, the bytes per value.
func layoutOf(t arrow.DataType) (layout, int) {
	switch t.ID() {
	case arrow.NULL:
		return layoutNull, 0
	case arrow.BOOL:
		return layoutBool, 0
	case arrow.INT8, arrow.UINT8, arrow.INT16, arrow.UINT16, arrow.FLOAT16, arrow.INT32, arrow.UINT32, arrow.FLOAT32,
		arrow.INT64, arrow.UINT64, arrow.FLOAT64, arrow.DATE32, arrow.DATE64, arrow.TIME32, arrow.TIME64, arrow.TIMESTAMP,
		arrow.DURATION, arrow.INTERVAL_MONTHS, arrow.INTERVAL_DAY_TIME, arrow.INTERVAL_MONTH_DAY_NANO,
		arrow.DECIMAL128, arrow.DECIMAL256, arrow.FIXED_SIZE_BINARY:
		return layoutFixed, t.(arrow.FixedWidthDataType).Bytes()
	case arrow.STRING, arrow.BINARY:
		return layoutBytes, 0
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		return layoutLargeBytes, 0
	case arrow.STRING_VIEW, arrow.BINARY_VIEW:
		return layoutView, 16
	case arrow.DICTIONARY:
		return layoutDictionary, 0
	case arrow.LIST, arrow.MAP:
		return layoutList, 0
	case arrow.LARGE_LIST:
		return layoutLargeList, 0
	case arrow.FIXED_SIZE_LIST:
		return layoutFixedList, 0
	case arrow.STRUCT:
		return layoutStruct, 0
	case arrow.EXTENSION:
		return layoutExtension, 0
	case arrow.RUN_END_ENCODED:
		return layoutRunEnd, 0
	}
	return layoutOther, 0
}

// wide128 and wide256 are values of 16 and 32 bytes, moved as words.
type (
	wide128 [2]uint64
	wide256 [4]uint64
)

// slots views the values of a as a slice of its length. T is as wide as the
// values of a.
func slots[T any](a arrow.Array) []T {
	d := a.Data()
	if d.Len() == 0 || d.Buffers()[1] == nil {
		return nil
	}
	return as[T](d.Buffers()[1].Bytes())[d.Offset() : d.Offset()+d.Len()]
}

// as views bytes as values of type T.
func as[T any](b []byte) []T {
	size := sizeOf[T]()
	if len(b) < size {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/size)
}

// sizeOf is the number of bytes of a value of type T.
func sizeOf[T any]() int { return int(unsafe.Sizeof(*new(T))) }

// newBuffer returns a buffer of size bytes. Its content is that of fresh
// memory of mem: zero for all allocators of Go memory.
func newBuffer(mem memory.Allocator, size int) *memory.Buffer {
	b := newHeader(mem)
	b.Resize(size)
	return b
}

// newArray builds an array out of buffers, which it takes over, and children,
// which it borrows.
func newArray(t arrow.DataType, n, nulls int, buffers []*memory.Buffer, children ...arrow.Array) arrow.Array {
	data := make([]arrow.ArrayData, len(children))
	for i, c := range children {
		data[i] = c.Data()
	}
	d := array.NewData(t, n, buffers, data, nulls, 0)
	defer d.Release()
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
	return array.MakeFromData(d)
}

// viewBuffers are the buffers of a column of views with other headers: the data
// of a stays as it is.
func viewBuffers(a arrow.Array, validity, headers *memory.Buffer) []*memory.Buffer {
	buffers := []*memory.Buffer{validity, headers}
	for _, b := range a.Data().Buffers()[2:] {
		b.Retain()
		buffers = append(buffers, b)
	}
	return buffers
}

// rewrap gives the storage array s the extension type t.
func rewrap(t arrow.DataType, s arrow.Array) arrow.Array {
	return array.NewExtensionArrayWithStorage(t.(arrow.ExtensionType), s)
}

// zeroNulls clears the values of width bytes whose validity bit is clear, so
// that equal columns have equal bytes.
func zeroNulls(values []byte, width int, valid columnar.Bitmap) {
	switch width {
	case 1:
		zeroSlots(values, valid)
	case 2:
		zeroSlots(as[uint16](values), valid)
	case 4:
		zeroSlots(as[uint32](values), valid)
	case 8:
		zeroSlots(as[uint64](values), valid)
	case 16:
		zeroSlots(as[wide128](values), valid)
	default:
		at := 0
		for lo, hi := range valid.Runs() {
			clear(values[at*width : lo*width])
			at = hi
		}
		clear(values[at*width : valid.N*width])
	}
}

// zeroSlots is zeroNulls for values of type T.
func zeroSlots[T any](values []T, valid columnar.Bitmap) {
	var zero T
	for w := range valid.Words() {
		for x := ^valid.Word(w) & lowBits(valid.N-64*w); x != 0; x &= x - 1 {
			values[64*w+bits.TrailingZeros64(x)] = zero
		}
	}
}

// childSize checks that n bytes or elements can be addressed by the int32
// offsets of type t.
func childSize(what string, t arrow.DataType, n int64) error {
	if n > math.MaxInt32 {
		return fmt.Errorf("kernels: %s: %d bytes or elements are too many for one column of %s: use smaller batches", what, n, columnar.TypeName(t))
	}
	return nil
}

// releaseAll releases every array that is there.
func releaseAll(arrays []arrow.Array) {
	for _, a := range arrays {
		if a != nil {
			a.Release()
		}
	}
}
