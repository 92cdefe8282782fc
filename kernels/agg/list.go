package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// listArray builds a column of lists of type elem out of offsets, which it
// takes over, and values, which it borrows.
func listArray(elem arrow.DataType, offsets *result[int32], values arrow.Array) arrow.Array {
	return newArray(arrow.ListOf(elem), len(offsets.v)-1, 0, []*memory.Buffer{nil, offsets.values}, values)
}

// flatten takes the elements of a column of lists, for the group of each list:
// the groups per element, and the elements, which the caller releases.
func flatten(groups []uint32, lists arrow.Array) (owners []uint32, values arrow.Array) {
	l := lists.(*array.List)
	owners = []uint32{}
	from, to := int64(0), int64(0)
	for i := range l.Len() {
		lo, hi := l.ValueOffsets(i)
		if i == 0 {
			from = lo
		}
		to = hi
		for range hi - lo {
			owners = append(owners, at(groups, i))
		}
	}
	return owners, array.NewSlice(l.ListValues(), from, to)
}
