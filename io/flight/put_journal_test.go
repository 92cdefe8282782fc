package flight

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/internal/nettest"
	"github.com/arrowstream/arrowstream/state"
)

// epochOf is an epoch of three batches of ten rows.
func epochOf(t testing.TB, mem memory.Allocator, e int) arrowstream.Publication {
	return arrowstream.Publication{
		Job: "job", Sink: "out", Epoch: arrowstream.Epoch(e), Count: 30,
		Rows: iter.Seq2[arrowstream.Batch, error](func(yield func(arrowstream.Batch, error) bool) {
			for i := range 3 {
				b := numbers(t, mem, 100*e+10*i, 10)
				b.Retain() // the test releases its own
				if !yield(b, nil) {
					return
				}
			}
		}),
	}
}

// TestPutJournal puts epochs again, to several processes of the job that reads
// them: each row is read once, from any position on.
func TestPutJournal(t *testing.T) {
	mem := columnartest.Allocator(t)
	schema := numbers(t, mem, 0, 1).Schema()
	store := &iotest.Journaled{Store: state.Dir{Path: t.TempDir(), Reserve: -1}, Part: arrowstream.Part{UID: "in", Kind: "flight", Schema: schema}}
	defer store.Close(t)
	var got []string
	var want []string
	positions := map[int][]byte{}
	start := func() (*journaledInbox, *PutSink) {
		t.Helper()
		src := &PutSource{Stream: "in", Hub: hub(t), Listen: "127.0.0.1:0", Columns: schema, Journal: true}
		e := iotest.Env(mem, 7)
		e.Journal = store.Journal(t)
		parts, err := src.Open(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		in := parts[0].(*journaledInbox)
		t.Cleanup(func() { in.Close() })
		sink := &PutSink{URI: in.server.URI(), Stream: "in"}
		if err := errors.Join(sink.Bind(schema, env(mem).Env), sink.Claim(t.Context(), arrowstream.Publication{})); err != nil {
			t.Fatal(err)
		}
		return in, sink
	}
	read := func(in *journaledInbox, until int) {
		t.Helper()
		for len(got) < until {
			pos, err := in.Position()
			if err != nil {
				t.Fatal(err)
			}
			positions[len(got)] = pos
			b, err := in.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, columnartest.Rows(b)...)
			b.Release()
		}
	}
	for run := range 3 {
		in, sink := start()
		if run > 0 {
			pos := positions[len(got)]
			if err := in.Seek(t.Context(), pos); err != nil {
				t.Fatal(err)
			}
		}
		for e := max(1, run); e <= run+1; e++ { // the last of the run before once more
			for range 2 {
				if err := sink.Publish(t.Context(), epochOf(t, mem, e)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range 3 {
			want = append(want, columnartest.Rows(numbers(t, mem, 100*(run+1)+10*i, 10))...)
		}
		read(in, len(want))
		pos, err := in.Position()
		if err != nil {
			t.Fatal(err)
		}
		positions[len(got)] = pos
		iotest.EqualRows(t, got, want)
		in.Close()
	}
	for n, pos := range positions {
		in, sink := start()
		if err := in.Seek(t.Context(), pos); err != nil {
			t.Fatal(err)
		}
		got = want[:n:n]
		read(in, len(want))
		iotest.EqualRows(t, got, want)
		// Another batch with the numbers of one that is there is refused.
		other := epochOf(t, mem, 1)
		rows := epochOf(t, mem, 9).Rows
		other.Rows = rows
		if err := sink.Publish(t.Context(), other); err == nil || !strings.Contains(err.Error(), "was another one") {
			t.Error(err)
		}
		if err := in.Acknowledge(t.Context(), pos); err != nil {
			t.Error(err)
		}
		in.Close()
	}
	in, _ := start()
	for _, bad := range []string{"no position", `{"v":2}`} {
		if err := in.Seek(t.Context(), []byte(bad)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
	// A client that numbers nothing, and reads no answers.
	if err := in.Seek(t.Context(), positions[len(want)]); err != nil {
		t.Fatal(err)
	}
	plain := &PutSink{URI: in.server.URI(), Stream: "in"}
	if err := iotest.Write(t, plain, numbers(t, mem, 0, 5)); err != nil {
		t.Fatal(err)
	}
	got = nil
	read(in, 5)
	in.Close()
	for text, note := range map[string]string{"": "<nil>", "{": "<nil>", `{"epoch":1,"seq":2}`: "<nil>", `{"writer":"w","epoch":1,"seq":2}`: "&{w 1 2}"} {
		if got := fmt.Sprint(readPutNote([]byte(text))); got != note {
			t.Errorf("%q: %s", text, got)
		}
	}
	src := &PutSource{Stream: "in", Hub: hub(t), Listen: "127.0.0.1:0", Columns: schema, Journal: true}
	if _, err := src.Open(t.Context(), iotest.Env(mem, 7)); err == nil || !strings.Contains(err.Error(), "state folder") {
		t.Error(err)
	}
}

// TestPutLossyNetwork puts epochs over connections that are slow and break: the
// journal of the server has each row once, and in order.
func TestPutLossyNetwork(t *testing.T) {
	mem := columnartest.Allocator(t)
	schema := numbers(t, mem, 0, 1).Schema()
	for seed := range uint64(2) {
		store := &iotest.Journaled{Store: state.Dir{Path: t.TempDir(), Reserve: -1}, Part: arrowstream.Part{UID: "in", Kind: "flight", Schema: schema}}
		src := &PutSource{Stream: "in", Hub: hub(t), Listen: "127.0.0.1:0", Columns: schema, Journal: true}
		e := iotest.Env(mem, 0)
		e.Journal = store.Journal(t)
		parts, err := src.Open(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		in := parts[0].(*journaledInbox)
		f := &nettest.Faults{Seed: seed, Breaks: 15, After: 6000, Piece: 500, Delay: 200 * time.Microsecond}
		sink := &PutSink{URI: "grpc://" + f.Proxy(t, in.server.Addr()), Stream: "in", ConnectTimeout: time.Minute}
		if err := sink.Bind(schema, env(mem).Env); err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for e := 1; e <= 30 || f.Broken() < 5; e++ {
			if err := sink.Publish(t.Context(), epochOf(t, mem, e)); err != nil {
				t.Fatalf("seed %d, epoch %d: %v", seed, e, err)
			}
			for i := range 3 {
				want = append(want, columnartest.Rows(numbers(t, mem, 100*e+10*i, 10))...)
			}
		}
		for len(got) < len(want) {
			b, err := in.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, columnartest.Rows(b)...)
			b.Release()
		}
		iotest.EqualRows(t, got, want)
		in.Close()
		store.Close(t)
	}
}
