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

// Next reads once from a partition that leaves dead letters, as a runtime does:
// one text per row in their order, that of a row which cannot be decoded is "!"
// and its bytes. io.EOF is the end.
func Next(ctx context.Context, p arrowstream.Partition) ([]string, error) {
	b, err := p.Read(ctx)
	if err != nil {
		return nil, err
	}
	var rows []string
	if b != nil {
		rows = columnartest.Rows(b)
		b.Release()
	}
	bad := p.(arrowstream.Rejecting).Rejects().Take(len(rows))
	for k, r := range bad {
		rows = slices.Insert(rows, r.Before+k, "!"+string(r.Raw))
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("a read of nothing")
	}
	return rows, nil
}

// Resumable reads a partition that leaves dead letters and checks that reading
// goes on at every position with the rows that follow.
func Resumable(t testing.TB, open func() arrowstream.Partition, want []string) {
	t.Helper()
	for stop := 0; ; {
		p := open()
		var got []string
		var err error
		for len(got) <= stop && err == nil {
			var rows []string
			rows, err = Next(t.Context(), p)
			got = append(got, rows...)
		}
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		stop = len(got)
		pos, perr := p.(arrowstream.Replayer).Position()
		if perr != nil {
			t.Fatal(perr)
		}
		p.Close()
		q := open()
		if err := q.(arrowstream.Replayer).Seek(t.Context(), pos); err != nil {
			t.Fatal(err)
		}
		for more := error(nil); more == nil; {
			var rows []string
			rows, more = Next(t.Context(), q)
			got = append(got, rows...)
			if more != nil && more != io.EOF {
				t.Fatal(more)
			}
		}
		q.Close()
		EqualRows(t, got, want)
		if err == io.EOF {
			return
		}
	}
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
