package flight

import (
	"context"
	"fmt"
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
//
// Streams of a [Sink] can be taken up where a checkpoint was made, and after
// the connection broke: every row comes once, or there is an error that names
// what is retained. Others can if they are bounded, by counting rows.
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
	// same rows. With a state directory a stream that is not has no end: when
	// it stops, its job is waited for.
	Finite bool `option:"bounded"`
	// Token is the bearer token to send; env:NAME and file:PATH are read.
	Token arrowstream.Secret `option:"token"`
	// Username and Password log in where there is no token; the password may
	// be env:NAME or file:PATH.
	Username string             `option:"username"`
	Password arrowstream.Secret `option:"password"`
	// CAFile holds the certificates to trust instead of those of the system.
	CAFile string `option:"tls.ca"`
	// CertFile and KeyFile are the certificate to show to the server.
	CertFile string `option:"tls.cert"`
	KeyFile  string `option:"tls.key"`
	// ConnectTimeout is how long the server may be out of reach; 30 s.
	ConnectTimeout time.Duration `option:"connect.timeout"`
	// Keepalive is how long the server may say nothing before it is asked for a
	// sign of life; 5 minutes, which every server allows, at least 10 s. One that
	// does not answer within a fifth of that, at most 20 s, is out of reach.
	Keepalive time.Duration `option:"keepalive"`
	// Access is what may be reached.
	Access *arrowstream.Access

	schema *arrow.Schema
}

// Bounded implements [arrowstream.Source].
func (s *Source) Bounded() bool { return s.Finite }

// Delivers implements [arrowstream.Guaranteed].
func (s *Source) Delivers() (arrowstream.Guarantee, string) {
	switch {
	case s.Ticket != "" && !s.Finite:
		return arrowstream.AtMostOnce, "a ticket starts where it says"
	case s.Finite:
		return arrowstream.ExactlyOnce, "position in the stream, or rows counted"
	}
	return arrowstream.ExactlyOnce, "position in the stream, if arrowstream exports it; else at most once"
}

func (s *Source) connection() connection {
	return connection{
		uri: s.URI, token: s.Token, username: s.Username, password: s.Password,
		caFile: s.CAFile, certFile: s.CertFile, keyFile: s.KeyFile, timeout: s.ConnectTimeout, keepalive: s.Keepalive, access: s.Access,
	}
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
	var from note
	if s.Ticket == "" {
		info, err := c.lookUp(ctx, s.Stream, s.descriptor())
		if err != nil {
			c.close()
			return nil, err
		}
		tickets = nil
		for _, e := range info.GetEndpoint() {
			tickets = append(tickets, e.GetTicket())
		}
		from = readNote(info.GetAppMetadata())
	} else if name == "" {
		name = s.Ticket
	}
	var open sync.WaitGroup
	open.Add(len(tickets))
	partitions := make([]arrowstream.Partition, len(tickets))
	for i, t := range tickets {
		p := &getPartition{
			client: c, stream: s.Stream, name: name, ticket: t, schema: schema, mem: env.Allocator, finite: s.Finite,
			batches: make(chan arrival, 2), done: open.Done,
		}
		if len(tickets) > 1 {
			p.name = fmt.Sprintf("%s/%d", name, i)
		}
		p.cut.rows = env.BatchRows
		p.ctx, p.cancel = context.WithCancel(context.Background())
		partitions[i] = p
		switch {
		case from.Job != "" && from.First != nil && len(tickets) == 1:
			p.next = mark{Job: from.Job, position: *from.First}
			partitions[i] = &replayPartition{p}
		case s.Finite:
			partitions[i] = &replayPartition{p}
		}
	}
	go func() {
		open.Wait()
		c.close()
	}()
	return partitions, nil
}
