package flight

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
// and follow it with DoGet; each message carries its position in app_metadata.
//
// Without a store batches are numbered over the run, {"seq":17,"rows":1024}, and
// a client that comes back may go on while the process lives. With one the
// sink is a [arrowstream.Publisher]: batches come with their epoch when it is
// committed, {"epoch":5,"seq":17,"rows":1024}, a batch without rows closes it,
// {"epoch":5,"seq":18,"end":true}, and an epoch that is published again after a
// crash has the same positions. A client that keeps the position with what it
// made of the rows, and asks for the next, has every row once. Epochs that were
// published by an earlier process are there if RetainPath is set.
type Sink struct {
	// Stream is the name clients ask for; in SQL that of the table.
	Stream string `option:"stream,name"`
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
	// RetainBytes and RetainRows bound what is kept for late and slow
	// clients; 64 MiB and no bound on rows.
	RetainBytes int64 `option:"retain.bytes"`
	RetainRows  int64 `option:"retain.rows"`
	// RetainEpochs bounds it too, when the job has a state directory; 100.
	RetainEpochs int `option:"retain.epochs"`
	// RetainPath is a folder, for this job alone, in which epochs are kept
	// instead of in memory (1 GiB then), so that clients may go on after the
	// process was started again. It needs a state directory.
	RetainPath string `option:"retain.path"`
	// Hold keeps the stream available for that long after its end: Close
	// waits, until the context of the last Flush is done. Of the sinks of one
	// address the last to be closed waits, the streams of the others end
	// before. It has no effect with Hub, whose servers stay.
	Hold time.Duration `option:"hold"`
	// Hub, if not nil, is where the server comes from.
	Hub *Hub

	env     arrowstream.Env
	schema  *arrow.Schema
	mu      *sync.Mutex // Publish runs beside Close after an error of the run; made by Bind
	closed  bool
	server  *Server
	release func()
	stream  *Stream
	cause   error
	stopped <-chan struct{}             // when the run is cut off
	before  func(op, path string) error // as that of shelf
}

// Takes implements [arrowstream.Updating]: changes go out as they are, with
// their column __op.
func (s *Sink) Takes() arrowstream.Delivery { return arrowstream.Changelog }

func (s *Sink) config() Config {
	return Config{
		Listen: s.Listen, CertFile: s.CertFile, KeyFile: s.KeyFile, ClientCA: s.ClientCA,
		Token: s.Token, Users: s.Users, TicketKey: s.TicketKey, TicketTTL: s.TicketTTL, Insecure: s.Insecure, Access: s.env.Access,
	}
}

// Bind implements [arrowstream.Sink].
func (s *Sink) Bind(in *arrow.Schema, env arrowstream.Env) error {
	s.env = env
	c := s.config()
	if err := c.check(); err != nil {
		return err
	}
	switch {
	case s.Stream == "":
		return kind.BadOption("stream is missing", "name the stream that clients ask for")
	case s.RetainPath != "" && len(shelfName(s.Stream)) > 255:
		return kind.BadOption("stream has too long a name for the folder of retain.path", "")
	case s.Hold < 0:
		return kind.BadOption("hold is negative", "")
	case s.RetainEpochs < 0:
		return kind.BadOption("retain.epochs is negative", "")
	case s.RetainPath != "" && s.RetainRows > 0:
		return kind.BadOption("retain.rows does not go with retain.path", "use retain.bytes or retain.epochs")
	}
	if s.RetainPath != "" {
		if _, err := env.Access.Stat(s.RetainPath); arrowstream.Refused(err) != nil {
			return err
		}
	}
	s.schema, s.mu = in, &sync.Mutex{}
	return nil
}

// open exports the stream; job is empty without a store. At its end a job may
// find that it has published everything before, and knows what from its folder.
func (s *Sink) open(job string, ended bool) error {
	if s.stream != nil {
		return nil
	}
	retention := Retention{Bytes: s.RetainBytes, Rows: s.RetainRows, Epochs: s.RetainEpochs, Path: s.RetainPath}
	var sh *shelf
	var last *epochHead
	var entries []entry
	if s.RetainPath != "" {
		if job == "" && !ended {
			return kind.BadOption("retain.path needs a state directory", "run the job with --state, or leave it out")
		}
		var err error
		if sh, last, entries, err = openShelf(s.env.Access, s.RetainPath, s.Stream, s.before); err != nil {
			return err
		}
		if last != nil && job == "" {
			job = last.Job
		}
	}
	stream, err := newStream(s.Stream, job, s.schema, retention, s.env.Allocator)
	if err != nil {
		return err
	}
	if sh != nil {
		if err := stream.takeUp(sh, last, entries); err != nil {
			return err
		}
	}
	server, release, err := s.Hub.acquire(s.config())
	if err != nil {
		return err
	}
	if err := server.export(stream); err != nil {
		release()
		return err
	}
	s.server, s.release, s.stream = server, release, stream
	return nil
}

// Claim implements [arrowstream.Publisher]: the stream is there from now on, with
// what its folder holds. Without a folder the address is what one process has.
func (s *Sink) Claim(ctx context.Context, p arrowstream.Publication) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = ctx.Done()
	if err := s.open(p.Job, false); err != nil {
		return err
	}
	return s.stream.claim(p)
}

// Delivers implements [arrowstream.Guaranteed].
func (s *Sink) Delivers() (arrowstream.Guarantee, string) {
	if s.RetainPath == "" {
		return arrowstream.ExactlyOnce, "for readers that resume by position while the process lives; retain.path is not set"
	}
	return arrowstream.ExactlyOnce, "for readers that resume by position, in what is retained"
}

// Publish implements [arrowstream.Publisher]: the epoch is there for subscribers
// that are following and for those that come while it is retained.
func (s *Sink) Publish(ctx context.Context, p arrowstream.Publication) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("flight: publish %s: the sink is closed", s.Stream)
	}
	s.stopped = ctx.Done()
	if err := s.open(p.Job, false); err != nil {
		return err
	}
	return s.stream.publish(p)
}

// URI is where clients find the stream, "" before the first Write, Flush or
// Claim.
func (s *Sink) URI() string {
	if s.server == nil {
		return ""
	}
	return s.server.URI()
}

// Write implements [arrowstream.Sink].
func (s *Sink) Write(ctx context.Context, b arrowstream.Batch) error {
	s.stopped = ctx.Done()
	if err := s.open("", false); err != nil {
		return err
	}
	return s.stream.Append(b)
}

// Flush implements [arrowstream.Sink]. What was written is visible at once;
// the first Flush makes an empty stream visible too.
func (s *Sink) Flush(ctx context.Context) error {
	s.stopped = ctx.Done()
	return s.open("", false)
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
	if s.mu == nil {
		return nil // never bound
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.cause == nil {
		if err := s.open("", true); err != nil {
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
