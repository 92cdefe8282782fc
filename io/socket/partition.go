package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arrowstream/arrowstream"
)

var errClosed = errors.New("partition is closed")

// partition collects the lines of all connections. Each has a goroutine that
// cuts lines; decoding happens in Read.
type partition struct {
	name      string
	decoder   arrowstream.Decoder
	rows      int
	bytes     int64
	rejects   *arrowstream.Rejects
	maxLine   int
	expect    int
	reconnect bool
	timeout   time.Duration
	access    *arrowstream.Access

	ctx      context.Context // ends when the partition is closed
	cancel   context.CancelFunc
	chunks   chan chunk
	finished chan struct{} // closed when no more connections follow
	readers  sync.WaitGroup
	closers  []func() error
	held     atomic.Int64 // bytes of long unfinished lines, over all connections

	connMu sync.Mutex
	conns  map[net.Conn]struct{}
	ended  int

	mu      sync.Mutex // serializes Read with Close
	closed  bool
	chunk   chunk // being decoded
	size    int64
	failure error
}

func (p *partition) start(f func()) { p.readers.Go(f) }

// accept serves every connection until the listener is closed.
func (p *partition) accept(l net.Listener, slots chan struct{}) {
	for {
		select {
		case slots <- struct{}{}:
		case <-p.ctx.Done():
			return
		}
		conn, err := l.Accept()
		if err != nil {
			<-slots
			if p.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			wait := time.NewTimer(50 * time.Millisecond) // out of file descriptors
			select {
			case <-wait.C:
			case <-p.ctx.Done():
			}
			wait.Stop()
			continue
		}
		if !p.register(conn) {
			conn.Close()
			return
		}
		p.start(func() {
			defer func() { <-slots }()
			p.lines(conn, conn.RemoteAddr().String())
			p.unregister(conn)
			if p.connectionEnded() {
				l.Close()
			}
		})
	}
}

func (p *partition) connectionEnded() (last bool) {
	p.connMu.Lock()
	defer p.connMu.Unlock()
	p.ended++
	if p.ended == p.expect {
		close(p.finished)
		return true
	}
	return false
}

// follow reads from a server, and connects again if it should.
func (p *partition) follow(conn net.Conn, remote string) {
	defer close(p.finished)
	for {
		if !p.register(conn) {
			conn.Close()
			return
		}
		p.lines(conn, remote)
		p.unregister(conn)
		if !p.reconnect || p.ctx.Err() != nil {
			return
		}
		var err error
		if conn, err = dial(p.ctx, p.access, remote, p.timeout); err != nil {
			p.send(chunk{err: err, fatal: true})
			return
		}
	}
}

func (p *partition) register(conn net.Conn) bool {
	p.connMu.Lock()
	defer p.connMu.Unlock()
	if p.ctx.Err() != nil {
		return false
	}
	p.conns[conn] = struct{}{}
	return true
}

func (p *partition) unregister(conn net.Conn) {
	conn.Close()
	p.connMu.Lock()
	defer p.connMu.Unlock()
	delete(p.conns, conn)
}

// lines hands over the lines of one connection until it ends.
func (p *partition) lines(conn net.Conn, from string) {
	limit := int64(max(4*p.maxLine, 64<<20))
	r := &lineReader{r: conn, from: from, max: p.maxLine, grow: func(n int) bool {
		if p.held.Add(int64(n)) <= limit || n < 0 {
			return true
		}
		p.held.Add(int64(-n))
		return false
	}}
	for {
		c, err := r.next()
		if err != nil || !p.send(c) {
			r.release()
			return
		}
	}
}

// datagrams hands over the lines of every datagram.
func (p *partition) datagrams(conn net.PacketConn) {
	buf := make([]byte, 64<<10)
	for n := int64(1); ; n++ {
		size, from, err := conn.ReadFrom(buf)
		if err != nil {
			if p.ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
				p.send(chunk{err: fmt.Errorf("socket: read %s: %w", p.name, err), fatal: true})
			}
			return
		}
		if size > 0 && !p.send(chunk{data: bytes.Clone(buf[:size]), from: fmt.Sprintf("datagram %d of %s", n, from), line: 1}) {
			return
		}
	}
}

func (p *partition) send(c chunk) bool {
	select {
	case p.chunks <- c:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// Read implements [arrowstream.Partition].
func (p *partition) Read(ctx context.Context) (arrowstream.Batch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, p.wrap(errClosed)
	}
	for {
		if p.failure == nil {
			if err := p.fill(ctx); err != nil {
				return nil, err
			}
		}
		p.size = 0
		b, err := p.decoder.Flush()
		if err != nil {
			return nil, p.wrap(err)
		}
		if b != nil {
			return b, nil
		}
		if p.rejects.Pending() {
			return nil, nil
		}
		if p.failure != nil {
			return nil, p.failure
		}
	}
}

func (p *partition) wrap(err error) error { return fmt.Errorf("socket: read %s: %w", p.name, err) }

// fill decodes lines until a batch is full or no more are at hand.
func (p *partition) fill(ctx context.Context) error {
	for p.failure == nil {
		for len(p.chunk.data) > 0 || p.chunk.err != nil {
			p.decode()
			if p.failure != nil || p.decoder.Rows() >= p.rows || p.size >= p.bytes || p.rejects.Full() {
				return nil
			}
		}
		select {
		case p.chunk = <-p.chunks:
			continue
		default:
		}
		if p.decoder.Rows() > 0 || p.rejects.Pending() {
			return nil
		}
		select {
		case p.chunk = <-p.chunks:
		case <-p.finished:
			select { // what was sent before the last connection ended
			case p.chunk = <-p.chunks:
			default:
				return io.EOF
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ctx.Done():
			return p.wrap(errClosed)
		}
	}
	return nil
}

// decode takes the next line off the chunk. Blank lines are no values.
func (p *partition) decode() {
	c := &p.chunk
	if c.err != nil {
		err := c.err
		p.chunk = chunk{data: c.data, from: c.from, line: c.line}
		if c.fatal {
			p.failure = err
			return
		}
		p.bad(p.chunk.from, p.chunk.line, nil, err)
		return
	}
	line, rest, _ := bytes.Cut(c.data, []byte{'\n'})
	number := c.line
	c.data = rest
	c.line++
	line = bytes.TrimSuffix(line, []byte{'\r'})
	p.size += int64(len(line)) + 1
	switch {
	case len(line) == 0:
	case len(line) > p.maxLine:
		p.bad(c.from, number, line, errTooLong)
	default:
		if err := p.decoder.Append(line); err != nil {
			p.bad(c.from, number, line, err)
		}
	}
}

// bad leaves out a line that cannot be decoded, or makes it the end of the run.
func (p *partition) bad(from string, number int64, line []byte, err error) {
	out := &arrowstream.DataError{Err: err}
	var d *arrowstream.DataError
	if errors.As(err, &d) {
		*out = *d
	}
	out.Source, out.Where = "socket: "+p.name, fmt.Sprintf("%s: line %d", from, number)
	if out.Value == "" {
		out.Value = arrowstream.CutValue(line)
	}
	if !p.rejects.Add(p.decoder.Rows(), line, out) {
		p.failure = out
	}
}

// Rejects implements [arrowstream.Rejecting].
func (p *partition) Rejects() *arrowstream.Rejects { return p.rejects }

// Close implements [arrowstream.Partition].
func (p *partition) Close() error {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	for _, f := range p.closers {
		f()
	}
	p.connMu.Lock()
	for c := range p.conns {
		c.Close()
	}
	p.connMu.Unlock()
	p.readers.Wait()
	p.decoder.Release()
	return nil
}
