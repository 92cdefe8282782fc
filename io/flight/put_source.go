package flight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/intake"
)

const defaultBatchRows = 16384

// PutSource takes the batches that clients DoPut under its name, in the order
// they arrive. While the pipeline is busy, clients wait.
type PutSource struct {
	// Stream is the name in the clients' descriptors; in SQL that of the table.
	Stream string `option:"stream,name"`
	// Columns of the rows. Clients' columns are matched by name.
	Columns *arrow.Schema
	// Puts ends the source after that many clients have finished; 0 never.
	Puts int `option:"puts"`
	// Journal keeps what is received in the state folder of the job until it is
	// committed and published, so that it is read again after a crash.
	Journal bool `option:"journal"`
	// JournalRetention is how long the journal keeps it beyond that; 1 hour.
	JournalRetention time.Duration `option:"journal.retention"`
	// Listen, CertFile, KeyFile, ClientCA, Token, Users, TicketKey, TicketTTL
	// and Insecure are as in [Config].
	Listen    string             `option:"listen"`
	CertFile  string             `option:"tls.cert"`
	KeyFile   string             `option:"tls.key"`
	ClientCA  string             `option:"tls.client-ca"`
	Token     arrowstream.Secret `option:"token"`
	Users     arrowstream.Secret `option:"users"`
	TicketKey arrowstream.Secret `option:"ticket.key"`
	TicketTTL time.Duration      `option:"ticket.ttl"`
	Insecure  bool               `option:"insecure"`
	// Hub, if not nil, is where the server comes from.
	Hub *Hub
	// Access is what may be reached.
	Access *arrowstream.Access
}

func (s *PutSource) config() Config {
	return Config{
		Listen: s.Listen, CertFile: s.CertFile, KeyFile: s.KeyFile, ClientCA: s.ClientCA,
		Token: s.Token, Users: s.Users, TicketKey: s.TicketKey, TicketTTL: s.TicketTTL, Insecure: s.Insecure, Access: s.Access,
	}
}

// Bounded implements [arrowstream.Source]: what clients send is never the same
// twice.
func (s *PutSource) Bounded() bool { return false }

// Delivers implements [arrowstream.Guaranteed].
func (s *PutSource) Delivers() (arrowstream.Guarantee, string) {
	if s.Journal {
		return arrowstream.AtLeastOnce, "batches are kept in a journal before they are answered; exactly once for clients that number them"
	}
	return arrowstream.AtMostOnce, "rows that were put cannot be read again; journal = true keeps them"
}

// Schema implements [arrowstream.Source].
func (s *PutSource) Schema() (*arrow.Schema, error) {
	c := s.config()
	if err := c.check(); err != nil {
		return nil, err
	}
	if s.Stream == "" {
		return nil, kind.BadOption("stream is missing", "")
	}
	if s.Columns == nil || s.Columns.NumFields() == 0 {
		return nil, &arrowstream.Error{Code: "AS1504", Msg: "flight: the columns are not declared", Hint: "list the columns that clients will send"}
	}
	return s.Columns, nil
}

// Open implements [arrowstream.Source].
func (s *PutSource) Open(_ context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	schema, err := s.Schema()
	if err != nil {
		return nil, err
	}
	var journal arrowstream.Journal
	oldest := int64(0)
	if s.Journal {
		if journal, oldest, err = intake.Open(env, s.JournalRetention); err != nil {
			return nil, err
		}
	}
	var server *Server
	release := func() {}
	if !env.Past {
		if server, release, err = s.Hub.acquire(s.config()); err != nil {
			return nil, err
		}
	}
	in := &inbox{
		name: s.Stream, schema: schema, mem: env.Allocator, puts: s.Puts, server: server, release: release, journal: journal,
		queue: make(chan arrow.Record, 4), closed: make(chan struct{}), finished: make(chan struct{}),
	}
	in.cut.rows = env.BatchRows
	if server != nil {
		if err := server.accept(in); err != nil {
			release()
			return nil, err
		}
	}
	if journal != nil {
		return []arrowstream.Partition{&journaledInbox{inbox: in, at: oldest, next: oldest}}, nil
	}
	return []arrowstream.Partition{in}, nil
}

// inbox is the partition of a PutSource: a short queue between the handlers of
// DoPut and the pipeline.
type inbox struct {
	name    string
	schema  *arrow.Schema
	mem     memory.Allocator
	puts    int
	server  *Server
	release func()
	journal arrowstream.Journal // nil without one

	queue    chan arrow.Record
	closed   chan struct{} // closed by Close
	finished chan struct{} // closed after the last expected put

	mu      sync.Mutex
	gone    bool
	done    int
	putters sync.WaitGroup

	read sync.Mutex // serializes Read with Close
	cut  cutter
}

// enter and leave stand around a put.
func (in *inbox) enter() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.gone || in.puts > 0 && in.done >= in.puts {
		return false
	}
	in.putters.Add(1)
	return true
}

func (in *inbox) leave(complete bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if complete {
		if in.done++; in.done == in.puts {
			close(in.finished)
		}
	}
	in.putters.Done()
}

// put hands over b, which it takes.
func (in *inbox) put(ctx context.Context, b arrow.Record) error {
	select {
	case in.queue <- b:
		return nil
	case <-in.closed:
		b.Release()
		return status.Errorf(codes.Unavailable, "stream %q is closing", in.name)
	case <-ctx.Done():
		b.Release()
		return status.FromContextError(ctx.Err()).Err()
	}
}

// Read implements [arrowstream.Partition].
func (in *inbox) Read(ctx context.Context) (arrowstream.Batch, error) {
	in.read.Lock()
	defer in.read.Unlock()
	for {
		if b := in.cut.next(); b != nil {
			return b, nil
		}
		select {
		case b := <-in.queue:
			in.cut.take(b)
			continue
		case <-in.closed:
			return nil, fmt.Errorf("flight: read %s: %w", in.name, errClosed)
		default:
		}
		select {
		case b := <-in.queue:
			in.cut.take(b)
		case <-in.finished:
			// What was queued before the last put ended is still to be read.
			select {
			case b := <-in.queue:
				in.cut.take(b)
			default:
				return nil, io.EOF
			}
		case <-in.closed:
			return nil, fmt.Errorf("flight: read %s: %w", in.name, errClosed)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close implements [arrowstream.Partition].
func (in *inbox) Close() error {
	in.mu.Lock()
	gone := in.gone
	in.gone = true
	in.mu.Unlock()
	if gone {
		return nil
	}
	close(in.closed)
	if in.server != nil {
		in.server.refuse(in)
	}
	in.read.Lock()
	defer in.read.Unlock()
	in.cut.drop()
	left := make(chan struct{})
	go func() {
		in.putters.Wait()
		close(left)
	}()
	for open := true; open; {
		select {
		case b := <-in.queue:
			b.Release()
		case <-left:
			open = false
		}
	}
	for len(in.queue) > 0 {
		(<-in.queue).Release()
	}
	in.release()
	return nil
}

var errClosed = errors.New("partition is closed")

// cutter hands out a batch in slices of at most rows rows.
type cutter struct {
	rows int
	rest arrow.Record
	at   int64
}

func (c *cutter) take(b arrow.Record) { c.rest, c.at = b, 0 }

func (c *cutter) next() arrow.Record {
	if c.rest == nil {
		return nil
	}
	limit := int64(c.rows)
	if limit <= 0 {
		limit = defaultBatchRows
	}
	n := c.rest.NumRows()
	if n == 0 {
		c.drop()
		return nil
	}
	end := min(c.at+limit, n)
	b := c.rest.NewSlice(c.at, end)
	if c.at = end; end == n {
		c.drop()
	}
	return b
}

func (c *cutter) drop() {
	if c.rest != nil {
		c.rest.Release()
		c.rest = nil
	}
}
