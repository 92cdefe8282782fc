package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/intake"
	"github.com/arrowstream/arrowstream/internal/remote"
)

const (
	defaultMaxLine     = 16 << 20
	defaultMaxJournal  = intake.MaxData - 4*readBytes // lines come with what stands around them
	defaultConnections = 128
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
	// MaxLine bounds a line in bytes; 16 MiB, with a journal 13 MiB.
	MaxLine int64 `option:"max.line"`
	// MaxConnections bounds the clients served at once; 128. More wait.
	MaxConnections int `option:"max.connections"`
	// Connections ends a listening TCP source after that many connections
	// have been closed; 0 never.
	Connections int `option:"connections"`
	// Reconnect makes a source that connects do so again when the server ends
	// the connection; without it that is the end of the source.
	Reconnect bool `option:"reconnect"`
	// Journal keeps what is received in the state folder of the job until it is
	// committed and published, so that it is read again after a crash.
	Journal bool `option:"journal"`
	// JournalRetention is how long the journal keeps it beyond that; 1 hour.
	JournalRetention time.Duration `option:"journal.retention"`
	// ConnectTimeout is how long the server may be out of reach; 30 s.
	ConnectTimeout time.Duration `option:"connect.timeout"`
	// Access is what may be reached.
	Access *arrowstream.Access

	opened net.Addr
}

// Bounded implements [arrowstream.Source]: a socket is never read twice.
func (s *Source) Bounded() bool { return false }

// Delivers implements [arrowstream.Guaranteed].
func (s *Source) Delivers() (arrowstream.Guarantee, string) {
	if s.Journal {
		return arrowstream.AtLeastOnce, "what is received is kept in a journal; what the system has not handed over yet is lost"
	}
	return arrowstream.AtMostOnce, "rows that were read cannot be read again; journal = true keeps them"
}

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
	if s.Journal && s.MaxLine > defaultMaxJournal {
		return "", "", kind.BadOption(fmt.Sprintf("max.line: at most %d with a journal", defaultMaxJournal), "")
	}
	if s.MaxLine < 0 || s.JournalRetention < 0 || s.MaxConnections < 0 || s.Connections < 0 {
		return "", "", kind.BadOption("max.line, max.connections, connections and journal.retention are not negative", "")
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
	config := intake.Config{
		Kind: string(kind), Env: env, Decoder: decoder, Rejects: env.Rejects(s.OnBadRow), MaxLine: int(s.MaxLine), TooLong: errTooLong, Queue: 16,
	}
	switch {
	case config.MaxLine <= 0 && s.Journal:
		config.MaxLine = defaultMaxJournal
	case config.MaxLine <= 0:
		config.MaxLine = defaultMaxLine
	}
	if s.Journal {
		if config.Journal, config.Oldest, err = intake.Open(env, s.JournalRetention); err != nil {
			decoder.Release()
			return nil, err
		}
	}
	p := &senders{maxLine: config.MaxLine, expect: s.Connections, reconnect: s.Reconnect, timeout: s.ConnectTimeout, access: s.Access, conns: map[net.Conn]struct{}{}}
	if p.timeout <= 0 {
		p.timeout = defaultConnect
	}
	slots := s.MaxConnections
	if slots <= 0 {
		slots = defaultConnections
	}
	begin := func() {} // starts to send, when there is a partition to send to
	switch {
	case env.Past:
		p.name = "journal of " + env.Name
	case server != "":
		p.name = "connection to " + server
		conn, err := dial(ctx, s.Access, server, p.timeout)
		if err != nil {
			decoder.Release()
			return nil, err
		}
		begin = func() { p.follow(conn, server) }
	case proto == "udp":
		conn, err := s.Access.ListenPacket("udp", s.Listen)
		if err != nil {
			decoder.Release()
			return nil, listenError(s.Listen, err)
		}
		if c, ok := conn.(*net.UDPConn); ok {
			_ = c.SetReadBuffer(4 << 20) // as much as the system allows
		}
		p.name, s.opened = "udp "+conn.LocalAddr().String(), conn.LocalAddr()
		p.closers = append(p.closers, conn.Close)
		begin = func() { p.datagrams(conn) }
	default:
		l, err := s.Access.Listen("tcp", s.Listen)
		if err != nil {
			decoder.Release()
			return nil, listenError(s.Listen, err)
		}
		p.name, s.opened = "tcp "+l.Addr().String(), l.Addr()
		p.closers = append(p.closers, l.Close)
		begin = func() { p.accept(l, make(chan struct{}, slots)) }
	}
	config.Name = p.name
	p.Partition = intake.New(config)
	p.OnClose(p.stop)
	p.start(begin)
	return []arrowstream.Partition{p.Source()}, nil
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
