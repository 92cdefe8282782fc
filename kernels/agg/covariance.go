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
	if err := f.numbers(args, 2); err != nil {
		return nil, err
	}
	return cellSpec(2, 5, func(mem memory.Allocator, types []arrow.DataType) Accumulator {
		return &covariance{cells: newCells[comomentCell](mem, types), of: of}
	}), nil
}

// covariance is covar and corr of the rows where both arguments have a value:
// Welford's form for two variables, merged as in Chan, Golub and LeVeque
// (1979). corr of a constant is NULL. State: int64 pairs, float64 mean of x,
// mean of y, sums of squared deviations of x and of y, sum of their products.
type covariance struct {
	cells[comomentCell]
	of comoment
}

type comomentCell struct {
	n                  int64
	mx, my, xx, yy, xy float64
}

// Update implements Accumulator.
func (v *covariance) Update(groups []uint32, n int, args ...arrow.Array) error {
	v.grow(max(n, 1))
	xs, ys := columnar.Values[float64](args[0]), columnar.Values[float64](args[1])
	for i := range columnar.And(columnar.Validity(args[0]), columnar.Validity(args[1])).Ones() {
		c := &v.v[at(groups, i)]
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
	v.grow(max(n, 1))
	for i, x := range v.read(state) {
		switch c := &v.v[at(groups, i)]; {
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

// Final implements Accumulator.
func (v *covariance) Final(groups []uint32) (arrow.Array, error) {
	v.grow(need(groups))
	groups = all(groups, len(v.v))
	out := newResult[float64](v.mem, len(groups))
	for i, g := range groups {
		c := v.v[g]
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
