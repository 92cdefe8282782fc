package kernels

import (
	"math"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// mapFloats is the kernel of a function of one float64 that costs more than
// the call through its value. The result is NULL where the argument is.
func mapFloats(f func(float64) float64) Kernel {
	return mapColumn(func(out, x []float64) {
		for i, v := range x {
			out[i] = f(v)
		}
	})
}

// mapColumn is mapFloats for a function of whole columns.
func mapColumn(f func(out, x []float64)) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, float64Type, n), nil
		}
		valid := strict(mem, n, args...)
		buf, out := fixed[float64](mem, n)
		x := columnar.Values[float64](args[0].Array)
		f(out[:len(x)], x)
		return finish(float64Type, valid, buf), nil
	}
}

// mapFloats2 is mapFloats for two arguments.
func mapFloats2(f func(x, y float64) float64) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, float64Type, n), nil
		}
		x, y := columnar.Values[float64](args[0].Array), columnar.Values[float64](args[1].Array)
		mx, my := args[0].mask(), args[1].mask()
		valid := strict(mem, n, args...)
		buf, out := fixed[float64](mem, n)
		for i := range out {
			out[i] = f(x[i&mx], y[i&my])
		}
		return finish(float64Type, valid, buf), nil
	}
}

func degrees(x float64) float64 { return x * (180 / math.Pi) }
func radians(x float64) float64 { return x * (math.Pi / 180) }

// logBase is the logarithm of x to a base, the first argument.
func logBase(base, x float64) float64 {
	switch base {
	case 2:
		return math.Log2(x)
	case 10:
		return math.Log10(x)
	}
	return simd.Log(x) / simd.Log(base)
}

func bindLog(f *Function, args []Arg) (*Binding, error) {
	if len(args) == 1 {
		return scalar(float64Type, mapColumn(simd.Logs), float64Type)(f, args)
	}
	return scalar(float64Type, mapFloats2(logBase), float64Type)(f, args)
}

func isNaNKernel[T float](mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, boolType, n), nil
	}
	out := newBools(mem, n)
	simd.Compare(simd.Eq, out.bits.Bits, columnar.Values[T](args[0].Array), []T{T(math.NaN())})
	return out.finish(strict(mem, n, args...)), nil
}

func bindIsNaN(f *Function, args []Arg) (*Binding, error) {
	if Logical(args[0].Type).ID() == arrow.FLOAT32 {
		return scalar(boolType, isNaNKernel[float32], float32Type)(f, args)
	}
	return scalar(boolType, isNaNKernel[float64], float64Type)(f, args)
}

// bindAbs keeps the type of the number.
func bindAbs(f *Function, args []Arg) (*Binding, error) {
	t := Logical(args[0].Type)
	one := func(t arrow.DataType, k Kernel, fails bool) (*Binding, error) {
		return &Binding{Args: []arrow.DataType{t}, Out: t, Kernel: k, Fails: fails}, nil
	}
	switch {
	case isNull(t), args[0].Literal && isText(t):
		return one(float64Type, mapFloats(math.Abs), false)
	case isDecimal(t):
		return one(t, decimalUnary(t, decimal128.Num.Abs), false)
	case t.ID() == arrow.FLOAT32:
		return one(t, absFloats[float32](t), false)
	case t.ID() == arrow.FLOAT64:
		return one(t, absFloats[float64](t), false)
	case t.ID() == arrow.DURATION:
		return one(t, absInts[int64](t), true)
	case isInt(t) && signedWidth(t) <= 32:
		return one(int32Type, absInts[int32](int32Type), true)
	case isInt(t):
		return one(int64Type, absInts[int64](int64Type), true)
	}
	return nil, f.mismatch(args)
}

func absFloats[T float](t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		valid := strict(mem, n, args...)
		buf, out := fixed[T](mem, n)
		for i, v := range columnar.Values[T](args[0].Array) {
			out[i] = T(math.Abs(float64(v)))
		}
		return finish(t, valid, buf), nil
	}
}

func absInts[T integer](t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		x := columnar.Values[T](args[0].Array)
		valid := strict(mem, n, args...)
		buf, out := fixed[T](mem, n)
		for i, v := range x {
			if v < 0 {
				v = -v
			}
			out[i] = v
		}
		if i := firstBad(valid.bits, func(i int) bool { return out[i] < 0 }); i >= 0 {
			err := errorf(CodeOverflow, "%s overflow: abs(%d)", SQLName(t), x[i])
			giveUp(valid, buf)
			return nil, err
		}
		return finish(t, valid, buf), nil
	}
}

// bindSign is -1, 0 or 1: an INT for integers and decimals, a DOUBLE for
// floats.
func bindSign(f *Function, args []Arg) (*Binding, error) {
	t := Logical(args[0].Type)
	switch {
	case isInt(t):
		return &Binding{Args: []arrow.DataType{int64Type}, Out: int32Type, Kernel: signInts}, nil
	case isDecimal(t):
		return &Binding{Args: []arrow.DataType{t}, Out: int32Type, Kernel: signDecimals}, nil
	}
	return scalar(float64Type, mapFloats(signFloat), float64Type)(f, args)
}

func signFloat(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // 0, -0, NaN
}

func signInts(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, int32Type, n), nil
	}
	valid := strict(mem, n, args...)
	buf, out := fixed[int32](mem, n)
	for i, v := range columnar.Values[int64](args[0].Array) {
		out[i] = int32(v>>63) | int32(uint64(-v)>>63)
	}
	return finish(int32Type, valid, buf), nil
}

func signDecimals(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, int32Type, n), nil
	}
	valid := strict(mem, n, args...)
	buf, out := fixed[int32](mem, n)
	for i, v := range decimals(args[0].Array) {
		out[i] = int32(v.Cmp(decimal128.Num{}))
	}
	return finish(int32Type, valid, buf), nil
}

// rounding is a way to drop digits.
type rounding int

const (
	roundHalfAway rounding = iota
	roundCeil
	roundFloor
	roundTruncate
	roundHalfEven
)

// bindRound resolves round, ceil, floor and truncate: integers stay integers,
// decimals become decimals of scale 0 or the digits asked for, floats floats.
func bindRound(how rounding) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		t := Logical(args[0].Type)
		if isNull(t) || args[0].Literal && isText(t) {
			t = float64Type
		}
		if !isNumber(t) || len(args) == 2 && !accepts(args[1], int64Type) {
			return nil, f.mismatch(args)
		}
		digits, constant := int64(0), true
		in := []arrow.DataType{t}
		if len(args) == 2 {
			digits, constant = args[1].intConst()
			in = append(in, int64Type)
		}
		b := &Binding{Args: in, Out: t}
		switch {
		case isDecimal(t):
			d := t.(*arrow.Decimal128Type)
			if !constant {
				digits = int64(d.Scale)
			}
			digits = min(max(digits, 0), int64(d.Scale))
			out := &arrow.Decimal128Type{Precision: min(d.Precision-d.Scale+1+int32(digits), 38), Scale: int32(digits)}
			b.Out, b.Kernel, b.Fails = out, roundDecimals(how, d, out), true
		case isInt(t):
			t = int64Type
			if signedWidth(Logical(args[0].Type)) <= 32 {
				t = int32Type
			}
			b.Args[0], b.Out, b.Fails = t, t, len(args) == 2
			b.Kernel = roundInts[int64](how, t)
			if t == int32Type {
				b.Kernel = roundInts[int32](how, t)
			}
		default:
			b.Args[0], b.Out = float64Type, float64Type
			b.Kernel = roundFloats(how)
		}
		return b, nil
	}
}

func roundWhole(x float64, how rounding) float64 {
	switch how {
	case roundCeil:
		return math.Ceil(x)
	case roundFloor:
		return math.Floor(x)
	case roundTruncate:
		return math.Trunc(x)
	case roundHalfEven:
		return math.RoundToEven(x)
	}
	return math.Round(x)
}

// roundDigits rounds at a decimal place. Away from zero at a half of the
// shortest decimal text of x: round(1.005, 2) is 1.01, since 1.005 is what was
// written, although the nearest float64 is a bit less.
func roundDigits(x float64, digits int64, how rounding) float64 {
	if digits == 0 {
		return roundWhole(x, how)
	}
	if x == 0 || x != x || math.IsInf(x, 0) || digits > 330 {
		return x
	}
	if digits < -330 {
		return math.Copysign(0, x)
	}
	v, scale, ok := parseDecimal(strconv.FormatFloat(x, 'e', -1, 64))
	if !ok || digits >= int64(scale) {
		return x
	}
	v = roundBig(v, scale, int32(digits), how)
	text := v.String() + "e" + strconv.FormatInt(-digits, 10)
	y, _ := strconv.ParseFloat(text, 64)
	return math.Copysign(y, x)
}

func roundFloats(how rounding) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, float64Type, n), nil
		}
		x, mx := columnar.Values[float64](args[0].Array), args[0].mask()
		valid := strict(mem, n, args...)
		buf, out := fixed[float64](mem, n)
		if len(args) == 1 {
			for i, v := range x {
				out[i] = roundWhole(v, how)
			}
			return finish(float64Type, valid, buf), nil
		}
		digits := intsOf(args[1])
		for i := range out {
			if valid.get(i) {
				out[i] = roundDigits(x[i&mx], digits.at(i), how)
			}
		}
		return finish(float64Type, valid, buf), nil
	}
}

// roundInts rounds at tens, hundreds and so on when digits are negative.
func roundInts[T integer](how rounding, t arrow.DataType) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if len(args) == 1 && !args[0].Const {
			args[0].Array.Retain()
			return args[0].Array, nil
		}
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		x, mx := columnar.Values[T](args[0].Array), args[0].mask()
		valid := strict(mem, n, args...)
		buf, out := fixed[T](mem, n)
		for i := range out {
			out[i] = x[i&mx]
			if len(args) == 1 || !valid.get(i) || intsOf(args[1]).at(i) >= 0 {
				continue
			}
			v, ok := roundInt(int64(out[i]), intsOf(args[1]).at(i), how)
			if out[i] = T(v); !ok || int64(out[i]) != v {
				giveUp(valid, buf)
				return nil, errorf(CodeOverflow, "%s overflow: round of %d", SQLName(t), x[i&mx])
			}
		}
		return finish(t, valid, buf), nil
	}
}
