package json

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestPartitions(t *testing.T) {
	mem := columnartest.Allocator(t)
	in := columnartest.Batch(t, mem, "x:int64 k:utf8 __op:int8\n1 a 0\n2 b 0\n3 a 3\n4 null 0\n")
	dir := t.TempDir()
	if err := iotest.Write(t, &Sink{Path: dir, Partition: []string{"k"}}, in); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "k=a", "part-test-000001.json"))
	if want := "{\"x\":1,\"__op\":\"+I\"}\n{\"x\":3,\"__op\":\"-D\"}\n"; err != nil || string(text) != want {
		t.Errorf("k=a holds %q, %v", text, err)
	}
	// What a file says about the column of its directory does not count.
	if err := os.WriteFile(filepath.Join(dir, "k=b", "more.json"), []byte("{\"x\":5,\"k\":\"other\"}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	declared := iotest.Schema(t, "k:utf8 x:int64")
	source := func() *Source { return &Source{Path: dir, Fields: declared, Partition: []string{"k"}} }
	if got, want := iotest.MustRead(t, source(), 2), "k:utf8 x:int64\nnull 4\na 1\na 3\nb 5\nb 2\n"; got != want {
		t.Errorf("read\n%s", got)
	}
	s := source()
	s.Predicates = []arrowstream.Predicate{{Column: "k", Op: ">", Value: "a"}}
	if got, want := iotest.MustRead(t, s, 2), "k:utf8 x:int64\nb 5\nb 2\n"; got != want {
		t.Errorf("pruned\n%s", got)
	}
	iotest.Replay(t, func() arrowstream.Source { return source() })
}
