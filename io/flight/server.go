package flight

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
)

// DefaultListen is the address of a server that is given none.
const DefaultListen = "127.0.0.1:8815"

// Config is how a server listens and whom it lets in. A server that is not on
// loopback needs TLS and a way to tell callers apart, or Insecure.
type Config struct {
	// Listen is host:port; DefaultListen if empty. Port 0 takes a free one.
	Listen string
	// CertFile and KeyFile turn TLS on (1.2 or later). They are read again when
	// they change.
	CertFile, KeyFile string
	// ClientCA holds the certificates that sign those of clients. A client
	// with one is known by a name in it; without Token and Users every client
	// needs one.
	ClientCA string
	// Token, if set, is a bearer token that may do everything. It may be
	// env:NAME or file:PATH.
	Token arrowstream.Secret
	// Users, mostly file:PATH, lists who may do what, one user a line: name,
	// credential (token=, password=, or certificate) and grants (read=STREAM,
	// write=STREAM; STREAM may end in *). Credentials may be env:NAME or
	// file:PATH.
	Users arrowstream.Secret
	// TicketKey signs tickets, at least 16 bytes, mostly env:NAME or file:PATH.
	// Without one it is random, and tickets end with the process.
	TicketKey arrowstream.Secret
	// TicketTTL is how long a ticket is good for; 24 hours.
	TicketTTL time.Duration
	// Insecure lets a server listen elsewhere than on loopback without TLS
	// or without telling callers apart.
	Insecure bool
	// Access is what the server may reach.
	Access *arrowstream.Access
}

// Server serves named streams over Arrow Flight: ListFlights, GetFlightInfo,
// GetSchema, DoGet for what is exported, DoPut for what is accepted.
type Server struct {
	config   Config
	auth     *authenticator
	tickets  signer
	listener net.Listener
	grpc     *grpc.Server
	served   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	streams map[string]*Stream
	tables  map[string]*table
	inboxes map[string]*inbox
}

// table is an exported set of rows that is read anew for every client.
type table struct {
	schema *arrow.Schema
	read   func(ctx context.Context, yield func(arrow.Record) error) error
}

const (
	defaultTicketTTL = 24 * time.Hour
	minTicketKey     = 16
)

// check reports what forbids the configuration.
func (c *Config) check() error {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	switch {
	case (c.CertFile == "") != (c.KeyFile == ""):
		return kind.BadOption("tls.cert and tls.key belong together", "")
	case c.ClientCA != "" && c.CertFile == "":
		return kind.BadOption("tls.client-ca needs tls.cert and tls.key", "")
	case c.TicketTTL < 0:
		return kind.BadOption("ticket.ttl is negative", "")
	}
	if err := c.Access.CheckListen("tcp", c.Listen); err != nil {
		return err
	}
	return kind.CheckListen(c.Listen, c.Insecure || c.CertFile != "" && c.guarded(), "connect", "set tls.cert, tls.key and token, users or tls.client-ca, or insecure = true")
}

// guarded reports whether callers are told apart.
func (c *Config) guarded() bool { return c.Token != "" || c.Users != "" || c.ClientCA != "" }

// NewServer starts a server.
func NewServer(c Config) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Server{config: c, streams: map[string]*Stream{}, tables: map[string]*table{}, inboxes: map[string]*inbox{}}
	var err error
	if s.auth, err = newAuthenticator(c); err != nil {
		return nil, err
	}
	if s.tickets, err = newSigner(c); err != nil {
		return nil, err
	}
	opts := append(s.limits(), grpc.UnaryInterceptor(s.unary), grpc.StreamInterceptor(s.stream))
	if c.CertFile != "" {
		certs, err := loadCertificates(c)
		if err != nil {
			return nil, err
		}
		opts = append(opts, grpc.Creds(credentials.NewTLS(certs.config())))
	}
	if s.listener, err = c.Access.Listen("tcp", c.Listen); err != nil {
		if no := arrowstream.Refused(err); no != nil {
			return nil, no
		}
		return nil, &arrowstream.Error{Code: "AS3001", Msg: "flight: listen on " + c.Listen, Err: err}
	}
	s.grpc = grpc.NewServer(opts...)
	arrowflight.RegisterFlightServiceServer(s.grpc, &service{server: s})
	s.served.Add(1)
	go func() {
		defer s.served.Done()
		_ = s.grpc.Serve(s.listener) // ends with Close; errors of connections are theirs
	}()
	return s, nil
}

// Addr is the address the server listens on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URI is what a client connects to.
func (s *Server) URI() string {
	if s.config.CertFile != "" {
		return "grpc+tls://" + s.Addr()
	}
	return "grpc://" + s.Addr()
}

// Export makes a stream under a name; a stream of that name that has ended is
// replaced. mem is used to encode batches.
func (s *Server) Export(name string, schema *arrow.Schema, r Retention, mem memory.Allocator) (*Stream, error) {
	st, err := newStream(name, "", schema, r, mem)
	if err != nil {
		return nil, err
	}
	return st, s.export(st)
}

func (s *Server) export(st *Stream) error {
	name := st.name
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.streams[name]; old != nil {
		old.mu.Lock()
		ended := old.ended
		old.mu.Unlock()
		if !ended {
			return kind.BadOption(fmt.Sprintf("stream: %q is already exported at %s", name, s.Addr()), "give another name")
		}
	}
	if s.closed {
		return errors.New("flight: server is closed")
	}
	delete(s.tables, name)
	s.streams[name] = st
	return nil
}

// ExportTable makes the rows that read yields available under a name; read
// runs once for every client, and its batches stay its own.
func (s *Server) ExportTable(name string, schema *arrow.Schema, read func(ctx context.Context, yield func(arrow.Record) error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables[name] = &table{schema, read}
}

// accept takes what clients put under the name of in.
func (s *Server) accept(in *inbox) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inboxes[in.name] != nil {
		return kind.BadOption(fmt.Sprintf("stream: %q is already read from %s", in.name, s.Addr()), "give another name")
	}
	s.inboxes[in.name] = in
	return nil
}

func (s *Server) refuse(in *inbox) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inboxes[in.name] == in {
		delete(s.inboxes, in.name)
	}
}

// names lists what can be read, sorted.
func (s *Server) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.streams {
		names = append(names, name)
	}
	for name := range s.tables {
		if s.streams[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// lookup finds what is exported under a name; the error suggests what the caller
// may read.
func (s *Server) lookup(who *principal, name string) (*Stream, *table, error) {
	s.mu.Lock()
	st, t := s.streams[name], s.tables[name]
	s.mu.Unlock()
	if st == nil && t == nil {
		return nil, nil, status.Errorf(codes.NotFound, "no stream %q (%s)", name, arrowstream.Suggest(name, slices.DeleteFunc(s.names(), func(n string) bool { return !who.mayRead(n) }), "streams"))
	}
	return st, t, nil
}

// Close ends every stream that is still open, gives clients a moment to leave
// and stops the server.
func (s *Server) Close() {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	for _, st := range s.streams {
		st.end(status.Error(codes.Unavailable, "the server is closing"))
	}
	s.mu.Unlock()
	if closed {
		return
	}
	graceful := make(chan struct{})
	go func() {
		defer close(graceful)
		s.grpc.GracefulStop()
	}()
	wait := time.NewTimer(time.Second)
	defer wait.Stop()
	select {
	case <-graceful:
	case <-wait.C:
		s.grpc.Stop()
		<-graceful
	}
	s.served.Wait()
}

// drained waits until no client follows a stream, or ctx is done.
func (s *Server) drained(ctx context.Context) {
	s.mu.Lock()
	streams := slices.Collect(maps.Values(s.streams))
	s.mu.Unlock()
	for _, st := range streams {
		st.drained(ctx)
	}
}
