package rowsum

import (
	"encoding/binary"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/zeebo/xxh3"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func sum(t *testing.T, texts ...string) Sum {
	t.Helper()
	var s Sum
	for _, text := range texts {
		if err := s.Add(columnartest.Batch(t, columnartest.Allocator(t), text)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestBytes(t *testing.T) {
	row := binary.LittleEndian.AppendUint64([]byte{1}, ^uint64(4)) // -5
	row = append(row, 0)
	row = append(row, 1, 2, 'h', 'i')
	if got, want := sum(t, "a:int32 b:utf8 c:utf8\n-5 null hi").Hash, xxh3.Hash(row); got != want {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestInvariance(t *testing.T) {
	header := "a:int64 f:float64 s:utf8 t:timestamp[us] d:decimal(5,2) b:bool l:list<int64> st:struct<x:int64>\n"
	r1, r2 := "1 NaN x 1000 1.5 true [1,null] {1}\n", "null -0 \"\" null null null null null\n"
	want := sum(t, header+r1+r2)
	for name, got := range map[string]Sum{
		"order":   sum(t, header+r2+r1),
		"batches": sum(t, header+r1, header, header+r2),
		"types":   sum(t, "a:int8 f:float64 s:dict t:timestamp[ms] d:decimal(9,2) b:bool l:list<int64> st:struct<x:int64>\n1 NaN x 1 1.5 true [1,null] {1}\nnull 0 \"\" null null null null null"),
		"retract": sum(t, "a:int64 f:float64 s:utf8 t:timestamp[us] d:decimal(5,2) b:bool l:list<int64> st:struct<x:int64> __op:int8\n"+
			"1 NaN x 1000 1.5 true [1,null] {1} 0\n5 1 x 1 1 true [] {2} 0\n5 1 x 1 1 true [] {2} 1\nnull -0 \"\" null null null null null 2"),
	} {
		if got.Hash != want.Hash || got.Rows != want.Rows {
			t.Errorf("%s: %s of %d rows, want %s of %d", name, got.String(), got.Rows, want.String(), want.Rows)
		}
	}
	b := columnartest.Batch(t, columnartest.Allocator(t), header+r1+r1+r2)
	cut := b.NewSlice(1, 3)
	defer cut.Release()
	var got Sum
	if err := got.Add(cut); err != nil || got.Hash != want.Hash {
		t.Errorf("slice: %s %v", got.String(), err)
	}
}

func TestDifference(t *testing.T) {
	seen := map[uint64]string{}
	for _, text := range []string{"a:utf8 b:utf8\nx yz", "a:utf8 b:utf8\nxy z", "a:utf8 b:utf8\nx null", "a:utf8 b:utf8\nnull x", "a:utf8 b:utf8\nx \"\"", "a:int64\n1", "a:float64\n1", "a:int64\n1\n1"} {
		h := sum(t, text).Hash
		if other, dup := seen[h]; dup {
			t.Errorf("%q and %q have one checksum", text, other)
		}
		seen[h] = text
	}
}

func BenchmarkAdd(b *testing.B) {
	text := "a:int64 b:int64 s:utf8\n"
	for range 1000 {
		text += "1 2 some-text-of-a-row\n"
	}
	rec := columnartest.Batch(b, columnartest.Allocator(b), text)
	var s Sum
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Add(rec); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(arrow.Record(rec).NumRows())*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
