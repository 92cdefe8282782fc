package agg

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels"
)

// Order is the direction of a key by which an aggregate takes the rows of a
// group. NULLsLast is that of [kernels.SortKey].
type Order struct{ Desc, NullsLast bool }

// BindOrdered is [Function.Bind] for f(x, ... ORDER BY keys): the last arguments
// are the keys, one per element of by. Rows that are equal in all keys keep
// their order. The rows of every group are kept; Final sorts those of the groups
// it is asked for. Where the order makes no difference the result is that of
// Bind, without the keys.
func (f *Function) BindOrdered(args []arrow.DataType, distinct bool, by []Order) (*Spec, error) {
	n := len(args) - len(by)
	inner, err := f.Bind(args[:n], distinct)
	if err != nil || inner.OrderFree || len(by) == 0 {
		return inner, err
	}
	for _, t := range args[n:] {
		if !kernels.Ordered(Plain(t)) {
			return nil, f.refuse(t, "keys that have an order")
		}
	}
	outer := *inner
	outer.Args = slices.Concat(inner.Args, args[n:])
	spec, err := keptSpec(&outer)
	if err != nil {
		return nil, err
	}
	// Rows whose argument is NULL make a difference for functions of several.
	skip := n == 1 || f.Name == "listagg"
	unordered := spec.New
	spec.New = func(mem memory.Allocator) Accumulator {
		k := unordered(mem).(*kept)
		k.order, k.skip = by, skip
		return k
	}
	return spec, nil
}

// sorted are the arguments of rows, without the keys, in the order of the keys
// within each owner; the caller releases them.
func (k *kept) sorted(owners []uint32, cols []arrow.Array) ([]arrow.Array, error) {
	n := len(cols) - len(k.order)
	group := newResult[uint32](k.mem, len(owners))
	copy(group.v, owners)
	first := group.array(arrow.PrimitiveTypes.Uint32)
	defer first.Release()
	keys := []kernels.SortKey{{Col: first}}
	for i, o := range k.order {
		keys = append(keys, kernels.SortKey{Col: cols[n+i], Desc: o.Desc, NullsLast: o.NullsLast})
	}
	rows, err := kernels.SortIndices(keys, len(owners))
	if err != nil {
		return nil, err
	}
	out := make([]arrow.Array, n)
	for i := range out {
		if out[i], err = kernels.Take(k.mem, cols[i], rows); err != nil {
			releaseAll(out)
			return nil, err
		}
	}
	return out, nil
}
