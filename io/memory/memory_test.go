package memory

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestSource(t *testing.T) {
	mem := columnartest.Allocator(t)
	a := columnartest.Batch(t, mem, "a:int64\n1\n2\n3")
	b := columnartest.Batch(t, mem, "a:int64\n4")
	empty := columnartest.Batch(t, mem, "a:int64")
	for _, n := range []int{0, 1, 2, 100} {
		s := &Source{Partitions: [][]arrowstream.Batch{{a, empty, b}, nil, {b}}}
		if got := iotest.MustRead(t, s, n); got != "a:int64\n1\n2\n3\n4\n4\n" {
			t.Errorf("batches of %d: %q", n, got)
		}
	}
	iotest.Replay(t, func() arrowstream.Source { return From(a, empty, a, b) })
	other := columnartest.Batch(t, mem, "a:utf8\nx")
	for _, s := range []*Source{{}, From(a, other)} {
		if _, err := s.Schema(); err == nil {
			t.Error("no error")
		}
	}
}

func TestLive(t *testing.T) {
	defer goleak.VerifyNone(t)
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "a:int64\n1\n2\n3")
	l := NewLive(b.Schema(), 2, 1)
	defer l.Release()
	parts, err := l.Open(t.Context(), iotest.Env(mem, 2))
	if err != nil || len(parts) != 2 || l.Bounded() {
		t.Fatal(parts, err)
	}
	if err := l.Send(t.Context(), 0, b); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if err := l.Send(short, 0, b); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("send to a full buffer: %v", err)
	}
	for _, want := range []int64{2, 1} {
		got, err := parts[0].Read(t.Context())
		if err != nil || got.NumRows() != want {
			t.Fatal(got, err)
		}
		got.Release()
	}
	if _, err := parts[0].Read(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read of nothing: %v", err)
	}
	if err := l.Send(t.Context(), 1, b); err != nil {
		t.Fatal(err)
	}
	l.End()
	if err := l.Send(t.Context(), 1, b); err == nil {
		t.Error("send after the end")
	}
	if _, err := parts[0].Read(t.Context()); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	got, err := parts[1].Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got.Release() // the third row stays behind and is freed by Release
	for _, p := range parts {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSink(t *testing.T) {
	b := columnartest.Batch(t, columnartest.Allocator(t), "a:int64\n1\n2")
	seen := 0
	s := &Sink{OnWrite: func(arrowstream.Batch) { seen++ }}
	if err := iotest.Write(t, s, b, b); err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	if s.Rows() != 4 || len(s.Batches()) != 2 || seen != 2 || s.Flushes() != 1 || !s.Closed() || s.Aborted() != nil || !s.Schema().Equal(b.Schema()) {
		t.Errorf("%+v", s)
	}
}
