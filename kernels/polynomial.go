package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// term is a product of elements of a vector: that of an earlier term, or 1 where
// before is negative, and an element.
type term struct{ before, element int32 }

// terms are the products of up to degree of n elements, in the order of degrees
// and then of elements, as PolynomialFeatures of scikit-learn has them: a, b, a*a,
// a*b, b*b. With distinct no element comes twice in one. ok is false for more than
// most of them.
func terms(n, degree int, distinct bool, most int) (out []term, ok bool) {
	for e := range min(n, most+1) {
		out = append(out, term{-1, int32(e)})
	}
	for d, from := 2, 0; d <= degree && from < len(out); d++ {
		to := len(out)
		for before := from; before < to; before++ {
			first := int(out[before].element)
			if distinct {
				first++
			}
			for e := first; e < n && len(out) <= most; e++ {
				out = append(out, term{int32(before), int32(e)})
			}
		}
		from = to
	}
	return out, len(out) <= most
}

// bindPolynomial resolves POLYNOMIAL(vector[, degree[, interaction_only[,
// bias]]]), whose arguments after the first are constants: 2, FALSE and TRUE if
// they are left out.
func bindPolynomial(f *Function, args []Arg) (*Binding, error) {
	v, ok := args[0].Type.(*arrow.FixedSizeListType)
	if !ok || !isNumber(v.Elem()) {
		return nil, f.mismatch(args)
	}
	degree, flags := int64(2), [2]bool{false, true}
	if len(args) > 1 {
		if degree, ok = args[1].intConst(); !ok || degree < 1 {
			return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the degree must be a constant from 1", Hint: "usage: " + f.Usage}
		}
	}
	in := []arrow.DataType{columnar.Vector(int(v.Len())), int64Type, boolType, boolType}[:len(args)]
	for i := 2; i < len(args); i++ {
		c, ok := args[i].Const.(*array.Boolean)
		if !ok || c.IsNull(0) {
			return nil, &Error{Code: CodeFunction, Msg: f.Name + ": interaction_only and bias must be TRUE or FALSE", Hint: "usage: " + f.Usage}
		}
		flags[i-2] = c.Value(0)
	}
	products, ok := terms(int(v.Len()), int(min(degree, maxVector+1)), flags[0], maxVector-1)
	if !ok {
		return nil, &Error{Code: CodeFunction, Msg: f.Name + ": more than 1048575 products", Hint: "use a lower degree or a shorter vector"}
	}
	return &Binding{Args: in, Out: columnar.Vector(width(products, flags[1])), Fails: true, Kernel: polynomial(products, flags[1])}, nil
}

// width is the number of products, and of the 1 before them.
func width(products []term, bias bool) int {
	if bias {
		return len(products) + 1
	}
	return len(products)
}

// polynomial computes the products of each vector, the elements multiplied from
// the left on. Cost: one multiplication per number.
func polynomial(products []term, bias bool) Kernel {
	wide := width(products, bias)
	t, head := columnar.Vector(wide), wide-len(products)
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		buf, out, err := vectorColumn(mem, "polynomial", n, wide)
		if err != nil {
			return nil, err
		}
		l := listOf(args[0])
		all := columnar.Values[float64](l.values)
		valid := strict(mem, n, args...)
		for i := range n {
			if !valid.get(i) {
				continue
			}
			from, to := l.at(i)
			x, row := all[from:to], out[i*wide:(i+1)*wide]
			if bias {
				row[0] = 1
			}
			row = row[head:]
			for k, p := range products {
				if p.before < 0 {
					row[k] = x[p.element]
				} else {
					row[k] = row[p.before] * x[p.element]
				}
			}
		}
		return vectorOf(mem, t, valid, buf, n*wide), nil
	}
}
