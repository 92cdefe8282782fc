package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// bindMap resolves MAP(key, value, ...): keys and values meet in one type each.
func bindMap(f *Function, args []Arg) (*Binding, error) {
	if len(args)%2 != 0 {
		return nil, &Error{Code: CodeFunction, Msg: f.Name + ": a key without a value", Hint: "usage: " + f.Usage}
	}
	var keys, values []Arg
	for i := 0; i < len(args); i += 2 {
		keys, values = append(keys, args[i]), append(values, args[i+1])
	}
	k, err := CommonType(f.Name+" keys", keys)
	if err != nil {
		return nil, err
	}
	v, err := CommonType(f.Name+" values", values)
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		k, v = textType, textType
	}
	if isNull(k) || !Ordered(k) {
		return nil, f.mismatch(args)
	}
	eq, err := bindComparison(opEq)(f, []Arg{{Type: k}, {Type: k}})
	if err != nil {
		return nil, err
	}
	types := make([]arrow.DataType, len(args))
	for i := range types {
		types[i] = []arrow.DataType{k, v}[i%2]
	}
	t := arrow.MapOf(k, v)
	return &Binding{Args: types, Out: t, Nulls: NeverNull, Fails: true, Kernel: mapOf(t, eq.Kernel)}, nil
}

// mapOf puts keys and values into maps. A key that comes again takes the place
// of the one before; NULL is no key. Cost: a copy of each key and value, and a
// comparison of every two keys of a row.
func mapOf(t *arrow.MapType, eq Kernel) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		pairs := len(args) / 2
		dropped := make([]columnar.Bitmap, pairs)
		for a := range pairs {
			for i := range n {
				if !args[2*a].valid(i) {
					return nil, &Error{Code: CodeValue, Msg: "map: a key is NULL"}
				}
			}
			for b := a + 1; b < pairs; b++ {
				same, err := eq(mem, n, []Datum{args[2*a], args[2*b]})
				if err != nil {
					return nil, err
				}
				if hits := columnar.Bools(same); hits.Count() > 0 {
					if dropped[a].N == 0 {
						dropped[a] = columnar.NewBitmap(n)
					}
					for i := range n {
						if hits.Get(i) {
							dropped[a].Set(i)
						}
					}
				}
				same.Release()
			}
		}
		ends := make([]int32, n+1)
		var from [2][]int32 // positions of keys and of values
		var base [2][]int32
		var parts [2][]arrow.Array
		for side := range 2 {
			at := int32(0)
			for p := range pairs {
				a := args[2*p+side].Array
				parts[side], base[side] = append(parts[side], a), append(base[side], at)
				at += int32(a.Len())
			}
		}
		for i := range n {
			for p := range pairs {
				if dropped[p].N > 0 && dropped[p].Get(i) {
					continue
				}
				for side := range 2 {
					from[side] = append(from[side], base[side][p]+int32(args[2*p+side].at(i)))
				}
			}
			ends[i+1] = int32(len(from[0]))
		}
		var children [2]arrow.Array
		for side, typ := range []arrow.DataType{t.KeyType(), t.ItemType()} {
			all := array.MakeArrayOfNull(mem, typ, 0)
			if pairs > 0 {
				all.Release()
				var err error
				if all, err = concatenate(mem, parts[side]); err != nil {
					return nil, err
				}
			}
			taken, err := Take(mem, all, from[side])
			all.Release()
			if err != nil {
				releaseAll(children[:side])
				return nil, err
			}
			children[side] = taken
		}
		defer releaseAll(children[:])
		return newMap(mem, t, noNulls(mem, n), ends, children[:]), nil
	}
}
