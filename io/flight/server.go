package flight

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
)

// DefaultListen is the address of a server that is given none.
const DefaultListen = "127.0.0.1:8815"

// Config is how a server listens. A server that is not on loopback needs TLS
// and a token, or Insecure.
type Config struct {
	// Listen is host:port; DefaultListen if empty. Port 0 takes a free one.
	Listen string
	// CertFile and KeyFile turn TLS on (1.2 or later).
	CertFile, KeyFile string
	// Token, if set, is the bearer token every call must carry. It may be
	// env:NAME or file:PATH.
	Token string
	// Insecure lets a server listen elsewhere than on loopback without TLS
	// and token.
	Insecure bool
}

// Server serves named streams over Arrow Flight: ListFlights, GetFlightInfo,
// GetSchema, DoGet for what is exported, DoPut for what is accepted.
type Server struct {
	config   Config
	token    string
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

// check reports what forbids the configuration.
func (c *Config) check() error {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return kind.BadOption("tls.cert and tls.key belong together", "")
	}
	return kind.CheckListen(c.Listen, c.Insecure || c.CertFile != "" && c.Token != "", "connect", "set tls.cert, tls.key and token, or insecure = true")
}

// NewServer starts a server.
func NewServer(c Config) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	token, err := kind.Secret("token", c.Token)
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: c, token: token,
		streams: map[string]*Stream{}, tables: map[string]*table{}, inboxes: map[string]*inbox{},
	}
	opts := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(16 << 20), grpc.MaxConcurrentStreams(128), grpc.MaxHeaderListSize(16 << 10),
		grpc.ConnectionTimeout(20 * time.Second), grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.UnaryInterceptor(s.unary), grpc.StreamInterceptor(s.stream),
	}
	if c.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("flight: certificate: %w", err)
		}
		opts = append(opts, grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})))
	}
	if s.listener, err = net.Listen("tcp", c.Listen); err != nil {
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
	st, err := newStream(name, schema, r, mem)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.streams[name]; old != nil {
		old.mu.Lock()
		ended := old.ended
		old.mu.Unlock()
		if !ended {
			return nil, kind.BadOption(fmt.Sprintf("stream: %q is already exported at %s", name, s.Addr()), "give another name")
		}
	}
	if s.closed {
		return nil, errors.New("flight: server is closed")
	}
	delete(s.tables, name)
	s.streams[name] = st
	return st, nil
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

func (s *Server) lookup(name string) (*Stream, *table, error) {
	s.mu.Lock()
	st, t := s.streams[name], s.tables[name]
	s.mu.Unlock()
	if st == nil && t == nil {
		return nil, nil, status.Errorf(codes.NotFound, "no stream %q (%s)", name, arrowstream.Suggest(name, s.names(), "streams"))
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

// unary and stream run before every call: recover, then authentication.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, h grpc.UnaryHandler) (resp any, err error) {
	defer recovered(info.FullMethod, &err)
	if err := s.authenticate(ctx); err != nil {
		return nil, err
	}
	return h(ctx, req)
}

func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, h grpc.StreamHandler) (err error) {
	defer recovered(info.FullMethod, &err)
	if err := s.authenticate(ss.Context()); err != nil {
		return err
	}
	return h(srv, ss)
}

func recovered(method string, err *error) {
	if p := recover(); p != nil {
		*err = status.Errorf(codes.Internal, "%s: internal error: %v", method, p)
	}
}

// authenticate compares the bearer token in constant time.
func (s *Server) authenticate(ctx context.Context) error {
	if s.token == "" {
		return nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	for _, value := range md.Get("authorization") {
		scheme, token, ok := strings.Cut(value, " ")
		if ok && strings.EqualFold(scheme, "bearer") && subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) == 1 {
			return nil
		}
	}
	return status.Error(codes.Unauthenticated, "a valid bearer token is required")
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
