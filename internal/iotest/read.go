package iotest

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// File writes a file into a directory of its own.
func File(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// Schema reads the columns of a schema, see columnartest.
func Schema(t testing.TB, columns string) *arrow.Schema {
	t.Helper()
	s, err := columnartest.Schema(columns)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each calls f with every batch of a partition up to its end, borrowed.
func Each(ctx context.Context, p arrowstream.Partition, f func(b arrowstream.Batch)) error {
	for {
		b, err := p.Read(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		f(b)
		b.Release()
	}
}

// Rows reads a partition to its end: one text per row. A batch of no rows, or
// of more than maxRows if that is positive, is an error.
func Rows(ctx context.Context, p arrowstream.Partition, maxRows int) ([]string, error) {
	var rows []string
	var bad error
	err := Each(ctx, p, func(b arrowstream.Batch) {
		if n := int(b.NumRows()); n == 0 || maxRows > 0 && n > maxRows {
			bad = fmt.Errorf("a batch of %d rows, want 1 to %d", n, maxRows)
		}
		rows = append(rows, columnartest.Rows(b)...)
	})
	if err == nil {
		err = bad
	}
	return rows, err
}

// Count opens a source of one partition, reads it to its end and counts the rows.
func Count(ctx context.Context, s arrowstream.Source, batchRows int) (rows int64, err error) {
	parts, err := s.Open(ctx, Env(columnar.Pool, batchRows))
	if err != nil {
		return 0, err
	}
	defer parts[0].Close()
	err = Each(ctx, parts[0], func(b arrowstream.Batch) { rows += b.NumRows() })
	return rows, err
}

// EqualRows compares rows as text.
func EqualRows(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
}

// BenchmarkSource measures how fast a source of one partition that ends is read.
func BenchmarkSource(b *testing.B, open func() arrowstream.Source) {
	b.Helper()
	b.ReportAllocs()
	rows := int64(0)
	for b.Loop() {
		n, err := Count(b.Context(), open(), 16384)
		if err != nil {
			b.Fatal(err)
		}
		rows += n
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
