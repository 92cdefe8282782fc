package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

const (
	defaultMaxLine     = 16 << 20
	defaultConnections = 128
	defaultBatchRows   = 16384
	defaultBatchBytes  = 16 << 20
	defaultConnect     = 30 * time.Second
)

// Source reads lines. Exactly one of Listen and the address to connect to is
// given.
type Source struct {
	// Protocol is tcp (the default) or udp; udp only listens.
	Protocol string `option:"protocol,network"`
	// Listen is the address host:port to listen on. An address that is not
	// loopback needs Insecure: whoever can connect can send rows.
	Listen   string `option:"listen"`
	Insecure bool   `option:"insecure"`
	// Connect is the server host:port to read from; Host and Port are another
	// way to say it.
	Connect string `option:"connect,address"`
	Host    string `option:"host,hostname"`
	Port    int    `option:"port"`
	// Columns of the rows; they must be declared.
	Columns *arrow.Schema
	// Format decodes a line. FormatName is what the user called it.
	Format     arrowstream.Format
	FormatName string `option:"format"`
	// OnBadRow is the policy for lines that cannot be decoded, are too long,
	// or are cut short by a connection that breaks.
	OnBadRow arrowstream.BadRow `option:"on.error,on-error,on_error"`
	// MaxLine bounds a line in bytes; 16 MiB.
	MaxLine int64 `option:"max.line"`
	// MaxConnections bounds the clients served at once; 128. More wait.
	MaxConnections int `option:"max.connections"`
	// Connections ends a listening TCP source after that many connections
	// have been closed; 0 never.
	Connections int `option:"connections"`
	// Reconnect makes a source that connects do so again when the server ends
	// the connection; without it that is the end of the source.
	Reconnect bool `option:"reconnect"`
	// ConnectTimeout is how long the server may be out of reach; 30 s.
	ConnectTimeout time.Duration `option:"connect.timeout"`
	// Access is what may be reached.
	Access *arrowstream.Access

	opened net.Addr
}

// Bounded implements [arrowstream.Source]: a socket is never read twice.
func (s *Source) Bounded() bool { return false }

// Addr is the address the source listens on once it is open.
func (s *Source) Addr() net.Addr { return s.opened }

// Schema implements [arrowstream.Source].
func (s *Source) Schema() (*arrow.Schema, error) {
	_, _, err := s.check()
	return s.Columns, err
}

// check reads the options; server is empty when the source listens.
func (s *Source) check() (proto, server string, err error) {
	if proto, err = network(s.Protocol); err != nil {
		return "", "", err
	}
	if err := kind.CheckFormat(s.Format, s.FormatName); err != nil {
		return "", "", err
	}
	if s.Columns == nil || s.Columns.NumFields() == 0 {
		return "", "", &arrowstream.Error{Code: "AS1504", Msg: "socket: the columns are not declared", Hint: "lines carry no schema: list the columns of the table"}
	}
	if s.MaxLine < 0 || s.MaxConnections < 0 || s.Connections < 0 {
		return "", "", kind.BadOption("max.line, max.connections and connections are not negative", "")
	}
	if server, err = address(s.Connect, s.Host, s.Port); err != nil {
		return "", "", err
	}
	switch {
	case (server == "") == (s.Listen == ""):
		return "", "", kind.BadOption("listen or connect: give one of them", "'listen' = '127.0.0.1:9999', or 'host' and 'port' of a server")
	case server != "" && proto == "udp":
		return "", "", kind.BadOption("protocol: udp only listens", "")
	case s.Listen != "":
		if err := kind.CheckListen(s.Listen, s.Insecure, "send rows", "set insecure = true to allow that"); err != nil {
			return "", "", err
		}
	}
	return proto, server, nil
}

// Open implements [arrowstream.Source].
func (s *Source) Open(ctx context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	proto, server, err := s.check()
	if err != nil {
		return nil, err
	}
	decoder, err := s.Format.NewDecoder(s.Columns, env.Allocator)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	p := &partition{
		decoder: decoder, rows: env.BatchRows, bytes: env.BatchBytes, rejects: env.Rejects(s.OnBadRow),
		maxLine: int(s.MaxLine), expect: s.Connections, reconnect: s.Reconnect, access: s.Access, timeout: s.ConnectTimeout,
		chunks: make(chan chunk, 16), finished: make(chan struct{}), conns: map[net.Conn]struct{}{},
	}
	if p.rows <= 0 {
		p.rows = defaultBatchRows
	}
	if p.bytes <= 0 {
		p.bytes = defaultBatchBytes
	}
	if p.maxLine <= 0 {
		p.maxLine = defaultMaxLine
	}
	if p.timeout <= 0 {
		p.timeout = defaultConnect
	}
	slots := s.MaxConnections
	if slots <= 0 {
		slots = defaultConnections
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	fail := func(err error) ([]arrowstream.Partition, error) {
		p.Close()
		return nil, err
	}
	switch {
	case server != "":
		p.name = "connection to " + server
		conn, err := dial(ctx, s.Access, server, p.timeout)
		if err != nil {
			return fail(err)
		}
		p.start(func() { p.follow(conn, server) })
	case proto == "udp":
		conn, err := s.Access.ListenPacket("udp", s.Listen)
		if err != nil {
			return fail(listenError(s.Listen, err))
		}
		if c, ok := conn.(*net.UDPConn); ok {
			_ = c.SetReadBuffer(4 << 20) // as much as the system allows
		}
		p.name, s.opened = "udp "+conn.LocalAddr().String(), conn.LocalAddr()
		p.closers = append(p.closers, conn.Close)
		p.start(func() { p.datagrams(conn) })
	default:
		l, err := s.Access.Listen("tcp", s.Listen)
		if err != nil {
			return fail(listenError(s.Listen, err))
		}
		p.name, s.opened = "tcp "+l.Addr().String(), l.Addr()
		p.closers = append(p.closers, l.Close)
		p.start(func() { p.accept(l, make(chan struct{}, slots)) })
	}
	return []arrowstream.Partition{p}, nil
}

func listenError(address string, err error) error {
	if no := arrowstream.Refused(err); no != nil {
		return no
	}
	return &arrowstream.Error{Code: "AS3001", Msg: "socket: listen on " + address, Err: err}
}

// dial connects to a server, again and again until timeout.
func dial(ctx context.Context, a *arrowstream.Access, address string, timeout time.Duration) (net.Conn, error) {
	var conn net.Conn
	err := remote.Retry(ctx, timeout, func(ctx context.Context) (again bool, err error) {
		conn, err = a.Dial(ctx, "tcp", address)
		return true, err
	})
	var gaveUp *remote.GaveUpError
	if errors.As(err, &gaveUp) {
		return nil, &arrowstream.Error{Code: "AS3001", Msg: "socket: connect to " + address, Err: gaveUp.Err, Hint: gaveUp.Hint()}
	}
	return conn, err
}
