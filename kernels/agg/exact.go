package agg

import (
	"math/big"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// exactKind says what an exactSum adds.
type exactKind int

const (
	exactInt     exactKind = iota // int64, duration
	exactUint                     // uint64
	exactDecimal                  // decimal128
)

// exactSum is sum and avg of integers, durations and decimals. The total is
// kept in 128 bits, in 192 for decimals, so it is exact whatever the order;
// overflow is judged by Final. State: int64 values, decimal128 total, and for
// decimals the int64 above it.
type exactSum struct {
	mem   memory.Allocator
	kind  exactKind
	mean  bool
	in    arrow.DataType
	out   arrow.DataType
	cells column[exactCell]
}

// exactCell is a total in two's complement, low word first. top is in use for
// decimals only; otherwise high carries the sign.
type exactCell struct {
	low, high uint64
	top       int64
	n         int64 // values, without nulls
}

func exactSpec(kind exactKind, in, out arrow.DataType, mean bool) *Spec {
	state := []arrow.DataType{arrow.PrimitiveTypes.Int64, &arrow.Decimal128Type{Precision: 38}}
	if kind == exactDecimal {
		state = append(state, arrow.PrimitiveTypes.Int64)
	}
	return &Spec{
		Args: []arrow.DataType{in}, Out: out, Nullable: true, StateTypes: state, Merge: true, OrderFree: true,
		New: func(mem memory.Allocator) Accumulator {
			return &exactSum{mem: mem, kind: kind, mean: mean, in: in, out: out, cells: column[exactCell]{mem: mem}}
		},
	}
}

// Update implements Accumulator.
func (s *exactSum) Update(groups []uint32, n int, args ...arrow.Array) error {
	s.cells.grow(max(n, 1))
	cells := s.cells.v
	for lo, hi := range columnar.Validity(args[0]).Runs() {
		switch {
		case s.kind == exactInt && groups == nil:
			addRunInts(&cells[0], columnar.Values[int64](args[0])[lo:hi])
		case s.kind == exactInt:
			addInts(cells, groups[lo:hi], columnar.Values[int64](args[0])[lo:hi])
		case s.kind == exactUint:
			for i, v := range columnar.Values[uint64](args[0])[lo:hi] {
				cells[at(groups, lo+i)].add(v, 0, 0, 1)
			}
		default:
			words := columnar.AsValues[uint64](args[0].Data().Buffers()[1].Bytes())[2*args[0].Data().Offset():]
			for i := lo; i < hi; i++ {
				high := words[2*i+1]
				cells[at(groups, i)].add(words[2*i], high, int64(high)>>63, 1)
			}
		}
	}
	return nil
}

func addInts(cells []exactCell, groups []uint32, vals []int64) {
	vals = vals[:len(groups)]
	for i, g := range groups {
		c := &cells[g]
		var carry uint64
		c.low, carry = bits.Add64(c.low, uint64(vals[i]), 0)
		c.high += uint64(vals[i]>>63) + carry
		c.n++
	}
}

// addRunInts sums the halves of the values, 32 bits each, without carries and
// puts the total together at the end: exact for up to 2^32 rows.
func addRunInts(c *exactCell, vals []int64) {
	var high int64
	var low uint64
	for _, v := range vals {
		high += v >> 32
		low += uint64(uint32(v))
	}
	// total = high * 2^32 + low
	c.add(uint64(high)<<32, uint64(high>>32), 0, int64(len(vals)))
	c.add(low, 0, 0, 0)
}

func (c *exactCell) add(low, high uint64, top, n int64) {
	var carry uint64
	c.low, carry = bits.Add64(c.low, low, 0)
	c.high, carry = bits.Add64(c.high, high, carry)
	c.top += top + int64(carry)
	c.n += n
}

// Merge implements Accumulator.
func (s *exactSum) Merge(groups []uint32, n int, state ...arrow.Array) error {
	s.cells.grow(max(n, 1))
	counts := columnar.Values[int64](state[0])
	if len(counts) == 0 {
		return nil
	}
	words := columnar.AsValues[uint64](state[1].Data().Buffers()[1].Bytes())[2*state[1].Data().Offset():]
	for i, k := range counts {
		top := int64(0)
		if s.kind == exactDecimal {
			top = columnar.Values[int64](state[2])[i]
		}
		s.cells.v[at(groups, i)].add(words[2*i], words[2*i+1], top, k)
	}
	return nil
}

// State implements Accumulator.
func (s *exactSum) State(groups []uint32) ([]arrow.Array, error) {
	s.cells.grow(need(groups))
	groups = all(groups, len(s.cells.v))
	counts, totals := newResult[int64](s.mem, len(groups)), newResult[[2]uint64](s.mem, len(groups))
	tops := newResult[int64](s.mem, len(groups))
	for i, g := range groups {
		c := s.cells.v[g]
		counts.v[i], totals.v[i], tops.v[i] = c.n, [2]uint64{c.low, c.high}, c.top
	}
	out := []arrow.Array{
		counts.array(arrow.PrimitiveTypes.Int64),
		totals.array(&arrow.Decimal128Type{Precision: 38}),
		tops.array(arrow.PrimitiveTypes.Int64),
	}
	if s.kind != exactDecimal {
		out[2].Release()
		out = out[:2]
	}
	return out, nil
}

// Final implements Accumulator.
func (s *exactSum) Final(groups []uint32) (arrow.Array, error) {
	s.cells.grow(need(groups))
	groups = all(groups, len(s.cells.v))
	switch t := s.out.(type) {
	case *arrow.Decimal128Type:
		return s.finalDecimal(groups, t)
	case *arrow.Float64Type:
		out := newResult[float64](s.mem, len(groups))
		for i, g := range groups {
			c := &s.cells.v[g]
			if c.n == 0 {
				out.null(i)
			} else {
				out.v[i] = c.float() / float64(c.n)
			}
		}
		return out.array(s.out), nil
	}
	out := newResult[int64](s.mem, len(groups))
	for i, g := range groups {
		c := &s.cells.v[g]
		switch {
		case c.n == 0:
			out.null(i)
		case s.mean:
			out.v[i] = quotient(c.big(), c.n).Int64()
		case c.fits():
			out.v[i] = int64(c.low)
		default:
			out.array(s.out).Release()
			return nil, overflow("sum: %s does not fit %s", c.big(), kernels.SQLName(s.out))
		}
	}
	return out.array(s.out), nil
}

func (s *exactSum) finalDecimal(groups []uint32, t *arrow.Decimal128Type) (arrow.Array, error) {
	out := newResult[[2]uint64](s.mem, len(groups))
	limit := decimal128.GetMaxValue(t.Precision).BigInt()
	raise := big.NewInt(1)
	if s.mean {
		raise.Exp(big.NewInt(10), big.NewInt(int64(t.Scale-s.in.(*arrow.Decimal128Type).Scale)), nil)
	}
	for i, g := range groups {
		c := &s.cells.v[g]
		if c.n == 0 {
			out.null(i)
			continue
		}
		x := c.bigDecimal()
		if s.mean {
			x = quotient(x.Mul(x, raise), c.n)
		}
		if x.CmpAbs(limit) > 0 {
			out.array(t).Release()
			return nil, overflow("sum: total does not fit %s", kernels.SQLName(t))
		}
		d := decimal128.FromBigInt(x)
		out.v[i] = [2]uint64{d.LowBits(), uint64(d.HighBits())}
	}
	return out.array(t), nil
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

// Reset implements Accumulator.
func (s *exactSum) Reset(groups []uint32) { s.cells.reset(groups) }

// Bytes implements Accumulator.
func (s *exactSum) Bytes() int64 { return s.cells.bytes() }

// Release implements Accumulator.
func (s *exactSum) Release() { s.cells.release() }
