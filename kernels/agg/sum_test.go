package agg_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// bind is an aggregate of the types, which a test knows to exist.
func bind(t testing.TB, name string, types ...arrow.DataType) *agg.Spec {
	t.Helper()
	f, ok := agg.Find(name)
	if !ok {
		t.Fatalf("no function %s", name)
	}
	spec, err := f.Bind(types, false)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestUngroupedSumHas32Lanes(t *testing.T) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(1, 2))
	const rows = 1000
	x := array.NewFloat64Builder(mem)
	defer x.Release()
	var lanes [32]float64
	for i := range rows {
		if r.IntN(10) == 0 {
			x.AppendNull()
			continue
		}
		v := r.NormFloat64() * math.Pow(10, float64(r.IntN(12)))
		x.Append(v)
		lanes[i%32] += v
	}
	for d := 16; d > 0; d /= 2 {
		for i := range d {
			lanes[i] += lanes[i+d]
		}
	}
	a := x.NewArray()
	defer a.Release()
	acc := bind(t, "sum", a.DataType()).New(mem)
	defer acc.Release()
	if err := acc.Update(nil, 1, a); err != nil {
		t.Fatal(err)
	}
	out, err := acc.Final([]uint32{0})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Release()
	if got := out.(*array.Float64).Value(0); got != lanes[0] {
		t.Errorf("%v, want %v", got, lanes[0])
	}
	acc.Reset([]uint32{0})
	fresh := bind(t, "sum", a.DataType()).New(mem)
	defer fresh.Release()
	if got, want := snapshot(t, acc, []uint32{0}), snapshot(t, fresh, []uint32{0}); got != want {
		t.Errorf("after Reset:\n%s\nfresh:\n%s", got, want)
	}
}

func TestSumOfNullSlotsThatHoldNaN(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "x:float64\n1\nNaN\nInf\n2")
	masked, err := agg.Mask(mem, b.Column(0), columnar.Bitmap{Bits: []byte{0b1001}, N: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer masked.Release()
	for _, groups := range [][]uint32{nil, {0, 0, 0, 0}} {
		acc := bind(t, "sum", masked.DataType()).New(mem)
		if err := acc.Update(groups, 1, masked); err != nil {
			t.Fatal(err)
		}
		out, err := acc.Final(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := columnartest.Cell(out, 0); got != "3" {
			t.Errorf("sum %s, want 3", got)
		}
		out.Release()
		acc.Release()
	}
}

func TestSumOfIntegersIsExact(t *testing.T) {
	mem := columnartest.Allocator(t)
	for _, c := range []struct{ text, want string }{
		{"x:int64\n9223372036854775807\n1\n-1", "9223372036854775807"},
		{"x:int64\n-9223372036854775808\n-9223372036854775808\n9223372036854775807\n1", "-9223372036854775808"},
		{"x:int64\n9223372036854775807\n1", "overflow"},
		{"x:int64\n-9223372036854775808\n-1", "overflow"},
		{"x:uint64\n18446744073709551615", "overflow"},
		{"x:uint64\n9223372036854775806\n1", "9223372036854775807"},
		{"x:decimal(38,0)\n99999999999999999999999999999999999999\n99999999999999999999999999999999999999\n-99999999999999999999999999999999999999", "99999999999999999999999999999999999999"},
		{"x:decimal(38,0)\n99999999999999999999999999999999999999\n1", "overflow"},
		{"x:decimal(38,0)\n-99999999999999999999999999999999999999\n-99999999999999999999999999999999999999\n-99999999999999999999999999999999999999\n-99999999999999999999999999999999999999", "overflow"},
	} {
		b := columnartest.Batch(t, mem, c.text)
		for _, grouped := range []bool{true, false} {
			acc := bind(t, "sum", b.Column(0).DataType()).New(mem)
			var groups []uint32
			if grouped {
				groups = make([]uint32, b.NumRows())
			}
			if err := acc.Update(groups, 1, b.Column(0)); err != nil {
				t.Fatal(err)
			}
			out, err := acc.Final(nil)
			got := "overflow"
			if err == nil {
				got = columnartest.Cell(out, 0)
				out.Release()
			} else if e := (*kernels.Error)(nil); !errors.As(err, &e) || e.Code != kernels.CodeOverflow {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%q grouped=%v: %s, want %s", c.text, grouped, got, c.want)
			}
			acc.Release()
			// TRY_SUM has NULL for what overflows.
			acc = bind(t, "try_sum", b.Column(0).DataType()).New(mem)
			if err := acc.Update(groups, 1, b.Column(0)); err != nil {
				t.Fatal(err)
			}
			if out, err = acc.Final(nil); err != nil {
				t.Fatal(err)
			}
			if got, want := columnartest.Cell(out, 0), strings.Replace(c.want, "overflow", "null", 1); got != want {
				t.Errorf("try: %q grouped=%v: %s, want %s", c.text, grouped, got, want)
			}
			out.Release()
			acc.Release()
		}
	}
}

func TestEmptyAggregates(t *testing.T) {
	mem := columnartest.Allocator(t)
	f64 := arrow.PrimitiveTypes.Float64
	for name, want := range map[string]string{"count": "0", "sum": "null", "avg": "null", "min": "null", "var_pop": "null", "approx_count_distinct": "0"} {
		acc := bind(t, name, f64).New(mem)
		out, err := acc.Final([]uint32{0})
		if err != nil {
			t.Fatal(err)
		}
		if got := columnartest.Cell(out, 0); got != want {
			t.Errorf("%s of nothing: %s, want %s", name, got, want)
		}
		out.Release()
		acc.Release()
	}
}

func TestApproxCountDistinctError(t *testing.T) {
	mem := columnartest.Allocator(t)
	worst := 0.0
	for _, n := range []int{100, 256, 257, 1000, 10_000, 100_000} {
		x := array.NewInt64Builder(mem)
		for i := range n {
			x.Append(int64(i) * 31)
			if i%3 == 0 {
				x.Append(int64(i) * 31)
			}
		}
		a := x.NewArray()
		x.Release()
		acc := bind(t, "approx_count_distinct", a.DataType()).New(mem)
		if err := acc.Update(nil, 1, a); err != nil {
			t.Fatal(err)
		}
		out, err := acc.Final(nil)
		if err != nil {
			t.Fatal(err)
		}
		got := out.(*array.Int64).Value(0)
		off := math.Abs(float64(got)-float64(n)) / float64(n)
		worst = max(worst, off)
		if n <= 256 && off != 0 || off > 0.05 {
			t.Errorf("%d distinct values: estimate %d", n, got)
		}
		out.Release()
		acc.Release()
		a.Release()
	}
	t.Logf("largest relative error %.3f", worst)
}

func TestMask(t *testing.T) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(1, 2))
	c := aggCase{fn: "x", types: "bool int64 utf8 dict list<int64> vector[2] struct<a:int64,b:utf8>"}
	in := c.input(t, mem, r, 100, 1)
	for i, a := range in.cols {
		keep := columnar.NewBitmap(110)
		for k := range 110 {
			if r.IntN(2) == 0 {
				keep.Set(k)
			}
		}
		keep = keep.Slice(5, 105)
		got, err := agg.Mask(mem, a, keep)
		if err != nil {
			t.Fatal(err)
		}
		nulls := 0
		for k := range 100 {
			want := columnartest.Cell(a, k)
			if !keep.Get(k) {
				want = "null"
			}
			if want == "null" {
				nulls++
			}
			if cell := columnartest.Cell(got, k); cell != want {
				t.Fatalf("column %d row %d: %s, want %s", i, k, cell, want)
			}
		}
		if got.NullN() != nulls {
			t.Errorf("column %d: %d nulls, want %d", i, got.NullN(), nulls)
		}
		got.Release()
	}
	if _, err := agg.Mask(mem, in.cols[0], columnar.Bitmap{N: 3}); err == nil {
		t.Error("no error for 3 bits of 100 rows")
	}
}

func TestBindErrors(t *testing.T) {
	i64, text, boolean := arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String, arrow.FixedWidthTypes.Boolean
	for _, c := range []struct {
		fn       string
		args     []arrow.DataType
		distinct bool
		want     string
	}{
		{"sum", []arrow.DataType{text}, false, "sum of VARCHAR: want a number or a duration [AS1601] (CAST the text AS DOUBLE; TRY_CAST gives NULL where it is no number)"},
		{"sum", nil, false, "sum: want sum(x), got 0 arguments [AS1601]"},
		{"avg", []arrow.DataType{boolean}, false, "avg of BOOLEAN: want a number or a duration [AS1601]"},
		{"count_if", []arrow.DataType{i64}, false, "count_if of BIGINT: want a boolean [AS1601]"},
		{"last", []arrow.DataType{i64}, true, "last does not take DISTINCT [AS1601]"},
		{"corr", []arrow.DataType{i64, text}, false, "corr of VARCHAR: want a number [AS1601] (CAST the text AS DOUBLE; TRY_CAST gives NULL where it is no number)"},
		{"count", nil, true, "count with DISTINCT takes one argument, not 0 [AS1601]"},
		{"min", []arrow.DataType{arrow.ListOf(i64)}, false, "min of ARRAY<BIGINT>: want a type with an order [AS1601]"},
		{"accuracy", []arrow.DataType{text, i64}, false, "accuracy of BIGINT: want the type of the prediction, VARCHAR [AS1601]"},
	} {
		f, ok := agg.Find(c.fn)
		if !ok {
			t.Fatalf("no function %s", c.fn)
		}
		_, err := f.Bind(c.args, c.distinct)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.fn, err, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	names := agg.Names()
	seen := map[string]bool{}
	for _, name := range names {
		f, ok := agg.Find(name)
		if !ok || f.Name != name {
			t.Errorf("%s is not found", name)
		}
		for _, n := range append(slices.Clone(f.Aliases), f.Name) {
			if seen[n] {
				t.Errorf("two functions are called %s", n)
			}
			seen[n] = true
		}
	}
	if f, ok := agg.Find("MEAN"); !ok || f.Name != "avg" {
		t.Error("MEAN is not avg")
	}
	if _, ok := agg.Find("nothing"); ok {
		t.Error("found nothing")
	}
}

func BenchmarkSum(b *testing.B) {
	const rows = 65536
	r := rand.New(rand.NewPCG(1, 2))
	for _, nulls := range []int{0, 10} {
		f, n := array.NewFloat64Builder(columnar.Pool), array.NewInt64Builder(columnar.Pool)
		groups := make([]uint32, rows)
		for i := range rows {
			groups[i] = uint32(r.IntN(1000))
			if r.IntN(100) < nulls {
				f.AppendNull()
				n.AppendNull()
				continue
			}
			f.Append(r.NormFloat64())
			n.Append(r.Int64N(1000))
		}
		for _, a := range []arrow.Array{f.NewArray(), n.NewArray()} {
			for _, fn := range []string{"sum", "max", "count", "var_samp"} {
				if fn == "var_samp" && a.DataType().ID() != arrow.FLOAT64 {
					continue
				}
				spec := bind(b, fn, a.DataType())
				for _, g := range [][]uint32{nil, groups} {
					b.Run(fmt.Sprintf("fn=%s/type=%s/nulls=%d%%/grouped=%v/rows=%d", fn, a.DataType(), nulls, g != nil, rows), func(b *testing.B) {
						acc := spec.New(columnar.Pool)
						b.ReportAllocs()
						for b.Loop() {
							if err := acc.Update(g, 1000, a); err != nil {
								b.Fatal(err)
							}
						}
						b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
					})
				}
			}
		}
	}
}
