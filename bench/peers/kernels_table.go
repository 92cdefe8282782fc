package main

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/compute"
	"github.com/apache/arrow/go/v17/arrow/compute/exec"
	arrowmath "github.com/apache/arrow/go/v17/arrow/math"
	"github.com/apache/arrow/go/v17/arrow/scalar"
	"gonum.org/v1/gonum/floats"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// peerOrder are the names of the peers of kernels.
var peerOrder = []string{"arrow", "gonum"}

// kernelTable lists the kernels with what the peers have for them.
func kernelTable(ctx context.Context, in inputs) []versus {
	ctx = exec.WithAllocator(ctx, columnar.Pool)
	f, g := columnar.Values[float64](in.f), columnar.Values[float64](in.g)
	u, v := columnar.Values[float64](in.u.(*array.FixedSizeList).ListValues()), columnar.Values[float64](in.v.(*array.FixedSizeList).ListValues())
	out, dots := make([]float64, kernelRows), make([]float64, kernelRows/vectorLen)
	threshold := constant(0.5)
	return []versus{
		{"sum float64", aggregate("sum", in.f), map[string]call{
			"arrow": func() (any, error) { return arrowmath.Float64.Sum(in.f.(*array.Float64)), nil },
			"gonum": func() (any, error) { return floats.Sum(f), nil },
		}},
		{"sum float64, 10 % null", aggregate("sum", in.nullable), map[string]call{
			"arrow": func() (any, error) { return arrowmath.Float64.Sum(in.nullable.(*array.Float64)), nil },
		}},
		{"sum int64", aggregate("sum", in.i), map[string]call{
			"arrow": func() (any, error) { return float64(arrowmath.Int64.Sum(in.i.(*array.Int64))), nil },
		}},
		{"min float64", aggregate("min", in.f), map[string]call{
			"gonum": func() (any, error) { return floats.Min(f), nil },
		}},
		{"filter float64, 50 % kept", filter(in.f, in.half), map[string]call{"arrow": arrowFilter(ctx, in.f, in.half)}},
		{"filter float64, 10 % kept", filter(in.f, in.tenth), map[string]call{"arrow": arrowFilter(ctx, in.f, in.tenth)}},
		{"float64 > constant", function("gt", kernels.Column(in.f), threshold), map[string]call{
			"arrow": arrowCall(ctx, "greater", compute.NewDatum(in.f), compute.NewDatum(scalar.NewFloat64Scalar(0.5))),
		}},
		{"float64 > float64", function("gt", kernels.Column(in.f), kernels.Column(in.g)), map[string]call{
			"arrow": arrowCall(ctx, "greater", compute.NewDatum(in.f), compute.NewDatum(in.g)),
		}},
		{"int64 = int64", function("eq", kernels.Column(in.i), kernels.Column(in.j)), map[string]call{
			"arrow": arrowCall(ctx, "equal", compute.NewDatum(in.i), compute.NewDatum(in.j)),
		}},
		{"float64 + float64", function("add", kernels.Column(in.f), kernels.Column(in.g)), map[string]call{
			"arrow": arrowCall(ctx, "add_unchecked", compute.NewDatum(in.f), compute.NewDatum(in.g)),
			"gonum": func() (any, error) { return floats.AddTo(out, f, g), nil },
		}},
		{"float64 * float64", function("mul", kernels.Column(in.f), kernels.Column(in.g)), map[string]call{
			"arrow": arrowCall(ctx, "multiply_unchecked", compute.NewDatum(in.f), compute.NewDatum(in.g)),
			"gonum": func() (any, error) { return floats.MulTo(out, f, g), nil },
		}},
		{"int64 + int64, checked", function("add", kernels.Column(in.i), kernels.Column(in.j)), map[string]call{
			"arrow": arrowCall(ctx, "add", compute.NewDatum(in.i), compute.NewDatum(in.j)),
		}},
		{"dot of vectors of 64 float64", function("dot", kernels.Column(in.u), kernels.Column(in.v)), map[string]call{
			"gonum": func() (any, error) {
				for i := range dots {
					dots[i] = floats.Dot(u[i*vectorLen:(i+1)*vectorLen], v[i*vectorLen:(i+1)*vectorLen])
				}
				return dots, nil
			},
		}},
	}
}

// constant is a number as an argument.
func constant(v float64) kernels.Datum {
	b := array.NewFloat64Builder(columnar.Pool)
	defer b.Release()
	b.Append(v)
	return kernels.Constant(b.NewArray())
}

// function is a call of a function of our table.
func function(name string, args ...kernels.Datum) call {
	fail := func(err error) call { return func() (any, error) { return nil, err } }
	f, ok := kernels.Find(name)
	if !ok {
		return fail(fmt.Errorf("no function %s", name))
	}
	var types []kernels.Arg
	for _, d := range args {
		arg := kernels.Arg{Type: d.Type()}
		if d.Const {
			arg.Const = d.Array
		}
		types = append(types, arg)
	}
	bound, err := f.Bind(types)
	if err != nil {
		return fail(err)
	}
	n := args[0].Array.Len()
	return func() (any, error) { return bound.Kernel(columnar.Pool, n, args) }
}

// aggregate is one of our aggregates over a column, without groups.
func aggregate(name string, a arrow.Array) call {
	f, ok := agg.Find(name)
	if !ok {
		return func() (any, error) { return nil, fmt.Errorf("no aggregate %s", name) }
	}
	spec, err := f.Bind([]arrow.DataType{a.DataType()}, false)
	if err != nil {
		return func() (any, error) { return nil, err }
	}
	acc := spec.New(columnar.Pool)
	return func() (any, error) {
		acc.Reset(nil)
		if err := acc.Update(nil, 1, a); err != nil {
			return nil, err
		}
		result, err := acc.Final(nil)
		if err != nil {
			return nil, err
		}
		defer result.Release()
		if whole, ok := result.(*array.Int64); ok {
			return float64(whole.Value(0)), nil
		}
		return result.(*array.Float64).Value(0), nil
	}
}

func filter(a, keep arrow.Array) call {
	return func() (any, error) { return kernels.FilterArray(columnar.Pool, a, columnar.Bools(keep)) }
}

func arrowFilter(ctx context.Context, a, keep arrow.Array) call {
	return func() (any, error) { return compute.FilterArray(ctx, a, keep, *compute.DefaultFilterOptions()) }
}

func arrowCall(ctx context.Context, name string, args ...compute.Datum) call {
	return func() (any, error) {
		d, err := compute.CallFunction(ctx, name, nil, args...)
		if err != nil {
			return nil, err
		}
		defer d.Release()
		return d.(*compute.ArrayDatum).MakeArray(), nil
	}
}
