package crashtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/failpoint"
	"github.com/arrowstream/arrowstream/io/flight"
)

// exports streams every output to a reader that follows it across the kills of
// the server: it keeps its rows and its position, and comes back with that.
func exports(t *testing.T, dir string) place {
	address, retained := freeAddress(t), filepath.Join(dir, "retained")
	ctx, stop := context.WithCancel(context.Background())
	hub := &flight.Hub{}
	readers := map[string]*reader{}
	t.Cleanup(func() {
		stop()
		for _, r := range readers {
			<-r.done
		}
		hub.Close()
	})
	// A reader may have been away when the job ended. What is retained is then
	// served by this process, as the job does when it is started once more.
	rest := sync.OnceFunc(func() {
		for _, r := range readers {
			schema := r.known()
			if schema == nil {
				t.Errorf("%s was never seen", r.table)
				continue
			}
			s := &flight.Sink{Stream: r.table + "_out", Listen: address, Hub: hub, RetainPath: retained}
			if err := errors.Join(s.Bind(schema, arrowstream.Env{Allocator: memory.DefaultAllocator}), s.Close()); err != nil {
				t.Error(err)
			}
		}
	})
	return place{
		declare: func(table string) string {
			r := &reader{table: table, uri: "grpc://" + address, done: make(chan struct{})}
			readers[table] = r
			go r.follow(ctx)
			return fmt.Sprintf("USING flight OPTIONS (listen = '%s', 'retain.path' = '%s', 'retain.epochs' = '1000000', hold = '300 ms')", address, retained)
		},
		read: func(t *testing.T, table string) []string {
			rest()
			r := readers[table]
			select {
			case <-r.done:
			case <-time.After(2 * time.Minute):
				t.Fatalf("%s does not end", table)
			}
			if r.err != nil {
				t.Fatalf("%s: %v", table, r.err)
			}
			return r.rows
		},
	}
}

// freeAddress is an address that processes can listen on again and again. A port
// that the system gives away for connections could be taken in between.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 12_000+rand.IntN(20_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// reader follows one stream.
type reader struct {
	table, uri string
	done       chan struct{} // closed at the end of the stream
	rows       []string
	err        error

	mu     sync.Mutex
	schema *arrow.Schema
}

func (r *reader) known() *arrow.Schema {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.schema
}

// follow reads until the stream ends. Only a position that is gone is an error:
// servers come and go.
func (r *reader) follow(ctx context.Context) {
	defer close(r.done)
	var pos []byte
	for ctx.Err() == nil {
		err := r.visit(ctx, &pos)
		var e *arrowstream.Error
		switch {
		case errors.Is(err, io.EOF):
			return
		case !errors.As(err, &e) || e.Code != "AS3001":
			if ctx.Err() == nil {
				r.err = err
			}
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// visit reads over one connection.
func (r *reader) visit(ctx context.Context, pos *[]byte) error {
	s := &flight.Source{URI: r.uri, Stream: r.table + "_out", Finite: true, ConnectTimeout: 500 * time.Millisecond}
	schema, err := s.Schema()
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.schema = schema
	r.mu.Unlock()
	parts, err := s.Open(ctx, arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: memory.DefaultAllocator}})
	if err != nil {
		return err
	}
	p := parts[0].(arrowstream.Replayer)
	defer p.Close()
	if *pos == nil {
		if *pos, err = p.Position(); err != nil {
			return err
		}
	}
	if err := p.Seek(ctx, *pos); err != nil {
		return err
	}
	for {
		b, err := p.Read(ctx)
		if err != nil {
			return err
		}
		r.rows = append(r.rows, columnartest.Rows(b)...)
		b.Release()
		if *pos, err = p.Position(); err != nil {
			return err
		}
	}
}

// TestFlightToFilesKilled kills two jobs, of which one reads what the other
// exports, at random moments.
func TestFlightToFilesKilled(t *testing.T) {
	killed := 0
	for seed := range uint64(2) {
		rng := rand.New(rand.NewPCG(seed, 0))
		address := freeAddress(t)
		from := &process{dir: t.TempDir(), epoch: 5 * time.Millisecond, workers: 1 + int(seed)}
		to := &process{dir: t.TempDir(), epoch: 5 * time.Millisecond, workers: 2 - int(seed)}
		retained, out := filepath.Join(from.dir, "retained"), filepath.Join(to.dir, "out")
		for p, script := range map[*process]string{
			from: fmt.Sprintf(`SET job.name = exported;
CREATE TABLE clicks USING parquet OPTIONS (path = '${IN}/*.parquet');
CREATE TABLE o USING flight OPTIONS (listen = '%s', 'retain.path' = '%s', 'retain.epochs' = '1000000', hold = '300 ms');
INSERT INTO o SELECT user_id, f1 FROM clicks WHERE user_id %% 3 = 0;`, address, retained),
			to: fmt.Sprintf(`SET job.name = followed;
CREATE TABLE i (user_id BIGINT, f1 DOUBLE) USING flight OPTIONS (uri = 'grpc://%s', stream = 'o', bounded = true, 'connect.timeout' = '60 s');
CREATE TABLE o USING json OPTIONS (path = '%s/');
INSERT INTO o SELECT * FROM i;`, address, out),
		} {
			if err := os.WriteFile(filepath.Join(p.dir, "job.sql"), []byte(script), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		exported := make(chan struct{})
		hub := &flight.Hub{}
		defer hub.Close()
		schema := make(chan *arrow.Schema, 1)
		go func() {
			defer close(schema)
			for t.Context().Err() == nil {
				s, err := (&flight.Source{URI: "grpc://" + address, Stream: "o", ConnectTimeout: 500 * time.Millisecond}).Schema()
				if err == nil {
					schema <- s
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
		}()
		delays := make([]time.Duration, 5)
		for i := range delays {
			delays[i] = time.Duration(50+rng.IntN(400)) * time.Millisecond
		}
		go func() {
			defer close(exported)
			for _, after := range delays {
				if from.start(t, "", after) {
					return
				}
			}
			from.start(t, "", 0)
		}()
		done := false
		for run := 0; run < 6 && !done; run++ {
			name := failpoint.Names[rng.IntN(len(failpoint.Names))]
			if done = to.start(t, name+"=kill", time.Duration(100+rng.IntN(600))*time.Millisecond); !done {
				killed++
			}
		}
		<-exported
		var columns *arrow.Schema
		select {
		case columns = <-schema:
		case <-time.After(10 * time.Second):
			t.Fatal("the stream was never seen")
		}
		// What the reader has missed of the end is served by this process.
		rest := &flight.Sink{Stream: "o", Listen: address, Hub: hub, RetainPath: retained}
		if err := errors.Join(rest.Bind(columns, arrowstream.Env{Allocator: memory.DefaultAllocator}), rest.Close()); err != nil {
			t.Fatal(err)
		}
		if !done && !to.start(t, "", 0) {
			t.Fatalf("seed %d: the last run did not end", seed)
		}
		got := query(t, fmt.Sprintf("SELECT * FROM '%s/*.json'", out))
		want := query(t, fmt.Sprintf("SELECT user_id, f1 FROM '%s/*.parquet' WHERE user_id %% 3 = 0", input))
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d rows, want %d", seed, len(got), len(want))
		}
	}
	t.Logf("%d kills of the reader", killed)
}
