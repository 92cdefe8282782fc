package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// bindHigher refuses a call of a function that takes a function with something
// else: package expr binds those with a lambda itself.
func bindHigher(f *Function, args []Arg) (*Binding, error) {
	if _, ok := ElemOf(args[0].Type); !ok {
		return nil, f.mismatch(args)
	}
	return nil, &Error{Code: CodeFunction, Msg: f.Name + ": a lambda is missing", Hint: "usage: " + f.Usage}
}

// ElemOf is the type of the elements of lists and vectors.
func ElemOf(t arrow.DataType) (arrow.DataType, bool) { return elemOf(t) }

// Elements are the elements of a column of lists, row by row, the row of each,
// and where those of row i are: from ends[i] to ends[i+1]. A NULL has none.
func Elements(mem memory.Allocator, lists arrow.Array) (values arrow.Array, parents, ends []int32, err error) {
	l := listOf(Column(lists))
	ends = make([]int32, lists.Len()+1)
	var rows []int32
	for i := range lists.Len() {
		if lists.IsValid(i) {
			from, to := l.at(i)
			rows = span(rows, from, to)
			for range to - from {
				parents = append(parents, int32(i))
			}
		}
		ends[i+1] = int32(len(rows))
	}
	if err := childSize("list", lists.DataType(), int64(len(rows))); err != nil {
		return nil, nil, nil, err
	}
	values, err = Take(mem, l.values, rows)
	return values, parents, ends, err
}

// Lists is a column of lists of type t: row i has values[ends[i]:ends[i+1]], and
// is NULL where like is. It borrows its arguments.
func Lists(mem memory.Allocator, t *arrow.ListType, like arrow.Array, ends []int32, values arrow.Array) arrow.Array {
	return newList(mem, t, strict(mem, like.Len(), Column(like)), ends, values)
}

// Join is the arrays of one type behind each other.
func Join(mem memory.Allocator, parts []arrow.Array) (arrow.Array, error) {
	return concatenate(mem, parts)
}
