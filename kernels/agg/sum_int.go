package agg

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
	"github.com/arrowstream/arrowstream/kernels"
)

// intSum is sum and avg of integers and durations. The total is exact in 128 bits,
// so it depends on no order; overflow is judged by Final. Per group there are 8
// bytes of total and a byte, or for avg a count: what lies beyond an int64 gets
// memory when a total first leaves the range. State: int64 values, decimal128
// total; sum only tells whether there were values.
type intSum struct {
	mem      memory.Allocator
	unsigned bool // uint64
	mean     bool
	counted  bool // there is a count: for avg, and where rows are taken back
	try      bool // a total that does not fit is NULL
	out      arrow.DataType
	low      column[int64] // total modulo 2^64
	high     column[int64] // total is low + 2^64*high; shorter than low where it is 0
	some     column[uint8] // not counted: 1 where there were values
	count    column[int64] // counted: values, without nulls
	scratch  []byte        // validity that does not begin with a byte
}

func intSpec(in, out arrow.DataType, mean, try bool) *Spec {
	counted := itself(newIntSpec(in, out, mean, true, try))
	counted.Slide = slideInt(counted)
	if mean {
		return counted
	}
	spec := newIntSpec(in, out, mean, false, try)
	spec.retract, spec.Slide = counted.retract, counted.Slide
	return spec
}

func newIntSpec(in, out arrow.DataType, mean, counted, try bool) *Spec {
	return &Spec{
		Args: []arrow.DataType{in}, Out: out, Nullable: true, Merge: true, OrderFree: true,
		StateTypes: []arrow.DataType{arrow.PrimitiveTypes.Int64, &arrow.Decimal128Type{Precision: 38}},
		New: func(mem memory.Allocator) Accumulator {
			return &intSum{
				mem: mem, unsigned: in.ID() == arrow.UINT64, mean: mean, counted: counted, try: try, out: out, low: column[int64]{mem: mem}, high: column[int64]{mem: mem},
				some: column[uint8]{mem: mem}, count: column[int64]{mem: mem},
			}
		},
	}
}

func (s *intSum) grow(n int) {
	s.low.grow(n)
	if s.counted {
		s.count.grow(n)
	} else {
		s.some.grow(n)
	}
}

// Update implements Accumulator. Cost: the read bandwidth of
// ungrouped rows, 1.4 ns per grouped row in cache.
func (s *intSum) Update(groups []uint32, n int, args ...arrow.Array) error {
	s.grow(max(n, 1))
	if groups == nil {
		s.addAll(args[0])
		return nil
	}
	vals := columnar.Values[int64](args[0])
	for lo, hi := range columnar.Validity(args[0]).Runs() {
		switch {
		case s.unsigned:
			for i, v := range vals[lo:hi] {
				s.add(groups[lo+i], v, -(v >> 63), 1)
			}
		case s.counted:
			s.addCounted(groups[lo:hi], vals[lo:hi])
		default:
			s.addSome(groups[lo:hi], vals[lo:hi])
		}
	}
	return nil
}

// Retract implements Retractable.
func (s *intSum) Retract(groups []uint32, n int, args ...arrow.Array) error {
	s.grow(max(n, 1))
	vals := columnar.Values[int64](args[0])
	for lo, hi := range columnar.Validity(args[0]).Runs() {
		for i := lo; i < hi; i++ {
			v, high := vals[i], int64(0)
			if s.unsigned {
				high = v >> 63 // v stands for v + 2^64 when it is negative
			}
			if v == math.MinInt64 {
				high++ // -v is itself
			}
			s.add(at(groups, i), -v, high, -1)
		}
	}
	return nil
}

// addSome adds rows for sum.
func (s *intSum) addSome(groups []uint32, vals []int64) {
	vals = vals[:len(groups)]
	low, some := s.low.v, s.some.v
	for i, g := range groups {
		x, y := low[g], vals[i]
		z := x + y
		low[g], some[g] = z, 1
		if (x^z)&(y^z) < 0 {
			s.carry(g, y)
		}
	}
}

// addCounted adds rows where they are counted.
func (s *intSum) addCounted(groups []uint32, vals []int64) {
	vals = vals[:len(groups)]
	low, count := s.low.v, s.count.v
	for i, g := range groups {
		x, y := low[g], vals[i]
		z := x + y
		low[g] = z
		count[g]++
		if (x^z)&(y^z) < 0 {
			s.carry(g, y)
		}
	}
}

// carry notes that adding y took the total of g past the end of the range.
func (s *intSum) carry(g uint32, y int64) {
	s.high.grow(int(g) + 1)
	s.high.v[g] += y>>63 | 1
}

// add adds low + 2^64*high, the total of n values.
func (s *intSum) add(g uint32, low, high, n int64) {
	x := s.low.v[g]
	z := x + low
	s.low.v[g] = z
	if (x^z)&(low^z) < 0 {
		s.carry(g, low)
	}
	if high != 0 {
		s.high.grow(int(g) + 1)
		s.high.v[g] += high
	}
	if s.counted {
		s.count.v[g] += n
	} else if n > 0 {
		s.some.v[g] = 1
	}
}

// addAll adds ungrouped rows to group 0.
func (s *intSum) addAll(a arrow.Array) {
	valid := columnar.Validity(a)
	bits := valid.Aligned(&s.scratch)
	var t simd.Total
	switch {
	case s.unsigned && bits == nil:
		t = simd.SumUint64(columnar.Values[uint64](a))
	case s.unsigned:
		t = simd.SumUint64Valid(columnar.Values[uint64](a), bits)
	case bits == nil:
		t = simd.SumInt64(columnar.Values[int64](a))
	default:
		t = simd.SumInt64Valid(columnar.Values[int64](a), bits)
	}
	low := int64(t.Low)
	s.add(0, low, int64(t.High)-low>>63, int64(valid.Count()))
}

// Merge implements Accumulator.
func (s *intSum) Merge(groups []uint32, n int, state ...arrow.Array) error {
	s.grow(max(n, 1))
	counts := columnar.Values[int64](state[0])
	if len(counts) == 0 {
		return nil
	}
	words := columnar.AsValues[int64](state[1].Data().Buffers()[1].Bytes())[2*state[1].Data().Offset():]
	for i, k := range counts {
		low := words[2*i]
		s.add(at(groups, i), low, words[2*i+1]-low>>63, k)
	}
	return nil
}

// total is the total of a group and how many values it has, at most 1 where they are
// not counted.
func (s *intSum) total(g uint32) exactCell {
	c := exactCell{low: uint64(s.low.v[g]), high: uint64(s.low.v[g] >> 63)}
	if int(g) < len(s.high.v) {
		c.high += uint64(s.high.v[g])
	}
	if s.counted {
		c.n = s.count.v[g]
	} else {
		c.n = int64(s.some.v[g])
	}
	return c
}

// State implements Accumulator.
func (s *intSum) State(groups []uint32) ([]arrow.Array, error) {
	s.grow(need(groups))
	groups = all(groups, len(s.low.v))
	counts, totals := newResult[int64](s.mem, len(groups)), newResult[[2]uint64](s.mem, len(groups))
	for i, g := range groups {
		c := s.total(g)
		counts.v[i], totals.v[i] = c.n, [2]uint64{c.low, c.high}
	}
	return []arrow.Array{
		counts.array(arrow.PrimitiveTypes.Int64),
		totals.array(&arrow.Decimal128Type{Precision: 38}),
	}, nil
}

// Final implements Accumulator.
func (s *intSum) Final(groups []uint32) (arrow.Array, error) {
	s.grow(need(groups))
	groups = all(groups, len(s.low.v))
	if s.out.ID() == arrow.FLOAT64 {
		out := newResult[float64](s.mem, len(groups))
		for i, g := range groups {
			if c := s.total(g); c.n == 0 {
				out.null(i)
			} else {
				out.v[i] = c.float() / float64(c.n)
			}
		}
		return out.array(s.out), nil
	}
	out := newResult[int64](s.mem, len(groups))
	for i, g := range groups {
		c := s.total(g)
		switch {
		case c.n == 0:
			out.null(i)
		case s.mean:
			out.v[i] = quotient(c.big(), c.n).Int64()
		case c.fits():
			out.v[i] = int64(c.low)
		case s.try:
			out.null(i)
		default:
			out.array(s.out).Release()
			return nil, overflow("sum: %s does not fit %s", c.big(), kernels.SQLName(s.out))
		}
	}
	return out.array(s.out), nil
}

// Reset implements Accumulator.
func (s *intSum) Reset(groups []uint32) {
	s.low.reset(groups)
	s.high.reset(groups)
	s.some.reset(groups)
	s.count.reset(groups)
}

// Bytes implements Accumulator.
func (s *intSum) Bytes() int64 {
	return s.low.bytes() + s.high.bytes() + s.some.bytes() + s.count.bytes()
}

// Release implements Accumulator.
func (s *intSum) Release() {
	s.low.release()
	s.high.release()
	s.some.release()
	s.count.release()
}
