package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// flatten puts the lists in a list behind each other. A list that is NULL makes
// the result NULL, as in Spark.
func flatten(t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		outer := listOf(args[0])
		inner := listOf(Column(outer.values))
		valid := strict(mem, n, args...)
		for i := range n {
			if !valid.get(i) {
				continue
			}
			for from, to := outer.at(i); from < to; from++ {
				if outer.values.IsNull(from) {
					valid.null(i)
				}
			}
		}
		return pickElements(mem, t, n, &listArg{off: outer.off, base: outer.base, width: outer.width, mask: outer.mask, values: inner.values}, valid, func(dst []int32, _, from, to int) []int32 {
			for ; from < to; from++ {
				a, b := inner.at(from)
				dst = span(dst, a, b)
			}
			return dst
		})
	}
}

func bindFlatten(f *Function, args []Arg) (*Binding, error) {
	middle, ok := elemOf(args[0].Type)
	if !ok {
		return nil, f.mismatch(args)
	}
	elem, ok := elemOf(middle)
	if !ok {
		return nil, f.mismatch(args)
	}
	t := arrow.ListOf(elem)
	return &Binding{Args: make([]arrow.DataType, 1), Out: t, Nulls: NullPossible, Kernel: flatten(t)}, nil
}

// mapFromArrays pairs a list of keys with a list of as many values. Of equal
// keys the last value counts; NULL is no key.
func mapFromArrays(t *arrow.MapType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		keys, values := listOf(args[0]), listOf(args[1])
		elements, lo := keys.elements(args[0].Array.Len())
		_, codes, err := distinctEntries(elements)
		elements.Release()
		if err != nil {
			return nil, err
		}
		valid := strict(mem, n, args...)
		fail := func(msg string) (arrow.Array, error) {
			valid.release()
			return nil, &Error{Code: CodeValue, Msg: "map_from_arrays: " + msg}
		}
		ends := make([]int32, n+1)
		var from [2][]int32
		place := make([]int32, len(codes)) // by code, where the key stands in from
		for i := range place {
			place[i] = -1
		}
		for i := range n {
			if valid.get(i) {
				a, to := keys.at(i)
				b, end := values.at(i)
				if to-a != end-b {
					return fail("lists of different lengths")
				}
				first := int32(len(from[0]))
				for ; a < to; a, b = a+1, b+1 {
					if valueIsNull(keys.values, a) {
						return fail("a key is NULL")
					}
					c := codes[a-lo]
					if place[c] >= first {
						from[1][place[c]] = int32(b)
						continue
					}
					place[c] = int32(len(from[0]))
					from[0], from[1] = append(from[0], int32(a)), append(from[1], int32(b))
				}
			}
			ends[i+1] = int32(len(from[0]))
		}
		kids := make([]arrow.Array, 2)
		defer func() { releaseAll(kids) }()
		for k, l := range []*listArg{&keys, &values} {
			if kids[k], err = Take(mem, l.values, from[k]); err != nil {
				valid.release()
				return nil, err
			}
		}
		return newMap(mem, t, valid, ends, kids), nil
	}
}

func bindMapFromArrays(f *Function, args []Arg) (*Binding, error) {
	k, ok := elemOf(args[0].Type)
	v, ok2 := elemOf(args[1].Type)
	if !ok || !ok2 || !Ordered(k) {
		return nil, f.mismatch(args)
	}
	k, v = Logical(k), Logical(v)
	t := arrow.MapOf(k, v)
	return &Binding{Args: []arrow.DataType{arrow.ListOf(k), arrow.ListOf(v)}, Out: t, Fails: true, Kernel: mapFromArrays(t)}, nil
}
