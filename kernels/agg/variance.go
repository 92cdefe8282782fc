package agg

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// moment says what a variance comes out as.
type moment int

const (
	varSamp moment = iota
	varPop
	stddevSamp
	stddevPop
)

func bindVarSamp(f *Function, args []arrow.DataType) (*Spec, error) {
	return bindMoment(f, args, varSamp)
}

func bindVarPop(f *Function, args []arrow.DataType) (*Spec, error) {
	return bindMoment(f, args, varPop)
}

func bindStddevSamp(f *Function, args []arrow.DataType) (*Spec, error) {
	return bindMoment(f, args, stddevSamp)
}

func bindStddevPop(f *Function, args []arrow.DataType) (*Spec, error) {
	return bindMoment(f, args, stddevPop)
}

func bindMoment(f *Function, args []arrow.DataType, of moment) (*Spec, error) {
	if err := f.numbers(args, 1); err != nil {
		return nil, err
	}
	return cellSpec(1, 2, func(mem memory.Allocator, types []arrow.DataType) Accumulator {
		return &variance{cells: newCells[momentCell](mem, types), of: of}
	}), nil
}

// numeric tells whether values of type t can be cast to float64 as numbers.
func numeric(t arrow.DataType) bool {
	return arrow.IsInteger(t.ID()) || arrow.IsFloating(t.ID()) || arrow.IsDecimal(t.ID()) || t.ID() == arrow.NULL
}

// variance is var and stddev, of samples and populations: Welford's running
// mean and sum of squared deviations, merged as in Chan, Golub and LeVeque
// (1979). A sample of one value has no variance: NULL. State: int64 values,
// float64 mean, float64 sum of squared deviations.
type variance struct {
	cells[momentCell]
	of    moment
	zeros zeros
}

type momentCell struct {
	n        int64
	mean, m2 float64
}

// Update implements Accumulator. Cost: the latency of a division per row, 5 ns.
func (v *variance) Update(groups []uint32, n int, args ...arrow.Array) error {
	v.grow(max(n, 1))
	vals := columnar.Values[float64](args[0])
	groups = v.zeros.of(groups, len(vals))
	for lo, hi := range columnar.Validity(args[0]).Runs() {
		deviate(v.v, groups[lo:hi], vals[lo:hi])
	}
	return nil
}

func deviate(cells []momentCell, groups []uint32, vals []float64) {
	vals = vals[:len(groups)]
	for i, g := range groups {
		c := &cells[g]
		c.n++
		d := vals[i] - c.mean
		c.mean += d / float64(c.n)
		c.m2 += float64(d * (vals[i] - c.mean))
	}
}

// Merge implements Accumulator.
func (v *variance) Merge(groups []uint32, n int, state ...arrow.Array) error {
	v.grow(max(n, 1))
	for i, x := range v.read(state) {
		switch c := &v.v[at(groups, i)]; {
		case x.n == 0:
		case c.n == 0:
			*c = x
		default:
			total := c.n + x.n
			d := x.mean - c.mean
			c.mean += float64(d * (float64(x.n) / float64(total)))
			c.m2 += x.m2 + float64(float64(d*d)*(float64(c.n)*float64(x.n)/float64(total)))
			c.n = total
		}
	}
	return nil
}

// Final implements Accumulator.
func (v *variance) Final(groups []uint32) (arrow.Array, error) {
	v.grow(need(groups))
	groups = all(groups, len(v.v))
	out := newResult[float64](v.mem, len(groups))
	for i, g := range groups {
		c := v.v[g]
		least, by := int64(1), float64(c.n)
		if v.of == varSamp || v.of == stddevSamp {
			least, by = 2, float64(c.n-1)
		}
		if c.n < least {
			out.null(i)
			continue
		}
		x := c.m2 / by
		if v.of == stddevSamp || v.of == stddevPop {
			x = math.Sqrt(x)
		}
		out.v[i] = x
	}
	return out.array(arrow.PrimitiveTypes.Float64), nil
}
