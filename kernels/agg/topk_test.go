package agg_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// topRows are the columns of approx_top_k(x, k, tracked).
func topRows(mem memory.Allocator, vals []int64, k, tracked int64) []arrow.Array {
	out := make([]arrow.Array, 3)
	for i := range out {
		b := array.NewInt64Builder(mem)
		for _, v := range vals {
			b.Append([]int64{v, k, tracked}[i])
		}
		out[i] = b.NewArray()
		b.Release()
	}
	return out
}

func topSpec(t *testing.T) *agg.Spec {
	t.Helper()
	i64 := arrow.PrimitiveTypes.Int64
	f, _ := agg.Find("approx_top_k")
	spec, err := f.Bind([]arrow.DataType{i64, i64, i64}, false)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestApproxTopKBound has more values than are tracked: numbers are at most the
// true ones and at most rows/(tracked+1) less, also of merged halves, and the
// state does not depend on cuts and restarts.
func TestApproxTopKBound(t *testing.T) {
	const rows, k, tracked = 20_000, 40, 50
	mem := columnartest.Allocator(t)
	spec := topSpec(t)
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 3))
		zipf := rand.NewZipf(r, 1.1+float64(seed)/4, 2, 5000)
		vals, truth := make([]int64, rows), map[int64]int64{}
		for i := range vals {
			vals[i] = int64(zipf.Uint64())
			truth[vals[i]]++
		}
		update := func(acc agg.Accumulator, vals []int64) {
			cols := topRows(mem, vals, k, tracked)
			if err := acc.Update(nil, 1, cols...); err != nil {
				t.Fatal(err)
			}
			for _, c := range cols {
				c.Release()
			}
		}
		check := func(acc agg.Accumulator) {
			out, err := acc.Final(nil)
			if err != nil {
				t.Fatal(err)
			}
			defer out.Release()
			items := out.(*array.List).ListValues().(*array.Struct)
			names, counts := columnar.Values[int64](items.Field(0)), columnar.Values[int64](items.Field(1))
			if len(names) != k {
				t.Errorf("%d values", len(names))
			}
			for i, v := range names {
				if counts[i] > truth[v] || counts[i] < truth[v]-rows/(tracked+1) {
					t.Errorf("value %d: %d of %d", v, counts[i], truth[v])
				}
				delete(truth, v)
			}
			for v, n := range truth { // what is left out occurs no more than the last, up to the bound
				if n > counts[k-1]+rows/(tracked+1) {
					t.Errorf("%d occurs %d times and is left out, the last one %d", v, n, counts[k-1])
				}
			}
			for _, v := range vals {
				truth[v] = 0
			}
			for _, v := range vals {
				truth[v]++
			}
		}
		whole, parts, halves := spec.New(mem), spec.New(mem), spec.New(mem)
		update(whole, vals)
		for lo := 0; lo < rows; {
			hi := min(rows, lo+1+r.IntN(700))
			update(parts, vals[lo:hi])
			if lo = hi; r.IntN(5) == 0 {
				parts = restore(t, mem, spec, parts)
			}
		}
		if got, want := snapshot(t, parts, nil), snapshot(t, whole, nil); got != want {
			t.Fatalf("in parts:\n%s\nat once:\n%s", got, want)
		}
		for _, half := range [][]int64{vals[:rows/3], vals[rows/3:]} {
			pane := spec.New(mem)
			update(pane, half)
			state, err := pane.State(nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := halves.Merge([]uint32{0}, 1, state...); err != nil {
				t.Fatal(err)
			}
			for _, a := range state {
				a.Release()
			}
			pane.Release()
		}
		check(whole)
		check(halves)
		whole.Release()
		parts.Release()
		halves.Release()
	}
}

// TestApproxTopKSizes has k and tracked that cannot be.
func TestApproxTopKSizes(t *testing.T) {
	mem := columnartest.Allocator(t)
	for _, c := range []struct {
		k, tracked int64
		want       string
	}{{0, 10, "k is not from 1"}, {5, 4, "k is 5 of 4"}, {1, 2_000_000, "tracked is not from 1"}} {
		acc := topSpec(t).New(mem)
		cols := topRows(mem, []int64{1, 2}, c.k, c.tracked)
		if err := acc.Update(nil, 1, cols...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("k %d, tracked %d: %v", c.k, c.tracked, err)
		}
		for _, a := range cols {
			a.Release()
		}
		acc.Release()
	}
}

func BenchmarkApproxTopK(b *testing.B) {
	const rows = 65536
	r := rand.New(rand.NewPCG(1, 1))
	zipf := rand.NewZipf(r, 1.1, 2, 1<<20)
	vals := make([]int64, rows)
	for i := range vals {
		vals[i] = int64(zipf.Uint64())
	}
	cols := topRows(memory.DefaultAllocator, vals, 10, 1000)
	f, _ := agg.Find("approx_top_k")
	i64 := arrow.PrimitiveTypes.Int64
	spec, err := f.Bind([]arrow.DataType{i64, i64, i64}, false)
	if err != nil {
		b.Fatal(err)
	}
	acc := spec.New(memory.DefaultAllocator)
	b.SetBytes(8 * rows)
	for b.Loop() {
		if err := acc.Update(nil, 1, cols...); err != nil {
			b.Fatal(err)
		}
	}
}
