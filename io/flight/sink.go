package flight

import (
	"context"
	"errors"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
)

// drainTime is how long the clients of a stream may take to read the rest of
// it after its end, when the server would stop otherwise.
const drainTime = 5 * time.Second

// Sink exports a stream. Clients find it by name at the address of the server
// and follow it with DoGet; each message carries its number in app_metadata,
// {"seq":17,"rows":1024}, from which a ticket goes on.
type Sink struct {
	// Stream is the name clients ask for; in SQL that of the table.
	Stream string `option:"stream,name"`
	// Listen, CertFile, KeyFile, Token and Insecure are as in [Config].
	Listen   string `option:"listen"`
	CertFile string `option:"tls.cert"`
	KeyFile  string `option:"tls.key"`
	Token    string `option:"token"`
	Insecure bool   `option:"insecure"`
	// RetainBytes and RetainRows bound what is kept for late and slow
	// clients; 64 MiB and no bound on rows.
	RetainBytes int64 `option:"retain.bytes"`
	RetainRows  int64 `option:"retain.rows"`
	// Hold keeps the stream available for that long after its end: Close
	// waits, until the context of the last Flush is done. Of the sinks of one
	// address the last to be closed waits, the streams of the others end
	// before. It has no effect with Hub, whose servers stay.
	Hold time.Duration `option:"hold"`
	// Hub, if not nil, is where the server comes from.
	Hub *Hub

	env     arrowstream.Env
	schema  *arrow.Schema
	server  *Server
	release func()
	stream  *Stream
	cause   error
	stopped <-chan struct{} // when the run is cut off
}

// Takes implements [arrowstream.Updating]: changes go out as they are, with
// their column __op.
func (s *Sink) Takes() arrowstream.Delivery { return arrowstream.Changelog }

func (s *Sink) config() Config {
	return Config{Listen: s.Listen, CertFile: s.CertFile, KeyFile: s.KeyFile, Token: s.Token, Insecure: s.Insecure}
}

// Bind implements [arrowstream.Sink].
func (s *Sink) Bind(in *arrow.Schema, env arrowstream.Env) error {
	c := s.config()
	if err := c.check(); err != nil {
		return err
	}
	if s.Stream == "" {
		return kind.BadOption("stream is missing", "name the stream that clients ask for")
	}
	if s.Hold < 0 {
		return kind.BadOption("hold is negative", "")
	}
	s.schema, s.env = in, env
	return nil
}

func (s *Sink) open() error {
	if s.stream != nil {
		return nil
	}
	server, release, err := s.Hub.acquire(s.config())
	if err != nil {
		return err
	}
	stream, err := server.Export(s.Stream, s.schema, Retention{Bytes: s.RetainBytes, Rows: s.RetainRows}, s.env.Allocator)
	if err != nil {
		release()
		return err
	}
	s.server, s.release, s.stream = server, release, stream
	return nil
}

// URI is where clients find the stream, "" before the first Write or Flush.
func (s *Sink) URI() string {
	if s.server == nil {
		return ""
	}
	return s.server.URI()
}

// Write implements [arrowstream.Sink].
func (s *Sink) Write(ctx context.Context, b arrowstream.Batch) error {
	s.stopped = ctx.Done()
	if err := s.open(); err != nil {
		return err
	}
	return s.stream.Append(b)
}

// Flush implements [arrowstream.Sink]. What was written is visible at once;
// the first Flush makes an empty stream visible too.
func (s *Sink) Flush(ctx context.Context) error {
	s.stopped = ctx.Done()
	return s.open()
}

// hold waits as long as Hold says, or until the run is cut off.
func (s *Sink) hold() {
	timer := time.NewTimer(s.Hold)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.stopped:
	}
}

// Abort implements [arrowstream.Aborter]: clients see the error of the run
// instead of the end of the stream.
func (s *Sink) Abort(cause error) {
	if cause == nil {
		cause = errors.New("the run was stopped")
	}
	s.cause = cause
}

// Close implements [arrowstream.Sink].
func (s *Sink) Close() error {
	if s.cause == nil && s.schema != nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	if s.stream == nil {
		return nil
	}
	if s.cause != nil {
		s.stream.end(status.Errorf(codes.Aborted, "the stream ended early: %v", s.cause))
	} else {
		s.stream.Close()
	}
	// The server stays for the other sinks of the address; the last of them
	// waits for the clients of all.
	if s.Hub == nil && process.alone(s.config()) {
		if s.cause == nil && s.Hold > 0 {
			s.hold()
		}
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		s.server.drained(ctx)
		cancel()
	}
	s.release()
	s.stream = nil
	return nil
}
