package columnartest

import (
	"testing"
)

func TestTextIsTheInverseOfBatch(t *testing.T) {
	mem := Allocator(t)
	for _, text := range []string{
		"a:int64",
		"ts:timestamp[us]@ k:utf8 x:float64!\n1000 a 1.5\n2000 null NaN\n-5 \"a b\" -0",
		"b:bool i:uint8 d:dict y:date32 l:list<int64> v:vector[2] s:struct<a:int64,b:utf8> m:decimal(10,2)\n" +
			"true 255 x 2026-01-31 [1,null,3] [1,2] {1,\"q w\"} 12.30\n" +
			"null null null null null null null null",
		"t:timestamp[ms,UTC] e:duration[us] h:time64[us] z:binary\n1 -2 3 \"\\x00\"",
	} {
		b := Batch(t, mem, text)
		Equal(t, b, text)
		s := b.NewSlice(min(1, b.NumRows()), b.NumRows())
		if got := Rows(s); len(got) > 0 && got[0] != Rows(b)[1] {
			t.Errorf("slice shows %q, want %q", got[0], Rows(b)[1])
		}
		s.Release()
	}
}
