package socket

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/intake"
)

// senders are the connections of a source. Each has a goroutine that cuts lines
// for the partition.
type senders struct {
	*intake.Partition
	name      string
	maxLine   int
	expect    int
	reconnect bool
	timeout   time.Duration
	access    *arrowstream.Access

	readers sync.WaitGroup
	closers []func() error
	held    atomic.Int64 // bytes of long unfinished lines, over all connections

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	ended int
}

func (p *senders) start(f func()) { p.readers.Go(f) }

// stop ends all connections.
func (p *senders) stop() {
	for _, f := range p.closers {
		f()
	}
	p.mu.Lock()
	for c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.readers.Wait()
}

// accept serves every connection until the listener is closed.
func (p *senders) accept(l net.Listener, slots chan struct{}) {
	for {
		select {
		case slots <- struct{}{}:
		case <-p.Context().Done():
			return
		}
		conn, err := l.Accept()
		if err != nil {
			<-slots
			if p.Context().Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			wait := time.NewTimer(50 * time.Millisecond) // out of file descriptors
			select {
			case <-wait.C:
			case <-p.Context().Done():
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

func (p *senders) connectionEnded() (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended++
	if p.ended == p.expect {
		p.Finish()
		return true
	}
	return false
}

// follow reads from a server, and connects again if it should.
func (p *senders) follow(conn net.Conn, remote string) {
	defer p.Finish()
	for {
		if !p.register(conn) {
			conn.Close()
			return
		}
		p.lines(conn, remote)
		p.unregister(conn)
		if !p.reconnect || p.Context().Err() != nil {
			return
		}
		var err error
		if conn, err = dial(p.Context(), p.access, remote, p.timeout); err != nil {
			p.Fail(err)
			return
		}
	}
}

func (p *senders) register(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Context().Err() != nil {
		return false
	}
	p.conns[conn] = struct{}{}
	return true
}

func (p *senders) unregister(conn net.Conn) {
	conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

// lines hands over the lines of one connection until it ends.
func (p *senders) lines(conn net.Conn, from string) {
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
		if err != nil || !p.Send(c) {
			r.release()
			return
		}
	}
}

// datagrams hands over the lines of every datagram.
func (p *senders) datagrams(conn net.PacketConn) {
	buf := make([]byte, 64<<10)
	for n := int64(1); ; n++ {
		size, from, err := conn.ReadFrom(buf)
		if err != nil {
			if p.Context().Err() == nil && !errors.Is(err, net.ErrClosed) {
				p.Fail(fmt.Errorf("socket: read %s: %w", p.name, err))
			}
			return
		}
		if size > 0 && !p.Send(intake.Chunk{Data: bytes.Clone(buf[:size]), From: fmt.Sprintf("datagram %d of %s", n, from), Line: 1}) {
			return
		}
	}
}
