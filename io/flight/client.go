package flight

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	arrowflight "github.com/apache/arrow/go/v17/arrow/flight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/remote"
)

const (
	defaultConnectTimeout = 30 * time.Second
	// defaultKeepalive is the shortest pause between the pings of a client that
	// a gRPC server allows unless it is told otherwise.
	defaultKeepalive = 5 * time.Minute
	// minKeepalive is the shortest one that grpc.WithKeepaliveParams takes.
	minKeepalive = 10 * time.Second
)

// connection is what a Source and a PutSink need to reach a server.
type connection struct {
	uri, username             string
	token, password           arrowstream.Secret
	caFile, certFile, keyFile string
	timeout, keepalive        time.Duration
	access                    *arrowstream.Access
}

// client is a connection to a server.
type client struct {
	arrowflight.FlightServiceClient
	conn    *grpc.ClientConn
	to      connection
	login   string // value of the header authorization
	timeout time.Duration
}

// target reads a URI: grpc://host:port and host:port are cleartext,
// grpc+tls:// and flightsql:// TLS, grpc+unix:///path a socket.
func target(uri string) (address string, secure bool, err error) {
	if !strings.Contains(uri, "://") {
		uri = "grpc://" + uri
	}
	u, err := url.Parse(uri)
	if err != nil {
		return "", false, kind.BadOption("uri: "+err.Error(), "")
	}
	switch u.Scheme {
	case "grpc", "grpc+tcp":
	case "grpc+tls":
		secure = true
	case "flightsql":
		secure = u.Query().Get("transport") == ""
	case "grpc+unix":
		return "unix://" + u.Path, false, nil
	default:
		return "", false, kind.BadOption(fmt.Sprintf("uri: scheme %q", u.Scheme), "use grpc://host:port or grpc+tls://host:port")
	}
	if u.Query().Get("transport") == "unix" {
		return "unix://" + u.Path, false, nil
	}
	if _, _, err := net.SplitHostPort(u.Host); err != nil {
		return "", false, kind.BadOption(fmt.Sprintf("uri: %q has no host:port", uri), "")
	}
	return "passthrough:///" + u.Host, secure, nil
}

func (r connection) check() error {
	if r.uri == "" {
		return kind.BadOption("uri is missing", "for example grpc://localhost:8815")
	}
	switch {
	case r.token != "" && r.username != "":
		return kind.BadOption("token and username are given", "use one of them")
	case (r.certFile == "") != (r.keyFile == ""):
		return kind.BadOption("tls.cert and tls.key belong together", "")
	}
	if r.keepalive != 0 && r.keepalive < minKeepalive {
		return kind.BadOption(fmt.Sprintf("keepalive: %s", r.keepalive), fmt.Sprintf("give at least %s", minKeepalive))
	}
	address, _, err := target(r.uri)
	if err != nil {
		return err
	}
	if host, ok := strings.CutPrefix(address, "passthrough:///"); ok {
		return r.access.CheckDial("tcp", host)
	}
	return r.access.CheckDial("unix", address)
}

// credentials is the value of the header authorization, "" for none.
func (r connection) credentials() (string, error) {
	token, err := kind.Secret(r.access, "token", r.token)
	if err != nil {
		return "", err
	}
	password, err := kind.Secret(r.access, "password", r.password)
	if err != nil {
		return "", err
	}
	switch {
	case token != "":
		return "Bearer " + token, nil
	case r.username != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(r.username+":"+password)), nil
	}
	return "", nil
}

func (r connection) dial() (*client, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	address, secure, err := target(r.uri)
	if err != nil {
		return nil, err
	}
	login, err := r.credentials()
	if err != nil {
		return nil, err
	}
	creds := insecure.NewCredentials()
	if secure || r.caFile != "" || r.certFile != "" {
		config, err := kind.TLS(r.access, "tls.ca", r.caFile)
		if err != nil {
			return nil, err
		}
		if r.certFile != "" {
			pair, err := remote.KeyPair(r.access, r.certFile, r.keyFile)
			if no := arrowstream.Refused(err); no != nil {
				return nil, no
			}
			if err != nil {
				return nil, &arrowstream.Error{Code: "AS1504", Msg: "flight: option tls.cert, tls.key", Err: err}
			}
			config.Certificates = []tls.Certificate{pair}
		}
		creds = credentials.NewTLS(config)
	}
	pause := cmp.Or(r.keepalive, defaultKeepalive)
	options := []grpc.DialOption{
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pause, Timeout: min(pause/5, 20*time.Second)}),
		grpc.WithTransportCredentials(creds), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64 << 20)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 10 * time.Second,
		}),
	}
	if r.access != nil {
		options = append(options, grpc.WithNoProxy(), grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return r.access.Dial(ctx, "tcp", address)
		}))
	}
	conn, err := grpc.NewClient(address, options...)
	if err != nil {
		return nil, fmt.Errorf("flight: %s: %w", r.uri, err)
	}
	c := &client{FlightServiceClient: arrowflight.NewFlightServiceClient(conn), conn: conn, to: r, login: login, timeout: r.timeout}
	if c.timeout <= 0 {
		c.timeout = defaultConnectTimeout
	}
	return c, nil
}

func (c *client) close() { c.conn.Close() }

// with adds the credentials to a call.
func (c *client) with(ctx context.Context) context.Context {
	if c.login == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", c.login)
}

// lookUp asks for the endpoints of a stream, at least one.
func (c *client) lookUp(ctx context.Context, name string, d *arrowflight.FlightDescriptor) (info *arrowflight.FlightInfo, err error) {
	err = c.retry(ctx, "look up "+name, func(ctx context.Context) error {
		info, err = c.GetFlightInfo(ctx, d)
		return err
	})
	if err == nil && len(info.GetEndpoint()) == 0 {
		err = c.fail("look up "+name, errors.New("the server lists no endpoint"))
	}
	return info, err
}

// ticketAt asks for the ticket of a position; ctx carries the credentials.
func (c *client) ticketAt(ctx context.Context, stream string, at mark) (*arrowflight.Ticket, error) {
	t := ticket{stream: stream, job: at.Job, start: fromPosition, at: at.position}
	info, err := c.GetFlightInfo(ctx, &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: t.encode()})
	if err != nil {
		return nil, err
	}
	if len(info.GetEndpoint()) == 0 {
		return nil, errors.New("the server lists no endpoint")
	}
	return info.GetEndpoint()[0].GetTicket(), nil
}

// gaveUp reports whether err is that of retry after its time was over.
func gaveUp(err error) bool {
	var e *arrowstream.Error
	return errors.As(err, &e) && strings.HasPrefix(e.Hint, "gave up")
}

// retry repeats f while the server is out of reach, up to the connect timeout.
func (c *client) retry(ctx context.Context, what string, f func(ctx context.Context) error) error {
	err := remote.Retry(ctx, c.timeout, func(ctx context.Context) (again bool, err error) {
		err = f(c.with(ctx))
		return status.Code(err) == codes.Unavailable, err
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	return c.fail(what, err)
}

// fail names the work and the server.
func (c *client) fail(what string, err error) error {
	e := &arrowstream.Error{Code: "AS3001", Msg: fmt.Sprintf("flight: %s at %s", what, c.to.uri), Err: err}
	var gaveUp *remote.GaveUpError
	if errors.As(err, &gaveUp) {
		e.Err, e.Hint = gaveUp.Err, gaveUp.Hint()
	}
	var s interface{ GRPCStatus() *status.Status }
	if errors.As(err, &s) {
		e.Err = statusError{s.GRPCStatus()}
	}
	return e
}

// bad is an error of what a server has sent: the call has failed, or the
// messages of it are not those of the stream.
func (c *client) bad(what string, err error) error {
	var s interface{ GRPCStatus() *status.Status }
	var limit *columnar.LimitError
	switch {
	case errors.As(err, &s):
		return c.fail(what, err)
	case errors.As(err, &limit):
		return err
	}
	source := "flight: " + what + " at " + c.to.uri
	if strings.HasPrefix(err.Error(), source) {
		source = "" // the reader has named it
	}
	return &arrowstream.DataError{Source: source, Err: err}
}

// statusError shows a status without the words "rpc error".
type statusError struct{ *status.Status }

func (e statusError) Error() string              { return e.Message() + " (" + e.Code().String() + ")" }
func (e statusError) GRPCStatus() *status.Status { return e.Status }

// reach returns when the connection is up.
func (c *client) reach(ctx context.Context) error {
	for {
		state := c.conn.GetState()
		switch state {
		case connectivity.Ready:
			return nil
		case connectivity.Idle:
			c.conn.Connect()
		case connectivity.TransientFailure:
			// A call fails with the cause, which the state does not tell.
			_, err := c.GetFlightInfo(ctx, &arrowflight.FlightDescriptor{})
			if status.Code(err) != codes.Unavailable {
				return nil
			}
			return err
		}
		if !c.conn.WaitForStateChange(ctx, state) {
			return ctx.Err()
		}
	}
}
