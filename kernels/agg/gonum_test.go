package agg_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"gonum.org/v1/gonum/stat"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// TestMomentsAgreeWithGonum compares the moments of one group with gonum's.
func TestMomentsAgreeWithGonum(t *testing.T) {
	mem := columnartest.Allocator(t)
	rng := rand.New(rand.NewPCG(1, 2))
	x, y := make([]float64, 5000), make([]float64, 5000)
	for i := range x {
		x[i] = 1e6 + rng.NormFloat64()
		y[i] = 3*x[i] + 10*rng.NormFloat64()
	}
	column := func(v []float64) arrow.Array {
		b := array.NewFloat64Builder(mem)
		defer b.Release()
		b.AppendValues(v, nil)
		return b.NewArray()
	}
	cx, cy := column(x), column(y)
	defer cx.Release()
	defer cy.Release()
	float := arrow.PrimitiveTypes.Float64
	for name, c := range map[string]struct {
		args []arrow.Array
		want float64
	}{
		"avg":         {[]arrow.Array{cx}, stat.Mean(x, nil)},
		"var_samp":    {[]arrow.Array{cx}, stat.Variance(x, nil)},
		"var_pop":     {[]arrow.Array{cx}, stat.PopVariance(x, nil)},
		"stddev_samp": {[]arrow.Array{cx}, stat.StdDev(x, nil)},
		"covar_samp":  {[]arrow.Array{cx, cy}, stat.Covariance(x, y, nil)},
		"corr":        {[]arrow.Array{cx, cy}, stat.Correlation(x, y, nil)},
	} {
		f, ok := agg.Find(name)
		if !ok {
			t.Fatalf("no aggregate %s", name)
		}
		types := make([]arrow.DataType, len(c.args))
		for i := range types {
			types[i] = float
		}
		spec, err := f.Bind(types, false)
		if err != nil {
			t.Fatal(err)
		}
		acc := spec.New(mem)
		if err := acc.Update(nil, 1, c.args...); err != nil {
			t.Fatal(err)
		}
		out, err := acc.Final([]uint32{0})
		if err != nil {
			t.Fatal(err)
		}
		if got := columnar.Values[float64](out)[0]; math.Abs(got-c.want) > 1e-9*math.Abs(c.want) {
			t.Errorf("%s = %v, gonum has %v", name, got, c.want)
		}
		out.Release()
		acc.Release()
	}
}
