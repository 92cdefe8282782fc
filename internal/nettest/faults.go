// Package nettest is a bad network for tests: connections that are slow, hand
// over what is sent in small pieces, are cut in the middle of a message, or go
// silent without a word. Floor of a test.
package nettest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Faults say how bad the network is. The zero value does no harm. What happens
// at which byte depends on Seed and the order in which connections are made.
type Faults struct {
	Seed uint64
	// Breaks is how many connections break in all; the network is well after
	// that, so that a test ends.
	Breaks int
	// After is how many bytes pass in both directions before a connection
	// breaks, on average.
	After int64
	// Silent makes the first and every third broken connection after it stay
	// open and say nothing more, instead of being reset.
	Silent bool
	// Piece bounds the bytes of one read or write; 0 does not.
	Piece int
	// Delay bounds the wait before each of them.
	Delay time.Duration

	mu     sync.Mutex
	made   uint64
	broken atomic.Int64
}

// Broken is how many connections broke.
func (f *Faults) Broken() int { return int(f.broken.Load()) }

// Dial connects by TCP, badly.
func (f *Faults) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return f.Conn(c), nil
}

// Conn is c over the bad network.
func (f *Faults) Conn(c net.Conn) net.Conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made++
	rng := rand.New(rand.NewPCG(f.Seed, f.made))
	bad := &conn{Conn: c, faults: f, rng: rng, left: -1, closed: make(chan struct{})}
	if f.Breaks > 0 && f.After > 0 {
		bad.left = 1 + rng.Int64N(2*f.After)
	}
	return bad
}

// Proxy forwards connections to target over the bad network until t ends, and
// returns where it listens.
func (f *Faults) Proxy(t testing.TB, target string) string {
	t.Helper()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	return Serve(t, func(client net.Conn) {
		server, err := net.Dial("tcp", target)
		if err != nil {
			client.Close()
			return
		}
		bad := f.Conn(client)
		go func() { // a silent connection ends in no other way
			<-over
			bad.Close()
		}()
		go pass(bad, server)
		pass(server, bad)
	})
}

// Serve calls serve, in a goroutine of its own, for each connection to the
// address that it returns, until t ends. serve closes its connection.
func Serve(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr().String()
}

// pass forwards until one side ends, and ends the other.
func pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// conn is a connection that breaks after so many bytes.
type conn struct {
	net.Conn
	faults *Faults

	mu     sync.Mutex
	rng    *rand.Rand
	left   int64 // bytes until it breaks, -1: it does not
	silent bool
	over   bool // it is broken

	read, write deadline
	once        sync.Once
	closed      chan struct{}
}

var errReset = errors.New("nettest: connection reset")

// step is how many of n bytes may pass after which wait, and whether the
// connection breaks behind them.
func (c *conn) step(n int) (allowed int, wait time.Duration, breaks bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faults.Delay > 0 {
		wait = time.Duration(c.rng.Int64N(int64(c.faults.Delay)))
	}
	if c.faults.Piece > 0 {
		n = min(n, 1+c.rng.IntN(c.faults.Piece))
	}
	return n, wait, c.over
}

// count takes note of n bytes that have passed, and reports whether the
// connection breaks behind them.
func (c *conn) count(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left < 0 || c.over {
		return c.over
	}
	if c.left -= int64(n); c.left > 0 {
		return false
	}
	breaks := c.faults.broken.Add(1)
	if breaks > int64(c.faults.Breaks) {
		c.faults.broken.Add(-1)
		c.left = -1
		return false
	}
	c.left, c.over, c.silent = 0, true, c.faults.Silent && breaks%3 == 1
	return true
}

// fail is what happens to a call on a broken connection.
func (c *conn) fail(d *deadline) error {
	if !c.silent {
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, not an orderly end
		}
		_ = c.Conn.Close()
		return errReset
	}
	select {
	case <-c.closed:
		return net.ErrClosed
	case <-d.passed():
		return os.ErrDeadlineExceeded
	}
}

// Read implements [net.Conn].
func (c *conn) Read(p []byte) (int, error) {
	n, wait, over := c.step(len(p))
	if over {
		return 0, c.fail(&c.read)
	}
	time.Sleep(wait)
	n, err := c.Conn.Read(p[:n])
	if c.count(n) {
		return 0, c.fail(&c.read) // what was read is lost
	}
	return n, err
}

// Write implements [net.Conn].
func (c *conn) Write(p []byte) (written int, err error) {
	for written < len(p) {
		n, wait, over := c.step(len(p) - written)
		if over {
			return written, c.fail(&c.write)
		}
		time.Sleep(wait)
		n, err = c.Conn.Write(p[written : written+n])
		written += n
		if err != nil {
			return written, err
		}
		if c.count(n) && written < len(p) {
			return written, c.fail(&c.write)
		}
	}
	return written, nil
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// SetDeadline implements [net.Conn].
func (c *conn) SetDeadline(t time.Time) error {
	c.read.set(t)
	c.write.set(t)
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline implements [net.Conn].
func (c *conn) SetReadDeadline(t time.Time) error {
	c.read.set(t)
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements [net.Conn].
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.write.set(t)
	return c.Conn.SetWriteDeadline(t)
}

// deadline is when calls on a silent connection give up.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	done  chan struct{}
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && d.timer.Stop() {
		d.timer = nil
	}
	if d.done == nil || d.timer != nil { // none, or one that has passed
		d.done = make(chan struct{})
	}
	d.timer = nil
	if !t.IsZero() {
		done := d.done
		d.timer = time.AfterFunc(time.Until(t), func() { close(done) })
	}
}

func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done == nil {
		d.done = make(chan struct{})
	}
	return d.done
}
