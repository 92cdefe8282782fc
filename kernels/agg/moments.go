package agg

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

func bindSkewness(f *Function, args []arrow.DataType) (*Spec, error) {
	return bindShape(f, args, false)
}

func bindKurtosis(f *Function, args []arrow.DataType) (*Spec, error) { return bindShape(f, args, true) }

func bindShape(f *Function, args []arrow.DataType, fourth bool) (*Spec, error) {
	if err := f.numbers(args, 1); err != nil {
		return nil, err
	}
	return cellSpec(1, 4, func(mem memory.Allocator, types []arrow.DataType) Accumulator {
		return &shape{cells: newCells[shapeCell](mem, types), fourth: fourth}
	}), nil
}

// shape is skewness(x) and kurtosis(x) of a population, the latter less 3 that
// the normal distribution has, as Spark computes them: running central moments,
// updated and merged as in Pébay (2008). Of a constant they are NULL. State:
// int64 values, float64 mean, sums of the second, third and fourth powers of
// deviations.
type shape struct {
	cells[shapeCell]
	fourth bool
}

type shapeCell struct {
	n                int64
	mean, m2, m3, m4 float64
}

// add is the merge with a single value.
func (c *shapeCell) add(x float64) {
	before := float64(c.n)
	c.n++
	n := float64(c.n)
	d := x - c.mean
	dn := d / n
	dn2 := dn * dn
	t := float64(d*dn) * before
	c.mean += dn
	c.m4 += float64(float64(t*dn2)*(float64(n*n)-float64(3*n)+3)) + float64(float64(6*dn2)*c.m2) - float64(float64(4*dn)*c.m3)
	c.m3 += float64(float64(t*dn)*(n-2)) - float64(float64(3*dn)*c.m2)
	c.m2 += t
}

// merge adds the moments of values that came later.
func (c *shapeCell) merge(x shapeCell) {
	switch {
	case x.n == 0:
		return
	case c.n == 0:
		*c = x
		return
	}
	na, nb := float64(c.n), float64(x.n)
	n := na + nb
	d := x.mean - c.mean
	dn := d / n
	dn2 := dn * dn
	ab := na * nb
	m2, m3 := c.m2, c.m3
	c.m4 += x.m4 + float64(float64(float64(d*dn)*dn2)*float64(ab*(float64(na*na)-ab+float64(nb*nb)))) +
		float64(float64(6*dn2)*(float64(float64(na*na)*x.m2)+float64(float64(nb*nb)*m2))) + float64(float64(4*dn)*(float64(na*x.m3)-float64(nb*m3)))
	c.m3 += x.m3 + float64(float64(float64(d*dn)*dn)*float64(ab*(na-nb))) + float64(float64(3*dn)*(float64(na*x.m2)-float64(nb*m2)))
	c.m2 += x.m2 + float64(float64(d*dn)*ab)
	c.mean += float64(dn * nb)
	c.n += x.n
}

// Update implements Accumulator.
func (s *shape) Update(groups []uint32, n int, args ...arrow.Array) error {
	s.grow(max(n, 1))
	vals := columnar.Values[float64](args[0])
	for i := range columnar.Validity(args[0]).Ones() {
		s.v[at(groups, i)].add(vals[i])
	}
	return nil
}

// Merge implements Accumulator.
func (s *shape) Merge(groups []uint32, n int, state ...arrow.Array) error {
	s.grow(max(n, 1))
	for i, x := range s.read(state) {
		s.v[at(groups, i)].merge(x)
	}
	return nil
}

// Final implements Accumulator.
func (s *shape) Final(groups []uint32) (arrow.Array, error) {
	s.grow(need(groups))
	groups = all(groups, len(s.v))
	out := newResult[float64](s.mem, len(groups))
	for i, g := range groups {
		c := s.v[g]
		switch n := float64(c.n); {
		case c.n == 0, c.m2 == 0:
			out.null(i)
		case s.fourth:
			out.v[i] = float64(n*c.m4)/float64(c.m2*c.m2) - 3
		default:
			out.v[i] = float64(math.Sqrt(n)*c.m3) / math.Sqrt(float64(float64(c.m2*c.m2)*c.m2))
		}
	}
	return out.array(arrow.PrimitiveTypes.Float64), nil
}
