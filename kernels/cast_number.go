package kernels

import (
	"math"
	"math/big"
	"unsafe"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// numberCaster converts between integers and floats.
func numberCaster(from, to arrow.DataType) (caster, bool) {
	fails := !isFloat(to) && !(signedWidth(from) < signedWidth(to) && !isFloat(from) && !arrow.IsUnsignedInteger(to.ID()))
	switch from.ID() {
	case arrow.INT8:
		return numberTo[int8](to), fails
	case arrow.INT16:
		return numberTo[int16](to), fails
	case arrow.INT32:
		return numberTo[int32](to), fails
	case arrow.INT64:
		return numberTo[int64](to), fails
	case arrow.UINT8:
		return numberTo[uint8](to), fails
	case arrow.UINT16:
		return numberTo[uint16](to), fails
	case arrow.UINT32:
		return numberTo[uint32](to), fails && to.ID() != arrow.INT64 && to.ID() != arrow.UINT64
	case arrow.UINT64:
		return numberTo[uint64](to), fails
	case arrow.FLOAT32:
		return numberTo[float32](to), fails
	case arrow.FLOAT64:
		return numberTo[float64](to), fails
	}
	return nil, false
}

func numberTo[S columnar.Fixed](to arrow.DataType) caster {
	switch to.ID() {
	case arrow.INT8:
		return castNumber[S, int8]
	case arrow.INT16:
		return castNumber[S, int16]
	case arrow.INT32:
		return castNumber[S, int32]
	case arrow.INT64:
		return castNumber[S, int64]
	case arrow.UINT8:
		return castNumber[S, uint8]
	case arrow.UINT16:
		return castNumber[S, uint16]
	case arrow.UINT32:
		return castNumber[S, uint32]
	case arrow.UINT64:
		return castNumber[S, uint64]
	case arrow.FLOAT32:
		return castNumber[S, float32]
	case arrow.FLOAT64:
		return castNumber[S, float64]
	}
	return nil
}

// fractional reports whether T is a float type.
func fractional[T columnar.Fixed]() bool {
	one := T(1)
	return one/2 != 0
}

// bounds are the integers least and past, least <= v < past, of an integer
// type as floats, which hold them exactly.
func bounds[T columnar.Fixed]() (least, past float64) {
	width := 8 * int(unsafe.Sizeof(*new(T)))
	zero := T(0)
	if zero-1 > 0 {
		return 0, math.Ldexp(1, width)
	}
	return -math.Ldexp(1, width-1), math.Ldexp(1, width-1)
}

// castNumber converts S to D: to floats by rounding, to integers by dropping
// the fraction; what is out of range does not fit.
func castNumber[S, D columnar.Fixed](mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	x := columnar.Values[S](a)
	valid := strict(mem, a.Len(), Column(a))
	buf, out := fixed[D](mem, a.Len())
	bad := func(int) bool { return false }
	failed := false
	switch {
	case fractional[D]():
		for i, v := range x {
			out[i] = D(v)
		}
	case fractional[S]():
		least, past := bounds[D]()
		bad = func(i int) bool { f := math.Trunc(float64(x[i])); return !(f >= least && f < past) }
		for i, v := range x {
			if f := math.Trunc(float64(v)); f >= least && f < past {
				out[i] = D(v)
			} else {
				failed = true
			}
		}
	default:
		bad = func(i int) bool { d := D(x[i]); return S(d) != x[i] || (d < 0) != (x[i] < 0) }
		var zero D
		for i, v := range x {
			d := D(v)
			out[i] = d
			if S(d) != v || (d < zero) != (v < 0) {
				failed = true
			}
		}
	}
	if failed {
		for i := firstBad(valid.bits, bad); i >= 0 && i < a.Len(); i++ {
			if !valid.get(i) || !bad(i) {
				continue
			}
			if !try {
				giveUp(valid, buf)
				return nil, outOfRange(string(appendNumber(nil, x[i])), to)
			}
			out[i] = 0
			valid.null(i)
		}
	}
	return finish(to, valid, buf), nil
}

func outOfRange(value string, to arrow.DataType) error {
	return errorf(CodeOverflow, "%s is out of range of %s", cut(value), SQLName(to))
}

// fromBool gives 1 for TRUE and 0 for FALSE.
func fromBool(to arrow.DataType) caster {
	if !isNumber(to) {
		return nil
	}
	return func(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
		valid := strict(mem, a.Len(), Column(a))
		buf, out := fixed[int8](mem, a.Len())
		for i := range columnar.Bools(a).Ones() {
			out[i] = 1
		}
		ints := finish(arrow.PrimitiveTypes.Int8, valid, buf)
		defer ints.Release()
		return Cast(mem, ints, to, try)
	}
}

// numberToBool is x <> 0; NaN is TRUE.
func numberToBool(from arrow.DataType) caster {
	return func(mem memory.Allocator, a arrow.Array, _ arrow.DataType, _ bool) (arrow.Array, error) {
		zero := Nulls(mem, from, 1)
		defer zero.Release()
		out := newBools(mem, a.Len())
		// The slot under the NULL is zero.
		opNe.fill(out.bits, Column(a), Constant(zero))
		return out.finish(strict(mem, a.Len(), Column(a))), nil
	}
}

// fromDecimal converts decimals to floats, integers (dropping the fraction)
// and decimals of other digits (rounding half away from zero).
func fromDecimal(to arrow.DataType) caster {
	if t, ok := to.(*arrow.Decimal128Type); ok {
		return func(mem memory.Allocator, a arrow.Array, _ arrow.DataType, try bool) (arrow.Array, error) {
			from := a.DataType().(*arrow.Decimal128Type)
			return decimalRows(mem, a, t, try, func(i int) (*big.Int, string) {
				v := decimals(a)[i]
				return rescaled(v.BigInt(), from.Scale, t.Scale), ""
			}, func(i int) string { return formatDecimal(decimals(a)[i], from.Scale) })
		}
	}
	return func(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
		from := a.DataType().(*arrow.Decimal128Type)
		x := decimals(a)
		valid := strict(mem, a.Len(), Column(a))
		if isFloat(to) {
			buf, out := fixed[float64](mem, a.Len())
			for i, v := range x {
				if valid.get(i) {
					out[i] = decimalFloat(v, from.Scale)
				}
			}
			floats := finish(float64Type, valid, buf)
			defer floats.Release()
			return Cast(mem, floats, to, try)
		}
		if to.ID() == arrow.UINT64 {
			return decimalToUint64(mem, x, from.Scale, valid, to, try)
		}
		buf, out := fixed[int64](mem, a.Len())
		unit := decimal128.GetScaleMultiplier(int(from.Scale))
		for i, v := range x {
			if !valid.get(i) {
				continue
			}
			if from.Scale > 0 {
				v, _ = v.Div(unit)
			}
			out[i] = int64(v.LowBits())
			if decimal128.FromI64(out[i]) == v {
				continue
			}
			if !try {
				giveUp(valid, buf)
				return nil, outOfRange(formatDecimal(x[i], from.Scale), to)
			}
			valid.null(i)
		}
		ints := finish(int64Type, valid, buf)
		defer ints.Release()
		return Cast(mem, ints, to, try)
	}
}

func decimalToUint64(mem memory.Allocator, x []decimal128.Num, scale int32, valid validity, to arrow.DataType, try bool) (arrow.Array, error) {
	buf, out := fixed[uint64](mem, valid.n)
	for i, v := range x {
		if !valid.get(i) {
			continue
		}
		v, _ = v.Div(decimal128.GetScaleMultiplier(int(scale)))
		out[i] = v.LowBits()
		if v.HighBits() == 0 {
			continue
		}
		if !try {
			giveUp(valid, buf)
			return nil, outOfRange(formatDecimal(x[i], scale), to)
		}
		valid.null(i)
	}
	return finish(to, valid, buf), nil
}

// decimalFloat is the float64 nearest to v*10^-scale.
func decimalFloat(v decimal128.Num, scale int32) float64 {
	if abs := v.Abs(); abs.HighBits() == 0 && abs.LowBits() <= 1<<53 && scale <= 22 {
		return float64(int64(v.LowBits())) / math.Pow10(int(scale))
	}
	f, _ := new(big.Rat).SetFrac(v.BigInt(), bigPow10(scale)).Float64()
	return f
}

// toDecimal converts integers exactly and floats by their shortest text.
func toDecimal(from arrow.DataType) caster {
	if !isFloat(from) {
		return intToDecimal
	}
	return func(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
		wide, err := Cast(mem, a, float64Type, try)
		if err != nil {
			return nil, err
		}
		defer wide.Release()
		x, t := columnar.Values[float64](wide), to.(*arrow.Decimal128Type)
		text := func(i int) string { return shortFloat(a, x[i]) }
		return decimalRows(mem, wide, t, try, func(i int) (*big.Int, string) {
			v, scale, ok := parseDecimal(text(i))
			if !ok || scale-t.Scale > 400 {
				return nil, "cannot cast " + text(i) + " to " + SQLName(t)
			}
			return rescaled(v, scale, t.Scale), ""
		}, text)
	}
}

// shortFloat is the shortest text of v, a value of a.
func shortFloat(a arrow.Array, v float64) string {
	if a.DataType().ID() == arrow.FLOAT32 {
		return string(appendFloat(nil, v, 32))
	}
	return formatFloat(v)
}

func intToDecimal(mem memory.Allocator, a arrow.Array, to arrow.DataType, try bool) (arrow.Array, error) {
	t := to.(*arrow.Decimal128Type)
	if a.DataType().ID() == arrow.UINT64 {
		x := columnar.Values[uint64](a)
		return decimalRows(mem, a, t, try, func(i int) (*big.Int, string) {
			return rescaled(new(big.Int).SetUint64(x[i]), 0, t.Scale), ""
		}, func(i int) string { return string(appendNumber(nil, x[i])) })
	}
	wide, err := Cast(mem, a, int64Type, try)
	if err != nil {
		return nil, err
	}
	defer wide.Release()
	x := columnar.Values[int64](wide)
	if t.Precision-t.Scale >= 19 {
		valid := strict(mem, a.Len(), Column(a))
		buf, out := newDecimals(mem, a.Len())
		up := decimal128.GetScaleMultiplier(int(t.Scale))
		for i, v := range x {
			out[i] = decimal128.FromI64(v).Mul(up)
		}
		return finish(to, valid, buf), nil
	}
	return decimalRows(mem, wide, t, try, func(i int) (*big.Int, string) {
		return rescaled(big.NewInt(x[i]), 0, t.Scale), ""
	}, func(i int) string { return string(appendNumber(nil, x[i])) })
}

// decimalRows builds a decimal column from the scaled integer of each row, or
// from what is wrong with it; text is the row's value for messages.
func decimalRows(mem memory.Allocator, a arrow.Array, t *arrow.Decimal128Type, try bool, value func(i int) (*big.Int, string), text func(i int) string) (arrow.Array, error) {
	valid := strict(mem, a.Len(), Column(a))
	buf, out := newDecimals(mem, a.Len())
	for i := range out {
		if !valid.get(i) {
			continue
		}
		v, wrong := value(i)
		var ok bool
		if wrong == "" {
			if out[i], ok = fitDecimal(v, t); ok {
				continue
			}
		}
		if try {
			valid.null(i)
			continue
		}
		giveUp(valid, buf)
		if wrong != "" {
			return nil, errorf(CodeValue, "%s", wrong)
		}
		return nil, outOfRange(text(i), t)
	}
	return finish(t, valid, buf), nil
}
