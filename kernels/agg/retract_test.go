package agg_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// live are the rows that have been added and not taken back, in order.
type live []int

// equalRows tells whether two rows of in are the same, one NaN and one zero.
func (in input) equalRows(i, j int) bool {
	for _, c := range in.cols {
		if kernels.Compare(c, i, c, j) != 0 {
			return false
		}
	}
	return in.groups[i] == in.groups[j]
}

// take are rows of in.
func (in input) take(t *testing.T, rows []int) input {
	t.Helper()
	out, idx := input{n: in.n, groups: []uint32{}}, make([]int32, len(rows))
	for i, r := range rows {
		idx[i] = int32(r)
		out.groups, out.rows = append(out.groups, in.groups[r]), append(out.rows, in.rows[r])
	}
	for _, c := range in.cols {
		a, err := kernels.Take(columnartest.Allocator(t), c, idx)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(a.Release)
		out.cols = append(out.cols, a)
	}
	return out
}

// TestRetractAgainstNew takes random rows back from every aggregate and compares
// it with one that has only seen those that are left.
func TestRetractAgainstNew(t *testing.T) {
	for _, c := range aggCases {
		t.Run(c.String(), func(t *testing.T) {
			mem := columnartest.Allocator(t)
			r := rand.New(rand.NewPCG(3, 9))
			plain := c.bind(t)
			spec, err := plain.Retractable()
			if err != nil {
				t.Fatal(err)
			}
			if !arrow.TypeEqual(spec.Out, plain.Out) {
				t.Fatalf("result of type %s, want %s", spec.Out, plain.Out)
			}
			for round := range 6 {
				in := cast(t, mem, plain, c.input(t, mem, r, 200, 1+round*4))
				acc := spec.New(mem).(agg.Retractable)
				var left live
				grouped := round > 0
				call := func(do func([]uint32, int, ...arrow.Array) error, rows []int) {
					some := in.take(t, rows)
					groups := some.groups
					if !grouped {
						groups = nil
					}
					if err := do(groups, in.n, some.cols...); err != nil {
						t.Fatal(err)
					}
				}
				for lo := 0; lo < 200; lo += 40 {
					var added, back []int
					for i := lo; i < lo+40; i++ {
						added, left = append(added, i), append(left, i)
					}
					for range r.IntN(60) {
						if len(left) == 0 {
							break
						}
						row := left[r.IntN(len(left))]
						oldest := slices.IndexFunc(left, func(o int) bool { return in.equalRows(o, row) })
						back = append(back, left[oldest])
						left = slices.Delete(left, oldest, oldest+1)
					}
					call(acc.Update, added)
					call(acc.Retract, back)
					if r.IntN(3) == 0 {
						acc = restore(t, mem, spec, acc).(agg.Retractable)
					}
					if r.IntN(4) == 0 {
						g := uint32(r.IntN(in.n))
						acc.Reset([]uint32{g})
						left = slices.DeleteFunc(left, func(o int) bool { return in.groups[o] == g || !grouped })
					}
					same(t, c, in.take(t, left), plain, acc, grouped)
				}
				acc.Release()
			}
		})
	}
}

// same compares acc with an accumulator of plain that sees in.
func same(t *testing.T, c aggCase, in input, plain *agg.Spec, acc agg.Accumulator, grouped bool) {
	t.Helper()
	mem := columnartest.Allocator(t)
	want := plain.New(mem)
	defer want.Release()
	if !grouped {
		clear(in.groups)
	}
	if err := want.Update(in.groups, in.n, in.cols...); err != nil {
		t.Fatal(err)
	}
	groups := make([]uint32, in.n)
	for i := range groups {
		groups[i] = uint32(i)
	}
	a, err := want.Final(groups)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Release()
	b, err := acc.Final(groups)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	approx := c.approx || !plain.OrderFree && (c.fn == "sum" || c.fn == "avg")
	for i := range groups {
		x, y := columnartest.Cell(b, i), columnartest.Cell(a, i)
		if x == "0" && y == "-0" {
			continue // values that are kept have one zero
		}
		checkCell(t, fmt.Sprintf("group %d", i), x, y, approx)
	}
}

// TestExactSumIsThatOfWhatIsLeft adds values of all sizes in any order, takes
// most of them back and compares bits.
func TestExactSumIsThatOfWhatIsLeft(t *testing.T) {
	mem := columnartest.Allocator(t)
	f, _ := agg.Find("sum")
	plain, err := f.Bind([]arrow.DataType{arrow.PrimitiveTypes.Float64}, false)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := plain.Retractable()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	value := func() float64 {
		switch r.IntN(8) {
		case 0:
			return math.Float64frombits(r.Uint64())
		case 1:
			return []float64{math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 0x1p-1022, math.Copysign(0, -1)}[r.IntN(8)]
		case 2:
			return math.Ldexp(r.NormFloat64(), r.IntN(200)-100)
		}
		return r.NormFloat64() * 1000
	}
	for range 300 {
		n := 1 + r.IntN(40)
		vals := make([]float64, n)
		for i := range vals {
			vals[i] = value()
		}
		acc := spec.New(mem).(agg.Retractable)
		add := func(do func([]uint32, int, ...arrow.Array) error, vals ...float64) {
			a := floatArray(mem, vals)
			defer a.Release()
			if err := do(make([]uint32, len(vals)), 1, a); err != nil {
				t.Fatal(err)
			}
		}
		add(acc.Update, vals...)
		stay := r.IntN(3)
		r.Shuffle(n, func(i, j int) { vals[i], vals[j] = vals[j], vals[i] })
		stay = min(stay, n)
		add(acc.Retract, vals[stay:]...)
		out, err := acc.Final([]uint32{0})
		if err != nil {
			t.Fatal(err)
		}
		// Up to two values: one rounded addition.
		want, null := 0.0, stay == 0
		for _, v := range vals[:stay] {
			want += v
		}
		got := columnartest.Cell(out, 0)
		if null != (got == "null") || !null && got != cellOf(want) && !(want != want && got == "NaN") {
			t.Errorf("%v of %v: %s, want %v", vals[:stay], vals, got, want)
		}
		out.Release()
		acc.Release()
	}
}

func floatArray(mem memory.Allocator, vals []float64) arrow.Array {
	b := array.NewFloat64Builder(mem)
	defer b.Release()
	b.AppendValues(vals, nil)
	return b.NewArray()
}
