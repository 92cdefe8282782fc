package kernels_test

import (
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
)

func TestTakeAgainstRows(t *testing.T) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(3, 4))
	nulls := strings.Repeat("null ", len(moveTypes)-1) + "(null)" // the last column has type null
	for _, n := range []int{1, 7, 64, 200} {
		for _, holes := range []bool{false, true} {
			b := moveBatch(t, mem, r, n)
			rows := columnartest.Rows(b)
			idx, want := make([]int32, r.IntN(3*n)), []string{}
			for i := range idx {
				idx[i] = int32(r.IntN(n))
				if holes && r.IntN(4) == 0 {
					idx[i] = -1
					want = append(want, nulls)
					continue
				}
				want = append(want, rows[idx[i]])
			}
			got, err := kernels.TakeRecord(mem, b, idx)
			if err != nil {
				t.Fatal(err)
			}
			sameRows(t, got, want)
			got.Release()
			b.Release()
		}
	}
}

func TestTakeRefusesPositionsOutside(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "x:int64\n1\n2")
	for _, idx := range [][]int32{{2}, {0, -2}} {
		if _, err := kernels.Take(mem, b.Column(0), idx); err == nil {
			t.Errorf("no error for %v of 2 rows", idx)
		}
	}
}

func TestPartition(t *testing.T) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(5, 6))
	b := moveBatch(t, mem, r, 300)
	defer b.Release()
	keys := []int{7, 15, 10} // int64, dict, float64
	hashes := make([]uint64, 300)
	cols := []arrow.Array{b.Column(7), b.Column(15), b.Column(10)}
	if err := kernels.Hash(cols, hashes); err != nil {
		t.Fatal(err)
	}
	rows := columnartest.Rows(b)
	var by kernels.Partitioner
	for _, n := range []int{7, 1, 2, 64} { // the scratch of one is used by the next
		parts, err := by.Split(mem, b, keys, n)
		if err != nil {
			t.Fatal(err)
		}
		for p, part := range parts {
			var want []string
			for i, h := range hashes {
				if hi, _ := bits.Mul64(h, uint64(n)); hi == uint64(p) {
					want = append(want, rows[i])
				}
			}
			sameRows(t, part, want)
			part.Release()
		}
	}
	if _, err := by.Split(mem, b, []int{99}, 2); err == nil {
		t.Error("no error for a column that is not there")
	}
	if _, err := by.Split(mem, b, nil, 0); err == nil {
		t.Error("no error for 0 parts")
	}
}

func TestConcat(t *testing.T) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(7, 8))
	var recs []arrow.Record
	var want []string
	for _, n := range []int{3, 0, 70, 1} {
		b := moveBatch(t, mem, r, n)
		recs, want = append(recs, b), append(want, columnartest.Rows(b)...)
	}
	got, err := kernels.Concat(mem, recs)
	if err != nil {
		t.Fatal(err)
	}
	sameRows(t, got, want)
	got.Release()
	one, err := kernels.Concat(mem, recs[:1])
	if err != nil || one != recs[0] {
		t.Errorf("one record: got %v, %v", one, err)
	}
	one.Release()
	if _, err := kernels.Concat(mem, nil); err == nil {
		t.Error("no error for no records")
	}
	for _, b := range recs {
		b.Release()
	}
}

// TestMovesOfRareTypes goes through types that columnartest cannot write.
func TestMovesOfRareTypes(t *testing.T) {
	for _, c := range []struct {
		t    arrow.DataType
		text string
	}{
		{arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), `[[{"key":"a","value":1}],null,[],[{"key":"b","value":2},{"key":"c","value":null}],[{"key":"d","value":4}]]`},
		{arrow.LargeListOf(arrow.PrimitiveTypes.Int32), `[[1],null,[],[2,null,3],[4]]`},
		{arrow.ListOf(arrow.ListOf(arrow.BinaryTypes.String)), `[[["a"],null],null,[],[["b","c"]],[[]]]`},
		{&arrow.FixedSizeBinaryType{ByteWidth: 3}, `["YWJj",null,"ZGVm","Z2hp","amts"]`},
		{&arrow.Decimal256Type{Precision: 50, Scale: 1}, `["1.5",null,"-2.5","99999999999999999999999999999999999999.9","0.0"]`},
		{arrow.FixedWidthTypes.MonthDayNanoInterval, `[{"months":1,"days":2,"nanoseconds":3},null,{"months":4,"days":5,"nanoseconds":6},{"months":0,"days":0,"nanoseconds":0},{"months":7,"days":0,"nanoseconds":0}]`},
		{arrow.BinaryTypes.StringView, `["a",null,"a string longer than twelve bytes","","b"]`},
		{arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String), `["a","a","b","c","c"]`},
	} {
		t.Run(c.t.String(), func(t *testing.T) {
			mem := columnartest.Allocator(t)
			whole, _, err := array.FromJSON(mem, c.t, strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			defer whole.Release()
			a := array.NewSlice(whole, 1, 5)
			defer a.Release()
			if c.t.ID() == arrow.RUN_END_ENCODED {
				_, err1 := kernels.FilterArray(mem, a, columnar.Bitmap{Bits: []byte{1}, N: 4})
				_, err2 := kernels.Take(mem, a, []int32{1})
				if err1 == nil || err2 == nil {
					t.Errorf("no error: %v, %v", err1, err2)
				}
				return
			}
			filtered, err := kernels.FilterArray(mem, a, columnar.Bitmap{Bits: []byte{0b11010, 0}, Offset: 1, N: 4})
			if err != nil {
				t.Fatal(err)
			}
			defer filtered.Release()
			idx := []int32{0, 2, 3}
			taken, err := kernels.Take(mem, a, idx)
			if err != nil {
				t.Fatal(err)
			}
			defer taken.Release()
			for i, j := range idx {
				want := a.ValueStr(int(j))
				if got := filtered.ValueStr(i); got != want {
					t.Errorf("filter, row %d: %s, want %s", i, got, want)
				}
				if got := taken.ValueStr(i); got != want {
					t.Errorf("take, row %d: %s, want %s", i, got, want)
				}
			}
			holes, err := kernels.Take(mem, a, []int32{-1, 3, -1})
			if err != nil {
				t.Fatal(err)
			}
			defer holes.Release()
			if holes.IsValid(0) || holes.ValueStr(1) != a.ValueStr(3) || holes.IsValid(2) {
				t.Errorf("take with holes: %v", holes)
			}
		})
	}
}
