package kernels

import (
	"math/big"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// roundBig drops the digits of v*10^-scale after place digits and returns the
// result as a multiple of 10^-digits; digits < scale, and may be negative.
func roundBig(v *big.Int, scale, digits int32, how rounding) *big.Int {
	unit := bigPow10(scale - digits)
	if how == roundHalfAway {
		return roundedQuotient(v, unit)
	}
	q, r := new(big.Int).QuoRem(v, unit, new(big.Int))
	switch {
	case how == roundCeil && r.Sign() > 0:
		q.Add(q, big.NewInt(1))
	case how == roundFloor && r.Sign() < 0:
		q.Sub(q, big.NewInt(1))
	case how == roundHalfEven:
		half := new(big.Int).Abs(r)
		if c := half.Lsh(half, 1).Cmp(unit); c > 0 || c == 0 && q.Bit(0) == 1 {
			q.Add(q, big.NewInt(int64(v.Sign())))
		}
	}
	return q
}

// roundInt rounds v to a multiple of 10^-digits; digits is negative. ok is
// false if the result does not fit in 64 bits.
func roundInt(v, digits int64, how rounding) (int64, bool) {
	place := int32(max(digits, -40))
	q := roundBig(big.NewInt(v), 0, place, how)
	q.Mul(q, bigPow10(-place))
	return q.Int64(), q.IsInt64()
}

// roundDecimals rounds to the digits of the second argument, or to a whole
// number, with the scale of out.
func roundDecimals(how rounding, in, out *arrow.Decimal128Type) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, out, n), nil
		}
		x, mx := decimals(args[0].Array), args[0].mask()
		valid := strict(mem, n, args...)
		buf, res := newDecimals(mem, n)
		for i := range res {
			if !valid.get(i) {
				continue
			}
			v, digits := x[i&mx].BigInt(), int32(0)
			if len(args) == 2 {
				digits = int32(min(max(intsOf(args[1]).at(i), -40), 40))
			}
			scale := in.Scale
			if digits < scale {
				v, scale = roundBig(v, scale, digits, how), digits
			}
			if scale < 0 {
				v.Mul(v, bigPow10(-scale))
				scale = 0
			}
			var ok bool
			if res[i], ok = fitDecimal(rescaled(v, scale, out.Scale), out); !ok {
				giveUp(valid, buf)
				return nil, outOfRange(formatDecimal(x[i&mx], in.Scale), out)
			}
		}
		return finish(out, valid, buf), nil
	}
}
