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
	if err := f.arity(args, 1); err != nil {
		return nil, err
	}
	if !numeric(args[0]) {
		return nil, f.refuse(args[0], "a number")
	}
	f64, i64 := arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Int64
	return &Spec{
		Args: []arrow.DataType{f64}, Out: f64, Nullable: true, Merge: true, StateTypes: []arrow.DataType{i64, f64, f64, f64, f64},
		New: func(mem memory.Allocator) Accumulator {
			return &shape{mem: mem, fourth: fourth, cells: column[shapeCell]{mem: mem}}
		},
	}, nil
}

// shape is skewness(x) and kurtosis(x) of a population, the latter less 3 that
// the normal distribution has, as Spark computes them: running central moments,
// updated and merged as in Pébay (2008). Of a constant they are NULL. State:
// int64 values, float64 mean, sums of the second, third and fourth powers of
// deviations.
type shape struct {
	mem    memory.Allocator
	fourth bool
	cells  column[shapeCell]
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
	s.cells.grow(max(n, 1))
	vals := columnar.Values[float64](args[0])
	for i := range columnar.Validity(args[0]).Ones() {
		s.cells.v[at(groups, i)].add(vals[i])
	}
	return nil
}

// Merge implements Accumulator.
func (s *shape) Merge(groups []uint32, n int, state ...arrow.Array) error {
	s.cells.grow(max(n, 1))
	var f [4][]float64
	for k := range f {
		f[k] = columnar.Values[float64](state[k+1])
	}
	for i, k := range columnar.Values[int64](state[0]) {
		s.cells.v[at(groups, i)].merge(shapeCell{n: k, mean: f[0][i], m2: f[1][i], m3: f[2][i], m4: f[3][i]})
	}
	return nil
}

// State implements Accumulator.
func (s *shape) State(groups []uint32) ([]arrow.Array, error) {
	s.cells.grow(need(groups))
	groups = all(groups, len(s.cells.v))
	counts := newResult[int64](s.mem, len(groups))
	var f [4]*result[float64]
	for k := range f {
		f[k] = newResult[float64](s.mem, len(groups))
	}
	for i, g := range groups {
		c := s.cells.v[g]
		counts.v[i] = c.n
		for k, x := range [4]float64{c.mean, c.m2, c.m3, c.m4} {
			f[k].v[i] = x
		}
	}
	out := []arrow.Array{counts.array(arrow.PrimitiveTypes.Int64)}
	for _, r := range f {
		out = append(out, r.array(arrow.PrimitiveTypes.Float64))
	}
	return out, nil
}

// Final implements Accumulator.
func (s *shape) Final(groups []uint32) (arrow.Array, error) {
	s.cells.grow(need(groups))
	groups = all(groups, len(s.cells.v))
	out := newResult[float64](s.mem, len(groups))
	for i, g := range groups {
		c := s.cells.v[g]
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

// Reset implements Accumulator.
func (s *shape) Reset(groups []uint32) { s.cells.reset(groups) }

// Bytes implements Accumulator.
func (s *shape) Bytes() int64 { return s.cells.bytes() }

// Release implements Accumulator.
func (s *shape) Release() { s.cells.release() }
