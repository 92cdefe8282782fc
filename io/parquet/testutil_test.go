package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	goleak.VerifyTestMain(m)
}

// write writes batches to path and returns the error of the first call that
// fails.
func write(t testing.TB, mem memory.Allocator, s *Sink, batches ...arrow.Record) {
	t.Helper()
	if err := s.Bind(batches[0].Schema(), arrowstream.Env{Allocator: mem, Name: "out"}); err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeFile writes one file out of the text of a batch.
func writeFile(t testing.TB, mem memory.Allocator, path, text string) string {
	t.Helper()
	write(t, mem, &Sink{Path: path}, columnartest.Batch(t, mem, text))
	return path
}

// read reads everything, partition after partition.
func read(ctx context.Context, s arrowstream.Source, env arrowstream.SourceEnv) (rows []string, err error) {
	parts, err := s.Open(ctx, env)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, p := range parts {
			err = errors.Join(err, p.Close())
		}
	}()
	for _, p := range parts {
		for {
			b, err := p.Read(ctx)
			if err == io.EOF {
				break
			}
			if err != nil {
				return rows, err
			}
			if env.BatchRows > 0 && b.NumRows() > int64(env.BatchRows) || b.NumRows() == 0 {
				b.Release()
				return rows, fmt.Errorf("a batch of %d rows where %d are the limit", b.NumRows(), env.BatchRows)
			}
			for _, r := range columnartest.Rows(b) {
				rows = append(rows, strings.Clone(r)) // may be a view of the batch
			}
			b.Release()
		}
	}
	return rows, nil
}

func testEnv(mem memory.Allocator, batch, workers int) arrowstream.SourceEnv {
	return arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: mem, Name: "in"}, BatchRows: batch, Workers: workers}
}

func mustRead(t testing.TB, s arrowstream.Source, env arrowstream.SourceEnv) []string {
	t.Helper()
	rows, err := read(t.Context(), s, env)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func equalRows(t testing.TB, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Fatalf("%d rows, want %d; the first missing is %s", len(got), len(want), want[i])
		case i >= len(want):
			t.Fatalf("%d rows, want %d; the first too many is %s", len(got), len(want), got[i])
		case got[i] != want[i]:
			t.Fatalf("row %d:\ngot  %s\nwant %s", i, got[i], want[i])
		}
	}
}

func rowsOf(batches ...arrow.Record) []string {
	var out []string
	for _, b := range batches {
		out = append(out, columnartest.Rows(b)...)
	}
	return out
}

func filesIn(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Fatalf("error %q does not say %q", err, p)
		}
	}
}
