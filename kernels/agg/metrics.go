package agg

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// metric says what a [meanMetric] averages.
type metric int

const (
	accuracy metric = iota // 1 where prediction and label are equal, else 0
	mae                    // |prediction - label|
	rmse                   // (prediction - label)^2, and the root of the mean
	logLoss                // -ln of the probability given to what came true
)

func bindAccuracy(f *Function, args []arrow.DataType) (*Spec, error) {
	if err := f.arity(args, 2); err != nil {
		return nil, err
	}
	if !kernels.Ordered(args[0]) {
		return nil, f.refuse(args[0], "a type that can be compared")
	}
	if !arrow.TypeEqual(Plain(args[0]), Plain(args[1])) {
		if !numeric(args[0]) || !numeric(args[1]) {
			return nil, f.refuse(args[1], "the type of the prediction, "+kernels.SQLName(args[0]))
		}
		args = []arrow.DataType{arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Float64}
	}
	return metricSpec(accuracy, args), nil
}

func bindMAE(f *Function, args []arrow.DataType) (*Spec, error)  { return bindMetric(f, args, mae) }
func bindRMSE(f *Function, args []arrow.DataType) (*Spec, error) { return bindMetric(f, args, rmse) }

func bindLogLoss(f *Function, args []arrow.DataType) (*Spec, error) {
	return bindMetric(f, args, logLoss)
}

func bindMetric(f *Function, args []arrow.DataType, of metric) (*Spec, error) {
	if err := f.arity(args, 2); err != nil {
		return nil, err
	}
	for _, t := range args {
		if !numeric(t) && (of != logLoss || t.ID() != arrow.BOOL) {
			return nil, f.refuse(t, "a number")
		}
	}
	return metricSpec(of, []arrow.DataType{arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Float64}), nil
}

func metricSpec(of metric, args []arrow.DataType) *Spec {
	inner := floatSpec(true)
	return &Spec{
		Args: args, Out: inner.Out, Nullable: true, StateTypes: inner.StateTypes, Merge: true,
		New: func(mem memory.Allocator) Accumulator {
			return &meanMetric{Accumulator: inner.New(mem), mem: mem, of: of}
		},
	}
}

// meanMetric is a mean over rows of a function of prediction and label: it
// computes the column and leaves the rest to avg. Rows where one of them is
// NULL do not count.
type meanMetric struct {
	Accumulator
	mem memory.Allocator
	of  metric
}

// Update implements Accumulator.
func (m *meanMetric) Update(groups []uint32, n int, args ...arrow.Array) error {
	col := newResult[float64](m.mem, args[0].Len())
	valid := columnar.And(logicalValidity(args[0]), logicalValidity(args[1]))
	for i := range col.v {
		if !valid.Get(i) {
			col.null(i)
		}
	}
	if m.of == accuracy {
		for i := range valid.Ones() {
			if kernels.Compare(args[0], i, args[1], i) == 0 {
				col.v[i] = 1
			}
		}
	} else {
		p, y := columnar.Values[float64](args[0]), columnar.Values[float64](args[1])
		for lo, hi := range valid.Runs() {
			m.of.losses(col.v[lo:hi], p[lo:hi], y[lo:hi])
		}
	}
	a := col.array(arrow.PrimitiveTypes.Float64)
	defer a.Release()
	return m.Accumulator.Update(groups, n, a)
}

// losses computes the metric of each row. The probabilities of log_loss are
// kept 1e-15 away from 0 and 1.
func (of metric) losses(out, p, y []float64) {
	for i := range out {
		d := p[i] - y[i]
		switch of {
		case mae:
			out[i] = math.Abs(d)
		case rmse:
			out[i] = d * d
		default:
			q := min(max(p[i], 1e-15), 1-1e-15)
			out[i] = -(float64(y[i]*math.Log(q)) + float64((1-y[i])*math.Log(1-q)))
		}
	}
}

// Final implements Accumulator.
func (m *meanMetric) Final(groups []uint32) (arrow.Array, error) {
	mean, err := m.Accumulator.Final(groups)
	if err != nil || m.of != rmse {
		return mean, err
	}
	defer mean.Release()
	out := newResult[float64](m.mem, mean.Len())
	for i, x := range mean.(*array.Float64).Float64Values() {
		if mean.IsNull(i) {
			out.null(i)
		} else {
			out.v[i] = math.Sqrt(x)
		}
	}
	return out.array(arrow.PrimitiveTypes.Float64), nil
}
