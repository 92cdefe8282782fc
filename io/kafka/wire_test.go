package kafka

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"
)

// The requests of a publication by their API keys.
const (
	produceKey         = 0
	fetchKey           = 1
	listOffsetsKey     = 2
	metadataKey        = 3
	findCoordinatorKey = 10
	apiVersionsKey     = 18
	createTopicsKey    = 19
	initProducerKey    = 22
	endTxnKey          = 26
)

var errCut = errors.New("wire: cut")

// fate is what becomes of a request.
type fate int

const (
	pass fate = iota
	loseRequest
	loseAnswer
	die // this and all later ones are lost: the process is no more
	dieAfter
	misreport // the broker acts, but its answer is the error of wire.code
)

// wire stands between a sink and its brokers. judge is asked before each
// request is sent, from any goroutine.
type wire struct {
	judge func(key int16) fate
	code  uint16
	at    int // of the error in the answer; 0 is after length, correlation, no tags and throttle time
	// through makes its connections; nil is the network.
	through func(ctx context.Context, network, address string) (net.Conn, error)
	mu      sync.Mutex
	dead    bool
	conns   []net.Conn
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return nil, errCut
	}
	dial := w.through
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	c, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.conns = append(w.conns, c)
	return &wireConn{Conn: c, wire: w}, nil
}

func (w *wire) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
	for _, c := range w.conns {
		c.Close()
	}
}

// wireConn looks into the requests of a connection, of which it carries one at
// a time.
type wireConn struct {
	net.Conn
	wire *wire
	head []byte // of the request under way, until its key is known
	left int    // bytes of it still to come
	fate fate
}

func (c *wireConn) Write(b []byte) (int, error) {
	for at := 0; at < len(b); {
		if c.left == 0 {
			c.head = append(c.head, b[at])
			at++
			if len(c.head) < 6 {
				continue
			}
			c.left = int(binary.BigEndian.Uint32(c.head)) - 2
			c.fate = c.wire.judge(int16(binary.BigEndian.Uint16(c.head[4:])))
			switch c.fate {
			case loseRequest:
				c.Close()
				return 0, errCut
			case die:
				c.wire.kill()
				return 0, errCut
			}
			if _, err := c.Conn.Write(c.head); err != nil {
				return 0, err
			}
			c.head = c.head[:0]
			continue
		}
		n, err := c.Conn.Write(b[at:min(len(b), at+c.left)])
		if err != nil {
			return at, err
		}
		at, c.left = at+n, c.left-n
	}
	return len(b), nil
}

func (c *wireConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil || n == 0 {
		return n, err
	}
	switch c.fate {
	case loseAnswer:
		c.Close()
		return 0, errCut
	case dieAfter:
		c.wire.kill()
		return 0, errCut
	case misreport:
		// An answer that is an error stays: the broker has not acted.
		if code := b[cmp.Or(c.wire.at, 13):]; binary.BigEndian.Uint16(code) == 0 {
			binary.BigEndian.PutUint16(code, c.wire.code)
		}
	}
	return n, nil
}
