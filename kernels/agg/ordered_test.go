package agg_test

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/agg"
)

// TestOrderedAgainstNaive compares array_agg(x ORDER BY a DESC, b) with a stable
// sort of the rows, whatever the cuts, over a state that is merged, and after
// rows were taken back.
func TestOrderedAgainstNaive(t *testing.T) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(3, 4))
	i64 := arrow.PrimitiveTypes.Int64
	f, _ := agg.Find("array_agg")
	spec, err := f.BindOrdered([]arrow.DataType{i64, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String}, false, []agg.Order{{Desc: true}, {NullsLast: true}})
	if err != nil {
		t.Fatal(err)
	}
	cell := func(of ...string) string { return of[r.IntN(len(of))] }
	type rec struct {
		x, a, b string
		g       uint32
	}
	var recs []rec
	text := "x:int64 a:float64 b:utf8"
	var groups []uint32
	for i := range 300 {
		v := rec{fmt.Sprint(i), cell("null", "NaN", "0", "1", "2.5"), cell("null", "p", "q"), uint32(r.IntN(7))}
		if i%11 == 0 {
			v.x = "null"
		}
		recs, groups = append(recs, v), append(groups, v.g)
		text += "\n" + v.x + " " + v.a + " " + v.b
	}
	batch := columnartest.Batch(t, mem, text)
	defer batch.Release()
	rank := map[string]int{"null": 0, "0": 1, "1": 2, "2.5": 3, "NaN": 4} // ascending
	last := map[string]int{"p": 0, "q": 1, "null": 2}
	want := func(recs []rec) string {
		lists := make([][]rec, 7)
		for _, v := range recs {
			if v.x != "null" {
				lists[v.g] = append(lists[v.g], v)
			}
		}
		var sb strings.Builder
		for _, l := range lists {
			sort.SliceStable(l, func(i, j int) bool {
				a, b := l[i], l[j]
				if (a.a == "null") != (b.a == "null") {
					return a.a == "null" // NULLs first
				}
				if a.a != b.a {
					return rank[a.a] > rank[b.a]
				}
				return last[a.b] < last[b.b]
			})
			for _, v := range l {
				sb.WriteString(v.x + " ")
			}
			sb.WriteString(";")
		}
		return sb.String()
	}
	show := func(acc agg.Accumulator) string {
		out, err := acc.Final([]uint32{0, 1, 2, 3, 4, 5, 6})
		if err != nil {
			t.Fatal(err)
		}
		defer out.Release()
		var sb strings.Builder
		for i := range out.Len() {
			if out.IsValid(i) {
				s := strings.Trim(kernels.TextAt(out, i), "[]")
				sb.WriteString(strings.ReplaceAll(s, ",", " ") + " ")
			}
			sb.WriteString(";")
		}
		return sb.String()
	}
	for _, size := range []int{1, 7, 300} {
		acc := spec.New(mem)
		for from := 0; from < 300; from += size {
			to := min(from+size, 300)
			part := batch.NewSlice(int64(from), int64(to))
			err := acc.Update(groups[from:to], 7, part.Columns()...)
			part.Release()
			if err != nil {
				t.Fatal(err)
			}
		}
		if got, want := show(acc), want(recs); got != want {
			t.Fatalf("batches of %d:\n%s\nwant\n%s", size, got, want)
		}
		state, err := acc.State([]uint32{0, 1, 2, 3, 4, 5, 6})
		if err != nil {
			t.Fatal(err)
		}
		again := spec.New(mem)
		if err := again.Merge([]uint32{0, 1, 2, 3, 4, 5, 6}, 7, state...); err != nil {
			t.Fatal(err)
		}
		if got, want := show(again), want(recs); got != want {
			t.Fatalf("merged:\n%s\nwant\n%s", got, want)
		}
		for _, a := range state {
			a.Release()
		}
		part := batch.NewSlice(20, 90)
		if err := again.(agg.Retractable).Retract(groups[20:90], 7, part.Columns()...); err != nil {
			t.Fatal(err)
		}
		part.Release()
		rest := append(append([]rec{}, recs[:20]...), recs[90:]...)
		if got, want := show(again), want(rest); got != want {
			t.Fatalf("taken back:\n%s\nwant\n%s", got, want)
		}
		again.Release()
		acc.Release()
	}
}
