package flight

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"google.golang.org/grpc/codes"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

// PutSink writes to a Flight server with DoPut. The server's flow control
// slows the pipeline down; that everything was taken is known at Close.
type PutSink struct {
	// URI of the server: grpc://host:port, grpc+tls://host:port.
	URI string `option:"uri,url,endpoint" required:"true"`
	// Stream is the path of the descriptor, parts separated by dots; in SQL
	// the name of the table.
	Stream string `option:"stream,name"`
	// Token, Username, Password, CAFile, CertFile, KeyFile, ConnectTimeout and
	// Keepalive are as in [Source].
	Token          arrowstream.Secret `option:"token"`
	Username       string             `option:"username"`
	Password       arrowstream.Secret `option:"password"`
	CAFile         string             `option:"tls.ca"`
	CertFile       string             `option:"tls.cert"`
	KeyFile        string             `option:"tls.key"`
	ConnectTimeout time.Duration      `option:"connect.timeout"`
	Keepalive      time.Duration      `option:"keepalive"`

	schema  *arrow.Schema
	env     arrowstream.Env
	encoder *encoder
	client  *client
	cancel  context.CancelFunc
	stream  arrowflight.FlightService_DoPutClient
	result  chan error // the end of the answers of the server
	note    *putNote   // of the next message, nil without a store
	aborted bool
}

// Takes implements [arrowstream.Updating]: changes go out as they are, with
// their column __op.
func (s *PutSink) Takes() arrowstream.Delivery { return arrowstream.Changelog }

func (s *PutSink) connection() connection {
	return connection{
		uri: s.URI, token: s.Token, username: s.Username, password: s.Password,
		caFile: s.CAFile, certFile: s.CertFile, keyFile: s.KeyFile, timeout: s.ConnectTimeout, keepalive: s.Keepalive, access: s.env.Access,
	}
}

// Bind implements [arrowstream.Sink].
func (s *PutSink) Bind(in *arrow.Schema, env arrowstream.Env) error {
	if s.Stream == "" {
		return kind.BadOption("stream is missing", "")
	}
	s.schema, s.env = in, env
	return s.connection().check()
}

// open connects and sends the descriptor and the schema.
func (s *PutSink) open(ctx context.Context) error {
	if s.stream != nil {
		return nil
	}
	e, schema, err := newEncoder(s.schema, s.env.Allocator)
	if err != nil {
		return err
	}
	c, err := s.connection().dial()
	if err != nil {
		return err
	}
	life, cancel := context.WithCancel(c.with(context.Background()))
	err = c.retry(ctx, "write "+s.Stream, func(ctx context.Context) error {
		return c.reach(ctx)
	})
	if err == nil {
		s.stream, err = c.DoPut(life)
	}
	if err == nil {
		schema.FlightDescriptor = &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: strings.Split(s.Stream, ".")}
		err = s.stream.Send(schema)
	}
	if err != nil {
		cancel()
		c.close()
		s.stream = nil
		return err
	}
	s.client, s.cancel, s.encoder = c, cancel, e
	s.result = make(chan error, 1)
	go func(stream arrowflight.FlightService_DoPutClient) {
		for {
			if _, err := stream.Recv(); err != nil {
				s.result <- err
				return
			}
		}
	}(s.stream)
	return nil
}

// Write implements [arrowstream.Sink].
func (s *PutSink) Write(ctx context.Context, b arrowstream.Batch) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, s.cancel) // ends a Send that waits for the server
	defer stop()
	err := s.encoder.encode(b, func(m *arrowflight.FlightData, _ int64) error {
		if s.note != nil {
			text, err := json.Marshal(s.note)
			if err != nil {
				return err
			}
			m.AppMetadata = text
			s.note.Seq++
		}
		return s.stream.Send(m)
	})
	if errors.Is(err, io.EOF) { // the server has ended the call: Recv tells why
		err = <-s.result
		s.result <- err
		if errors.Is(err, io.EOF) {
			err = errors.New("the server stopped taking rows")
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.client.fail("write "+s.Stream, err)
	}
	return nil
}

// Flush implements [arrowstream.Sink]. Rows are under way as soon as they are
// written; Flight has no answer to wait for before the end.
func (s *PutSink) Flush(context.Context) error { return nil }

// Delivers implements [arrowstream.Guaranteed].
func (s *PutSink) Delivers() (arrowstream.Guarantee, string) {
	return arrowstream.AtLeastOnce, "an epoch that is repeated is put again, with the same numbers; once if the server keeps a journal"
}

// Claim implements [arrowstream.Publisher]. The server knows no incarnations:
// what an earlier process puts has the numbers that this one uses.
func (s *PutSink) Claim(context.Context, arrowstream.Publication) error { return nil }

// Publish implements [arrowstream.Publisher]: an epoch is a call, in which every
// batch is numbered. While the server is out of reach it is made again.
func (s *PutSink) Publish(ctx context.Context, p arrowstream.Publication) error {
	return remote.Retry(ctx, cmp.Or(s.ConnectTimeout, defaultConnectTimeout), func(ctx context.Context) (again bool, err error) {
		err = s.publish(ctx, p)
		var failed statusError
		return errors.As(err, &failed) && failed.Code() == codes.Unavailable, err
	})
}

func (s *PutSink) publish(ctx context.Context, p arrowstream.Publication) error {
	s.aborted = false
	if err := s.open(ctx); err != nil {
		return err
	}
	s.note = &putNote{Writer: p.Job + "/" + p.Sink, Epoch: uint64(p.Epoch)}
	for b, err := range p.Rows {
		if err == nil {
			err = s.Write(ctx, b)
			b.Release()
		}
		if err != nil {
			s.Abort(err)
			return errors.Join(err, s.Close())
		}
	}
	stop := context.AfterFunc(ctx, s.cancel)
	defer stop()
	return s.Close()
}

// Abort implements [arrowstream.Aborter]: the call is cancelled.
func (s *PutSink) Abort(error) { s.aborted = true }

// Close implements [arrowstream.Sink]: it waits until the server has taken
// everything.
func (s *PutSink) Close() error {
	if s.stream == nil {
		return nil
	}
	defer func() {
		s.cancel()
		s.client.close()
		s.stream = nil
	}()
	if s.aborted {
		s.cancel()
		<-s.result
		return nil
	}
	err := s.stream.CloseSend()
	if err == nil {
		err = <-s.result
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return s.client.fail("write "+s.Stream, err)
}
