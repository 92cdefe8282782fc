package csv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/filetable"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// filesIn lists the files below a directory, without the manifest.
func filesIn(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.Contains(path, "_arrowstream") {
			out = append(out, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPartitions(t *testing.T) {
	mem := columnartest.Allocator(t)
	in := columnartest.Batch(t, mem, "x:int64 day:date32 k:dict\n1 2024-01-01 a/b\n2 2024-01-02 ..\n3 2024-01-01 a/b\n4 null null\n5 2024-01-02 \"x=%\"\n")
	var first string
	for _, rows := range []int64{1, 2, 5} { // the files do not depend on the batches
		dir := t.TempDir()
		s := &Sink{Path: dir, Partition: []string{"day", "k"}}
		var batches []arrowstream.Batch
		for from := int64(0); from < in.NumRows(); from += rows {
			b := in.NewSlice(from, min(from+rows, in.NumRows()))
			defer b.Release()
			batches = append(batches, b)
		}
		if err := iotest.Write(t, s, batches...); err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, f := range filesIn(t, dir) {
			text, err := os.ReadFile(filepath.Join(dir, f))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&all, "%s %q\n", f, text)
		}
		if first == "" {
			first = all.String()
			want := `day=2024-01-01/k=a%2Fb/part-test-000001.csv "x\n1\n3\n"
day=2024-01-02/k=%2E./part-test-000001.csv "x\n2\n"
day=2024-01-02/k=x%3D%25/part-test-000001.csv "x\n5\n"
day=__HIVE_DEFAULT_PARTITION__/k=__HIVE_DEFAULT_PARTITION__/part-test-000001.csv "x\n4\n"
`
			if first != want {
				t.Errorf("got\n%swant\n%s", first, want)
			}
			readPartitions(t, dir)
		}
		if all.String() != first {
			t.Errorf("batches of %d rows:\n%s", rows, all.String())
		}
	}
}

func readPartitions(t *testing.T, dir string) {
	declared := iotest.Schema(t, "day:date32 x:int64 k:utf8")
	source := func() *Source { return &Source{Path: dir, Fields: declared, Partition: []string{"day", "k"}} }
	if got, want := iotest.MustRead(t, source(), 2), "day:date32 x:int64 k:utf8\n2024-01-01 1 a/b\n2024-01-01 3 a/b\n2024-01-02 2 ..\n2024-01-02 5 x=%\nnull 4 null\n"; got != want {
		t.Errorf("read\n%s", got)
	}
	if got, want := iotest.MustRead(t, &Source{Path: dir, Hive: true}, 3), "x:int64 day:dict k:dict\n1 2024-01-01 a/b\n3 2024-01-01 a/b\n2 2024-01-02 ..\n5 2024-01-02 x=%\n4 null null\n"; got != want {
		t.Errorf("read with inferred columns\n%s", got)
	}
	if got := iotest.MustRead(t, &Source{Path: dir}, 3); !strings.HasPrefix(got, "x:int64\n1\n") {
		t.Errorf("read without partitions\n%s", got)
	}
	s := source()
	s.Predicates = []arrowstream.Predicate{{Column: "k", Op: "=", Value: "x=%"}}
	if got := iotest.MustRead(t, s, 3); got != "day:date32 x:int64 k:utf8\n2024-01-02 5 x=%\n" {
		t.Errorf("pruned\n%s", got)
	}
	s = source()
	s.Predicates = []arrowstream.Predicate{{Column: "k", Op: "=", Value: "nowhere"}}
	if got := iotest.MustRead(t, s, 3); got != "" {
		t.Errorf("pruned to nothing\n%s", got)
	}
	s = &Source{Path: dir, Fields: iotest.Schema(t, "day:int64 x:int64"), Partition: []string{"day"}}
	if got, err := iotest.Read(t, s, 3); err == nil || !strings.Contains(err.Error(), `"day"`) {
		t.Errorf("a directory that is no value: %q, %v", got, err)
	}
	iotest.Replay(t, func() arrowstream.Source { return source() })
}

// TestPartitionsOpen bounds how many directories are written to at once.
func TestPartitionsOpen(t *testing.T) {
	mem := columnartest.Allocator(t)
	var sb strings.Builder
	sb.WriteString("x:int64 k:int64\n")
	for i := range 12 {
		fmt.Fprintf(&sb, "%d %d\n", i, i%4)
	}
	in := columnartest.Batch(t, mem, sb.String())
	for _, c := range []struct{ open, files int }{{0, 4}, {4, 4}, {3, 12}} {
		dir := t.TempDir()
		if err := iotest.Write(t, &Sink{Path: dir + "/out", Partition: []string{"k"}, MaxOpen: c.open}, in); err != nil {
			t.Fatal(err)
		}
		if got := filesIn(t, dir); len(got) != c.files {
			t.Errorf("max-open %d: %q", c.open, got)
		}
	}
	for _, s := range []*Sink{{Path: "out.csv"}, {Path: "-"}, {Path: "out", MaxOpen: -1}} {
		s.Partition = []string{"k"}
		if err := s.Bind(in.Schema(), arrowstream.Env{Allocator: mem}); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

// TestPartitionEpochs runs epochs through processes that each begin anew.
func TestPartitionEpochs(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	ctx := context.Background()
	var token []byte
	var want []string
	for e := arrowstream.Epoch(1); e <= 4; e++ {
		start := arrowstream.Start{ID: strings.Repeat("ab", 16), Incarnation: uint64(e)}
		if e > 1 {
			start.Last = &arrowstream.Commit{Epoch: e - 1}
		}
		b := columnartest.Batch(t, mem, fmt.Sprintf("x:int64 k:int64\n%d 0\n%d %d\n", e, e+10, e%2))
		want = append(want, fmt.Sprintf("%d 0", e), fmt.Sprintf("%d %d", e+10, e%2))
		for _, prepare := range []bool{false, true} { // the first attempt ends early
			s := &Sink{Path: dir, Partition: []string{"k"}, test: filetable.Result{}}
			if err := s.Bind(b.Schema(), arrowstream.Env{Allocator: mem, Name: "out"}); err != nil {
				t.Fatal(err)
			}
			if err := s.Resume(ctx, start, token); err != nil {
				t.Fatal(err)
			}
			if err := s.Write(ctx, b); err != nil {
				t.Fatal(err)
			}
			if !prepare {
				continue // the process is gone, its files are not
			}
			if e == 4 {
				if err := s.Conclude(ctx, true); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if token, err = s.Prepare(ctx, e); err != nil {
				t.Fatal(err)
			}
			if err := s.Commit(ctx, e, token); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	want = append(want, "x:int64 k:int64")
	got := strings.Fields(strings.ReplaceAll(iotest.MustRead(t, &Source{Path: dir, Fields: iotest.Schema(t, "x:int64 k:int64"), Partition: []string{"k"}}, 3), " ", "_"))
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], " ", "_")
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if list := filesIn(t, dir); len(list) != 2 {
		t.Errorf("files %q", list)
	}
}
