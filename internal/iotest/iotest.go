// Package iotest runs sources and sinks in tests.
package iotest

import (
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// Env is what a runtime would lend, with batches of the given size.
func Env(mem memory.Allocator, batchRows int) arrowstream.SourceEnv {
	return arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: mem, Name: "test"}, BatchRows: batchRows, Workers: 1, Clock: arrowstream.SystemClock{}}
}

// Read reads all partitions of a source, one after the other, as canonical
// text: one header, then the rows. It returns the error of the source.
func Read(t testing.TB, s arrowstream.Source, batchRows int) (string, error) {
	t.Helper()
	mem := memory.NewCheckedAllocator(columnar.Pool)
	defer mem.AssertSize(t, 0)
	parts, err := s.Open(t.Context(), Env(mem, batchRows))
	if err != nil {
		return "", err
	}
	var sb strings.Builder
	for _, p := range parts {
		if err := rows(t, p, batchRows, &sb); err != nil {
			return sb.String(), err
		}
	}
	return sb.String(), nil
}

func rows(t testing.TB, p arrowstream.Partition, batchRows int, sb *strings.Builder) error {
	t.Helper()
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	for {
		b, err := p.Read(t.Context())
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if b.NumRows() == 0 || batchRows > 0 && b.NumRows() > int64(batchRows) {
			t.Errorf("a batch of %d rows, want 1 to %d", b.NumRows(), batchRows)
		}
		lines := strings.SplitN(columnartest.Text(b), "\n", 2)
		if sb.Len() == 0 {
			sb.WriteString(lines[0] + "\n")
		}
		sb.WriteString(strings.TrimRight(lines[1], "\n") + "\n")
		b.Release()
	}
}

// MustRead is [Read] without an error.
func MustRead(t testing.TB, s arrowstream.Source, batchRows int) string {
	t.Helper()
	text, err := Read(t, s, batchRows)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Replay checks that every partition of what open opens can be read again from
// each of its positions.
func Replay(t *testing.T, open func() arrowstream.Source) {
	t.Helper()
	mem := columnartest.Allocator(t)
	partition := func() arrowstream.Replayer {
		parts, err := open().Open(t.Context(), Env(mem, 3))
		if err != nil {
			t.Fatal(err)
		}
		return parts[0].(arrowstream.Replayer)
	}
	// What follows each position, read in one go.
	first := partition()
	defer first.Close()
	var positions [][]byte
	var texts []string
	for {
		pos, err := first.Position()
		if err != nil {
			t.Fatal(err)
		}
		positions = append(positions, pos)
		b, err := first.Read(t.Context())
		if err == io.EOF {
			texts = append(texts, "")
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, columnartest.Text(b))
		b.Release()
	}
	for i, pos := range positions {
		p := partition()
		if err := p.Seek(t.Context(), pos); err != nil {
			t.Fatal(err)
		}
		got := ""
		b, err := p.Read(t.Context())
		if err == nil {
			got = columnartest.Text(b)
			b.Release()
		} else if err != io.EOF {
			t.Fatal(err)
		}
		if got != texts[i] {
			t.Errorf("from position %d: got\n%s\nwant\n%s", i, got, texts[i])
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	p := partition()
	defer p.Close()
	if err := p.Seek(t.Context(), []byte("no position")); err == nil {
		t.Error("a foreign position is accepted")
	}
}

// Write binds a sink, writes the batches, and closes it.
func Write(t testing.TB, s arrowstream.Sink, batches ...arrowstream.Batch) error {
	t.Helper()
	if err := s.Bind(batches[0].Schema(), arrowstream.Env{Allocator: columnar.Pool, Name: "test"}); err != nil {
		return err
	}
	for _, b := range batches {
		if err := s.Write(t.Context(), b); err != nil {
			return err
		}
	}
	if err := s.Flush(t.Context()); err != nil {
		return err
	}
	return s.Close()
}
