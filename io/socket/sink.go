package socket

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
)

// maxDatagram is the most a UDP datagram carries over IPv4.
const maxDatagram = 65507

// Sink connects to a server and writes one line per row; on UDP each line is a
// datagram.
type Sink struct {
	// Protocol is tcp (the default) or udp.
	Protocol string `option:"protocol,network"`
	// Connect is the server host:port; Host and Port are another way to say it.
	Connect string `option:"connect,address"`
	Host    string `option:"host,hostname"`
	Port    int    `option:"port"`
	// Format encodes a row. FormatName is what the user called it.
	Format     arrowstream.Format
	FormatName string `option:"format"`
	// ConnectTimeout is how long the server may be out of reach; 30 s.
	ConnectTimeout time.Duration `option:"connect.timeout"`

	access        *arrowstream.Access
	proto, remote string
	encoder       arrowstream.Encoder
	conn          net.Conn
	w             *bufio.Writer
	aborted       bool
}

// Bind implements [arrowstream.Sink].
func (s *Sink) Bind(in *arrow.Schema, env arrowstream.Env) error {
	s.access = env.Access
	var err error
	if s.proto, err = network(s.Protocol); err != nil {
		return err
	}
	if err := kind.CheckFormat(s.Format, s.FormatName); err != nil {
		return err
	}
	if s.remote, err = address(s.Connect, s.Host, s.Port); err != nil {
		return err
	}
	if s.remote == "" {
		return kind.BadOption("connect is missing", "give the host:port of the server")
	}
	if err := s.access.CheckDial(s.proto, s.remote); err != nil {
		return err
	}
	if s.ConnectTimeout <= 0 {
		s.ConnectTimeout = defaultConnect
	}
	if s.encoder, err = s.Format.NewEncoder(in); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	return nil
}

func (s *Sink) open(ctx context.Context) error {
	if s.conn != nil {
		return nil
	}
	var err error
	if s.proto == "udp" {
		s.conn, err = s.access.Dial(ctx, "udp", s.remote)
		if no := arrowstream.Refused(err); no != nil {
			return no
		}
		if err != nil {
			return &arrowstream.Error{Code: "AS3001", Msg: "socket: connect to " + s.remote, Err: err}
		}
		return nil
	}
	if s.conn, err = dial(ctx, s.access, s.remote, s.ConnectTimeout); err != nil {
		s.conn = nil
		return err
	}
	s.w = bufio.NewWriterSize(s.conn, 64<<10)
	return nil
}

// Write implements [arrowstream.Sink].
func (s *Sink) Write(ctx context.Context, b arrowstream.Batch) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.guard(ctx, func() error {
		return s.encoder.Encode(b, func(_ int, value []byte) error {
			if bytes.IndexByte(value, '\n') >= 0 {
				return fmt.Errorf("format %s gives values that hold newlines", s.Format.Name())
			}
			if s.w == nil {
				if len(value) > maxDatagram {
					return fmt.Errorf("a row of %d bytes does not fit a datagram", len(value))
				}
				_, err := s.conn.Write(value)
				return err
			}
			if _, err := s.w.Write(value); err != nil {
				return err
			}
			return s.w.WriteByte('\n')
		})
	})
}

// Flush implements [arrowstream.Sink].
func (s *Sink) Flush(ctx context.Context) error {
	if s.w == nil {
		return nil
	}
	return s.guard(ctx, s.w.Flush)
}

// guard runs f, which ends when ctx does, also while the server does not read.
func (s *Sink) guard(ctx context.Context, f func() error) error {
	conn := s.conn // the function may run after Close
	stop := context.AfterFunc(ctx, func() { conn.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := f(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("socket: write to %s: %w", s.remote, err)
	}
	return nil
}

// Abort implements [arrowstream.Aborter]: rows not yet sent are dropped.
func (s *Sink) Abort(error) { s.aborted = true }

// Close implements [arrowstream.Sink].
func (s *Sink) Close() error {
	if s.conn == nil {
		return nil
	}
	var err error
	if !s.aborted {
		err = s.Flush(context.Background())
	}
	err = errors.Join(err, s.conn.Close())
	s.conn, s.w = nil, nil
	return err
}
