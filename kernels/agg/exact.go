package agg

import (
	"math/big"
	"math/bits"
)

// exactCell is an exact total in two's complement, low word first: of decimals,
// or of integers, where high carries the sign and top is not in use.
type exactCell struct {
	low, high uint64
	top       int64
	n         int64 // values, without nulls
}

func (c *exactCell) add(low, high uint64, top, n int64) {
	var carry uint64
	c.low, carry = bits.Add64(c.low, low, 0)
	c.high, carry = bits.Add64(c.high, high, carry)
	c.top += top + int64(carry)
	c.n += n
}

// sub takes one value back.
func (c *exactCell) sub(low, high uint64, top int64) {
	var borrow uint64
	c.low, borrow = bits.Sub64(c.low, low, 0)
	c.high, borrow = bits.Sub64(c.high, high, borrow)
	c.top -= top + int64(borrow)
	c.n--
}

// fits tells whether the total of integers is an int64.
func (c *exactCell) fits() bool { return int64(c.high) == int64(c.low)>>63 }

// float is the float64 nearest to the total of integers.
func (c *exactCell) float() float64 {
	if c.fits() {
		return float64(int64(c.low))
	}
	x, _ := new(big.Float).SetPrec(128).SetInt(c.big()).Float64()
	return x
}

// big is the total of integers.
func (c *exactCell) big() *big.Int {
	x := big.NewInt(int64(c.high))
	return x.Lsh(x, 64).Add(x, new(big.Int).SetUint64(c.low))
}

// bigDecimal is the total of decimals, in units of their last digit.
func (c *exactCell) bigDecimal() *big.Int {
	x := big.NewInt(c.top)
	x.Lsh(x, 64).Add(x, new(big.Int).SetUint64(c.high))
	return x.Lsh(x, 64).Add(x, new(big.Int).SetUint64(c.low))
}

// quotient is x/n, rounded half away from zero.
func quotient(x *big.Int, n int64) *big.Int {
	d := big.NewInt(n)
	q, r := new(big.Int).QuoRem(x, d, new(big.Int))
	if r.Lsh(r, 1).CmpAbs(d) >= 0 {
		q.Add(q, big.NewInt(int64(x.Sign())))
	}
	return q
}
