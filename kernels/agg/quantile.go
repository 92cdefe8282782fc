package agg

import (
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

func bindMedian(f *Function, args []arrow.DataType) (*Spec, error) {
	if err := f.arity(args, 1); err != nil {
		return nil, err
	}
	return bindQuantile(f, args)
}

func bindPercentile(f *Function, args []arrow.DataType) (*Spec, error) {
	if err := f.arity(args, 2); err != nil {
		return nil, err
	}
	return bindQuantile(f, args)
}

// bindPercentileDisc takes one of the values: the first, from the least or the
// greatest on, with a share of at least p at or before it.
func bindPercentileDisc(desc bool) func(f *Function, args []arrow.DataType) (*Spec, error) {
	return func(f *Function, args []arrow.DataType) (*Spec, error) {
		spec, err := bindPercentile(f, args)
		if err != nil {
			return nil, err
		}
		spec.New = func(mem memory.Allocator) Accumulator {
			return &quantile{mem: mem, p: 0.5, values: newChains[float64](mem), disc: true, desc: desc}
		}
		return spec, nil
	}
}

func bindQuantile(f *Function, args []arrow.DataType) (*Spec, error) {
	f64 := arrow.PrimitiveTypes.Float64
	in := make([]arrow.DataType, len(args))
	for i, t := range args {
		if !numeric(t) {
			return nil, f.refuse(t, "a number")
		}
		in[i] = f64
	}
	return &Spec{
		Args: in, Out: f64, Nullable: true, Merge: true, OrderFree: true, StateTypes: []arrow.DataType{arrow.ListOf(f64), f64},
		New: func(mem memory.Allocator) Accumulator {
			return &quantile{mem: mem, p: 0.5, values: newChains[float64](mem)}
		},
	}, nil
}

// quantile is median(x) and percentile(x, p), exact: it keeps every value. p,
// between 0 and 1, is one number for the whole aggregation, that of the first
// row. Between two values it interpolates linearly: value number p*(n-1) of
// the sorted values, counted from 0 (the PERCENTILE_CONT of SQL). NaN is
// greater than every number. State: the values in arrival order, and p.
type quantile struct {
	mem    memory.Allocator
	p      float64
	known  bool // p was set
	disc   bool // no interpolation
	desc   bool // of the values from the greatest on
	values chains[float64]
	sorted []float64
}

// Update implements Accumulator.
func (q *quantile) Update(groups []uint32, n int, args ...arrow.Array) error {
	q.values.grow(max(n, 1))
	if len(args) > 1 && args[1].Len() > 0 {
		if args[1].IsNull(0) {
			return badFraction("NULL")
		}
		if err := q.setP(columnar.Values[float64](args[1])[0]); err != nil {
			return err
		}
	}
	vals := columnar.Values[float64](args[0])
	for i := range columnar.Validity(args[0]).Ones() {
		q.values.push(at(groups, i), vals[i])
	}
	return nil
}

func badFraction(is string) error {
	return &kernels.Error{Code: kernels.CodeValue, Msg: "percentile: the fraction is " + is, Hint: "pass a constant from 0 to 1"}
}

func (q *quantile) setP(p float64) error {
	if !(p >= 0 && p <= 1) {
		return badFraction(fmt.Sprintf("%g", p))
	}
	if q.known && p != q.p {
		return badFraction(fmt.Sprintf("%g after %g", p, q.p))
	}
	q.p, q.known = p, true
	return nil
}

// Merge implements Accumulator.
func (q *quantile) Merge(groups []uint32, n int, state ...arrow.Array) error {
	q.values.grow(max(n, 1))
	if ps := state[1]; ps.Len() > 0 && ps.IsValid(0) {
		if err := q.setP(columnar.Values[float64](ps)[0]); err != nil {
			return err
		}
	}
	owners, vals := flatten(groups, state[0])
	defer vals.Release()
	for i, v := range columnar.Values[float64](vals) {
		q.values.push(owners[i], v)
	}
	return nil
}

// State implements Accumulator.
func (q *quantile) State(groups []uint32) ([]arrow.Array, error) {
	q.values.grow(need(groups))
	groups = all(groups, q.values.len())
	vals, offsets := newResult[float64](q.mem, q.values.total(groups)), newResult[int32](q.mem, len(groups)+1)
	ps := newResult[float64](q.mem, len(groups))
	k := 0
	for i, g := range groups {
		for v := range q.values.of(g) {
			vals.v[k] = v
			k++
		}
		offsets.v[i+1] = int32(k)
		ps.v[i] = q.p
		if !q.known {
			ps.v[i] = 0
			ps.null(i)
		}
	}
	f64 := arrow.PrimitiveTypes.Float64
	flat := vals.array(f64)
	defer flat.Release()
	return []arrow.Array{listArray(f64, offsets, flat), ps.array(f64)}, nil
}

// Final implements Accumulator.
func (q *quantile) Final(groups []uint32) (arrow.Array, error) {
	q.values.grow(need(groups))
	groups = all(groups, q.values.len())
	out := newResult[float64](q.mem, len(groups))
	for i, g := range groups {
		if q.values.count(g) == 0 {
			out.null(i)
			continue
		}
		q.sorted = q.sorted[:0]
		for v := range q.values.of(g) {
			q.sorted = append(q.sorted, v)
		}
		sortFloats(q.sorted)
		if q.disc {
			// The first value with a share of at least p at or before it.
			k := max(int(math.Ceil(q.p*float64(len(q.sorted))))-1, 0)
			if q.desc {
				k = len(q.sorted) - 1 - k
			}
			out.v[i] = q.sorted[k]
			continue
		}
		out.v[i] = interpolate(q.sorted, q.p)
	}
	return out.array(arrow.PrimitiveTypes.Float64), nil
}

// sortFloats sorts with NaN last and zeros alike.
func sortFloats(vals []float64) {
	nans := 0
	for i, v := range vals {
		vals[i] = v + 0
		if v != v {
			vals[i] = nan
			nans++
		}
	}
	slices.Sort(vals) // puts NaN first
	copy(vals, vals[nans:])
	for i := len(vals) - nans; i < len(vals); i++ {
		vals[i] = nan
	}
}

// interpolate is value number p*(n-1) of the sorted values.
func interpolate(vals []float64, p float64) float64 {
	at := float64(p * float64(len(vals)-1))
	low := int(math.Floor(at))
	high, part := min(low+1, len(vals)-1), at-float64(low)
	if part == 0 || vals[low] == vals[high] {
		return vals[low]
	}
	return float64(vals[low]*(1-part)) + float64(vals[high]*part)
}

// Reset implements Accumulator.
func (q *quantile) Reset(groups []uint32) { q.values.reset(groups) }

// Bytes implements Accumulator.
func (q *quantile) Bytes() int64 { return q.values.bytes() + 8*int64(cap(q.sorted)) }

// Release implements Accumulator.
func (q *quantile) Release() { q.values.release() }
