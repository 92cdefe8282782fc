package kernels_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
)

func TestCompareOrder(t *testing.T) {
	mem := columnartest.Allocator(t)
	// Every column ascends; = means equal to the row before.
	for _, c := range []struct{ typ, cells string }{
		{"float64", "null =null -Inf -1 -0 =0 1 Inf NaN =NaN"},
		{"float32", "null -Inf -1 =-1 0 =-0 NaN"},
		{"int64", "null -9223372036854775808 -1 0 9223372036854775807"},
		{"uint64", "null 0 1 18446744073709551615"},
		{"int8", "null -128 0 127"},
		{"bool", "null false =false true"},
		{"utf8", `null "" B a aa =aa aaaaaaaab aaaaaaaac b é`},
		{"dict", `null "" B a aa =aa aaaaaaaab aaaaaaaac b é`},
		{"decimal(20,2)", "null -5.00 -0.01 0.00 =0.00 0.01 99999999999999.99"},
		{"list<int64>", "null [] [null] [1] =[1] [1,null] [1,2] [2]"},
		{"struct<a:int64,b:utf8>", "null {null,a} {1,null} {1,a} ={1,a} {2,a}"},
		{"timestamp[us]", "null -1 0 1"},
	} {
		text, class := "x:"+c.typ, []int{}
		for _, cell := range strings.Fields(c.cells) {
			next := len(class)
			if rest, same := strings.CutPrefix(cell, "="); same {
				cell, next = rest, class[len(class)-1]
			}
			text, class = text+"\n"+cell, append(class, next)
		}
		x := columnartest.Batch(t, mem, text).Column(0)
		for i := range class {
			for j := range class {
				if got, want := kernels.Compare(x, i, x, j), cmp.Compare(class[i], class[j]); got != want {
					t.Errorf("%s: row %d and %d: %d, want %d", c.typ, i, j, got, want)
				}
			}
		}
	}
}

// sortOracle orders rows by comparing whole keys.
func sortOracle(keys []kernels.SortKey, n int) []int32 {
	idx := make([]int32, n)
	for i := range idx {
		idx[i] = int32(i)
	}
	slices.SortStableFunc(idx, func(i, j int32) int {
		for _, k := range keys {
			c := kernels.Compare(k.Col, int(i), k.Col, int(j))
			if c == 0 {
				continue
			}
			switch {
			case k.Col.IsNull(int(i)) || k.Col.IsNull(int(j)):
				if k.NullsLast {
					c = -c
				}
			case k.Desc:
				c = -c
			}
			return c
		}
		return 0
	})
	return idx
}

func TestSortAndTopKAgainstOracle(t *testing.T) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(9, 10))
	for round := range 150 {
		n := r.IntN(60)
		if round%10 == 0 {
			n = 700 + r.IntN(300)
		}
		b := moveBatch(t, mem, r, n)
		var keys []kernels.SortKey
		for range 1 + r.IntN(3) {
			col := b.Column(r.IntN(len(moveTypes) - 1))
			if round%10 == 0 {
				col = b.Column([]int{0, 7, 10, 11, 15}[r.IntN(5)])
			}
			keys = append(keys, kernels.SortKey{Col: col, Desc: r.IntN(2) == 0, NullsLast: r.IntN(2) == 0})
		}
		want := sortOracle(keys, n)
		got, err := kernels.SortIndices(keys, n)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("sort of %v:\ngot  %v, %v\nwant %v", keys, got, err, want)
		}
		for _, k := range []int{0, 1, 3, n / 5, n, n + 5} {
			got, err := kernels.TopK(keys, n, k)
			if err != nil || !slices.Equal(got, want[:min(k, n)]) {
				t.Fatalf("top %d of %v:\ngot  %v, %v\nwant %v", k, keys, got, err, want[:min(k, n)])
			}
		}
		b.Release()
	}
}

func TestHashOfEqualValues(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, `s:utf8 d:dict l:large_utf8 x:float64 y:float32 i:int32 j:int64 v:list<int64>
a a a NaN NaN 7 7 [1]
null null null null null null null null
"" "" "" -0 0 -1 -1 []
long_long_long long_long_long long_long_long 0 -0 3 3 [1,null]`)
	hash := func(cols ...int) []uint64 {
		out := make([]uint64, 4)
		var keys []arrow.Array
		for _, c := range cols {
			keys = append(keys, b.Column(c))
		}
		if err := kernels.Hash(keys, out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, pair := range [][2][]int{{{0}, {1}}, {{0}, {2}}, {{3}, {4}}, {{5}, {6}}, {{0, 5}, {1, 6}}} {
		if x, y := hash(pair[0]...), hash(pair[1]...); !slices.Equal(x, y) {
			t.Errorf("columns %v: %x, %v: %x", pair[0], x, pair[1], y)
		}
	}
	if x := hash(3); x[2] != x[3] {
		t.Error("-0 and +0 differ")
	}
	// The hashes decide what goes where in a stored state: they must not change.
	if got, want := fmt.Sprintf("%x", hash(0, 6)[:2]), "[5e61260cf6651661 d9ed726435ea304b]"; got != want {
		t.Errorf("hashes %s, want %s", got, want)
	}
	for _, cols := range [][]int{{0}, {5}, {7}} {
		x := hash(cols...)
		slices.Sort(x)
		if len(slices.Compact(x)) != 4 {
			t.Errorf("columns %v: different rows have equal hashes", cols)
		}
	}
}

func TestHashOfADictionaryLongerThanTheColumn(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "d:dict s:utf8\na a\nb b\nc c\nnull null\nb b")
	short := b.NewSlice(1, 2)
	defer short.Release()
	var x, y [1]uint64
	if err := kernels.Hash(short.Columns()[:1], x[:]); err != nil {
		t.Fatal(err)
	}
	if err := kernels.Hash(short.Columns()[1:], y[:]); err != nil || x != y {
		t.Errorf("dictionary %x, strings %x, %v", x, y, err)
	}
}

func TestHashSpreads(t *testing.T) {
	b := array.NewInt64Builder(columnar.Pool)
	for i := range int64(1 << 16) {
		b.Append(i)
	}
	a := b.NewArray()
	defer a.Release()
	out := make([]uint64, a.Len())
	if err := kernels.Hash([]arrow.Array{a}, out); err != nil {
		t.Fatal(err)
	}
	var low, high [256]int
	for _, h := range out {
		low[h&255]++
		high[h>>56]++
	}
	for i := range 256 {
		if low[i] < 150 || low[i] > 380 || high[i] < 150 || high[i] > 380 {
			t.Fatalf("bucket %d holds %d and %d of 65536 rows, want about 256", i, low[i], high[i])
		}
	}
}

func BenchmarkHash(b *testing.B) {
	const rows = 65536
	ints, text := array.NewInt64Builder(columnar.Pool), array.NewStringBuilder(columnar.Pool)
	for i := range rows {
		ints.Append(int64(i) * 7919)
		text.Append(fmt.Sprintf("customer-%06d", i))
	}
	out := make([]uint64, rows)
	for _, c := range []struct {
		name string
		a    arrow.Array
	}{{"int64", ints.NewArray()}, {"utf8", text.NewArray()}} {
		b.Run(fmt.Sprintf("type=%s/rows=%d", c.name, rows), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := kernels.Hash([]arrow.Array{c.a}, out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}

func BenchmarkSort(b *testing.B) {
	const rows = 65536
	r := rand.New(rand.NewPCG(1, 2))
	x := array.NewFloat64Builder(columnar.Pool)
	for range rows {
		x.Append(r.NormFloat64())
	}
	keys := []kernels.SortKey{{Col: x.NewArray()}}
	b.Run(fmt.Sprintf("type=float64/rows=%d", rows), func(b *testing.B) {
		for b.Loop() {
			if _, err := kernels.SortIndices(keys, rows); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
	})
	b.Run(fmt.Sprintf("top=10/type=float64/rows=%d", rows), func(b *testing.B) {
		for b.Loop() {
			if _, err := kernels.TopK(keys, rows, 10); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
	})
}

// TestSortLongTexts sorts strings that share beginnings, differ in zero bytes
// and end where a word ends, both ways, with a second key behind them.
func TestSortLongTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	mem := columnartest.Allocator(t)
	for _, shared := range []string{"", "customer-", "seven..seven.."} {
		for _, n := range []int{2, 50, 2000} {
			text, second := array.NewBinaryBuilder(mem, arrow.BinaryTypes.Binary), array.NewInt64Builder(mem)
			for range n {
				b := []byte(shared)
				for range r.IntN(24) {
					b = append(b, "\x00\x01\xffa"[min(r.IntN(40), 3)])
				}
				text.Append(b)
				second.Append(r.Int64N(3))
			}
			x, y := text.NewArray(), second.NewArray()
			for _, desc := range []bool{false, true} {
				keys := []kernels.SortKey{{Col: x, Desc: desc}, {Col: y, Desc: !desc}}
				got, err := kernels.SortIndices(keys, n)
				if err != nil {
					t.Fatal(err)
				}
				if want := sortOracle(keys, n); !slices.Equal(got, want) {
					t.Fatalf("%q, %d rows, descending %v: %v, want %v", shared, n, desc, got, want)
				}
			}
			x.Release()
			y.Release()
			text.Release()
			second.Release()
		}
	}
}
