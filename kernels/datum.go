package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// Datum is an argument of a kernel: a column of n rows or a constant, an array
// of length 1 that stands for every row.
type Datum struct {
	Array arrow.Array
	Const bool
}

// Kernel computes a column of n rows, which the caller owns, from borrowed
// arguments. When all arguments are constants n is 1.
type Kernel func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error)

// Column is the datum of a column.
func Column(a arrow.Array) Datum { return Datum{Array: a} }

// Constant is the datum of a constant, an array of length 1.
func Constant(a arrow.Array) Datum { return Datum{Array: a, Const: true} }

// Type is the Arrow type of the values.
func (d Datum) Type() arrow.DataType { return d.Array.DataType() }

// Retain counts one more owner of the array and returns d.
func (d Datum) Retain() Datum {
	d.Array.Retain()
	return d
}

// Release gives up one ownership of the array; the zero Datum has none.
func (d Datum) Release() {
	if d.Array != nil {
		d.Array.Release()
	}
}

// Null reports whether d is the constant NULL.
func (d Datum) Null() bool {
	return d.Const && (d.Array.DataType().ID() == arrow.NULL || d.Array.IsNull(0))
}

// at is the index of row i in the array of d.
func (d Datum) at(i int) int {
	if d.Const {
		return 0
	}
	return i
}

// mask is 0 for a constant and -1 for a column, so that i&mask indexes both.
func (d Datum) mask() int {
	if d.Const {
		return 0
	}
	return -1
}

// valid reports whether row i of d is not NULL.
func (d Datum) valid(i int) bool {
	return d.Array.DataType().ID() != arrow.NULL && d.Array.IsValid(d.at(i))
}

// texts is a view of a text or binary datum.
func (d Datum) texts() columnar.Strings { return columnar.StringsOf(d.Array) }

// rawText is the offsets and the bytes of a text or binary column with 32-bit
// offsets.
func rawText(a arrow.Array) (off []int32, data []byte, ok bool) {
	d := a.Data()
	if kind, _ := layoutOf(a.DataType()); kind != layoutBytes || d.Len() == 0 || d.Buffers()[1] == nil || d.Buffers()[2] == nil {
		return nil, nil, false
	}
	off = columnar.AsValues[int32](d.Buffers()[1].Bytes())
	return off[d.Offset() : d.Offset()+d.Len()+1], d.Buffers()[2].Bytes(), true
}

func anyNull(args []Datum) bool {
	for _, d := range args {
		if d.Null() {
			return true
		}
	}
	return false
}
