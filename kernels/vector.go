package kernels

import (
	"math"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// assemble is VECTOR(a, b, ...): the arguments of each row side by side, NULL
// if one is.
func assemble(t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		d := len(args)
		valid := strict(mem, n, args...)
		buf, out := fixed[float64](mem, n*d)
		for k, a := range args {
			v, m := columnar.Values[float64](a.Array), a.mask()
			for i := range n {
				out[i*d+k] = v[i&m]
			}
		}
		return vectorOf(mem, t, valid, buf, n*d), nil
	}
}

// vectorOf builds a vector column out of the buffer of its elements, which it
// takes over together with valid.
func vectorOf(mem memory.Allocator, t arrow.DataType, valid validity, buf *memory.Buffer, elements int) arrow.Array {
	values := finish(float64Type, noNulls(mem, elements), buf)
	defer values.Release()
	return newList(mem, t, valid, nil, values)
}

func bindAssemble(f *Function, args []Arg) (*Binding, error) {
	for _, a := range args {
		if t := Logical(a.Type); t.ID() != arrow.BOOL && !accepts(a, float64Type) {
			return nil, f.mismatch(args)
		}
	}
	t := columnar.Vector(len(args))
	return &Binding{Args: same(float64Type, len(args)), Out: t, Kernel: assemble(t)}, nil
}

// parseVector reads a dense vector, numbers separated by blanks or commas, or
// a libsvm line, [label] index:value with indexes from 1. width is the length
// of the vector, or -1 for that of the text. A leading label in libsvm, and one
// value too many at the front of a dense text, are ignored.
func parseVector(s string, width int) ([]float64, error) {
	bad := func(reason string) ([]float64, error) {
		return nil, errorf(CodeValue, "cannot read %q as a vector: %s", cut(s), reason)
	}
	if !strings.Contains(s, ":") {
		v, ok := parseNumbers(nil, s)
		switch {
		case !ok:
			return bad("not numbers")
		case width >= 0 && len(v) == width+1:
			return v[1:], nil
		case width >= 0 && len(v) != width:
			return nil, errorf(CodeValue, "cannot read %q as a vector: it has %d numbers, not %d", cut(s), len(v), width)
		}
		return v, nil
	}
	var v []float64
	if width >= 0 {
		v = make([]float64, width)
	}
	for i, field := range strings.Fields(s) {
		index, value, ok := strings.Cut(field, ":")
		if !ok {
			if _, label := parseFloat(field, 64); i == 0 && label {
				continue
			}
			return bad("not index:value")
		}
		k, ok1, _ := parseInt(index)
		x, ok2 := parseFloat(value, 64)
		if !ok1 || !ok2 || k < 1 || k > maxVector {
			return bad("not index:value")
		}
		if width >= 0 && int(k) > width {
			return nil, errorf(CodeValue, "cannot read %q as a vector: index %d is past %d", cut(s), k, width)
		}
		for len(v) < int(k) {
			v = append(v, 0)
		}
		v[k-1] = x
	}
	return v, nil
}

// maxVector bounds the length of a vector read from text.
const maxVector = 1 << 20

// toVector is TO_VECTOR(text), a list, or with width a vector.
func toVector(t arrow.DataType, width int) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		s := textsOf(args[0])
		valid := strict(mem, n, args...)
		ends := make([]int32, n+1)
		var all []float64
		for i := range n {
			switch {
			case valid.get(i):
				v, err := parseVector(s.string(i), width)
				if err == nil && len(all)+len(v) > math.MaxInt32/8 {
					err = errorf(CodeValue, "to_vector: more than %d numbers in a batch", math.MaxInt32/8)
				}
				if err != nil {
					valid.release()
					return nil, err
				}
				all = append(all, v...)
			case width > 0:
				all = append(all, make([]float64, width)...)
			}
			ends[i+1] = int32(len(all))
		}
		buf, out := fixed[float64](mem, len(all))
		copy(out, all)
		values := finish(float64Type, noNulls(mem, len(all)), buf)
		defer values.Release()
		return newList(mem, t, valid, ends, values), nil
	}
}

func bindToVector(f *Function, args []Arg) (*Binding, error) {
	width := int64(-1)
	var t arrow.DataType = arrow.ListOf(float64Type)
	if len(args) == 2 {
		var ok bool
		if width, ok = args[1].intConst(); !ok || width < 1 || width > maxVector {
			return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the length must be a constant from 1 to 1048576", Hint: "usage: " + f.Usage}
		}
		t = columnar.Vector(int(width))
	}
	elem, list := elemOf(args[0].Type)
	if list && isNumber(elem) {
		return &Binding{Args: append([]arrow.DataType{t}, make([]arrow.DataType, len(args)-1)...), Out: t, Fails: true, Kernel: castKernel(t)}, nil
	}
	if !accepts(args[0], textType) {
		return nil, f.mismatch(args)
	}
	b := &Binding{Args: make([]arrow.DataType, len(args)), Out: t, Fails: true, Kernel: toVector(t, int(width))}
	b.Args[0] = textType
	return b, nil
}

// rowsOf is the elements of a list or vector of float64.
type rowsOf struct {
	values []float64
	list   array.ListLike
	mask   int
}

func vectorRows(d Datum) rowsOf {
	list := d.Array.(array.ListLike)
	return rowsOf{columnar.Values[float64](list.ListValues()), list, d.mask()}
}

func (r rowsOf) at(i int) []float64 {
	from, to := r.list.ValueOffsets(i & r.mask)
	return r.values[from:to]
}

// dotOf adds the products, each step fused. About 0.5 ns per element.
func dotOf(x, y []float64) float64 {
	if len(x) > simd.InOrder {
		var lanes [32]float64
		simd.Dot(&lanes, x, y)
		return simd.LanesValue(&lanes)
	}
	sum := 0.0
	for i, v := range x {
		sum = math.FMA(v, y[i], sum)
	}
	return sum
}

func l2Distance(x, y []float64) float64 {
	sum := 0.0
	for i, v := range x {
		d := v - y[i]
		sum = math.FMA(d, d, sum)
	}
	return math.Sqrt(sum)
}

func cosine(x, y []float64) float64 {
	return dotOf(x, y) / math.Sqrt(float64(dotOf(x, x)*dotOf(y, y)))
}

func l2Norm(x, _ []float64) float64 { return math.Sqrt(dotOf(x, x)) }

// vectorKernel is a function of one or two vectors of the same length.
func vectorKernel(name string, f func(x, y []float64) float64) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, float64Type, n), nil
		}
		x, y := vectorRows(args[0]), vectorRows(args[len(args)-1])
		valid := strict(mem, n, args...)
		buf, out := fixed[float64](mem, n)
		for i := range out {
			if !valid.get(i) {
				continue
			}
			a, b := x.at(i), y.at(i)
			if len(a) != len(b) {
				giveUp(valid, buf)
				return nil, errorf(CodeValue, "%s: vectors of %d and %d elements", name, len(a), len(b))
			}
			out[i] = f(a, b)
		}
		return finish(float64Type, valid, buf), nil
	}
}

// bindVectors resolves functions of vectors. Lists are taken as they are; an
// element that is NULL counts as what its slot holds, 0 in columns of this
// engine.
func bindVectors(fn func(x, y []float64) float64) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		b := &Binding{Args: make([]arrow.DataType, len(args)), Out: float64Type, Kernel: vectorKernel(f.Name, fn)}
		length := int32(-1)
		for i, a := range args {
			switch t := a.Type.(type) {
			case *arrow.FixedSizeListType:
				if !isNumber(t.Elem()) {
					return nil, f.mismatch(args)
				}
				if length >= 0 && length != t.Len() {
					return nil, errorf(CodeTypes, "%s: vectors of %d and %d elements", f.Name, length, t.Len())
				}
				length = t.Len()
				b.Args[i] = columnar.Vector(int(t.Len()))
			case *arrow.ListType:
				if !isNumber(t.Elem()) {
					return nil, f.mismatch(args)
				}
				b.Args[i], b.Fails = arrow.ListOf(float64Type), len(args) > 1
			case *arrow.NullType:
				b.Args[i] = arrow.ListOf(float64Type)
			default:
				if !a.Literal {
					return nil, f.mismatch(args)
				}
				b.Args[i], b.Fails = arrow.ListOf(float64Type), len(args) > 1
			}
		}
		return b, nil
	}
}
