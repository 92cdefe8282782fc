package databasetest

import (
	"bytes"
	"net"
	"sync"
	"testing"
)

// breakage is what happens to a connection at the text.
type breakage int

const (
	cut     breakage = iota // the server does not get the text
	swallow                 // it does, and its answer is lost with the connection
	stall                   // it does, and its answer is held back for ever
)

// Proxy forwards connections to a server, and breaks the next one at a text
// that its client sends.
type Proxy struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	at     []byte
	how    breakage
	skip   int // how often the text passes before
	breaks int
}

// NewProxy forwards to the address target until t ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, target: target}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

// Address is where the proxy listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Break cuts a connection in place of forwarding a text, once, after it has
// passed skip times.
func (p *Proxy) Break(text string, skip int) { p.arm(text, skip, cut) }

// Swallow cuts a connection in place of the answer to a text, once: the server
// has done what was asked.
func (p *Proxy) Swallow(text string) { p.arm(text, 0, swallow) }

// Stall holds back the answer to a text, once, and leaves the connection open.
func (p *Proxy) Stall(text string) { p.arm(text, 0, stall) }

func (p *Proxy) arm(text string, skip int, how breakage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.skip, p.how, p.breaks = []byte(text), skip, how, 0
}

// Breaks is how many connections were cut since the proxy was armed.
func (p *Proxy) Breaks() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.breaks
}

// hit reports whether data holds the text at which to break.
func (p *Proxy) hit(data []byte) (now bool, how breakage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil || !bytes.Contains(data, p.at) {
		return false, cut
	}
	if p.skip > 0 {
		p.skip--
		return false, cut
	}
	p.at = nil
	p.breaks++
	return true, p.how
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		client.Close()
		return
	}
	end := func() {
		client.Close()
		server.Close()
	}
	answers := make(chan breakage, 1)
	go func() {
		defer end()
		buf := make([]byte, 64<<10)
		lost := false
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			select {
			case how := <-answers: // the work is done, nobody hears of it
				lost = true
				if how == swallow {
					end()
				}
			default:
			}
			if lost {
				continue
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	defer end()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if now, how := p.hit(buf[:n]); now {
			if how == cut {
				return
			}
			answers <- how
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}
