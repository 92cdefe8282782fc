package intake

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/io/json"
)

// entries are a journal in memory, whose offsets are numbers.
type entries [][]byte

func (j *entries) Append(_ context.Context, e arrowstream.JournalEntry) (int64, error) {
	*j = append(*j, slices.Clone(e.Data))
	return int64(len(*j)), nil
}

func (j *entries) Sync(context.Context, int64) error { return nil }

func (j *entries) Read(ctx context.Context, at int64) (arrowstream.JournalEntry, int64, error) {
	if at >= int64(len(*j)) {
		<-ctx.Done()
		return arrowstream.JournalEntry{}, 0, ctx.Err()
	}
	return arrowstream.JournalEntry{Data: (*j)[at]}, at + 1, nil
}

func (j *entries) Release(int64) error { return nil }

// reader is a partition over entries of which none follow, in batches of so many
// rows at most.
func reader(t testing.TB, j *entries, rows int) *journaled {
	t.Helper()
	mem := columnartest.Allocator(t)
	d, err := json.Format.NewDecoder(iotest.Schema(t, "k:utf8 x:int64"), mem)
	if err != nil {
		t.Fatal(err)
	}
	env := iotest.Env(mem, rows)
	env.OnBadRow = arrowstream.DeadLetterBadRow
	p := New(Config{
		Kind: "test", Name: "in", Env: env, Decoder: d, Rejects: env.Rejects(arrowstream.DeadLetterBadRow),
		MaxLine: 100, TooLong: errors.New("too long"), Journal: j,
	})
	t.Cleanup(func() { p.Close() })
	p.Finish()
	return p.Source().(*journaled)
}

// readAll reads to the end, or an error, and tells where it stood before each
// batch and behind the last. Dead letters stand among the rows.
func readAll(p *journaled) (batches [][]string, positions [][]byte, err error) {
	for {
		pos, err := p.Position()
		if err != nil {
			return batches, positions, err
		}
		positions = append(positions, pos)
		rows, err := iotest.Next(context.Background(), p)
		if errors.Is(err, io.EOF) {
			return batches, positions, nil
		}
		if err != nil {
			return batches, positions, err
		}
		batches = append(batches, rows)
	}
}

func TestChunksAreReadAgain(t *testing.T) {
	j := &entries{}
	p := reader(t, j, 2)
	want := []Chunk{
		{Data: []byte("{}\n{}\n{}"), From: "one", Line: 1},
		{Err: errors.New("cut off"), From: "two", Line: 9},
		{Data: nil, From: "", Line: -3},
	}
	for _, c := range want {
		if err := p.Put(t.Context(), "", c); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range want {
		got, ok := parseChunk((*j)[i])
		if !ok || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c) {
			t.Errorf("%+v %t, want %+v", got, ok, c)
		}
		for n := range len((*j)[i]) - len(c.Data) {
			if _, ok := parseChunk((*j)[i][:n]); ok {
				t.Errorf("%d bytes of entry %d are one", n, i)
			}
		}
	}
}

// FuzzChunk reads any bytes as two entries of a journal, the first of so many
// bytes: rows, dead letters or an error, and the same from each position.
func FuzzChunk(f *testing.F) {
	j := &entries{}
	p := reader(f, j, 2)
	for _, c := range []Chunk{
		{Data: []byte("{\"k\":\"a\"}\n{\"x\":2}\r\n\n{\"x\":true}\n{}"), From: "one", Line: 1},
		{Err: errors.New("cut off"), From: "two", Line: 9},
		{Err: errors.New("late"), Data: []byte("{}\n{}\n{}\n"), Line: 1 << 62},
	} {
		if err := p.Put(f.Context(), "", c); err != nil {
			f.Fatal(err)
		}
	}
	for i, b := range *j {
		f.Add(len(b), append(slices.Clone(b), (*j)[0]...))
		f.Add(i, b)
	}
	f.Add(12, binary.LittleEndian.AppendUint16(make([]byte, 8), 0xffff))
	f.Fuzz(func(t *testing.T, n int, b []byte) {
		n = min(max(n, 0), len(b))
		j := &entries{b[:n], b[n:]}
		hostiletest.Within(t, len(b), func() {
			batches, positions, err := readAll(reader(t, j, 2))
			if len(positions) > 20 {
				positions = positions[:20] // each costs the rest
			}
			for i, pos := range positions {
				p := reader(t, j, 2)
				if err := p.Seek(t.Context(), pos); err != nil {
					t.Fatalf("%s: %v", pos, err)
				}
				again, _, failed := readAll(p)
				if !slices.Equal(slices.Concat(again...), slices.Concat(batches[i:]...)) || (failed == nil) != (err == nil) {
					t.Fatalf("from %s: %q, %v; want %q, %v", pos, again, failed, batches[i:], err)
				}
			}
		})
	})
}
