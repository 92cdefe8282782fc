package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// ElementStruct is the type of the elements of a list of structs.
func ElementStruct(t arrow.DataType) (*arrow.StructType, bool) {
	elem, ok := elemOf(t)
	if !ok {
		return nil, false
	}
	s, ok := elem.(*arrow.StructType)
	return s, ok
}

// ListFieldType is the type of [ListField] of a column of type t.
func ListFieldType(t arrow.DataType, i int) arrow.DataType {
	s, _ := ElementStruct(t)
	if f, ok := t.(*arrow.FixedSizeListType); ok {
		return arrow.FixedSizeListOf(f.Len(), s.Field(i).Type)
	}
	return arrow.ListOf(s.Field(i).Type)
}

// ListField returns field i of the elements of a column of lists of structs, as
// a column of lists that shares the offsets of a. Fields of elements that are
// NULL are NULL.
func ListField(mem memory.Allocator, a arrow.Array, i int) (arrow.Array, error) {
	values, err := StructField(mem, a.(array.ListLike).ListValues().(*array.Struct), i)
	if err != nil {
		return nil, err
	}
	defer values.Release()
	d := a.Data()
	data := array.NewData(ListFieldType(a.DataType(), i), d.Len(), d.Buffers(), []arrow.ArrayData{values.Data()}, d.NullN(), d.Offset())
	defer data.Release()
	return array.MakeFromData(data), nil
}
