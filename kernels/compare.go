package kernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// comparison is an operator on two values of the same type.
type comparison simd.Comparison

const (
	opEq = comparison(simd.Eq)
	opNe = comparison(simd.Ne)
	opLt = comparison(simd.Lt)
	opLe = comparison(simd.Le)
	opGt = comparison(simd.Gt)
	opGe = comparison(simd.Ge)
)

// mirrored is the operator with its operands swapped.
func (op comparison) mirrored() comparison {
	return [...]comparison{opEq, opNe, opGt, opGe, opLt, opLe}[op]
}

// kernel compares two arguments of the same type; a NULL gives NULL.
func (op comparison) kernel() Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, boolType, n), nil
		}
		valid := strict(mem, n, args...)
		out := newBools(mem, n)
		op.fill(out.bits, args[0], args[1])
		return out.finish(valid), nil
	}
}

// distinctKernel is IS [NOT] DISTINCT FROM: NULL equals NULL, the result is
// never NULL.
func distinctKernel(distinct bool) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		out := newBools(mem, n)
		x, y := validBits(args[0], n), validBits(args[1], n)
		if !anyNull(args) {
			opEq.fill(out.bits, args[0], args[1])
		}
		for w := range out.bits.Words() {
			a, b := x.Word(w), y.Word(w)
			same := (a & b & out.bits.Word(w)) | ^(a | b)
			if distinct {
				same = ^same
			}
			out.bits.PutWord(w, same&lowBits(n-64*w))
		}
		return out.finish(noNulls(mem, n)), nil
	}
}

// validBits is the validity of n rows of d.
func validBits(d Datum, n int) columnar.Bitmap {
	switch {
	case d.Null():
		return columnar.NewBitmap(n)
	case d.Const:
		return columnar.Bitmap{N: n}
	}
	return columnar.Validity(d.Array)
}

// fill sets the clear bitmap out, of offset 0, to x op y. Neither is the
// constant NULL; rows with a NULL get any bit.
func (op comparison) fill(out columnar.Bitmap, x, y Datum) {
	if x.Const && !y.Const {
		op.mirrored().fill(out, y, x)
		return
	}
	if x.Array.Len() == 0 || out.N == 0 {
		return
	}
	if x.Const && out.N > 1 {
		one := columnar.NewBitmap(1)
		op.fill(one, x, y)
		if one.Get(0) {
			setAll(out)
		}
		return
	}
	switch x.Type().ID() {
	case arrow.BOOL:
		op.fillBools(out, x, y)
	case arrow.INT8:
		fillNumbers[int8](op, out, x, y)
	case arrow.INT16:
		fillNumbers[int16](op, out, x, y)
	case arrow.INT32, arrow.DATE32, arrow.TIME32, arrow.INTERVAL_MONTHS:
		fillNumbers[int32](op, out, x, y)
	case arrow.INT64, arrow.DATE64, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION:
		fillNumbers[int64](op, out, x, y)
	case arrow.UINT8:
		fillNumbers[uint8](op, out, x, y)
	case arrow.UINT16:
		fillNumbers[uint16](op, out, x, y)
	case arrow.UINT32:
		fillNumbers[uint32](op, out, x, y)
	case arrow.UINT64:
		fillNumbers[uint64](op, out, x, y)
	case arrow.FLOAT32:
		fillNumbers[float32](op, out, x, y)
	case arrow.FLOAT64:
		fillNumbers[float64](op, out, x, y)
	case arrow.STRING, arrow.BINARY, arrow.LARGE_STRING, arrow.LARGE_BINARY:
		op.fillTexts(out, x, y)
	case arrow.DECIMAL128:
		op.fillDecimals(out, x, y)
	default:
		op.fillAny(out, x, y)
	}
}

// fillNumbers compares values of fixed width, also the integers behind times.
func fillNumbers[T columnar.Fixed](op comparison, out columnar.Bitmap, x, y Datum) {
	simd.Compare(simd.Comparison(op), out.Bits, columnar.Values[T](x.Array), columnar.Values[T](y.Array))
}

func (op comparison) fillTexts(out columnar.Bitmap, x, y Datum) {
	xs, ys := x.texts(), y.texts()
	if y.Const && !x.Const {
		c := ys.String(0)
		switch op {
		case opEq, opNe:
			if off, data, ok := rawText(x.Array); ok {
				simd.EqualText(out.Bits, off, data, c)
			} else {
				eqTextVC(out.Bits, xs, c)
			}
		case opLt, opGe:
			ltTextVC(out.Bits, xs, c)
		case opGt, opLe:
			leTextVC(out.Bits, xs, c)
		}
		if op == opNe || op == opGe || op == opGt {
			out.Invert()
		}
		return
	}
	switch op {
	case opEq, opNe:
		off, data, ok := rawText(x.Array)
		off2, data2, ok2 := rawText(y.Array)
		if ok && ok2 {
			simd.EqualTexts(out.Bits, off, data, off2, data2)
		} else {
			eqTextVV(out.Bits, xs, ys)
		}
	case opLt, opGe:
		ltTextVV(out.Bits, xs, ys)
	case opGt, opLe:
		ltTextVV(out.Bits, ys, xs)
	}
	if op == opNe || op == opGe || op == opLe {
		out.Invert()
	}
}

// fillBools compares bits by words: false is less than true.
func (op comparison) fillBools(out columnar.Bitmap, x, y Datum) {
	xs, ys := boolBits(x, out.N), boolBits(y, out.N)
	for w := range out.Words() {
		a, b := xs.Word(w), ys.Word(w)
		var r uint64
		switch op {
		case opEq:
			r = ^(a ^ b)
		case opNe:
			r = a ^ b
		case opLt:
			r = ^a & b
		case opLe:
			r = ^a | b
		case opGt:
			r = a &^ b
		case opGe:
			r = a | ^b
		}
		out.PutWord(w, r&lowBits(out.N-64*w))
	}
}

// boolBits is the values of n rows of a boolean datum that is not the constant
// NULL.
func boolBits(d Datum, n int) columnar.Bitmap {
	b := columnar.Bools(d.Array)
	if !d.Const {
		return b
	}
	if b.Get(0) {
		return columnar.Bitmap{N: n}
	}
	return columnar.NewBitmap(n)
}

func (op comparison) fillDecimals(out columnar.Bitmap, x, y Datum) {
	xs, ys := decimals(x.Array), decimals(y.Array)
	mx, my := x.mask(), y.mask()
	for i := range out.N {
		out.Bits[i>>3] |= simd.Bit(op.holds(xs[i&mx].Cmp(ys[i&my]))) << (i & 7)
	}
}

// holds reports whether the operator holds for a comparison result c.
func (op comparison) holds(c int) bool {
	switch op {
	case opEq:
		return c == 0
	case opNe:
		return c != 0
	case opLt:
		return c < 0
	case opLe:
		return c <= 0
	case opGt:
		return c > 0
	}
	return c >= 0
}

// fillAny compares row by row: nested types.
func (op comparison) fillAny(out columnar.Bitmap, x, y Datum) {
	for i := range out.N {
		if x.valid(i) && y.valid(i) {
			out.Bits[i>>3] |= simd.Bit(op.holds(Compare(x.Array, x.at(i), y.Array, y.at(i)))) << (i & 7)
		}
	}
}
