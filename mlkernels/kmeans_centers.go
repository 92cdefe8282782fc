package mlkernels

import (
	"math"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// centers are k centers of d features in the panels of package simd, which is
// the form that distances are taken in; there is no other copy.
//
// The nearest center is the one with the least sum of squares of differences,
// fused, in the order of the features, the first on ties. Row by row, in tiles
// of rows, in training and in prediction that is the same sum with the same
// bits. The cheaper |c|²/2-x·c is not used: features such as times or prices
// lie far from the origin, where it tells near centers apart by rounding alone.
type centers struct {
	k, d   int
	panels []float64
}

func newCenters(k, d int) centers {
	c := centers{k, d, make([]float64, simd.PanelsLen(k, d))}
	simd.ClearPanels(c.panels, d)
	return c
}

// set takes over k rows of d features.
func (c *centers) set(rows []float64) {
	for j := range c.k {
		simd.PutCenter(c.panels, j, 0, rows[j*c.d:(j+1)*c.d])
	}
}

// rows returns the centers one after another.
func (c *centers) rows() []float64 {
	rows := make([]float64, 0, c.k*c.d)
	for j := range c.k {
		for f, at := 0, c.features(j); f < c.d; f++ {
			rows = append(rows, at[8*f])
		}
	}
	return rows
}

// features are those of center j, of which every eighth is one.
func (c *centers) features(j int) []float64 { return c.panels[8*(j/8*(c.d+1)+1)+j%8:] }

// shift moves center j to keep times where it is plus scale times sum.
func (c *centers) shift(j int, keep, scale float64, sum []float64) {
	at := c.features(j)
	for f, s := range sum {
		at[8*f] = math.FMA(scale, s, float64(keep*at[8*f]))
	}
}

// part makes centers a and b of what was a: a step up and a step down in every
// feature.
func (c *centers) part(a, b int) {
	high, low := c.features(a), c.features(b)
	for f := range c.d {
		x := high[8*f]
		e := float64(1e-14 * max(math.Abs(x), 1))
		high[8*f], low[8*f] = x+e, x-e
	}
}
