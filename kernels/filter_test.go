package kernels_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels"
)

// moveTypes are the column types that the kernels which move rows are tested with.
var moveTypes = []string{
	"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "utf8", "binary",
	"large_utf8", "large_binary", "dict", "date32", "timestamp[us]", "duration[ms]", "decimal(12,2)", "list<int32>", "list<utf8>",
	"vector[3]", "struct<a:int64,b:utf8>", "null",
}

// moveCell is a random cell of a column type, as columnartest writes it.
func moveCell(r *rand.Rand, typ string) string {
	if typ == "null" || r.IntN(5) == 0 {
		return "null"
	}
	switch typ {
	case "bool":
		return []string{"true", "false"}[r.IntN(2)]
	case "float32", "float64":
		return []string{"NaN", "-0", "0", "1.5", "-2.5", "Inf", "-Inf", "7"}[r.IntN(8)]
	case "utf8", "large_utf8", "dict", "binary", "large_binary":
		return []string{`""`, "a", "bb", "ccc", "Zürich", "prefix_and_a", "prefix_and_b"}[r.IntN(7)]
	case "decimal(12,2)":
		return fmt.Sprintf("%d.%02d", r.IntN(200)-100, r.IntN(100))
	case "date32":
		return fmt.Sprint(r.IntN(40000) - 20000)
	case "list<int32>":
		return []string{"[]", "[1]", "[1,2]", "[null,3]", "[4,5,6,7]"}[r.IntN(5)]
	case "list<utf8>":
		return []string{"[]", "[x]", "[x,yy]", "[null]"}[r.IntN(4)]
	case "vector[3]":
		return fmt.Sprintf("[%d,%d,0.5]", r.IntN(9), r.IntN(9))
	case "struct<a:int64,b:utf8>":
		return []string{"{1,x}", "{2,null}", "{null,yy}"}[r.IntN(3)]
	case "int8", "int16", "int32", "int64", "timestamp[us]", "duration[ms]":
		return fmt.Sprint(r.IntN(200) - 100)
	}
	return fmt.Sprint(r.IntN(200))
}

// moveBatch is a random batch of n rows with a column of every type, cut out of
// a longer one so that its offset is not 0. The caller releases it.
func moveBatch(t testing.TB, mem memory.Allocator, r *rand.Rand, n int) arrow.Record {
	t.Helper()
	head, tail := r.IntN(70), r.IntN(5)
	var sb strings.Builder
	for i, typ := range moveTypes {
		fmt.Fprintf(&sb, "c%d:%s ", i, typ)
	}
	for range head + n + tail {
		sb.WriteByte('\n')
		for _, typ := range moveTypes {
			sb.WriteString(moveCell(r, typ) + " ")
		}
	}
	whole, err := columnartest.Parse(mem, sb.String())
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Release()
	return whole.NewSlice(int64(head), int64(head+n))
}

// sameRows fails at the first row of got that is not the wanted one.
func sameRows(t *testing.T, got arrow.Record, want []string) {
	t.Helper()
	have := columnartest.Rows(got)
	for i := range min(len(have), len(want)) {
		if have[i] != want[i] {
			t.Fatalf("row %d of %d:\ngot  %q\nwant %q", i, len(want), have[i], want[i])
		}
	}
	if len(have) != len(want) {
		t.Fatalf("%d rows, want %d", len(have), len(want))
	}
}

// randomBits are n bits, set with the given probability, at an offset.
func randomBits(r *rand.Rand, n int, p float64) columnar.Bitmap {
	whole := columnar.NewBitmap(n + 13)
	for i := range n + 13 {
		if r.Float64() < p {
			whole.Set(i)
		}
	}
	return whole.Slice(7, n+7)
}

func TestFilterAgainstRows(t *testing.T) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 5, 63, 64, 65, 130, 300} {
		for _, p := range []float64{0, 0.03, 0.3, 0.5, 0.9, 0.98, 1} {
			b := moveBatch(t, mem, r, n)
			keep := randomBits(r, n, p)
			got, err := kernels.Filter(mem, b, keep)
			if err != nil {
				t.Fatal(err)
			}
			rows, want := columnartest.Rows(b), []string{}
			for i := range keep.Ones() {
				want = append(want, rows[i])
			}
			sameRows(t, got, want)
			if got.NumRows() != int64(keep.Count()) {
				t.Fatalf("n=%d p=%g: %d rows, want %d", n, p, got.NumRows(), keep.Count())
			}
			got.Release()
			b.Release()
		}
	}
}

func TestFilterOfAllRowsIsTheBatch(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "x:int64\n1\n2")
	for _, keep := range []columnar.Bitmap{{N: 2}, {Bits: []byte{3}, N: 2}} {
		got, err := kernels.Filter(mem, b, keep)
		if err != nil || got != b {
			t.Fatalf("got %v, %v", got, err)
		}
		got.Release()
	}
	if _, err := kernels.Filter(mem, b, columnar.Bitmap{N: 3}); err == nil {
		t.Fatal("no error for 3 bits of 2 rows")
	}
}

func TestMovedNullsAreZero(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "x:int64 s:utf8\n1 a\n2 b\n3 c")
	// The slots of nulls hold 2 and "b" here.
	x, s := withValidity(b.Column(0), 0b101), withValidity(b.Column(1), 0b101)
	defer x.Release()
	defer s.Release()
	keep := columnar.Bitmap{Bits: []byte{0b110}, N: 3}
	fx, _ := kernels.FilterArray(mem, x, keep)
	fs, _ := kernels.FilterArray(mem, s, keep)
	tx, _ := kernels.Take(mem, x, []int32{1, 2})
	ts, _ := kernels.Take(mem, s, []int32{1, 2})
	for _, a := range []arrow.Array{fx, tx} {
		if got := columnar.Values[int64](a); got[0] != 0 || got[1] != 3 || a.NullN() != 1 {
			t.Errorf("got %v", got)
		}
		a.Release()
	}
	for _, a := range []arrow.Array{fs, ts} {
		if got := columnar.StringsOf(a); len(got.Bytes(0)) != 0 || got.String(1) != "c" || a.NullN() != 1 {
			t.Errorf("got %v", a)
		}
		a.Release()
	}
}

// withValidity is a with another validity byte.
func withValidity(a arrow.Array, bits byte) arrow.Array {
	buffers := slices.Clone(a.Data().Buffers())
	buffers[0] = memory.NewBufferBytes([]byte{bits})
	d := array.NewData(a.DataType(), a.Len(), buffers, nil, -1, 0)
	defer d.Release()
	return array.MakeFromData(d)
}

func FuzzFilterAndTake(f *testing.F) {
	f.Add(uint64(1), uint64(2), []byte{0xff, 0, 0x55})
	f.Fuzz(func(t *testing.T, s1, s2 uint64, bits []byte) {
		if len(bits) > 40 {
			bits = bits[:40]
		}
		mem := columnartest.Allocator(t)
		r := rand.New(rand.NewPCG(s1, s2))
		n := max(0, 8*len(bits)-r.IntN(8))
		b := moveBatch(t, mem, r, n)
		defer b.Release()
		keep := columnar.Bitmap{Bits: append(bits, 0), N: n}
		var idx []int32
		for i := range keep.Ones() {
			idx = append(idx, int32(i))
		}
		filtered, err := kernels.Filter(mem, b, keep)
		if err != nil {
			t.Fatal(err)
		}
		defer filtered.Release()
		taken, err := kernels.TakeRecord(mem, b, idx)
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Release()
		columnartest.Equal(t, filtered, taken)
	})
}
