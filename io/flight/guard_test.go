package flight

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

const testUsers = `# who may do what
alice  token=a1ice-secret       read=clicks read=bids* write=in
bob    password=b0b:secret      read=*
carol  certificate              write=in
`

// guarded is a server with users, with the streams clicks and orders of one
// epoch, and the source in.
func guarded(t testing.TB, c Config) *Server {
	t.Helper()
	mem := columnartest.Allocator(t)
	h := hub(t)
	c.Listen = "127.0.0.1:0"
	if c.Users == "" {
		c.Users = testUsers
	}
	server, err := h.Server(c)
	if err != nil {
		t.Fatal(err)
	}
	b := numbers(t, mem, 0, 3)
	for _, name := range []string{"clicks", "orders"} {
		st, err := server.Export(name, b.Schema(), Retention{}, mem)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Append(b); err != nil {
			t.Fatal(err)
		}
		st.Close()
	}
	in := &inbox{name: "in", schema: b.Schema(), mem: mem, server: server, release: func() {}, closed: make(chan struct{}), finished: make(chan struct{})}
	if err := server.accept(in); err != nil {
		t.Fatal(err)
	}
	return server
}

func path(name string) *arrowflight.FlightDescriptor {
	return &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{name}}
}

// as is a context with the values of the header authorization.
func as(t testing.TB, values ...string) context.Context {
	ctx := t.Context()
	for _, v := range values {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", v)
	}
	return ctx
}

func basic(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }

// calls are all methods of Flight, some of which are not offered, and what they
// answer to a caller who may do everything.
var calls = map[string]func(ctx context.Context, c *client) error{
	"Handshake": func(ctx context.Context, c *client) error {
		s, err := c.Handshake(ctx)
		return end(s, err)
	},
	"ListFlights": func(ctx context.Context, c *client) error {
		s, err := c.ListFlights(ctx, &arrowflight.Criteria{})
		return end(s, err)
	},
	"GetFlightInfo": func(ctx context.Context, c *client) error { _, err := c.GetFlightInfo(ctx, path("clicks")); return err },
	"GetSchema":     func(ctx context.Context, c *client) error { _, err := c.GetSchema(ctx, path("clicks")); return err },
	"DoGet": func(ctx context.Context, c *client) error {
		s, err := c.DoGet(ctx, &arrowflight.Ticket{Ticket: []byte("clicks")})
		return end(s, err)
	},
	"DoPut": func(ctx context.Context, c *client) error {
		s, err := c.DoPut(ctx)
		return end(s, err)
	},
	"PollFlightInfo": func(ctx context.Context, c *client) error {
		_, err := c.PollFlightInfo(ctx, path("clicks"))
		return err
	},
	"DoExchange": func(ctx context.Context, c *client) error {
		s, err := c.DoExchange(ctx)
		return end(s, err)
	},
	"DoAction": func(ctx context.Context, c *client) error {
		s, err := c.DoAction(ctx, &arrowflight.Action{Type: "x"})
		return end(s, err)
	},
	"ListActions": func(ctx context.Context, c *client) error {
		s, err := c.ListActions(ctx, &arrowflight.Empty{})
		return end(s, err)
	},
}

// end reads a stream to its end.
func end(s grpc.ClientStream, err error) error {
	if err != nil {
		return err
	}
	_ = s.CloseSend()
	for {
		if err := s.RecvMsg(&arrowflight.Empty{}); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestEveryCallNeedsALogin goes through all methods, and some that are none.
func TestEveryCallNeedsALogin(t *testing.T) {
	c := dial(t, guarded(t, Config{}).URI())
	for name, call := range calls {
		if err := call(t.Context(), c); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s without a login: %v", name, err)
		}
		want := codes.OK
		switch name {
		case "PollFlightInfo", "DoExchange", "DoAction", "ListActions":
			want = codes.Unimplemented
		case "DoGet", "DoPut": // not a signed ticket, no descriptor
			want = codes.InvalidArgument
		}
		ctx, cancel := context.WithTimeout(as(t, "Bearer a1ice-secret"), 5*time.Second)
		if err := call(ctx, c); status.Code(err) != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
		cancel()
	}
	for _, method := range []string{
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
		"/arrow.flight.protocol.FlightService/x/Handshake", "/x/DoGet", "arrow.flight.protocol.FlightService/GetSchema", "/",
	} {
		err := c.conn.Invoke(t.Context(), method, &arrowflight.Empty{}, &arrowflight.Empty{})
		if code := status.Code(err); code != codes.Unimplemented && code != codes.Unauthenticated && code != codes.Internal {
			t.Errorf("%s: %v", method, err)
		}
	}
}

// TestHostileHeaders sends everything that is not a login on unary and stream
// calls; the server lives, and says Unauthenticated.
func TestHostileHeaders(t *testing.T) {
	server := guarded(t, Config{Token: "s3cret"})
	c := dial(t, server.URI())
	for _, value := range []string{
		"", " ", "Bearer", "Bearer ", "bearer  ", "Bearers3cret", "Bearer s3cret ", "Bearer  s3cret", "Bearer S3CRET", "Bearer s3cre", "Bearer s3crets",
		"Basic", "Basic ", "Basic !!!", "Basic YQ", "Basic YQ==", basic("a"), basic(":"), basic("bob:"), basic("bob:b0b"), basic(":b0b:secret"),
		basic("alice:a1ice-secret"), basic("carol:"), basic("nobody:"), "Digest x", "s3cret", "Token s3cret", "\x7f", "Bearer \xff\xfe", "Basic " + strings.Repeat("A", 8<<10),
		"Bearer " + strings.Repeat("x", 8<<10), "Bearer s3cret, Bearer s3cret", "Negotiate", "Bearer\ts3cret",
	} {
		for _, method := range []string{"GetSchema", "Handshake", "ListFlights", "DoPut"} {
			server.auth.fails = failures{} // or the address is blocked soon
			err := calls[method](as(t, value), c)
			// What HTTP/2 does not carry ends in the client or the transport.
			if code := status.Code(err); code != codes.Unauthenticated && code != codes.Internal || err == nil {
				t.Errorf("%s with %.40q: %v", method, value, err)
			}
		}
	}
	server.auth.fails = failures{}
	// One call is one guess.
	if err := calls["GetSchema"](as(t, "Bearer wrong", "Bearer s3cret"), c); status.Code(err) != codes.Unauthenticated {
		t.Error(err)
	}
	big := metadata.AppendToOutgoingContext(t.Context(), "x", strings.Repeat("y", 64<<10))
	if err := calls["GetSchema"](big, c); err == nil {
		t.Error("64 KiB of headers are taken")
	}
	for _, value := range []string{"Bearer s3cret", "bearer s3cret", "BEARER a1ice-secret", basic("bob:b0b:secret")} {
		if err := calls["GetSchema"](as(t, value), c); err != nil {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestLoginByPassword(t *testing.T) {
	c := dial(t, guarded(t, Config{}).URI())
	var header, trailer metadata.MD
	if _, err := c.GetSchema(as(t, basic("bob:b0b:secret")), path("orders"), grpc.Header(&header), grpc.Trailer(&trailer)); err != nil {
		t.Fatal(err)
	}
	token := header.Get("authorization")
	if len(token) != 1 || !slices.Equal(token, trailer.Get("authorization")) || len(token[0]) != len("Bearer ")+43 {
		t.Fatalf("%q, %q", token, trailer.Get("authorization"))
	}
	if err := calls["GetSchema"](as(t, token[0]), c); err != nil {
		t.Error(err)
	}
	if _, err := c.GetSchema(as(t, token[0]), path("in")); status.Code(err) != codes.NotFound {
		t.Error(err)
	}
	mem := columnartest.Allocator(t)
	for _, s := range []*Source{
		{URI: c.to.uri, Stream: "orders", Username: "bob", Password: "b0b:secret"},
		{URI: c.to.uri, Stream: "clicks", Token: "a1ice-secret"},
	} {
		if rows, err := iotest.Rows(t.Context(), open(t, s, mem, 0), 0); err != nil || len(rows) != 3 {
			t.Error(rows, err)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	a, err := newAuthenticator(Config{Users: testUsers})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	first := a.begin(everything("x"), now)
	if a.bearer(first, now.Add(sessionTTL-1)) == nil || a.bearer(first, now.Add(sessionTTL)) != nil {
		t.Error("a token is not good for an hour")
	}
	var last string
	for i := range maxSessions + 10 {
		last = a.begin(everything("x"), now.Add(time.Duration(i+1)))
	}
	if len(a.sessions) > maxSessions || a.bearer(last, now) == nil || a.bearer(first, now) != nil {
		t.Errorf("%d sessions", len(a.sessions))
	}
	a.begin(everything("x"), now.Add(2*sessionTTL))
	if len(a.sessions) != 1 {
		t.Errorf("%d sessions are left", len(a.sessions))
	}
}

func TestFailuresBlockAnAddress(t *testing.T) {
	server := guarded(t, Config{})
	c := dial(t, server.URI())
	for range maxFailures {
		if err := calls["GetSchema"](as(t, "Bearer wrong"), c); status.Code(err) != codes.Unauthenticated {
			t.Fatal(err)
		}
	}
	for _, value := range []string{"Bearer wrong", "Bearer a1ice-secret", basic("bob:b0b:secret")} {
		if err := calls["GetSchema"](as(t, value), c); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("%s: %v", value, err)
		}
	}
	var f failures
	now := time.Now()
	for i := range 3 * maxFailureIPs {
		f.add(fmt.Sprint(i), now)
	}
	if len(f.seen) > maxFailureIPs {
		t.Errorf("%d addresses are kept", len(f.seen))
	}
	for i := range maxFailures {
		f.add("a", now.Add(time.Duration(i)*time.Second))
	}
	if !f.blocked("a", now.Add(failureSpan-1)) || f.blocked("a", now.Add(failureSpan)) || f.blocked("b", now) {
		t.Error("an address is not blocked for a minute")
	}
	f.add("a", now.Add(failureSpan))
	if f.blocked("a", now.Add(failureSpan)) {
		t.Error("one failure blocks")
	}
}

func TestGrants(t *testing.T) {
	c := dial(t, guarded(t, Config{}).URI())
	list := func(login string) (names []string) {
		s, err := c.ListFlights(as(t, login), &arrowflight.Criteria{})
		for err == nil {
			var info *arrowflight.FlightInfo
			if info, err = s.Recv(); err == nil {
				names = append(names, info.FlightDescriptor.Path[0])
			}
		}
		return names
	}
	alice, bob := "Bearer a1ice-secret", basic("bob:b0b:secret")
	iotest.EqualRows(t, list(alice), []string{"clicks"})
	iotest.EqualRows(t, list(bob), []string{"clicks", "orders"})
	get := func(login, stream string) error { _, err := c.GetFlightInfo(as(t, login), path(stream)); return err }
	put := func(login, stream string) error {
		s, err := c.DoPut(as(t, login))
		if err == nil {
			_ = s.Send(&arrowflight.FlightData{FlightDescriptor: path(stream)})
		}
		return end(s, err)
	}
	for _, tc := range []struct {
		err  error
		code codes.Code
	}{
		{get(alice, "clicks"), codes.OK},
		{get(alice, "orders"), codes.PermissionDenied},
		{get(alice, "no such"), codes.PermissionDenied}, // whether it exists is not told
		{get(alice, "bids.eu"), codes.NotFound},
		{get(bob, "orders"), codes.OK},
		{put(bob, "in"), codes.PermissionDenied},
		{put(alice, "clicks"), codes.PermissionDenied},
		{put(alice, "in"), codes.InvalidArgument}, // let in, and sends no schema
	} {
		if status.Code(tc.err) != tc.code {
			t.Errorf("%v, want %s", tc.err, tc.code)
		}
	}
	if err := get(alice, "bids.eu"); strings.Contains(err.Error(), "orders") {
		t.Errorf("names what is not granted: %v", err)
	}
	// No caller, no grants: a handler that is reached past the interceptors.
	if p := callerOf(t.Context()); p.mayRead("clicks") || p.mayWrite("in") {
		t.Error("nobody may do something")
	}
}

// TestOversized sends messages and requests above the limits.
func TestOversized(t *testing.T) {
	server := guarded(t, Config{})
	c := dial(t, server.URI())
	alice := as(t, "Bearer a1ice-secret")
	s, err := c.DoPut(alice)
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Send(&arrowflight.FlightData{FlightDescriptor: path("in"), DataBody: make([]byte, 17<<20)})
	if err := end(s, nil); status.Code(err) != codes.ResourceExhausted {
		t.Error(err)
	}
	_, err = c.GetFlightInfo(alice, &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: make([]byte, 1<<20)})
	if status.Code(err) != codes.InvalidArgument {
		t.Error(err)
	}
	if err := calls["GetSchema"](alice, c); err != nil {
		t.Error(err)
	}
}

// TestCutConnections breaks connections in the middle of calls, and sends bytes
// that are no HTTP; others are served.
func TestCutConnections(t *testing.T) {
	server := guarded(t, Config{})
	mem := columnartest.Allocator(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			raw, err := net.Dial("tcp", server.Addr())
			if err != nil {
				t.Error(err)
				return
			}
			defer raw.Close()
			text := []string{"", "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x00\x00\x00\x00\x00\x01"}[i%4]
			_, _ = raw.Write([]byte(text))
		})
	}
	for range 8 {
		wg.Go(func() {
			c := &client{}
			var err error
			if c, err = (connection{uri: server.URI()}).dial(); err != nil {
				t.Error(err)
				return
			}
			s, err := c.DoPut(as(t, "Bearer a1ice-secret"))
			if err == nil {
				_ = s.Send(&arrowflight.FlightData{FlightDescriptor: path("in")})
			}
			c.close()
		})
	}
	wg.Wait()
	rows, err := iotest.Rows(t.Context(), open(t, &Source{URI: server.URI(), Stream: "clicks", Token: "a1ice-secret"}, mem, 0), 0)
	if err != nil || len(rows) != 3 {
		t.Error(rows, err)
	}
}

func TestUsersErrors(t *testing.T) {
	t.Setenv("FLIGHT_TEST_EMPTY", "")
	for text, want := range map[string]string{
		"# nobody":                       "names nobody",
		"alice":                          "line 1: a credential is missing",
		"\nalice secret=h1dden":          "line 2: the credential is not",
		"alice token=h1dden read":        "a grant is not",
		"alice token=h1dden admin=x":     "a grant is not",
		"alice token=h1dden read=":       "a grant is not",
		"alice token=":                   "the token is empty",
		"a token=h1dden\na token=h1dden": `line 2: user "a" is there already`,
		"token=h1dden read=x":            "not a name",
		"a token=env:FLIGHT_TEST_EMPTY":  "FLIGHT_TEST_EMPTY is not set",
		"a password=file:/no/such":       "/no/such",
	} {
		_, err := parseUsers(nil, text)
		var e *arrowstream.Error
		if !errors.As(err, &e) || e.Code != "AS1504" || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "h1dden") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := newSigner(Config{TicketKey: "h1dden"}); err == nil || strings.Contains(err.Error(), "h1dden") {
		t.Error(err)
	}
}

func FuzzAuthorization(f *testing.F) {
	a, err := newAuthenticator(Config{Users: testUsers, Token: "s3cret"})
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range []string{"Bearer", "Bearer s3cret", "Basic", "Basic YQ==", basic("bob:b0b:secret"), "basic :"} {
		f.Add(v)
	}
	now := time.Now()
	f.Fuzz(func(t *testing.T, header string) {
		hostiletest.Within(t, len(header), func() {
			who, _ := a.check(header, now)
			if who == nil {
				return
			}
			scheme, value, _ := strings.Cut(header, " ")
			switch plain, _ := base64.StdEncoding.DecodeString(value); {
			case strings.EqualFold(scheme, "bearer") && (value == "s3cret" || value == "a1ice-secret"):
			case strings.EqualFold(scheme, "basic") && string(plain) == "bob:b0b:secret":
			default:
				t.Fatalf("%q is %s", header, who.name)
			}
		})
	})
}
