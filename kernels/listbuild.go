package kernels

import (
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// picker appends to dst the positions of the elements the result has for row i,
// out of [from, to), those of the list of the row.
type picker func(dst []int32, i, from, to int) []int32

// pickElements builds a list column out of elements of l; valid, which it takes
// over, are the rows that are not NULL.
func pickElements(mem memory.Allocator, t arrow.DataType, n int, l *listArg, valid validity, f picker) (arrow.Array, error) {
	var rows []int32
	ends := make([]int32, n+1)
	for i := range n {
		if valid.get(i) {
			from, to := l.at(i)
			rows = f(rows, i, from, to)
		}
		ends[i+1] = int32(len(rows))
	}
	return takeList32(mem, t, valid, ends, l.values, rows)
}

// takeList32 builds a list column whose elements are values at rows. It takes
// over valid.
func takeList32(mem memory.Allocator, t arrow.DataType, valid validity, ends []int32, values arrow.Array, rows []int32) (arrow.Array, error) {
	err := childSize("list", t, int64(len(rows)))
	var taken arrow.Array
	if err == nil {
		taken, err = Take(mem, values, rows)
	}
	if err != nil {
		valid.release()
		return nil, err
	}
	defer taken.Release()
	return newList(mem, t, valid, ends, taken), nil
}

func span(dst []int32, from, to int) []int32 {
	for ; from < to; from++ {
		dst = append(dst, int32(from))
	}
	return dst
}

// listKernel is the kernel of a function that picks elements of its first
// argument; choose looks at all arguments once.
func listKernel(t arrow.DataType, choose func(l *listArg, args []Datum) (picker, error)) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		l := listOf(args[0])
		f, err := choose(&l, args)
		if err != nil {
			return nil, err
		}
		return pickElements(mem, t, n, &l, strict(mem, n, args...), f)
	}
}

// elements is the slice of values that holds the elements of n rows, owned, and
// where it begins.
func (l *listArg) elements(n int) (arrow.Array, int) {
	if n == 0 {
		return array.NewSlice(l.values, 0, 0), 0
	}
	lo, _ := l.at(0)
	_, hi := l.at(n - 1)
	return array.NewSlice(l.values, int64(lo), int64(hi)), lo
}

// arrayDistinct keeps the first of equal elements; NULL equals NULL.
func arrayDistinct(l *listArg, args []Datum) (picker, error) {
	elements, lo := l.elements(args[0].Array.Len())
	defer elements.Release()
	_, codes, err := distinctEntries(elements)
	if err != nil {
		return nil, err
	}
	seen := make([]int32, len(codes)) // by code, the last row that had it, from 1
	return func(dst []int32, i, from, to int) []int32 {
		for k := from; k < to; k++ {
			if c := codes[k-lo]; seen[c] != int32(i)+1 {
				seen[c] = int32(i) + 1
				dst = append(dst, int32(k))
			}
		}
		return dst
	}, nil
}

// arraySort sorts the elements; NULLs come first, or last when descending,
// unless the third argument says where.
func arraySort(l *listArg, args []Datum) (picker, error) {
	up, first := columnar.Bitmap{}, columnar.Bitmap{}
	mask := 0
	if len(args) > 1 {
		up, mask = columnar.Bools(args[1].Array), args[1].mask()
	}
	if len(args) > 2 {
		first = columnar.Bools(args[2].Array)
	}
	return func(dst []int32, i, from, to int) []int32 {
		ascending := up.Get(i & mask)
		nullsFirst := ascending
		if len(args) > 2 {
			nullsFirst = first.Get(i & args[2].mask())
		}
		n := len(dst)
		dst = span(dst, from, to)
		slices.SortStableFunc(dst[n:], func(a, b int32) int {
			x, y := valueIsNull(l.values, int(a)), valueIsNull(l.values, int(b))
			switch {
			case x != y && x == nullsFirst:
				return -1
			case x != y:
				return 1
			case ascending:
				return Compare(l.values, int(a), l.values, int(b))
			}
			return Compare(l.values, int(b), l.values, int(a))
		})
		return dst
	}, nil
}

func arrayReverse(*listArg, []Datum) (picker, error) {
	return func(dst []int32, _, from, to int) []int32 {
		for to--; to >= from; to-- {
			dst = append(dst, int32(to))
		}
		return dst
	}, nil
}

// arraySlice is the elements from one position to another, both counted from
// 1, or from -1 at the end; 0 is the start.
func arraySlice(_ *listArg, args []Datum) (picker, error) {
	first := intsOf(args[1])
	last := intArg{v: []int64{-1}}
	if len(args) > 2 {
		last = intsOf(args[2])
	}
	return func(dst []int32, i, from, to int) []int32 {
		a, b := fromStart(first.at(i), to-from), fromStart(last.at(i), to-from)
		a, b = max(a, 1), min(b, int64(to-from))
		if a > b {
			return dst
		}
		return span(dst, from+int(a)-1, from+int(b))
	}, nil
}

// fromStart is a position counted from the start: negative ones count from the
// end of n elements.
func fromStart(k int64, n int) int64 {
	if k < 0 {
		return k + int64(n) + 1
	}
	return k
}

// sliceKernel is SLICE(list, start, length), which has no position 0 and no
// negative lengths.
func sliceKernel(t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		l, start, length := listOf(args[0]), intsOf(args[1]), intsOf(args[2])
		valid := strict(mem, n, args...)
		if i := firstBad(valid.bits, func(i int) bool { return start.at(i) == 0 || length.at(i) < 0 }); i >= 0 {
			valid.release()
			return nil, errorf(CodeValue, "slice: start %d and length %d: the start counts from 1 or from -1 at the end", start.at(i), length.at(i))
		}
		return pickElements(mem, t, n, &l, valid, func(dst []int32, i, from, to int) []int32 {
			a := fromStart(start.at(i), to-from)
			if a < 1 || a > int64(to-from) {
				return dst
			}
			count := min(length.at(i), int64(to-from)-a+1)
			return span(dst, from+int(a)-1, from+int(a-1+count))
		})
	}
}

// joinLists puts the arguments of each row behind each other, the elements of
// those that are lists and the others as elements. NULL if a list is.
func joinLists(t arrow.DataType, isList []bool) Kernel {
	elem, _ := elemOf(t)
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		lists, parts := make([]listArg, len(args)), make([]arrow.Array, len(args))
		base := make([]int32, len(args))
		total := 0
		var strictly []Datum
		for k, d := range args {
			parts[k], base[k] = d.Array, int32(total)
			if isList[k] {
				if d.Null() {
					return Nulls(mem, t, n), nil
				}
				lists[k] = listOf(d)
				elements, lo := lists[k].elements(d.Array.Len())
				defer elements.Release()
				parts[k], base[k] = elements, int32(total-lo)
				strictly = append(strictly, d)
			}
			if total += parts[k].Len(); total > math.MaxInt32 {
				return nil, childSize("list", t, int64(total))
			}
		}
		all := array.MakeArrayOfNull(mem, elem, 0)
		if len(parts) > 0 {
			all.Release()
			var err error
			if all, err = concatenate(mem, parts); err != nil {
				return nil, err
			}
		}
		defer all.Release()
		valid := strict(mem, n, strictly...)
		var rows []int32
		ends := make([]int32, n+1)
		for i := range n {
			for k := range args {
				if !valid.get(i) {
					break
				}
				if !isList[k] {
					rows = append(rows, base[k]+int32(args[k].at(i)))
					continue
				}
				from, to := lists[k].at(i)
				rows = span(rows, int(base[k])+from, int(base[k])+to)
			}
			ends[i+1] = int32(len(rows))
		}
		return takeList32(mem, t, valid, ends, all, rows)
	}
}

// mapPart is the keys or the values of a map as a list.
func mapPart(t arrow.DataType, part func(*array.Map) arrow.Array) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		l := listOf(args[0])
		l.values = part(args[0].Array.(*array.Map))
		return pickElements(mem, t, n, &l, strict(mem, n, args...), func(dst []int32, _, from, to int) []int32 { return span(dst, from, to) })
	}
}

// structOf puts its arguments side by side as the fields of t.
func structOf(t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		fields := make([]arrow.Array, len(args))
		defer func() { releaseAll(fields) }()
		for k, d := range args {
			if !d.Const {
				fields[k] = d.Retain().Array
				continue
			}
			var err error
			if fields[k], err = Repeat(mem, d.Array, n); err != nil {
				return nil, err
			}
		}
		return newArray(t, n, 0, []*memory.Buffer{nil}, fields...), nil
	}
}
