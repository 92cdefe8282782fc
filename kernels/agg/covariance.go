package agg

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
)

// comoment says what a covariance comes out as.
type comoment int

const (
	covarSamp comoment = iota
	covarPop
	corr
	regrSlope
	regrIntercept
	regrR2
	regrAvgX
	regrAvgY
	regrSXX
	regrSYY
	regrSXY
)

// bindRegr resolves a function of the linear regression of y by x.
func bindRegr(of comoment) func(f *Function, args []arrow.DataType) (*Spec, error) {
	return func(f *Function, args []arrow.DataType) (*Spec, error) {
		return bindComoment(f, args, of)
	}
}

func bindCovarSamp(f *Function, args []arrow.DataType) (*Spec, error) {
	return bindComoment(f, args, covarSamp)
}

func bindCovarPop(f *Function, args []arrow.DataType) (*Spec, error) {
	return bindComoment(f, args, covarPop)
}

func bindCorr(f *Function, args []arrow.DataType) (*Spec, error) { return bindComoment(f, args, corr) }

func bindComoment(f *Function, args []arrow.DataType, of comoment) (*Spec, error) {
	if err := f.arity(args, 2); err != nil {
		return nil, err
	}
	for _, t := range args {
		if !numeric(t) {
			return nil, f.refuse(t, "a number")
		}
	}
	f64, i64 := arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Int64
	return &Spec{
		Args: []arrow.DataType{f64, f64}, Out: f64, Nullable: true, Merge: true,
		StateTypes: []arrow.DataType{i64, f64, f64, f64, f64, f64},
		New: func(mem memory.Allocator) Accumulator {
			return &covariance{mem: mem, of: of, cells: column[comomentCell]{mem: mem}}
		},
	}, nil
}

// covariance is covar and corr of the rows where both arguments have a value:
// Welford's form for two variables, merged as in Chan, Golub and LeVeque
// (1979). corr of a constant is NULL. State: int64 pairs, float64 mean of x,
// mean of y, sums of squared deviations of x and of y, sum of their products.
type covariance struct {
	mem   memory.Allocator
	of    comoment
	cells column[comomentCell]
}

type comomentCell struct {
	n                  int64
	mx, my, xx, yy, xy float64
}

// Update implements Accumulator.
func (v *covariance) Update(groups []uint32, n int, args ...arrow.Array) error {
	v.cells.grow(max(n, 1))
	xs, ys := columnar.Values[float64](args[0]), columnar.Values[float64](args[1])
	for i := range columnar.And(columnar.Validity(args[0]), columnar.Validity(args[1])).Ones() {
		c := &v.cells.v[at(groups, i)]
		c.n++
		dx, dy := xs[i]-c.mx, ys[i]-c.my
		c.mx += dx / float64(c.n)
		c.my += dy / float64(c.n)
		c.xx += float64(dx * (xs[i] - c.mx))
		c.yy += float64(dy * (ys[i] - c.my))
		c.xy += float64(dx * (ys[i] - c.my))
	}
	return nil
}

// Merge implements Accumulator.
func (v *covariance) Merge(groups []uint32, n int, state ...arrow.Array) error {
	v.cells.grow(max(n, 1))
	var f [5][]float64
	for k := range f {
		f[k] = columnar.Values[float64](state[k+1])
	}
	for i, k := range columnar.Values[int64](state[0]) {
		c := &v.cells.v[at(groups, i)]
		x := comomentCell{n: k, mx: f[0][i], my: f[1][i], xx: f[2][i], yy: f[3][i], xy: f[4][i]}
		switch {
		case x.n == 0:
		case c.n == 0:
			*c = x
		default:
			total := c.n + x.n
			share, weight := float64(x.n)/float64(total), float64(c.n)*float64(x.n)/float64(total)
			dx, dy := x.mx-c.mx, x.my-c.my
			c.mx += float64(dx * share)
			c.my += float64(dy * share)
			c.xx += x.xx + float64(float64(dx*dx)*weight)
			c.yy += x.yy + float64(float64(dy*dy)*weight)
			c.xy += x.xy + float64(float64(dx*dy)*weight)
			c.n = total
		}
	}
	return nil
}

// State implements Accumulator.
func (v *covariance) State(groups []uint32) ([]arrow.Array, error) {
	v.cells.grow(need(groups))
	groups = all(groups, len(v.cells.v))
	counts := newResult[int64](v.mem, len(groups))
	var f [5]*result[float64]
	for k := range f {
		f[k] = newResult[float64](v.mem, len(groups))
	}
	for i, g := range groups {
		c := v.cells.v[g]
		counts.v[i] = c.n
		for k, x := range [5]float64{c.mx, c.my, c.xx, c.yy, c.xy} {
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
func (v *covariance) Final(groups []uint32) (arrow.Array, error) {
	v.cells.grow(need(groups))
	groups = all(groups, len(v.cells.v))
	out := newResult[float64](v.mem, len(groups))
	for i, g := range groups {
		c := v.cells.v[g]
		switch {
		case c.n == 0, v.of == covarSamp && c.n == 1, v.of == corr && (c.n == 1 || c.xx == 0 || c.yy == 0):
			out.null(i)
		case v.of == covarSamp:
			out.v[i] = c.xy / float64(c.n-1)
		case v.of == covarPop:
			out.v[i] = c.xy / float64(c.n)
		case v.of > corr:
			var ok bool
			if out.v[i], ok = c.regression(v.of); !ok {
				out.v[i] = 0
				out.null(i)
			}
		default:
			out.v[i] = c.xy / (math.Sqrt(c.xx) * math.Sqrt(c.yy))
		}
	}
	return out.array(arrow.PrimitiveTypes.Float64), nil
}

// regression is a number of the regression of the first argument, y, by the
// second, x, as SQL:2003 defines it; ok is false where that is NULL. c has the
// arguments the other way round: its x is y.
func (c *comomentCell) regression(of comoment) (v float64, ok bool) {
	switch of {
	case regrSlope:
		return c.xy / c.yy, c.yy != 0
	case regrIntercept:
		return c.mx - float64(c.xy/c.yy*c.my), c.yy != 0
	case regrR2:
		if c.xx == 0 {
			return 1, c.yy != 0
		}
		return float64(c.xy/c.yy) * float64(c.xy/c.xx), c.yy != 0
	case regrAvgX:
		return c.my, true
	case regrAvgY:
		return c.mx, true
	case regrSXX:
		return c.yy, true
	case regrSYY:
		return c.xx, true
	}
	return c.xy, true
}

// Reset implements Accumulator.
func (v *covariance) Reset(groups []uint32) { v.cells.reset(groups) }

// Bytes implements Accumulator.
func (v *covariance) Bytes() int64 { return v.cells.bytes() }

// Release implements Accumulator.
func (v *covariance) Release() { v.cells.release() }
