package agg_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/kernels/agg"
)

// slideColumn has values of a type, the special ones often, and NULLs.
func slideColumn(mem memory.Allocator, r *rand.Rand, t arrow.DataType, n int) arrow.Array {
	b := array.NewBuilder(mem, t)
	defer b.Release()
	floats := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 5e-324, 1e300}
	for range n {
		if r.IntN(5) == 0 {
			b.AppendNull()
			continue
		}
		switch b := b.(type) {
		case *array.Int8Builder:
			b.Append(int8(r.Int()))
		case *array.Int64Builder:
			b.Append([]int64{math.MinInt64 / 8, math.MaxInt64 / 8, -1, r.Int64N(9)}[r.IntN(4)])
		case *array.Uint64Builder:
			b.Append([]uint64{1 << 60, r.Uint64N(9)}[r.IntN(2)])
		case *array.Float32Builder:
			b.Append(float32(floats[r.IntN(5)]) + float32(r.IntN(3)))
		case *array.Float64Builder:
			if r.IntN(8) > 0 {
				b.Append(r.NormFloat64())
			} else {
				b.Append(floats[r.IntN(len(floats))])
			}
		case *array.BooleanBuilder:
			b.Append(r.IntN(2) == 0)
		case *array.Decimal128Builder:
			b.Append(decimal128.FromI64(r.Int64() - r.Int64()))
		}
	}
	return b.NewArray()
}

// TestSlide compares frames that move with those of which every one is a group
// of its own.
func TestSlide(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	p := arrow.PrimitiveTypes
	types := []arrow.DataType{p.Int8, p.Int64, p.Uint64, p.Float32, p.Float64, arrow.FixedWidthTypes.Boolean, &arrow.Decimal128Type{Precision: 20, Scale: 2}}
	r := rand.New(rand.NewPCG(5, 6))
	slides := 0
	for _, name := range []string{"count", "count_if", "sum", "avg", "min", "max"} {
		f, _ := agg.Find(name)
		for _, typ := range types {
			spec, err := f.Bind([]arrow.DataType{typ}, false)
			if err != nil || spec.Slide == nil {
				continue
			}
			slides++
			exact, err := spec.Retractable()
			if err != nil {
				t.Fatal(err)
			}
			if name == "min" || name == "max" {
				exact = spec
			}
			for _, n := range []int{0, 1, 200} {
				whole := slideColumn(mem, r, spec.Args[0], n+3)
				col := array.NewSlice(whole, 3, int64(n+3))
				whole.Release()
				var lo, hi []int32
				for from, to := int32(0), int32(0); int(to) < n || len(lo) == 0; {
					to = min(int32(n), max(to, from)+r.Int32N(4))
					from = min(to, from+r.Int32N(5))
					lo, hi = append(lo, from), append(hi, to)
				}
				got, err := spec.Slide(mem, lo, hi, col)
				if err != nil {
					t.Fatal(name, typ, err)
				}
				acc := exact.New(mem)
				for i := range lo {
					part := array.NewSlice(col, int64(lo[i]), int64(hi[i]))
					groups := make([]uint32, part.Len())
					for k := range groups {
						groups[k] = uint32(i)
					}
					if err := acc.Update(groups, len(lo), part); err != nil {
						t.Fatal(err)
					}
					part.Release()
				}
				want, err := acc.Final(nil)
				if err != nil {
					t.Fatal(err)
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s of %d %s:\n%v\nwant\n%v", name, n, typ, got, want)
				}
				got.Release()
				want.Release()
				acc.Release()
				col.Release()
			}
		}
	}
	if slides < 25 {
		t.Errorf("only %d functions slide", slides)
	}
}

// TestSlideOverflow is a frame whose total does not fit, between others.
func TestSlideOverflow(t *testing.T) {
	f, _ := agg.Find("sum")
	spec, err := f.Bind([]arrow.DataType{arrow.PrimitiveTypes.Int64}, false)
	if err != nil {
		t.Fatal(err)
	}
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	b := array.NewInt64Builder(mem)
	defer b.Release()
	b.AppendValues([]int64{math.MaxInt64, -1, 1, math.MaxInt64}, nil)
	col := b.NewArray()
	defer col.Release()
	if _, err := spec.Slide(mem, []int32{0, 2}, []int32{2, 4}, col); err == nil {
		t.Error("no error for a total that does not fit")
	}
	out, err := spec.Slide(mem, []int32{0, 1}, []int32{3, 4}, col)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(out); got != "[9223372036854775807 9223372036854775807]" {
		t.Error(got)
	}
	out.Release()
}
