package kernels

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

type (
	integer interface{ int32 | int64 }
	float   interface{ float32 | float64 }
)

// elementwise is the kernel of op on values of T with results of type t. An
// integer outside the range is an error, with try NULL.
func elementwise[T simd.Number](op simd.Operator, t arrow.DataType, try bool) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		x, y := columnar.Values[T](args[0].Array), columnar.Values[T](args[1].Array)
		valid := strict(mem, n, args...)
		buf, out := unset[T](mem, n)
		if simd.Arith(op, out, x, y) {
			mx, my := args[0].mask(), args[1].mask()
			misfit := func(i int) bool { return overflows(op, x[i&mx], y[i&my]) }
			if !try {
				if i := firstBad(valid.bits, misfit); i >= 0 {
					giveUp(valid, buf)
					return nil, errorf(CodeOverflow, "%s overflow: %v %c %v", SQLName(t), x[i&mx], "+-*"[op], y[i&my])
				}
			}
			for i := range n {
				if valid.get(i) && misfit(i) {
					valid.null(i)
				}
			}
		}
		return finish(t, valid, buf), nil
	}
}

// overflows tells of one row what simd.Arith tells of all.
func overflows[T simd.Number](op simd.Operator, x, y T) bool {
	var out [1]T
	return simd.Arith(op, out[:], []T{x}, []T{y})
}

// quotient is a loop of integer division: it returns the row of the first
// valid zero divisor or of the first overflow, else -1.
type quotient[T integer] func(out, x, y []T, mx, my int, valid columnar.Bitmap) int

// divInts truncates towards zero.
func divInts[T integer](out, x, y []T, mx, my int, valid columnar.Bitmap) int {
	bad := -1
	for i := range out {
		a, b := x[i&mx], y[i&my]
		if b == 0 || b == -1 && a == -a && a != 0 {
			if bad < 0 && valid.Get(i) {
				bad = i
			}
			continue
		}
		out[i] = a / b
	}
	return bad
}

// modInts has the sign of the dividend.
func modInts[T integer](out, x, y []T, mx, my int, valid columnar.Bitmap) int {
	bad := -1
	for i := range out {
		b := y[i&my]
		if b == 0 {
			if bad < 0 && valid.Get(i) {
				bad = i
			}
			continue
		}
		out[i] = x[i&mx] % b
	}
	return bad
}

// divide is the kernel of an integer division.
func divide[T integer](name string, loop quotient[T], t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		x, y := columnar.Values[T](args[0].Array), columnar.Values[T](args[1].Array)
		mx, my := args[0].mask(), args[1].mask()
		valid := strict(mem, n, args...)
		buf, out := fixed[T](mem, n)
		if i := loop(out, x, y, mx, my, valid.bits); i >= 0 {
			giveUp(valid, buf)
			if y[i&my] == 0 {
				return nil, divisionByZero(fmt.Sprint(x[i&mx]), name)
			}
			return nil, errorf(CodeOverflow, "%s overflow: %v %s %v", SQLName(t), x[i&mx], name, y[i&my])
		}
		return finish(t, valid, buf), nil
	}
}

func divisionByZero(x, name string) error {
	return &Error{Code: CodeDivision, Msg: fmt.Sprintf("division by zero: %s %s 0", x, name), Hint: "use TRY_DIVIDE or NULLIF(divisor, 0)"}
}

// checkedQuotient is float64 division for what were integers: a zero divisor is
// an error, or NULL with try.
func checkedQuotient(try bool) Kernel {
	div := elementwise[float64](simd.Div, float64Type, false)
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, float64Type, n), nil
		}
		x, y := columnar.Values[float64](args[0].Array), columnar.Values[float64](args[1].Array)
		zeros, bits := bitBuffer(mem, len(y))
		defer zeros.Release()
		simd.Compare(simd.Eq, bits.Bits, y, []float64{0})
		if bits.Count() == 0 {
			return div(mem, n, args)
		}
		mx, my := args[0].mask(), args[1].mask()
		valid := strict(mem, n, args...)
		buf, out := fixed[float64](mem, n)
		for i := range out {
			d := y[i&my]
			if d == 0 {
				if !valid.get(i) {
					continue
				}
				if !try {
					giveUp(valid, buf)
					return nil, divisionByZero(formatFloat(x[i&mx]), "/")
				}
				valid.null(i)
				continue
			}
			out[i] = x[i&mx] / d
		}
		return finish(float64Type, valid, buf), nil
	}
}

// modFloats has the sign of the dividend and is NaN for a zero divisor.
func modFloats[T float](t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		x, y := columnar.Values[T](args[0].Array), columnar.Values[T](args[1].Array)
		mx, my := args[0].mask(), args[1].mask()
		valid := strict(mem, n, args...)
		buf, out := fixed[T](mem, n)
		for i := range out {
			out[i] = T(math.Mod(float64(x[i&mx]), float64(y[i&my])))
		}
		return finish(t, valid, buf), nil
	}
}

// negate is the kernel of the unary minus of integers.
func negate[T integer](t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		x := columnar.Values[T](args[0].Array)
		valid := strict(mem, n, args...)
		buf, out := fixed[T](mem, n)
		if simd.Arith(simd.Sub, out, []T{0}, x) {
			if i := firstBad(valid.bits, func(i int) bool { return x[i] == -x[i] && x[i] != 0 }); i >= 0 {
				giveUp(valid, buf)
				return nil, errorf(CodeOverflow, "%s overflow: -(%v)", SQLName(t), x[i])
			}
		}
		return finish(t, valid, buf), nil
	}
}

// negateFloats flips the sign, also of zero and NaN.
func negateFloats[T float](t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		valid := strict(mem, n, args...)
		buf, out := fixed[T](mem, n)
		for i, v := range columnar.Values[T](args[0].Array) {
			out[i] = -v
		}
		return finish(t, valid, buf), nil
	}
}

// divFloatsTruncated is DIV of numbers that are not integers.
func divFloatsTruncated(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, int64Type, n), nil
	}
	x, y := columnar.Values[float64](args[0].Array), columnar.Values[float64](args[1].Array)
	mx, my := args[0].mask(), args[1].mask()
	valid := strict(mem, n, args...)
	buf, out := fixed[int64](mem, n)
	for i := range out {
		q := math.Trunc(x[i&mx] / y[i&my])
		if q >= math.MinInt64 && q < math.MaxInt64 {
			out[i] = int64(q)
			continue
		}
		if !valid.get(i) {
			continue
		}
		giveUp(valid, buf)
		if y[i&my] == 0 {
			return nil, divisionByZero(formatFloat(x[i&mx]), "DIV")
		}
		return nil, outOfRange(formatFloat(x[i&mx])+" DIV "+formatFloat(y[i&my]), int64Type)
	}
	return finish(int64Type, valid, buf), nil
}
