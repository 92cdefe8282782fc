package flight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
	"github.com/arrowstream/arrowstream/internal/nettest"
)

// publication is an epoch of batches, as an outbox gives them.
func publication(job string, e arrowstream.Epoch, incarnation uint64, batches ...arrow.Record) arrowstream.Publication {
	p := arrowstream.Publication{Job: job, Sink: "s", Epoch: e, Incarnation: incarnation}
	for _, b := range batches {
		p.Count += b.NumRows()
	}
	p.Rows = iter.Seq2[arrow.Record, error](func(yield func(arrow.Record, error) bool) {
		for _, b := range batches {
			b.Retain()
			if !yield(b, nil) {
				return
			}
		}
	})
	return p
}

func publish(t testing.TB, s *Sink, p arrowstream.Publication) {
	t.Helper()
	if err := s.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// exporter is a sink of a job with a store on a free port of a new hub.
func exporter(t testing.TB, mem memory.Allocator, s Sink, schema *arrow.Schema) *Sink {
	t.Helper()
	s.Hub, s.Stream = hub(t), "n"
	if s.Listen == "" {
		s.Listen = "127.0.0.1:0"
	}
	if err := s.Bind(schema, env(mem).Env); err != nil {
		t.Fatal(err)
	}
	return &s
}

// read returns n rows of p and where it stands then.
func read(t testing.TB, p arrowstream.Partition, n int) (rows []string, pos []byte) {
	t.Helper()
	for len(rows) < n {
		b, err := p.Read(t.Context())
		if err != nil {
			t.Fatalf("after %d rows: %v", len(rows), err)
		}
		rows = append(rows, columnartest.Rows(b)...)
		b.Release()
	}
	pos, err := p.(arrowstream.Replayer).Position()
	if err != nil {
		t.Fatal(err)
	}
	return rows, pos
}

func seek(t testing.TB, p arrowstream.Partition, pos []byte) {
	t.Helper()
	if err := p.(arrowstream.Replayer).Seek(t.Context(), pos); err != nil {
		t.Fatal(err)
	}
}

// TestPublishAndResume stops a reader at every row and lets another go on.
func TestPublishAndResume(t *testing.T) {
	for _, path := range []string{"", t.TempDir()} {
		mem := columnartest.Allocator(t)
		var want []string
		s := exporter(t, mem, Sink{RetainPath: path}, numbers(t, mem, 0, 1).Schema())
		for i, e := range []arrowstream.Epoch{1, 2, 5} {
			a, b := numbers(t, mem, 10*i, 4), numbers(t, mem, 10*i+4, 3)
			want = append(append(want, columnartest.Rows(a)...), columnartest.Rows(b)...)
			publish(t, s, publication("job", e, 1, a, b))
			publish(t, s, publication("job", e, 1, a, b)) // once more after a crash: nothing comes twice
		}
		uri := s.URI()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for batch := range 4 {
			for n := range want {
				p := open(t, &Source{URI: uri, Stream: "n", Finite: true}, mem, batch)
				start, err := p.(arrowstream.Replayer).Position()
				if err != nil {
					t.Fatal(err)
				}
				seek(t, p, start)
				rows, pos := read(t, p, n)
				p.Close()
				if n == 0 {
					pos = start
				}
				again := open(t, &Source{URI: uri, Stream: "n", Finite: true}, mem, 0)
				seek(t, again, pos)
				rest, err := iotest.Rows(context.Background(), again, 0)
				again.Close()
				if err != nil {
					t.Fatalf("from %s: %v", pos, err)
				}
				iotest.EqualRows(t, append(rows, rest...), want)
			}
		}
	}
}

// TestNotes checks positions and the batch that closes an epoch.
func TestNotes(t *testing.T) {
	mem := columnartest.Allocator(t)
	a, b := numbers(t, mem, 0, 2), numbers(t, mem, 2, 1)
	s := exporter(t, mem, Sink{}, a.Schema())
	if err := s.Claim(t.Context(), publication("j", 0, 1)); err != nil {
		t.Fatal(err)
	}
	publish(t, s, publication("j", 3, 1, a, b))
	publish(t, s, publication("j", 4, 1))
	uri := s.URI()
	s.Close()
	stream, err := dial(t, uri).DoGet(t.Context(), &arrowflight.Ticket{Ticket: []byte("n")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		m, err := stream.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(m.AppMetadata))
	}
	iotest.EqualRows(t, got, []string{
		`{"first":{"epoch":0,"seq":0},"job":"j"}`, `{"epoch":3,"seq":0,"rows":2}`, `{"epoch":3,"seq":1,"rows":1}`,
		`{"epoch":3,"seq":2,"end":true}`, `{"epoch":4,"seq":0,"end":true}`,
	})
}

// TestResumeAfterRestart takes a reader up at another process, with and without
// a folder.
func TestResumeAfterRestart(t *testing.T) {
	for _, path := range []string{"", filepath.Join(t.TempDir(), "new")} {
		mem := columnartest.Allocator(t)
		var batches []arrow.Record
		var want []string
		for i := range 5 {
			batches = append(batches, numbers(t, mem, 10*i, 4))
			want = append(want, columnartest.Rows(batches[i])...)
		}
		old := exporter(t, mem, Sink{RetainPath: path}, batches[0].Schema())
		for e := range 3 {
			publish(t, old, publication("job", arrowstream.Epoch(e+1), 1, batches[e]))
		}
		p := open(t, &Source{URI: old.URI(), Stream: "n", Finite: true}, mem, 3)
		rows, pos := read(t, p, 6) // in the middle of epoch 2
		p.Close()
		old.Hub.Close()

		s := exporter(t, mem, Sink{RetainPath: path}, batches[0].Schema())
		for e := 2; e < 5; e++ { // the log of the job does not know about epoch 3
			publish(t, s, publication("job", arrowstream.Epoch(e+1), 2, batches[e]))
		}
		uri := s.URI()
		s.Close()
		again := open(t, &Source{URI: uri, Stream: "n", Finite: true}, mem, 0)
		seek(t, again, pos)
		rest, err := iotest.Rows(context.Background(), again, 0)
		if path == "" {
			var e *arrowstream.Error
			if !errors.As(err, &e) || e.Code != "AS3021" || !strings.Contains(err.Error(), "the oldest is batch 0 of epoch 3") {
				t.Errorf("%v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		iotest.EqualRows(t, append(rows, rest...), want)

		// A job that was finished before publishes nothing, and has it all.
		s = exporter(t, mem, Sink{RetainPath: path}, batches[0].Schema())
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := iotest.Rows(context.Background(), open(t, &Source{URI: s.server.URI(), Stream: "n", Finite: true}, mem, 0), 0)
		if err != nil {
			t.Fatal(err)
		}
		iotest.EqualRows(t, got, want)
	}
}

// TestPositionsThatAreGone checks that there is an error, never a gap.
func TestPositionsThatAreGone(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := numbers(t, mem, 0, 4)
	for _, path := range []string{"", t.TempDir()} {
		s := exporter(t, mem, Sink{RetainPath: path, RetainEpochs: 2}, b.Schema())
		for e := range 5 {
			publish(t, s, publication("job", arrowstream.Epoch(2*e+1), 1, b))
		}
		uri := s.URI()
		s.Close()
		if path != "" {
			files, _ := filepath.Glob(path + "/n/*")
			if len(files) != 2 {
				t.Errorf("%v are left", files)
			}
		}
		for pos, want := range map[string]string{
			`{"job":"job","epoch":1,"seq":0}`:          "the oldest is batch 0 of epoch 7",
			`{"job":"job","epoch":6,"seq":0}`:          "the oldest is batch 0 of epoch 7",
			`{"job":"job","epoch":7,"seq":2}`:          "there is no batch 2 of epoch 7",
			`{"job":"job","epoch":9,"seq":9}`:          "the next is batch 0 of epoch 10",
			`{"job":"other","epoch":9,"seq":0}`:        "is of another run: this one is job",
			`{"rows":3}`:                               "without positions",
			`{"job":"job","epoch":7,"seq":1,"skip":0}`: "",
			`{"job":"job","epoch":8,"seq":0}`:          "",
			`{"job":"job","epoch":10,"seq":0}`:         "",
			`{"job":"job","epoch":12,"seq":0}`:         "there is no batch 0 of epoch 12",
		} {
			p := open(t, &Source{URI: uri, Stream: "n", Finite: true}, mem, 0)
			err := p.(arrowstream.Replayer).Seek(t.Context(), []byte(pos))
			if err == nil {
				_, err = iotest.Rows(context.Background(), p, 0)
			}
			p.Close()
			var e *arrowstream.Error
			if want == "" {
				if err != nil {
					t.Errorf("%s: %v", pos, err)
				}
			} else if !errors.As(err, &e) || e.Code != "AS3021" || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", pos, err, want)
			}
		}
	}
}

// TestReconnect kills the server under a reader that has positions.
func TestReconnect(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	schema := numbers(t, mem, 0, 1).Schema()
	s := exporter(t, mem, Sink{RetainPath: dir}, schema)
	publish(t, s, publication("job", 1, 1, numbers(t, mem, 0, 5)))
	p := open(t, &Source{URI: s.URI(), Stream: "n", Finite: true}, mem, 2)
	if _, err := p.(arrowstream.Replayer).Position(); err != nil {
		t.Fatal(err)
	}
	rows, _ := read(t, p, 2)
	address := s.server.Addr()
	for e := 2; e < 5; e++ {
		s.server.grpc.Stop() // cuts every call
		s.Hub.Close()
		s = exporter(t, mem, Sink{RetainPath: dir, Listen: address}, schema)
		publish(t, s, publication("job", arrowstream.Epoch(e), uint64(e), numbers(t, mem, 5*e-5, 5)))
	}
	s.Close()
	rest, err := iotest.Rows(context.Background(), p, 0)
	if err != nil {
		t.Fatal(err)
	}
	iotest.EqualRows(t, append(rows, rest...), columnartest.Rows(numbers(t, mem, 0, 20)))
}

// TestLossyNetwork follows a stream over connections that are slow and break.
func TestLossyNetwork(t *testing.T) {
	mem := columnartest.Allocator(t)
	for seed := range uint64(3) {
		s := exporter(t, mem, Sink{RetainPath: t.TempDir()}, numbers(t, mem, 0, 1).Schema())
		publish(t, s, publication("job", 1, 1, numbers(t, mem, 0, 50)))
		f := &nettest.Faults{Seed: seed, Breaks: 20, After: 8000, Piece: 1000, Delay: time.Millisecond}
		through := "grpc://" + f.Proxy(t, s.server.Addr())
		p := open(t, &Source{URI: through, Stream: "n", Finite: true, ConnectTimeout: time.Minute}, mem, 0)
		if _, err := p.(arrowstream.Replayer).Position(); err != nil {
			t.Fatal(err)
		}
		go func() {
			for e := 2; e <= 40; e++ {
				publish(t, s, publication("job", arrowstream.Epoch(e), 1, numbers(t, mem, 50*e-50, 50)))
				time.Sleep(5 * time.Millisecond)
			}
			s.Close()
		}()
		rows, err := iotest.Rows(t.Context(), p, 0)
		if err != nil {
			t.Fatal(err)
		}
		iotest.EqualRows(t, rows, columnartest.Rows(numbers(t, mem, 0, 2000)))
		if f.Broken() == 0 {
			t.Error("no connection broke")
		}
	}
}

// TestHalfOpenConnection follows a stream over a connection that falls silent,
// which only the pings of the client notice, and over one that has nothing to say
// for longer than they are apart, which must not be taken for the same.
func TestHalfOpenConnection(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for 12 s")
	}
	t.Parallel()
	mem := columnartest.Allocator(t)
	s := exporter(t, mem, Sink{RetainPath: t.TempDir()}, numbers(t, mem, 0, 1).Schema())
	publish(t, s, publication("job", 1, 1, numbers(t, mem, 0, 2000)))
	f := &nettest.Faults{Seed: 9, Breaks: 1, After: 4000, Piece: 1000, Silent: true}
	follow := func(uri string) arrowstream.Partition {
		p := open(t, &Source{URI: uri, Stream: "n", Finite: true, ConnectTimeout: time.Minute, Keepalive: minKeepalive}, mem, 0)
		if _, err := p.(arrowstream.Replayer).Position(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	start := time.Now()
	bad, idle := follow("grpc://"+f.Proxy(t, s.server.Addr())), follow(s.server.URI())
	quiet, _ := read(t, idle, 2000)
	rows, _ := read(t, bad, 2000)
	if took := time.Since(start); took < minKeepalive || took > 4*minKeepalive || f.Broken() != 1 {
		t.Errorf("the rows were there after %s, with %d broken connections", took, f.Broken())
	}
	publish(t, s, publication("job", 2, 1, numbers(t, mem, 2000, 10)))
	s.Close()
	for _, p := range []struct {
		arrowstream.Partition
		rows []string
	}{{bad, rows}, {idle, quiet}} {
		rest, err := iotest.Rows(t.Context(), p, 0)
		if err != nil {
			t.Fatal(err)
		}
		iotest.EqualRows(t, append(p.rows, rest...), columnartest.Rows(numbers(t, mem, 0, 2010)))
	}
}

// TestRowsAsPositions reads a bounded stream of a server without positions.
func TestRowsAsPositions(t *testing.T) {
	mem := columnartest.Allocator(t)
	h := hub(t)
	s := sink(t, h, mem, Sink{Stream: "x"}, numbers(t, mem, 0, 1).Schema())
	all := numbers(t, mem, 0, 10)
	s.server.ExportTable("t", all.Schema(), func(_ context.Context, yield func(arrow.Record) error) error {
		for i := int64(0); i < 10; i += 5 {
			part := all.NewSlice(i, i+5)
			err := yield(part)
			part.Release()
			if err != nil {
				return err
			}
		}
		return nil
	})
	for n := range 10 {
		p := open(t, &Source{URI: s.server.URI(), Stream: "t", Finite: true}, mem, 1)
		rows, pos := read(t, p, n)
		p.Close()
		if n > 0 && string(pos) != fmt.Sprintf(`{"epoch":0,"seq":0,"rows":%d}`, n) {
			t.Errorf("%s", pos)
		}
		p = open(t, &Source{URI: s.server.URI(), Stream: "t", Finite: true}, mem, 4)
		seek(t, p, pos)
		rest, err := iotest.Rows(context.Background(), p, 0)
		if err != nil {
			t.Fatal(err)
		}
		iotest.EqualRows(t, append(rows, rest...), columnartest.Rows(all))
	}
}

// TestStopIsNotTheEnd stops the job that exports a stream without an end.
func TestStopIsNotTheEnd(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	schema := numbers(t, mem, 0, 1).Schema()
	s := exporter(t, mem, Sink{RetainPath: dir}, schema)
	publish(t, s, publication("job", 1, 1, numbers(t, mem, 0, 5)))
	p := open(t, &Source{URI: s.URI(), Stream: "n", ConnectTimeout: 2 * time.Second}, mem, 0)
	if _, err := p.(arrowstream.Replayer).Position(); err != nil {
		t.Fatal(err)
	}
	rows, _ := read(t, p, 5)
	s.Close()
	address := s.server.Addr()
	s.Hub.Close()
	s = exporter(t, mem, Sink{RetainPath: dir, Listen: address}, schema)
	publish(t, s, publication("job", 2, 2, numbers(t, mem, 5, 5)))
	more, _ := read(t, p, 5)
	iotest.EqualRows(t, append(rows, more...), columnartest.Rows(numbers(t, mem, 0, 10)))
	s.Close()
	s.Hub.Close() // for good
	if _, err := p.Read(t.Context()); status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "gave up after 2s") {
		t.Error(err)
	}
}

// TestFromTheBeginning keeps the position that a stream has before anything is
// published, which is good as long as the beginning is retained.
func TestFromTheBeginning(t *testing.T) {
	for _, tc := range []struct {
		path      string
		before    bool              // an earlier process has claimed the sink
		committed arrowstream.Epoch // when the last process begins
		epoch     arrowstream.Epoch // that it publishes first
		ok        bool
	}{
		{"", false, 0, 4, true},
		{"", true, 0, 4, true},
		{"", true, 3, 4, false},
		{"", true, 0, 1, true},
		{t.TempDir(), false, 0, 4, true},
		{t.TempDir(), true, 3, 4, true},
		{t.TempDir(), false, 3, 4, false},
	} {
		mem := columnartest.Allocator(t)
		b := numbers(t, mem, 0, 2)
		s := exporter(t, mem, Sink{RetainPath: tc.path}, b.Schema())
		claim := func(committed arrowstream.Epoch, incarnation uint64) {
			if err := s.Claim(t.Context(), publication("job", committed, incarnation)); err != nil {
				t.Fatal(err)
			}
		}
		if tc.before {
			claim(0, 1)
		} else {
			claim(tc.committed, 2)
		}
		p := open(t, &Source{URI: s.URI(), Stream: "n"}, mem, 0)
		_, pos := read(t, p, 0)
		p.Close()
		if tc.before {
			s.Hub.Close()
			s = exporter(t, mem, Sink{RetainPath: tc.path}, b.Schema())
			claim(tc.committed, 2)
		}
		early := open(t, &Source{URI: s.URI(), Stream: "n", Finite: true, ConnectTimeout: 5 * time.Second}, mem, 0)
		seek(t, early, []byte(fmt.Sprintf(`{"job":"job","epoch":%d,"seq":0}`, tc.epoch)))
		done := make(chan int)
		go func() {
			rows, _ := iotest.Rows(context.Background(), early, 0)
			done <- len(rows)
		}()
		publish(t, s, publication("job", tc.epoch, 2, b))
		s.Close()
		if n := <-done; n != 2 { // it waits for what follows on its position
			t.Errorf("%+v: %d rows", tc, n)
		}
		late := open(t, &Source{URI: s.server.URI(), Stream: "n", Finite: true}, mem, 0)
		seek(t, late, pos)
		rows, err := iotest.Rows(context.Background(), late, 0)
		if tc.ok && (err != nil || len(rows) != 2) || !tc.ok && (err == nil || !strings.Contains(err.Error(), "AS3021")) {
			t.Errorf("%+v from %s: %d rows, %v", tc, pos, len(rows), err)
		}
	}
}
