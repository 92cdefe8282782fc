package agg

import (
	"errors"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels"
)

// errDrift is the error of a merge that is no restart.
var errDrift = errors.New("agg: a drift detector needs its rows one after the other: its states cannot be merged")

// driftSpec is a drift detector of a number and of parameters that each row
// brings, most of them: the number of drifts so far.
func driftSpec(f *Function, args []arrow.DataType, most int, states []arrow.DataType, create func(mem memory.Allocator) Accumulator) (*Spec, error) {
	if len(args) < 1 || len(args) > most {
		return nil, refusal("%s: want %s, got %d arguments", f.Name, f.Usage, len(args))
	}
	in := make([]arrow.DataType, len(args))
	for i, t := range args {
		if !numeric(t) && (i > 0 || t.ID() != arrow.BOOL) {
			return nil, f.refuse(t, "a number")
		}
		in[i] = arrow.PrimitiveTypes.Float64
	}
	return &Spec{Args: in, Out: arrow.PrimitiveTypes.Int64, StateTypes: states, New: create}, nil
}

// parameter is number i of the arguments in a row, by if it is not given.
func parameter(args []arrow.Array, i, row int, by, below float64, name string) (float64, error) {
	if i >= len(args) {
		return by, nil
	}
	x := columnar.Values[float64](args[i])[row]
	if args[i].IsNull(row) || !(x > 0 && x < below) {
		return 0, &kernels.Error{Code: kernels.CodeValue, Msg: name + " must be a number above 0", Hint: "pass a constant"}
	}
	return x, nil
}

// measured tells whether x is a number that a detector takes.
func measured(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func bindPageHinkley(f *Function, args []arrow.DataType) (*Spec, error) {
	i64, f64 := arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64
	types := []arrow.DataType{i64, i64, f64, f64, f64, f64, f64}
	return driftSpec(f, args, 3, types, func(mem memory.Allocator) Accumulator {
		return &pageHinkley{newCells[hinkleyCell](mem, types)}
	})
}

// pageHinkley is page_hinkley(x, threshold, delta): the number of drifts that the
// test of Page (1954) and Hinkley (1971) signals in the rows of a group, in their
// order, as River computes it for both directions: after 30 values, a cumulated
// deviation from the running mean, less delta and forgotten by .9999 a row, that
// is more than threshold away from its extreme. The test begins anew after a
// drift. NULL, NaN and infinite values are passed over. State: int64 values since
// the last drift, int64 drifts, float64 mean, cumulated rise and its least, fall
// and its greatest value. States cannot be merged.
type pageHinkley struct{ cells[hinkleyCell] }

type hinkleyCell struct {
	n, drifts                     int64
	mean, rise, least, fall, most float64
}

// What River has for the parameters that are not arguments.
const (
	hinkleyWarm   = 30
	hinkleyForget = 0.9999
)

// Update implements Accumulator.
func (p *pageHinkley) Update(groups []uint32, n int, args ...arrow.Array) error {
	p.grow(max(n, 1))
	vals := columnar.Values[float64](args[0])
	for i := range columnar.Validity(args[0]).Ones() {
		threshold, err := parameter(args, 1, i, 50, math.Inf(1), "page_hinkley: threshold")
		if err != nil {
			return err
		}
		delta, err := parameter(args, 2, i, 0.005, math.Inf(1), "page_hinkley: delta")
		if err != nil {
			return err
		}
		if measured(vals[i]) {
			p.v[at(groups, i)].add(vals[i], threshold, delta)
		}
	}
	return nil
}

// add is one value.
func (c *hinkleyCell) add(x, threshold, delta float64) {
	if c.n == 0 {
		*c = hinkleyCell{drifts: c.drifts, least: math.Inf(1), most: math.Inf(-1)}
	}
	c.n++
	c.mean += float64((1 / float64(c.n)) * (x - c.mean))
	d := x - c.mean
	c.rise = float64(hinkleyForget*c.rise) + d - delta
	c.fall = float64(hinkleyForget*c.fall) + d + delta
	c.least, c.most = min(c.least, c.rise), max(c.most, c.fall)
	if c.n >= hinkleyWarm && (c.rise-c.least > threshold || c.most-c.fall > threshold) {
		c.drifts++
		c.n = 0
	}
}

// Merge implements Accumulator for groups in their initial state.
func (p *pageHinkley) Merge(groups []uint32, n int, state ...arrow.Array) error {
	p.grow(max(n, 1))
	for i, x := range p.read(state) {
		switch c := &p.v[at(groups, i)]; {
		case x == hinkleyCell{}:
		case *c != hinkleyCell{}:
			return errDrift
		default:
			*c = x
		}
	}
	return nil
}

// Final implements Accumulator.
func (p *pageHinkley) Final(groups []uint32) (arrow.Array, error) {
	p.grow(need(groups))
	groups = all(groups, len(p.v))
	out := newResult[int64](p.mem, len(groups))
	for i, g := range groups {
		out.v[i] = p.v[g].drifts
	}
	return out.array(arrow.PrimitiveTypes.Int64), nil
}
