package flight

import (
	"context"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// TestHoldEndsWithTheRun checks that a run that is cut off does not wait for
// subscribers.
func TestHoldEndsWithTheRun(t *testing.T) {
	mem := columnartest.Allocator(t)
	s := &Sink{Stream: "rows", Listen: "127.0.0.1:0", Hold: time.Hour}
	if err := s.Bind(iotest.Schema(t, "x:int64"), env(mem).Env); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	stop()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestHoldOfOneAddress checks that the last of the sinks of an address waits,
// and that the stream of the first has ended by then.
func TestHoldOfOneAddress(t *testing.T) {
	mem := columnartest.Allocator(t)
	ctx, stop := context.WithCancel(t.Context())
	var sinks []*Sink
	for _, name := range []string{"a", "b"} {
		s := &Sink{Stream: name, Listen: "127.0.0.1:0", Hold: time.Hour}
		if err := s.Bind(iotest.Schema(t, "x:int64"), env(mem).Env); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		sinks = append(sinks, s)
	}
	server := sinks[0].server
	if err := sinks[0].Close(); err != nil { // does not wait
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- sinks[1].Close() }()
	p := open(t, &Source{URI: server.URI(), Stream: "a"}, mem, 0)
	if rows, err := iotest.Rows(t.Context(), p, 0); err != nil || len(rows) != 0 { // ends
		t.Errorf("%v, %v", rows, err)
	}
	stop()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
