package agg

import (
	"math/big"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// decimalSum is sum and avg of decimals. The total is exact in 192 bits, so it
// depends on no order; overflow is judged by Final. State: int64 values,
// decimal128 total, and the int64 above it.
type decimalSum struct {
	mem   memory.Allocator
	mean  bool
	try   bool // a total that does not fit is NULL
	in    *arrow.Decimal128Type
	out   *arrow.Decimal128Type
	cells column[exactCell]
}

func decimalSpec(in, out *arrow.Decimal128Type, mean, try bool) *Spec {
	i64 := arrow.PrimitiveTypes.Int64
	spec := itself(&Spec{
		Args: []arrow.DataType{in}, Out: out, Nullable: true, Merge: true, OrderFree: true,
		StateTypes: []arrow.DataType{i64, &arrow.Decimal128Type{Precision: 38}, i64},
		New: func(mem memory.Allocator) Accumulator {
			return &decimalSum{mem: mem, mean: mean, try: try, in: in, out: out, cells: column[exactCell]{mem: mem}}
		},
	})
	spec.Slide = slideDecimal(spec)
	return spec
}

// Update implements Accumulator.
func (s *decimalSum) Update(groups []uint32, n int, args ...arrow.Array) error {
	s.cells.grow(max(n, 1))
	cells := s.cells.v
	for lo, hi := range columnar.Validity(args[0]).Runs() {
		words := columnar.AsValues[uint64](args[0].Data().Buffers()[1].Bytes())[2*args[0].Data().Offset():]
		for i := lo; i < hi; i++ {
			high := words[2*i+1]
			cells[at(groups, i)].add(words[2*i], high, int64(high)>>63, 1)
		}
	}
	return nil
}

// Retract implements Retractable.
func (s *decimalSum) Retract(groups []uint32, n int, args ...arrow.Array) error {
	s.cells.grow(max(n, 1))
	cells := s.cells.v
	for lo, hi := range columnar.Validity(args[0]).Runs() {
		words := columnar.AsValues[uint64](args[0].Data().Buffers()[1].Bytes())[2*args[0].Data().Offset():]
		for i := lo; i < hi; i++ {
			high := words[2*i+1]
			cells[at(groups, i)].sub(words[2*i], high, int64(high)>>63)
		}
	}
	return nil
}

// Merge implements Accumulator.
func (s *decimalSum) Merge(groups []uint32, n int, state ...arrow.Array) error {
	s.cells.grow(max(n, 1))
	counts := columnar.Values[int64](state[0])
	if len(counts) == 0 {
		return nil
	}
	words := columnar.AsValues[uint64](state[1].Data().Buffers()[1].Bytes())[2*state[1].Data().Offset():]
	tops := columnar.Values[int64](state[2])
	for i, k := range counts {
		s.cells.v[at(groups, i)].add(words[2*i], words[2*i+1], tops[i], k)
	}
	return nil
}

// State implements Accumulator.
func (s *decimalSum) State(groups []uint32) ([]arrow.Array, error) {
	s.cells.grow(need(groups))
	groups = all(groups, len(s.cells.v))
	counts, totals := newResult[int64](s.mem, len(groups)), newResult[[2]uint64](s.mem, len(groups))
	tops := newResult[int64](s.mem, len(groups))
	for i, g := range groups {
		c := s.cells.v[g]
		counts.v[i], totals.v[i], tops.v[i] = c.n, [2]uint64{c.low, c.high}, c.top
	}
	return []arrow.Array{
		counts.array(arrow.PrimitiveTypes.Int64),
		totals.array(&arrow.Decimal128Type{Precision: 38}),
		tops.array(arrow.PrimitiveTypes.Int64),
	}, nil
}

// Final implements Accumulator.
func (s *decimalSum) Final(groups []uint32) (arrow.Array, error) {
	s.cells.grow(need(groups))
	groups = all(groups, len(s.cells.v))
	out := newResult[[2]uint64](s.mem, len(groups))
	limit := decimal128.GetMaxValue(s.out.Precision).BigInt()
	raise := big.NewInt(1)
	if s.mean {
		raise.Exp(big.NewInt(10), big.NewInt(int64(s.out.Scale-s.in.Scale)), nil)
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
			if s.try {
				out.null(i)
				continue
			}
			out.array(s.out).Release()
			return nil, overflow("sum: total does not fit %s", kernels.SQLName(s.out))
		}
		d := decimal128.FromBigInt(x)
		out.v[i] = [2]uint64{d.LowBits(), uint64(d.HighBits())}
	}
	return out.array(s.out), nil
}

// Reset implements Accumulator.
func (s *decimalSum) Reset(groups []uint32) { s.cells.reset(groups) }

// Bytes implements Accumulator.
func (s *decimalSum) Bytes() int64 { return s.cells.bytes() }

// Release implements Accumulator.
func (s *decimalSum) Release() { s.cells.release() }
