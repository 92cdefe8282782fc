package columnar

import (
	"slices"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Fixed are the Go types of fixed-width Arrow values: integers, floats, and
// the integer types behind dates, times, timestamps and durations.
type Fixed interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Values is the data of a as a slice of its length, without a copy. T must be
// as wide as the values of a: Values[int64] serves int64, timestamp, duration,
// time64 and date64. Slots of nulls hold anything.
func Values[T Fixed](a arrow.Array) []T {
	d := a.Data()
	n := d.Len()
	if n == 0 || d.Buffers()[1] == nil {
		return nil
	}
	raw := d.Buffers()[1].Bytes()
	size := int(unsafe.Sizeof(*new(T)))
	all := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(raw))), len(raw)/size)
	return all[d.Offset() : d.Offset()+n]
}

// AsValues views b, a buffer of fixed-width values, as a slice of T.
func AsValues[T Fixed](b []byte) []T {
	if len(b) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(*new(T))))
}

// AsBytes views a slice of values as bytes.
func AsBytes[T Fixed](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(*new(T))))
}

// Strings is a view of a utf8 or binary column, also of the large layouts.
type Strings struct {
	off32 []int32
	off64 []int64
	data  []byte
}

// StringsOf views a, which is utf8, binary, large_utf8 or large_binary.
func StringsOf(a arrow.Array) Strings {
	d := a.Data()
	var s Strings
	if d.Buffers()[2] != nil {
		s.data = d.Buffers()[2].Bytes()
	}
	if d.Buffers()[1] == nil || d.Buffers()[1].Len() == 0 {
		s.off32 = make([]int32, d.Len()+1)
		return s
	}
	raw := d.Buffers()[1].Bytes()
	switch a.DataType().ID() {
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		s.off64 = AsValues[int64](raw)[d.Offset() : d.Offset()+d.Len()+1]
	default:
		s.off32 = AsValues[int32](raw)[d.Offset() : d.Offset()+d.Len()+1]
	}
	return s
}

// Len is the number of rows.
func (s Strings) Len() int { return max(len(s.off32), len(s.off64)) - 1 }

// Bytes is the value of row i, valid as long as the array.
func (s Strings) Bytes(i int) []byte {
	if s.off64 != nil {
		return s.data[s.off64[i]:s.off64[i+1]]
	}
	return s.data[s.off32[i]:s.off32[i+1]]
}

// String is the value of row i without a copy, valid as long as the array.
func (s Strings) String(i int) string {
	b := s.Bytes(i)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Dictionary splits a dictionary-encoded column into its codes, as int32, and
// its values. ok is false for other columns. Codes of null slots are 0. The
// codes are a view when the index type is int32 and none is null, else a copy.
func Dictionary(a arrow.Array) (codes []int32, values arrow.Array, ok bool) {
	d, ok := a.(*array.Dictionary)
	if !ok {
		return nil, nil, false
	}
	indices := d.Indices()
	if indices.DataType().ID() != arrow.INT32 {
		codes = make([]int32, d.Len())
		for i := range codes {
			if indices.IsValid(i) {
				codes[i] = int32(d.GetValueIndex(i))
			}
		}
		return codes, d.Dictionary(), true
	}
	valid := Validity(indices)
	codes = Values[int32](indices)
	if valid.All() {
		return codes, d.Dictionary(), true
	}
	codes = slices.Clone(codes)
	at := 0
	for lo, hi := range valid.Runs() {
		clear(codes[at:lo])
		at = hi
	}
	clear(codes[at:])
	return codes, d.Dictionary(), true
}
