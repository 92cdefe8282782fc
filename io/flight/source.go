package flight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/wire"
)

// Source reads a stream of a Flight server. Its partitions are the endpoints
// that the server lists, all of them read over the connection to the server.
type Source struct {
	// URI of the server: grpc://host:port, grpc+tls://host:port.
	URI string `option:"uri,url,endpoint" required:"true"`
	// Stream is the path of the descriptor, parts separated by dots; in SQL
	// the name of the table. Ticket, if not empty, is used as it is.
	Stream string `option:"stream,name"`
	Ticket string `option:"ticket"`
	// Columns, if declared, are matched by name with those of the server.
	Columns *arrow.Schema
	// Finite says that the stream ends and that reading it again gives the
	// same rows.
	Finite bool `option:"bounded"`
	// Token is the bearer token to send; env:NAME and file:PATH are read.
	Token string `option:"token"`
	// CAFile holds the certificates to trust instead of those of the system.
	CAFile string `option:"tls.ca"`
	// ConnectTimeout is how long the server may be out of reach; 30 s.
	ConnectTimeout time.Duration `option:"connect.timeout"`

	schema *arrow.Schema
}

// Bounded implements [arrowstream.Source].
func (s *Source) Bounded() bool { return s.Finite }

func (s *Source) connection() connection {
	return connection{uri: s.URI, token: s.Token, caFile: s.CAFile, timeout: s.ConnectTimeout}
}

func (s *Source) descriptor() *arrowflight.FlightDescriptor {
	return &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: strings.Split(s.Stream, ".")}
}

// Schema implements [arrowstream.Source]. It asks the server when no columns
// are declared.
func (s *Source) Schema() (*arrow.Schema, error) {
	if err := s.connection().check(); err != nil {
		return nil, err
	}
	if s.Stream == "" && s.Ticket == "" {
		return nil, kind.BadOption("stream is missing", "name the stream, or give a ticket")
	}
	if s.Columns != nil {
		return s.Columns, nil
	}
	if s.schema != nil {
		return s.schema, nil
	}
	if s.Stream == "" {
		return nil, &arrowstream.Error{Code: "AS1504", Msg: "flight: a ticket tells no columns", Hint: "declare them, or name the stream"}
	}
	c, err := s.connection().dial()
	if err != nil {
		return nil, err
	}
	defer c.close()
	var raw []byte
	err = c.retry(context.Background(), "schema of "+s.Stream, func(ctx context.Context) error {
		answer, err := c.GetSchema(ctx, s.descriptor())
		raw = answer.GetSchema()
		return err
	})
	if err != nil {
		return nil, err
	}
	r, err := wire.NewReader("flight: schema of "+s.Stream, strings.NewReader(string(raw)), memory.NewGoAllocator(), wire.Limits{})
	if err != nil {
		return nil, err
	}
	defer r.Release()
	s.schema = r.Schema()
	return s.schema, nil
}

// Open implements [arrowstream.Source].
func (s *Source) Open(ctx context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	schema, err := s.Schema()
	if err != nil {
		return nil, err
	}
	c, err := s.connection().dial()
	if err != nil {
		return nil, err
	}
	tickets := []*arrowflight.Ticket{{Ticket: []byte(s.Ticket)}}
	name := s.Stream
	if s.Ticket == "" {
		var info *arrowflight.FlightInfo
		err := c.retry(ctx, "look up "+s.Stream, func(ctx context.Context) error {
			var err error
			info, err = c.GetFlightInfo(ctx, s.descriptor())
			return err
		})
		if err == nil && len(info.GetEndpoint()) == 0 {
			err = c.fail("look up "+s.Stream, errors.New("the server lists no endpoint"))
		}
		if err != nil {
			c.close()
			return nil, err
		}
		tickets = nil
		for _, e := range info.GetEndpoint() {
			tickets = append(tickets, e.GetTicket())
		}
	} else if name == "" {
		name = s.Ticket
	}
	var open sync.WaitGroup
	open.Add(len(tickets))
	partitions := make([]arrowstream.Partition, len(tickets))
	for i, t := range tickets {
		p := &getPartition{
			client: c, name: name, ticket: t, schema: schema, mem: env.Allocator,
			batches: make(chan arrow.Record, 2), done: open.Done,
		}
		if len(tickets) > 1 {
			p.name = fmt.Sprintf("%s/%d", name, i)
		}
		p.cut.rows = env.BatchRows
		p.ctx, p.cancel = context.WithCancel(context.Background())
		partitions[i] = p
	}
	go func() {
		open.Wait()
		c.close()
	}()
	return partitions, nil
}

// getPartition follows one endpoint. A goroutine receives and decodes ahead,
// started by the first Read and ended by Close.
type getPartition struct {
	client *client
	name   string
	ticket *arrowflight.Ticket
	schema *arrow.Schema
	mem    memory.Allocator

	ctx      context.Context
	cancel   context.CancelFunc
	receiver sync.WaitGroup
	batches  chan arrow.Record // closed at the end, after err is set
	err      error
	done     func()

	mu      sync.Mutex // serializes Read with Close
	started bool
	closed  bool
	cut     cutter
}

// Read implements [arrowstream.Partition].
func (p *getPartition) Read(ctx context.Context) (arrowstream.Batch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("flight: read %s: %w", p.name, errClosed)
	}
	if !p.started {
		p.started = true
		p.receiver.Add(1)
		go func() {
			defer p.receiver.Done()
			defer close(p.batches)
			p.err = p.receive()
		}()
	}
	for {
		if b := p.cut.next(); b != nil {
			return b, nil
		}
		select {
		case b, more := <-p.batches:
			switch {
			case more:
				p.cut.take(b)
			case p.ctx.Err() != nil:
				return nil, fmt.Errorf("flight: read %s: %w", p.name, errClosed)
			default:
				return nil, p.err
			}
		case <-p.ctx.Done():
			return nil, fmt.Errorf("flight: read %s: %w", p.name, errClosed)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// receive reads the endpoint to its end; the end itself is io.EOF.
func (p *getPartition) receive() error {
	what := "read " + p.name
	var stream arrowflight.FlightService_DoGetClient
	var first *arrowflight.FlightData
	err := p.client.retry(p.ctx, what, func(context.Context) error {
		var err error // the call lives as long as the partition
		if stream, err = p.client.DoGet(p.client.with(p.ctx), p.ticket); err == nil {
			first, err = stream.Recv()
		}
		return err
	})
	if err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return err
	}
	r, err := newReceiver(what+" at "+p.client.to.uri, first, stream.Recv, p.mem)
	if err != nil {
		return err
	}
	defer r.Release()
	fit, err := newFitting(r.Schema(), p.schema)
	if err != nil {
		return p.client.fail(what, err)
	}
	for {
		b, err := r.Read()
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		if err != nil {
			return p.client.fail(what, err)
		}
		fitted, err := fit.apply(p.mem, b)
		b.Release()
		if err != nil {
			return p.client.fail(what, err)
		}
		select {
		case p.batches <- fitted:
		case <-p.ctx.Done():
			fitted.Release()
			return p.ctx.Err()
		}
	}
}

// Close implements [arrowstream.Partition].
func (p *getPartition) Close() error {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	p.receiver.Wait()
	if p.started {
		for b := range p.batches {
			b.Release()
		}
	}
	p.cut.drop()
	p.done()
	return nil
}
