package agg

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

var nan = math.NaN()

// Plain is t without dictionaries: what the keys of [Groups] and the results
// of min, max, first and last come out as.
func Plain(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return t.ValueType
	case *arrow.ListType:
		f := t.ElemField()
		f.Type = Plain(f.Type)
		return arrow.ListOfField(f)
	case *arrow.FixedSizeListType:
		f := t.ElemField()
		f.Type = Plain(f.Type)
		return arrow.FixedSizeListOfField(t.Len(), f)
	case *arrow.StructType:
		fields := append([]arrow.Field{}, t.Fields()...)
		for i := range fields {
			fields[i].Type = Plain(fields[i].Type)
		}
		return arrow.StructOf(fields...)
	}
	return t
}

// encodable tells whether values of type t can be written as bytes by
// [appendValue].
func encodable(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return encodable(t.ValueType)
	case *arrow.ListType:
		return encodable(t.Elem())
	case *arrow.FixedSizeListType:
		return encodable(t.Elem())
	case *arrow.StructType:
		for _, f := range t.Fields() {
			if !encodable(f.Type) {
				return false
			}
		}
		return true
	case *arrow.NullType, *arrow.BooleanType, *arrow.StringType, *arrow.BinaryType, *arrow.LargeStringType, *arrow.LargeBinaryType:
		return true
	}
	return fixedWidth(t) > 0
}

// fixedWidth is the number of bytes of a value of t, 0 if it has no fixed one.
func fixedWidth(t arrow.DataType) int {
	switch t.ID() {
	case arrow.BOOL, arrow.DICTIONARY, arrow.FIXED_SIZE_LIST, arrow.EXTENSION:
		return 0
	}
	if f, ok := t.(arrow.FixedWidthDataType); ok {
		return f.Bytes()
	}
	return 0
}

// appendValue writes row i of a, self-delimiting given the type: a byte 0 for
// NULL, or a byte 1 and the value. Fixed width: its bytes; strings: length and
// bytes; lists: number of elements, and for each its length and itself;
// structs: the fields. canonical writes floats with one NaN and one zero.
func appendValue(dst []byte, a arrow.Array, i int, canonical bool) []byte {
	if a.IsNull(i) || a.DataType().ID() == arrow.NULL {
		return append(dst, 0)
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return appendValue(dst, a.Dictionary(), a.GetValueIndex(i), canonical)
	case *array.Boolean:
		if a.Value(i) {
			return append(dst, 1, 1)
		}
		return append(dst, 1, 0)
	case *array.Struct:
		dst = append(dst, 1)
		for k := range a.NumField() {
			dst = appendValue(dst, a.Field(k), i, canonical)
		}
		return dst
	case array.ListLike:
		lo, hi := a.ValueOffsets(i)
		dst = binary.LittleEndian.AppendUint32(append(dst, 1), uint32(hi-lo))
		for k := lo; k < hi; k++ {
			from := len(dst)
			dst = appendValue(append(dst, 0, 0, 0, 0), a.ListValues(), int(k), canonical)
			binary.LittleEndian.PutUint32(dst[from:], uint32(len(dst)-from-4))
		}
		return dst
	}
	if w := fixedWidth(a.DataType()); w > 0 {
		from := (a.Data().Offset() + i) * w
		dst = append(append(dst, 1), a.Data().Buffers()[1].Bytes()[from:from+w]...)
		if canonical {
			canonicalFloat(a.DataType(), dst[len(dst)-w:])
		}
		return dst
	}
	v := columnar.StringsOf(a).Bytes(i)
	dst = binary.LittleEndian.AppendUint32(append(dst, 1), uint32(len(v)))
	return append(dst, v...)
}

// canonicalFloat makes NaNs and zeros equal, given the bytes of one value.
func canonicalFloat(t arrow.DataType, b []byte) {
	switch t.ID() {
	case arrow.FLOAT32:
		f := math.Float32frombits(binary.LittleEndian.Uint32(b)) + 0
		if f != f {
			f = float32(nan)
		}
		binary.LittleEndian.PutUint32(b, math.Float32bits(f))
	case arrow.FLOAT64:
		f := math.Float64frombits(binary.LittleEndian.Uint64(b)) + 0
		if f != f {
			f = nan
		}
		binary.LittleEndian.PutUint64(b, math.Float64bits(f))
	}
}

// decodeValues builds a column of the plain type t out of the values at the
// front of rows, as appendValue wrote them, and moves rows past them. An empty
// row stands for NULL.
func decodeValues(mem memory.Allocator, t arrow.DataType, rows [][]byte) (arrow.Array, error) {
	switch t := t.(type) {
	case *arrow.NullType:
		for i := range rows {
			rows[i] = rows[i][min(1, len(rows[i])):]
		}
		return array.NewNull(len(rows)), nil
	case *arrow.BooleanType:
		vals := make([]uint8, len(rows))
		for i, r := range rows {
			vals[i] = 2
			if present(&rows[i]) {
				vals[i], rows[i] = r[1], r[2:]
			}
		}
		return boolArray(mem, vals), nil
	case *arrow.StringType, *arrow.BinaryType, *arrow.LargeStringType, *arrow.LargeBinaryType:
		vals := make([][]byte, len(rows))
		for i := range rows {
			if present(&rows[i]) {
				vals[i] = cut(&rows[i])
			}
		}
		return bytesToArray(mem, t, vals)
	case *arrow.StructType:
		return decodeStructs(mem, t, rows)
	case *arrow.ListType:
		return decodeLists(mem, t, t.Elem(), rows)
	case *arrow.FixedSizeListType:
		return decodeLists(mem, t, t.Elem(), rows)
	}
	w := fixedWidth(t)
	if w == 0 {
		return nil, fmt.Errorf("agg: no values of type %s", columnar.TypeName(t))
	}
	values, valid, nulls := newResult[byte](mem, len(rows)*w), newValid(mem, len(rows)), 0
	for i := range rows {
		if present(&rows[i]) {
			copy(values.v[i*w:], rows[i][:w])
			rows[i] = rows[i][w:]
		} else {
			valid.bits.Clear(i)
			nulls++
		}
	}
	return newArray(t, len(rows), nulls, []*memory.Buffer{valid.buffer(nulls), values.values}), nil
}

func decodeStructs(mem memory.Allocator, t *arrow.StructType, rows [][]byte) (arrow.Array, error) {
	valid, nulls := newValid(mem, len(rows)), 0
	inner := make([][]byte, len(rows)) // empty for NULL: its fields become NULL
	for i := range rows {
		if present(&rows[i]) {
			inner[i] = rows[i]
		} else {
			valid.bits.Clear(i)
			nulls++
		}
	}
	fields := make([]arrow.Array, t.NumFields())
	defer releaseAll(fields)
	buffer := valid.buffer(nulls)
	for k := range fields {
		var err error
		if fields[k], err = decodeValues(mem, t.Field(k).Type, inner); err != nil {
			if buffer != nil {
				buffer.Release()
			}
			return nil, err
		}
	}
	for i := range rows {
		if inner[i] != nil {
			rows[i] = inner[i]
		}
	}
	return newArray(t, len(rows), nulls, []*memory.Buffer{buffer}, fields...), nil
}

// decodeLists does lists of both kinds; a NULL of fixed size has NULL elements.
func decodeLists(mem memory.Allocator, t, elem arrow.DataType, rows [][]byte) (arrow.Array, error) {
	valid, nulls := newValid(mem, len(rows)), 0
	offsets := newResult[int32](mem, len(rows)+1)
	fixed := 0
	if f, ok := t.(*arrow.FixedSizeListType); ok {
		fixed = int(f.Len())
	}
	var inner [][]byte
	for i := range rows {
		if present(&rows[i]) {
			n := binary.LittleEndian.Uint32(rows[i])
			rows[i] = rows[i][4:]
			for range n {
				inner = append(inner, cut(&rows[i]))
			}
		} else {
			valid.bits.Clear(i)
			nulls++
			inner = append(inner, make([][]byte, fixed)...)
		}
		offsets.v[i+1] = int32(len(inner))
	}
	buffers := []*memory.Buffer{valid.buffer(nulls), offsets.values}
	if _, ok := t.(*arrow.FixedSizeListType); ok {
		offsets.values.Release()
		buffers = buffers[:1]
	}
	child, err := decodeValues(mem, elem, inner)
	if err != nil {
		for _, b := range buffers {
			if b != nil {
				b.Release()
			}
		}
		return nil, err
	}
	defer child.Release()
	return newArray(t, len(rows), nulls, buffers, child), nil
}

// present reads the byte before a value and moves past it.
func present(row *[]byte) bool {
	if len(*row) == 0 {
		return false
	}
	is := (*row)[0] == 1
	*row = (*row)[1:]
	return is
}

// cut takes a length and that many bytes off the front of row.
func cut(row *[]byte) []byte {
	n := 4 + binary.LittleEndian.Uint32(*row)
	v := (*row)[4:n:n]
	*row = (*row)[n:]
	return v
}
