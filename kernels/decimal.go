package kernels

import (
	"math/big"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// decimals are the values of a decimal128 column.
func decimals(a arrow.Array) []decimal128.Num { return slots[decimal128.Num](a) }

func newDecimals(mem memory.Allocator, n int) (*memory.Buffer, []decimal128.Num) {
	b := newBuffer(mem, n*arrow.Decimal128SizeBytes)
	return b, as[decimal128.Num](b.Bytes())
}

// bigPow10 is 10^n.
func bigPow10(n int32) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// roundedQuotient is a/b rounded half away from zero; b is not zero.
func roundedQuotient(a, b *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(a, b, new(big.Int))
	if r.Abs(r).Lsh(r, 1).CmpAbs(b) >= 0 {
		if a.Sign()*b.Sign() < 0 {
			q.Sub(q, big.NewInt(1))
		} else {
			q.Add(q, big.NewInt(1))
		}
	}
	return q
}

// rescaled is v*10^-from as an integer times 10^-to, rounded half away from
// zero.
func rescaled(v *big.Int, from, to int32) *big.Int {
	if to >= from {
		return new(big.Int).Mul(v, bigPow10(to-from))
	}
	return roundedQuotient(v, bigPow10(from-to))
}

// fitDecimal is v as a value of t; ok is false if it has too many digits.
func fitDecimal(v *big.Int, t *arrow.Decimal128Type) (decimal128.Num, bool) {
	if v.CmpAbs(bigPow10(t.Precision)) >= 0 {
		return decimal128.Num{}, false
	}
	return decimal128.FromBigInt(v), true
}

// decimalOp is one of the operations on decimals.
type decimalOp int

const (
	decimalAdd decimalOp = iota
	decimalSub
	decimalMul
	decimalDiv
	decimalMod
)

var decimalSigns = [...]string{"+", "-", "*", "/", "%"}

// decimalResult is the type of an operation (the rules of SQL: the exact
// result, cut to 38 digits by giving up scale down to 6).
func decimalResult(op decimalOp, x, y *arrow.Decimal128Type) *arrow.Decimal128Type {
	switch op {
	case decimalAdd, decimalSub:
		s := max(x.Scale, y.Scale)
		return decimalType(max(x.Precision-x.Scale, y.Precision-y.Scale)+s+1, s)
	case decimalMul:
		return decimalType(x.Precision+y.Precision, x.Scale+y.Scale)
	case decimalDiv:
		s := max(6, x.Scale+y.Precision+1)
		return decimalType(x.Precision-x.Scale+y.Scale+s, s)
	}
	s := max(x.Scale, y.Scale)
	return decimalType(min(x.Precision-x.Scale, y.Precision-y.Scale)+s, s)
}

// decimalKernel computes op. Sums and products that are exact in their result
// type take the 128-bit path (5-10 ns/row); the rest goes through math/big.
func decimalKernel(op decimalOp, x, y, out *arrow.Decimal128Type, try bool) Kernel {
	common := max(x.Scale, y.Scale)
	var fast func(a, b decimal128.Num) decimal128.Num
	exact := out.Precision < 38 || out.Scale == x.Scale && out.Scale == y.Scale && x.Precision < 38 && y.Precision < 38
	upX, upY := decimal128.GetScaleMultiplier(int(common-x.Scale)), decimal128.GetScaleMultiplier(int(common-y.Scale))
	switch {
	case op == decimalAdd && exact && x.Scale == y.Scale:
		fast = decimal128.Num.Add
	case op == decimalSub && exact && x.Scale == y.Scale:
		fast = decimal128.Num.Sub
	case op == decimalAdd && exact:
		fast = func(a, b decimal128.Num) decimal128.Num { return a.Mul(upX).Add(b.Mul(upY)) }
	case op == decimalSub && exact:
		fast = func(a, b decimal128.Num) decimal128.Num { return a.Mul(upX).Sub(b.Mul(upY)) }
	case op == decimalMul && x.Precision+y.Precision <= 38:
		fast = decimal128.Num.Mul
	}
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, out, n), nil
		}
		xs, ys := decimals(args[0].Array), decimals(args[1].Array)
		mx, my := args[0].mask(), args[1].mask()
		valid := strict(mem, n, args...)
		buf, res := newDecimals(mem, n)
		if fast != nil {
			for i := range res {
				res[i] = fast(xs[i&mx], ys[i&my])
			}
			return finish(out, valid, buf), nil
		}
		for i := range res {
			if !valid.get(i) {
				continue
			}
			v, err := bigDecimal(op, xs[i&mx], ys[i&my], x, y, out)
			switch {
			case err == nil:
				res[i] = v
			case try:
				valid.null(i)
			default:
				giveUp(valid, buf)
				return nil, err
			}
		}
		return finish(out, valid, buf), nil
	}
}

func bigDecimal(op decimalOp, a, b decimal128.Num, x, y, out *arrow.Decimal128Type) (decimal128.Num, error) {
	p, q := a.BigInt(), b.BigInt()
	common := max(x.Scale, y.Scale)
	var v *big.Int
	scale := common
	switch op {
	case decimalAdd:
		v = p.Add(rescaled(p, x.Scale, common), rescaled(q, y.Scale, common))
	case decimalSub:
		v = p.Sub(rescaled(p, x.Scale, common), rescaled(q, y.Scale, common))
	case decimalMul:
		v, scale = p.Mul(p, q), x.Scale+y.Scale
	default:
		if q.Sign() == 0 {
			return decimal128.Num{}, divisionByZero(a.ToString(x.Scale), decimalSigns[op])
		}
		if op == decimalMod {
			v = p.Rem(rescaled(p, x.Scale, common), rescaled(q, y.Scale, common))
			break
		}
		// a*10^-xs / (b*10^-ys) = v*10^-out: v = a*10^(out+ys-xs) / b.
		shift := out.Scale + y.Scale - x.Scale
		if shift >= 0 {
			p.Mul(p, bigPow10(shift))
		} else {
			q.Mul(q, bigPow10(-shift))
		}
		v, scale = roundedQuotient(p, q), out.Scale
	}
	res, ok := fitDecimal(rescaled(v, scale, out.Scale), out)
	if !ok {
		return res, errorf(CodeOverflow, "%s overflow: %s %s %s", SQLName(out), a.ToString(x.Scale), decimalSigns[op], b.ToString(y.Scale))
	}
	return res, nil
}

// decimalUnary applies f, one of the sign changing operations, to each row.
func decimalUnary(t arrow.DataType, f func(decimal128.Num) decimal128.Num) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, t, n), nil
		}
		valid := strict(mem, n, args...)
		buf, out := newDecimals(mem, n)
		for i, v := range decimals(args[0].Array) {
			out[i] = f(v)
		}
		return finish(t, valid, buf), nil
	}
}
