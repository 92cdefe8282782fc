package kernels

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/zeebo/xxh3"

	"github.com/arrowstream/arrowstream/columnar"
)

// maxElements bounds the numbers of a column of vectors.
const maxElements = math.MaxInt32 / 8

// vectorColumn is room for n vectors of so many elements, all 0.
func vectorColumn(mem memory.Allocator, what string, n, width int) (*memory.Buffer, []float64, error) {
	if n*width > maxElements {
		return nil, nil, &Error{Code: CodeValue, Msg: what + ": more than 268435455 numbers in a batch", Hint: "use shorter vectors or smaller batches"}
	}
	buf, out := fixed[float64](mem, n*width)
	return buf, out, nil
}

// widthOf is the constant length of a vector, argument k.
func (f *Function) widthOf(args []Arg, k int) (int, error) {
	width, ok := args[k].intConst()
	if !ok || width < 1 || width > maxVector {
		return 0, &Error{Code: CodeFunction, Msg: f.Name + ": the length must be a constant from 1 to 1048576", Hint: "usage: " + f.Usage}
	}
	return int(width), nil
}

// bindHashFeatures resolves HASH_FEATURES(list or map, n), the signed hashing
// trick (Weinberger and others 2009): XXH3 of each text, or key of a map, with
// the seed of HASH_FEATURE is a place in a vector of n, and its highest bit the
// sign with which 1, or the value of the key, is added there.
func bindHashFeatures(f *Function, args []Arg) (*Binding, error) {
	width, err := f.widthOf(args, 1)
	if err != nil {
		return nil, err
	}
	var in arrow.DataType
	switch t := args[0].Type.(type) {
	case *arrow.MapType:
		if can, _ := CanCast(Logical(t.KeyType()), textType); !can || !isNumber(t.ItemType()) && t.ItemType().ID() != arrow.BOOL {
			return nil, f.mismatch(args)
		}
		in = nil // keys and values are cast by the kernel
	default:
		elem, ok := elemOf(t)
		if !ok && !isNull(t) {
			return nil, f.mismatch(args)
		}
		if can, _ := CanCast(elemOr(elem), textType); !can {
			return nil, f.mismatch(args)
		}
		in = arrow.ListOf(textType)
	}
	return &Binding{Args: []arrow.DataType{in, int64Type}, Out: columnar.Vector(width), Fails: true, Kernel: hashFeatures(width)}, nil
}

func elemOr(t arrow.DataType) arrow.DataType {
	if t == nil {
		return textType
	}
	return Logical(t)
}

func hashFeatures(width int) Kernel {
	t := columnar.Vector(width)
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		l := listOf(args[0])
		names, values := l.values, arrow.Array(nil)
		if m, ok := args[0].Array.(*array.Map); ok {
			var err error
			if names, err = Cast(mem, m.Keys(), textType, false); err != nil {
				return nil, err
			}
			defer names.Release()
			if values, err = Cast(mem, m.Items(), float64Type, false); err != nil {
				return nil, err
			}
			defer values.Release()
		}
		buf, out, err := vectorColumn(mem, "hash_features", n, width)
		if err != nil {
			return nil, err
		}
		text := textsOf(Column(names))
		var weights []float64
		if values != nil {
			weights = columnar.Values[float64](values)
		}
		valid := strict(mem, n, args...)
		for i := range n {
			if !valid.get(i) {
				continue
			}
			row := out[i*width : (i+1)*width]
			for k, to := l.at(i); k < to; k++ {
				if names.IsNull(k) || values != nil && values.IsNull(k) {
					continue
				}
				h, w := xxh3.HashSeed(text.at(k), featureSeed), 1.0
				if values != nil {
					w = weights[k]
				}
				if h>>63 != 0 {
					w = -w
				}
				row[h%uint64(width)] += w
			}
		}
		return vectorOf(mem, t, valid, buf, n*width), nil
	}
}

// bindOneHot resolves ONE_HOT(k, n), a vector of n with a 1 at place k, counted
// from 0, and ONE_HOT(x, ARRAY[...]), with a 1 at the place of x in a constant
// list. What has no place is all 0.
func bindOneHot(f *Function, args []Arg) (*Binding, error) {
	elem, list := elemOf(args[1].Type)
	if !list {
		width, err := f.widthOf(args, 1)
		if err != nil {
			return nil, err
		}
		if !accepts(args[0], int64Type) {
			return nil, f.mismatch(args)
		}
		t := columnar.Vector(width)
		return &Binding{Args: same(int64Type, 2), Out: t, Fails: true, Kernel: oneHot(t, width, func(_ memory.Allocator, _ int, args []Datum, put func(i, k int)) error {
			at := intsOf(args[0])
			for i := range args[0].Array.Len() {
				if k := at.at(i); k >= 0 && k < int64(width) {
					put(i, int(k))
				}
			}
			return nil
		})}, nil
	}
	if args[1].Const == nil || args[1].Const.IsNull(0) {
		return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the list must be a constant", Hint: "usage: " + f.Usage}
	}
	from, to := args[1].Const.(array.ListLike).ValueOffsets(0)
	width := int(to - from)
	if width < 1 || width > maxVector {
		return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the list must have 1 to 1048576 elements", Hint: "usage: " + f.Usage}
	}
	in, err := CommonType(f.Name, []Arg{{Type: elem}, args[0]})
	if err != nil {
		return nil, err
	}
	t := columnar.Vector(width)
	return &Binding{Args: []arrow.DataType{in, arrow.ListOf(in)}, Out: t, Fails: true, Kernel: oneHot(t, width, func(mem memory.Allocator, n int, args []Datum, put func(i, k int)) error {
		places, err := arrayPosition(mem, n, []Datum{args[1], args[0]})
		if err != nil {
			return err
		}
		defer places.Release()
		for i, k := range columnar.Values[int32](places) {
			if k > 0 {
				put(i, int(k)-1)
			}
		}
		return nil
	})}, nil
}

// oneHot is a column of vectors of 0, in which fill puts ones.
func oneHot(t arrow.DataType, width int, fill func(mem memory.Allocator, n int, args []Datum, put func(i, k int)) error) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		buf, out, err := vectorColumn(mem, "one_hot", n, width)
		if err != nil {
			return nil, err
		}
		if err := fill(mem, n, args, func(i, k int) { out[i*width+k] = 1 }); err != nil {
			freeHeader(mem, buf)
			return nil, err
		}
		return vectorOf(mem, t, strict(mem, n, args...), buf, n*width), nil
	}
}

// bindBucketize resolves BUCKETIZE(x, ARRAY[a, b, ...]): how many of the
// ascending bounds are not above x, so bucket 0 is below a and NaN is in the
// last one.
func bindBucketize(f *Function, args []Arg) (*Binding, error) {
	elem, ok := elemOf(args[1].Type)
	if !ok || !isNumber(elem) || !accepts(args[0], float64Type) {
		return nil, f.mismatch(args)
	}
	if args[1].Const == nil || args[1].Const.IsNull(0) {
		return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the bounds must be a constant list", Hint: "usage: " + f.Usage}
	}
	list := arrow.ListOf(float64Type)
	c, err := Cast(memory.DefaultAllocator, args[1].Const, list, false)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	from, to := c.(array.ListLike).ValueOffsets(0)
	values := c.(array.ListLike).ListValues()
	bounds := append([]float64{}, columnar.Values[float64](values)[from:to]...)
	for k, v := range bounds {
		if values.IsNull(int(from)+k) || v != v || k > 0 && !(bounds[k-1] < v) {
			return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the bounds must ascend", Hint: "usage: " + f.Usage}
		}
	}
	return &Binding{Args: []arrow.DataType{float64Type, nil}, Out: int32Type, Kernel: bucketize(bounds)}, nil
}

// bucketize finds buckets by halves without branches on what is found. Cost:
// about 1 ns per halving.
func bucketize(bounds []float64) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if args[0].Null() {
			return Nulls(mem, int32Type, n), nil
		}
		valid := strict(mem, n, args[0])
		buf, out := fixed[int32](mem, n)
		for i, x := range columnar.Values[float64](args[0].Array) {
			lo, size := 0, len(bounds)
			for size > 0 {
				half := (size + 1) / 2
				if !(bounds[lo+half-1] > x) {
					lo += half
					size -= half
				} else {
					size = half - 1
				}
			}
			out[i] = int32(lo)
		}
		return finish(int32Type, valid, buf), nil
	}
}

// softmax is exp(x) over the sum of it, of each vector less its maximum, so that
// nothing overflows. An element that is NaN or +Inf makes all NaN; one that is
// NULL counts as 0.
func softmax(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	t := args[0].Type()
	if anyNull(args) {
		return Nulls(mem, t, n), nil
	}
	l := listOf(args[0])
	x := columnar.Values[float64](l.values)
	valid := strict(mem, n, args...)
	ends := make([]int32, n+1)
	for i := range n {
		from, to := l.at(i)
		if ends[i+1] = ends[i]; l.off == nil || valid.get(i) {
			ends[i+1] += int32(to - from)
		}
	}
	buf, out := fixed[float64](mem, int(ends[n]))
	for i := range n {
		if !valid.get(i) {
			continue
		}
		from, to := l.at(i)
		softmaxOf(out[ends[i]:ends[i+1]], x[from:to])
	}
	values := finish(float64Type, noNulls(mem, int(ends[n])), buf)
	defer values.Release()
	return newList(mem, t, valid, ends, values), nil
}

func softmaxOf(out, x []float64) {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, v)
	}
	sum := 0.0
	for k, v := range x {
		out[k] = Exp(v - top)
		sum += out[k]
	}
	for k := range out {
		out[k] /= sum
	}
}

// bindSoftmax takes vectors and lists of numbers.
func bindSoftmax(f *Function, args []Arg) (*Binding, error) {
	elem, ok := elemOf(args[0].Type)
	if !ok && !isNull(args[0].Type) || ok && !isNumber(elem) {
		return nil, f.mismatch(args)
	}
	var t arrow.DataType = arrow.ListOf(float64Type)
	if v, ok := args[0].Type.(*arrow.FixedSizeListType); ok {
		t = columnar.Vector(int(v.Len()))
	}
	return &Binding{Args: []arrow.DataType{t}, Out: t, Kernel: softmax}, nil
}
