package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

const defaultConnections = 128

// config is how a server listens and whom it lets in.
type config struct {
	access                       *arrowstream.Access
	listen, cert, key, ca, hosts string
	token, users                 arrowstream.Secret
	guarded                      bool
	connections                  int
}

// server serves the sources of one address.
type server struct {
	config   config
	listener net.Listener
	http     *http.Server
	served   sync.WaitGroup
	users    *remote.Users
	fails    remote.Failures
	hosts    []string // nil for any

	mu      sync.Mutex
	inboxes map[string]*inbox // by path
	sharers int
}

// servers are those of the process by address: sources that name the same one
// share it, and it ends with the last of them.
var servers struct {
	mu        sync.Mutex
	byAddress map[string]*server
}

// acquire returns the server of an address, starting it if need be, and a
// function that gives it back.
func acquire(c config) (*server, func(), error) {
	servers.mu.Lock()
	defer servers.mu.Unlock()
	s := servers.byAddress[c.listen]
	if strings.HasSuffix(c.listen, ":0") {
		s = nil // every one is another address
	}
	if s != nil && s.config != c {
		return nil, nil, kind.BadOption(fmt.Sprintf("listen: %s already has a server with other options of TLS, login, hosts or connections", c.listen), "")
	}
	if s == nil {
		var err error
		if s, err = newServer(c); err != nil {
			return nil, nil, err
		}
		if servers.byAddress == nil {
			servers.byAddress = map[string]*server{}
		}
		servers.byAddress[c.listen] = s
	}
	s.sharers++
	return s, sync.OnceFunc(func() { s.release() }), nil
}

func (s *server) release() {
	servers.mu.Lock()
	s.sharers--
	last := s.sharers == 0
	if last && servers.byAddress[s.config.listen] == s {
		delete(servers.byAddress, s.config.listen)
	}
	servers.mu.Unlock()
	if last {
		s.close()
	}
}

// newServer starts a server. Its limits are those of a client that means no good:
// time for headers and bodies, their size, and the number of connections.
func newServer(c config) (*server, error) {
	s := &server{config: c, inboxes: map[string]*inbox{}}
	var err error
	if s.users, err = kind.Users(c.access, c.token, c.users); err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler: http.NewCrossOriginProtection().Handler(s), MaxHeaderBytes: 16 << 10, ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 64, MaxReadFrameSize: 64 << 10},
	}
	if c.cert != "" {
		certs, err := kind.Certificates(c.access, c.cert, c.key, c.ca, c.token == "" && c.users == "", "h2", "http/1.1")
		if err != nil {
			return nil, err
		}
		s.http.TLSConfig = certs.Config()
	}
	l, err := c.access.Listen("tcp", c.listen)
	if err != nil {
		if no := arrowstream.Refused(err); no != nil {
			return nil, no
		}
		return nil, &arrowstream.Error{Code: "AS3001", Msg: "http: listen on " + c.listen, Err: err}
	}
	s.listener = l
	host, _, _ := net.SplitHostPort(c.listen)
	ip := net.ParseIP(host)
	switch {
	case c.hosts != "":
		s.hosts = strings.Split(strings.ToLower(c.hosts), ",")
	case host == "localhost" || ip != nil && ip.IsLoopback():
		s.hosts = []string{"localhost", "127.0.0.1", "::1", host}
	}
	slots := c.connections
	if slots <= 0 {
		slots = defaultConnections
	}
	limited := &limitedListener{Listener: l, slots: make(chan struct{}, slots), closed: make(chan struct{})}
	s.served.Go(func() {
		// It ends with close; errors of connections are theirs.
		if s.http.TLSConfig != nil {
			_ = s.http.ServeTLS(limited, "", "")
		} else {
			_ = s.http.Serve(limited)
		}
	})
	return s, nil
}

// close ends the server: requests that are on their way have a moment.
func (s *server) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close()
	}
	s.served.Wait()
}

func (s *server) route(in *inbox) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inboxes[in.path] != nil {
		return kind.BadOption(fmt.Sprintf("path: %s is already read at %s", in.path, s.config.listen), "give another path")
	}
	s.inboxes[in.path] = in
	return nil
}

func (s *server) remove(in *inbox) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.inboxes, in.path)
}

// enter finds the source of a request, which is counted as one of it.
func (s *server) enter(path string) *inbox {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.inboxes[path]
	if in != nil {
		in.requests.Add(1)
	}
	return in
}

// ServeHTTP implements http.Handler: the host, the caller, the path, the grant.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			refuse(w, http.StatusInternalServerError, "internal error")
		}
	}()
	if !s.known(r.Host) {
		refuse(w, http.StatusMisdirectedRequest, "this host is not served here, see option hosts")
		return
	}
	who, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	in := s.enter(r.URL.Path)
	if in == nil {
		refuse(w, http.StatusNotFound, "nothing is read here")
		return
	}
	defer in.requests.Done()
	if !who.MayWrite(in.name) {
		refuse(w, http.StatusForbidden, "no grant to write "+in.name)
		return
	}
	in.serve(w, r, who.Name)
}

// known reports whether requests may come under a name.
func (s *server) known(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if s.hosts == nil {
		return true
	}
	for _, h := range s.hosts {
		if host == strings.TrimSpace(h) {
			return true
		}
	}
	return false
}

// authenticate returns the caller, or answers that there is none. A header says
// more than a certificate; of several headers the first counts.
func (s *server) authenticate(w http.ResponseWriter, r *http.Request) (*remote.Principal, bool) {
	if !s.config.guarded {
		return remote.Everything(""), true
	}
	now := time.Now()
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	header := r.Header.Get("Authorization")
	if header == "" {
		if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
			if who := s.users.Certified(r.TLS.VerifiedChains[0][0]); who != nil {
				return who, true
			}
		}
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized, "a bearer token, or name and password, is required")
		return nil, false
	}
	if s.fails.Blocked(address, now) {
		w.Header().Set("Retry-After", "60")
		refuse(w, http.StatusTooManyRequests, "too many failed logins from this address: wait a minute")
		return nil, false
	}
	var who *remote.Principal
	if scheme, token, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "bearer") && token != "" {
		who = s.users.Bearer(token)
	} else if name, password, ok := r.BasicAuth(); ok {
		who = s.users.Login(name, password)
	}
	if who == nil {
		s.fails.Add(address, now)
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized, "the token, or name and password, is not valid")
		return nil, false
	}
	return who, true
}

// refuse answers with an error. What is left of the body is not read.
func refuse(w http.ResponseWriter, code int, why string) {
	if code >= 400 {
		w.Header().Set("Connection", "close")
	}
	http.Error(w, why, code)
}

// limitedListener accepts so many connections at once.
type limitedListener struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{c, sync.OnceFunc(func() { <-l.slots })}, nil
}

// Close implements net.Listener.
func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.leave()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
