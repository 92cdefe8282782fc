package blackhole

import (
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/internal/rowsum"
)

func TestSink(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "a:int64 __op:int8\n1 0\n1 1\n2 2\n2 3\n7 0")
	var want rowsum.Sum
	if err := want.Add(columnartest.Batch(t, mem, "a:int64\n7")); err != nil {
		t.Fatal(err)
	}
	for _, checksum := range []string{"false", "true"} {
		s, err := Connector.Sink(arrowstream.Table{Options: map[string]string{"checksum": checksum}})
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.Write(t, s, b, b); err != nil {
			t.Fatal(err)
		}
		h := s.(*Sink)
		if h.Rows() != 2 {
			t.Errorf("%d rows, want 2", h.Rows())
		}
		if checksum == "true" && h.Sum() != 2*want.Hash {
			t.Errorf("checksum %x, want %x", h.Sum(), 2*want.Hash)
		}
	}
}
