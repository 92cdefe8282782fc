package flight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func hub(t testing.TB) *Hub {
	h := &Hub{}
	t.Cleanup(h.Close)
	return h
}

func env(mem memory.Allocator) arrowstream.SourceEnv {
	return arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: mem, Name: "flight"}, Clock: arrowstream.SystemClock{}}
}

// sink opens a sink on a free port of h.
func sink(t testing.TB, h *Hub, mem memory.Allocator, s Sink, in *arrow.Schema) *Sink {
	t.Helper()
	s.Hub, s.Listen = h, "127.0.0.1:0"
	if err := s.Bind(in, env(mem).Env); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &s
}

func dial(t testing.TB, uri string) *client {
	t.Helper()
	c, err := connection{uri: uri, timeout: 5 * time.Second}.dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func open(t testing.TB, s arrowstream.Source, mem memory.Allocator, rows int) arrowstream.Partition {
	t.Helper()
	e := env(mem)
	e.BatchRows = rows
	parts, err := s.Open(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, p := range parts {
			p.Close()
		}
	})
	if len(parts) != 1 {
		t.Fatalf("%d partitions", len(parts))
	}
	return parts[0]
}

func write(t testing.TB, s arrowstream.Sink, b arrow.Record) {
	t.Helper()
	if err := s.Write(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

func numbers(t testing.TB, mem memory.Allocator, from, n int) arrow.Record {
	var sb strings.Builder
	sb.WriteString("k:utf8 x:int64\n")
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&sb, "k%d %d\n", i%5, i)
	}
	return columnartest.Batch(t, mem, sb.String())
}

func TestManySubscribers(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := numbers(t, mem, 0, 10)
	s := sink(t, hub(t), mem, Sink{Stream: "numbers"}, b.Schema())
	var want []string
	for range 50 {
		want = append(want, columnartest.Rows(b)...)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			p := open(t, &Source{URI: s.URI(), Stream: "numbers"}, mem, 1+i)
			got, err := iotest.Rows(context.Background(), p, 0)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("subscriber %d: %d rows, %v", i, len(got), err)
			}
			p.Close()
		})
	}
	for range 50 {
		write(t, s, b)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	got, err := iotest.Rows(context.Background(), open(t, &Source{URI: s.server.URI(), Stream: "numbers"}, mem, 0), 0)
	if err != nil {
		t.Fatal(err)
	}
	iotest.EqualRows(t, got, want) // after the end, while the hub lives
}

func TestVanishedClient(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := numbers(t, mem, 0, 1000)
	s := sink(t, hub(t), mem, Sink{Stream: "n"}, b.Schema())
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := dial(t, s.URI()).DoGet(ctx, &arrowflight.Ticket{Ticket: []byte("n")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
		write(t, s, b)
		cancel()
		write(t, s, b)
	}
	deadline, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	s.stream.drained(deadline)
	if n := s.stream.Subscribers(); n != 0 {
		t.Errorf("%d subscribers are left", n)
	}
}

func TestSlowSubscriberIsCutOff(t *testing.T) {
	mem := columnartest.Allocator(t)
	var sb strings.Builder
	sb.WriteString("s:utf8\n")
	for range 16 {
		sb.WriteString(strings.Repeat("x", 16<<10) + "\n")
	}
	b := columnartest.Batch(t, mem, sb.String()) // 256 KiB
	s := sink(t, hub(t), mem, Sink{Stream: "wide", RetainBytes: 1 << 20}, b.Schema())
	c := dial(t, s.URI())
	stream, err := c.DoGet(t.Context(), &arrowflight.Ticket{Ticket: []byte("wide")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for range 40 { // nobody reads
		write(t, s, b)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the pipeline was held up for %s", took)
	}
	n := 0
	for err = nil; err == nil; n++ {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), `stream "wide": too slow: batch `) {
		t.Fatalf("after %d batches: %v", n, err)
	}
	// The message carries the ticket to go on with.
	text := err.Error()
	again, err := c.DoGet(t.Context(), &arrowflight.Ticket{Ticket: []byte(text[strings.Index(text, "as1."):])})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := again.Recv(); err != nil || !strings.Contains(string(m.AppMetadata), `"first":`) {
		t.Error(m, err)
	}
	// A batch that is gone, and one that does not exist yet.
	for _, from := range []int{0, 1000} {
		old, err := c.DoGet(t.Context(), &arrowflight.Ticket{Ticket: fmt.Appendf(nil, `{"stream":"wide","from":%d}`, from)})
		if err == nil {
			_, err = old.Recv()
		}
		if status.Code(err) != codes.OutOfRange {
			t.Error(err)
		}
	}
	s.Close()
}

func TestTickets(t *testing.T) {
	mem := columnartest.Allocator(t)
	s := sink(t, hub(t), mem, Sink{Stream: "n", RetainRows: 25}, numbers(t, mem, 0, 1).Schema())
	for i := range 5 {
		write(t, s, numbers(t, mem, 10*i, 10))
	}
	live := open(t, &Source{URI: s.URI(), Stream: "n", Ticket: `{"stream":"n","from":"live"}`}, mem, 0)
	done := make(chan []string)
	go func() { got, _ := iotest.Rows(context.Background(), live, 0); done <- got }()
	for s.stream.Subscribers() == 0 {
		time.Sleep(time.Millisecond)
	}
	write(t, s, numbers(t, mem, 50, 1))
	s.Close()
	iotest.EqualRows(t, <-done, []string{"k0 50"})
	for ticket, first := range map[string]string{"n": "k0 30", `{"stream":"n"}`: "k0 30", `{"stream":"n","from":"start"}`: "k0 30", `{"stream":"n","from":4}`: "k0 40"} {
		got, err := iotest.Rows(context.Background(), open(t, &Source{URI: s.server.URI(), Stream: "n", Ticket: ticket}, mem, 0), 0)
		if err != nil || got[0] != first || got[len(got)-1] != "k0 50" {
			t.Errorf("%s: %q %v", ticket, got, err)
		}
	}
	for ticket, code := range map[string]codes.Code{"m": codes.NotFound, `{"stream":"n","from":"x"}`: codes.InvalidArgument, `{`: codes.InvalidArgument} {
		_, err := iotest.Rows(context.Background(), open(t, &Source{URI: s.server.URI(), Stream: "n", Ticket: ticket}, mem, 0), 0)
		if status.Code(err) != code || !strings.Contains(err.Error(), s.server.Addr()) {
			t.Errorf("%s: %v", ticket, err)
		}
	}
	_, err := (&Source{URI: s.server.URI(), Stream: "m"}).Open(t.Context(), env(mem))
	if status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), `did you mean "n"`) && !strings.Contains(err.Error(), "streams: n") {
		t.Error(err)
	}
}

func TestTypesAndBigBatches(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "ts:timestamp[us]@ d:dict l:list<int64> v:vector[2] u:uint8! f:float64\n5 a [1,null] [1,2] 7 NaN\nnull null null null 0 -0\n9 \"\" [] [0,0] 255 1.5\n")
	part := b.NewSlice(1, 3)
	defer part.Release()
	s := sink(t, hub(t), mem, Sink{Stream: "types"}, b.Schema())
	write(t, s, b)
	write(t, s, part)
	s.Close()
	src := &Source{URI: s.server.URI(), Stream: "types"}
	got, err := iotest.Rows(context.Background(), open(t, src, mem, 0), 0)
	if err != nil {
		t.Fatal(err)
	}
	iotest.EqualRows(t, got, append(columnartest.Rows(b), columnartest.Rows(part)...))
	if in, _ := src.Schema(); in.Metadata().String() == "" || in.Field(1).Type.ID() != arrow.STRING || in.Field(4).Nullable {
		t.Error(in)
	}

	var sb strings.Builder
	sb.WriteString("s:utf8\n")
	for range 400 {
		sb.WriteString(strings.Repeat("y", 60<<10) + "\n")
	}
	big := columnartest.Batch(t, mem, sb.String())
	s = sink(t, hub(t), mem, Sink{Stream: "big"}, big.Schema())
	write(t, s, big)
	for _, e := range s.stream.entries {
		if e.bytes > 8<<20 {
			t.Errorf("a message of %d bytes", e.bytes)
		}
	}
	s.Close()
	if got, err := iotest.Rows(context.Background(), open(t, &Source{URI: s.server.URI(), Stream: "big"}, mem, 0), 0); err != nil || len(got) != 400 {
		t.Error(len(got), err)
	}
}

func TestListAndTables(t *testing.T) {
	mem := columnartest.Allocator(t)
	h := hub(t)
	b := numbers(t, mem, 0, 3)
	s := sink(t, h, mem, Sink{Stream: "b"}, b.Schema())
	write(t, s, b)
	s.server.ExportTable("a", b.Schema(), func(_ context.Context, yield func(arrow.Record) error) error {
		return errors.Join(yield(b), yield(b))
	})
	twice := &Sink{Stream: "b", Hub: h, Listen: "127.0.0.1:0"}
	if err := errors.Join(twice.Bind(b.Schema(), env(mem).Env), twice.Flush(t.Context())); err == nil || !strings.Contains(err.Error(), "already exported") {
		t.Error(err)
	}
	c := dial(t, s.URI())
	list := func() []string {
		stream, err := c.ListFlights(t.Context(), &arrowflight.Criteria{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for {
			info, err := stream.Recv()
			if err == io.EOF {
				return got
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(info.FlightDescriptor.Path[0], " ", info.TotalRecords))
		}
	}
	iotest.EqualRows(t, list(), []string{"a -1", "b -1"})
	s.Close()
	iotest.EqualRows(t, list(), []string{"a -1", "b 3"})
	got, err := iotest.Rows(context.Background(), open(t, &Source{URI: s.server.URI(), Stream: "a", Finite: true}, mem, 0), 0)
	if err != nil {
		t.Fatal(err)
	}
	iotest.EqualRows(t, got, append(columnartest.Rows(b), columnartest.Rows(b)...))
	for _, d := range []*arrowflight.FlightDescriptor{{}, {Type: arrowflight.DescriptorCMD, Cmd: []byte("{")}} {
		if _, err := c.GetFlightInfo(t.Context(), d); status.Code(err) != codes.InvalidArgument {
			t.Error(err)
		}
	}
	again := &Sink{Stream: "b", Hub: h, Listen: "127.0.0.1:0"} // an ended stream may be replaced
	if err := errors.Join(again.Bind(b.Schema(), env(mem).Env), again.Flush(t.Context())); err != nil {
		t.Error(err)
	}
	again.Abort(errors.New("disk full"))
	again.Close()
	if _, err := iotest.Rows(context.Background(), open(t, &Source{URI: s.server.URI(), Stream: "b"}, mem, 0), 0); status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "disk full") {
		t.Error(err)
	}
}
