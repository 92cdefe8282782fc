package crashtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/io/flight"
)

// exports streams every output to a reader that follows it across the kills of
// the server: it keeps its rows and its position, and comes back with that.
func exports(t *testing.T, dir string) place {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, retained := free.Addr().String(), filepath.Join(dir, "retained")
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
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
			case <-time.After(time.Minute):
				t.Fatalf("%s does not end", table)
			}
			if r.err != nil {
				t.Fatalf("%s: %v", table, r.err)
			}
			return r.rows
		},
	}
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
	s := &flight.Source{URI: r.uri, Stream: r.table + "_out", ConnectTimeout: 50 * time.Millisecond}
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
