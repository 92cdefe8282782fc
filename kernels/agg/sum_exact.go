package agg

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// exactSum is sum and avg of float64 over rows that are taken back. A sum that
// has been rounded cannot be taken apart again, so the totals are exact, see
// [floatTotal], and rounded once by Final: the result is that of the rows that
// are left, whatever came and went. State: int64 values, binary total.
type exactSum struct {
	mem   memory.Allocator
	mean  bool
	cells column[floatTotal]
	wide  wideTotals
}

func exactSpec(mean bool) *Spec {
	f64 := arrow.PrimitiveTypes.Float64
	return itself(&Spec{
		Args: []arrow.DataType{f64}, Out: f64, Nullable: true, Merge: true, OrderFree: true,
		StateTypes: []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.Binary},
		New: func(mem memory.Allocator) Accumulator {
			return &exactSum{mem: mem, mean: mean, cells: column[floatTotal]{mem: mem}, wide: wideTotals{cells: column[wideTotal]{mem: mem}}}
		},
		State: "exact float sum",
		Share: func(of Accumulator) Accumulator { return exactShare{of.(*exactSum), mean} },
	})
}

// Update implements Accumulator. Cost: 4 ns per row in cache.
func (s *exactSum) Update(groups []uint32, n int, args ...arrow.Array) error {
	s.add(groups, n, 1, args[0])
	return nil
}

// Retract implements Retractable.
func (s *exactSum) Retract(groups []uint32, n int, args ...arrow.Array) error {
	s.add(groups, n, -1, args[0])
	return nil
}

// add adds every value, or takes it back when by is -1.
func (s *exactSum) add(groups []uint32, n int, by int64, a arrow.Array) {
	s.cells.grow(max(n, 1))
	vals := columnar.Values[float64](a)
	for lo, hi := range columnar.Validity(a).Runs() {
		for i := lo; i < hi; i++ {
			c := &s.cells.v[at(groups, i)]
			c.n += by
			if !c.add(vals[i], by) {
				s.wide.of(c).add(vals[i], by)
			}
		}
	}
}

// Merge implements Accumulator.
func (s *exactSum) Merge(groups []uint32, n int, state ...arrow.Array) error {
	s.cells.grow(max(n, 1))
	counts, totals := columnar.Values[int64](state[0]), columnar.StringsOf(state[1])
	for i, k := range counts {
		c := &s.cells.v[at(groups, i)]
		was := *c
		c.n += k
		if err := s.wide.merge(c, totals.Bytes(i), was == floatTotal{}); err != nil {
			return err
		}
	}
	return nil
}

// State implements Accumulator.
func (s *exactSum) State(groups []uint32) ([]arrow.Array, error) {
	s.cells.grow(need(groups))
	groups = all(groups, len(s.cells.v))
	counts := newResult[int64](s.mem, len(groups))
	totals := array.NewBinaryBuilder(s.mem, arrow.BinaryTypes.Binary)
	defer totals.Release()
	var buf []byte
	for i, g := range groups {
		c := &s.cells.v[g]
		counts.v[i] = c.n
		buf = s.wide.append(buf[:0], c)
		totals.Append(buf)
	}
	return []arrow.Array{counts.array(arrow.PrimitiveTypes.Int64), totals.NewArray()}, nil
}

// exactShare is sum or avg on the state of the other one.
type exactShare struct {
	*exactSum
	mean bool
}

// Final implements Accumulator.
func (s exactShare) Final(groups []uint32) (arrow.Array, error) { return s.final(groups, s.mean) }

// Final implements Accumulator.
func (s *exactSum) Final(groups []uint32) (arrow.Array, error) { return s.final(groups, s.mean) }

func (s *exactSum) final(groups []uint32, mean bool) (arrow.Array, error) {
	s.cells.grow(need(groups))
	groups = all(groups, len(s.cells.v))
	out := newResult[float64](s.mem, len(groups))
	for i, g := range groups {
		c := &s.cells.v[g]
		if c.n == 0 {
			out.null(i)
			continue
		}
		x := s.wide.value(c)
		if mean {
			x /= float64(c.n)
		}
		out.v[i] = x
	}
	return out.array(arrow.PrimitiveTypes.Float64), nil
}

// Reset implements Accumulator.
func (s *exactSum) Reset(groups []uint32) {
	for _, g := range all(groups, len(s.cells.v)) {
		if int(g) < len(s.cells.v) {
			s.wide.drop(&s.cells.v[g])
		}
	}
	s.cells.reset(groups)
}

// Bytes implements Accumulator.
func (s *exactSum) Bytes() int64 { return s.cells.bytes() + s.wide.cells.bytes() }

// Release implements Accumulator.
func (s *exactSum) Release() {
	s.cells.release()
	s.wide.cells.release()
}
