package stage_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/stage"
)

// batches is a source of one partition that can be read again.
type batches struct {
	list []arrow.Record
}

func (s *batches) Schema() (*arrow.Schema, error) { return s.list[0].Schema(), nil }
func (s *batches) Bounded() bool                  { return true }
func (s *batches) Open(context.Context, arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	return []arrowstream.Partition{&batchReader{list: s.list}}, nil
}

type batchReader struct {
	list []arrow.Record
	next int
}

func (r *batchReader) Read(context.Context) (arrowstream.Batch, error) {
	if r.next == len(r.list) {
		return nil, io.EOF
	}
	r.next++
	r.list[r.next-1].Retain()
	return r.list[r.next-1], nil
}
func (r *batchReader) Close() error { return nil }
func (r *batchReader) Position() ([]byte, error) {
	return binary.AppendUvarint(nil, uint64(r.next)), nil
}

func (r *batchReader) Seek(_ context.Context, pos []byte) error {
	n, _ := binary.Uvarint(pos)
	r.next = int(n)
	return nil
}
func (r *batchReader) Lag() int64 { return int64(len(r.list) - r.next) }

func TestThrough(t *testing.T) {
	mem := columnartest.Allocator(t)
	src := &batches{list: []arrow.Record{
		columnartest.Batch(t, mem, "ms:int64 l:list<int64>\n1 [1,2]\n2 []"),
		columnartest.Batch(t, mem, "ms:int64 l:list<int64>\n3 []"),
		columnartest.Batch(t, mem, "ms:int64 l:list<int64>\n4 [3]"),
	}}
	s := stage.Through(src,
		&stage.Unnest{Column: "l", As: "e"},
		&stage.Project{Columns: []stage.Column{{Name: "e", Expr: col("e")}, {Name: "twice", Expr: call("mul", col("ms"), lit(int64(2)))}}})
	schema, err := s.Schema()
	if err != nil || schema.NumFields() != 2 || !s.Bounded() {
		t.Fatalf("schema %v, %v", schema, err)
	}
	env := arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: mem, Name: "test"}}
	read := func(p arrowstream.Partition, want string) {
		t.Helper()
		b, err := p.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer b.Release()
		columnartest.Equal(t, b, "e:int64 twice:int64\n"+want)
	}
	parts, err := s.Open(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	read(parts[0], "1 2\n2 2")
	pos, err := parts[0].(arrowstream.Replayer).Position()
	if err != nil {
		t.Fatal(err)
	}
	if lag := parts[0].(arrowstream.Lagging).Lag(); lag != 2 {
		t.Errorf("lag is %d", lag)
	}
	read(parts[0], "3 8")
	if _, err := parts[0].Read(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	again, err := s.Open(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	if err := again[0].(arrowstream.Replayer).Seek(t.Context(), pos); err != nil {
		t.Fatal(err)
	}
	read(again[0], "3 8")
	for _, p := range append(parts, again...) {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []arrowstream.Stage{&stage.Limit{}, &stage.Aggregate{By: []string{"ms"}}, &stage.Filter{Where: col("none")}} {
		if _, err := stage.Through(src, bad).Schema(); err == nil {
			t.Errorf("%T went through", bad)
		}
	}
}
