package flight

import (
	"fmt"
	"sync"
)

// Hub keeps the servers of a process, one for each address, so that sinks and
// sources that name the same address share it. The servers of a hub live until
// its Close; those of sinks and sources without a hub until the last of them
// is closed.
type Hub struct {
	mu        sync.Mutex
	servers   map[string]*shared
	transient bool // a server ends with its last user
}

type shared struct {
	server *Server
	config Config
	users  int
}

// process is the hub of sinks and sources that were given none.
var process = Hub{transient: true}

// acquire returns the server of an address, starting it if need be, and a
// function that gives it back.
func (h *Hub) acquire(c Config) (*Server, func(), error) {
	if h == nil {
		h = &process
	}
	if err := c.check(); err != nil {
		return nil, nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	sh := h.servers[c.Listen]
	if sh == nil {
		server, err := NewServer(c)
		if err != nil {
			return nil, nil, err
		}
		if h.servers == nil {
			h.servers = map[string]*shared{}
		}
		sh = &shared{server: server, config: c}
		h.servers[c.Listen] = sh
	}
	if sh.config != c {
		return nil, nil, kind.BadOption(fmt.Sprintf("listen: %s already has a server with other options of TLS, login or tickets", c.Listen), "")
	}
	sh.users++
	return sh.server, sync.OnceFunc(func() { h.release(c.Listen, sh) }), nil
}

// alone tells whether a server has one user left.
func (h *Hub) alone(c Config) bool {
	if c.check() != nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	sh := h.servers[c.Listen]
	return sh != nil && sh.users == 1
}

func (h *Hub) release(address string, sh *shared) {
	h.mu.Lock()
	sh.users--
	last := sh.users == 0 && h.transient
	if last {
		delete(h.servers, address)
	}
	h.mu.Unlock()
	if last {
		sh.server.Close()
	}
}

// Server returns the server of an address, which is started if need be.
func (h *Hub) Server(c Config) (*Server, error) {
	server, _, err := h.acquire(c)
	return server, err
}

// Close stops every server of the hub.
func (h *Hub) Close() {
	h.mu.Lock()
	servers := h.servers
	h.servers = nil
	h.mu.Unlock()
	for _, sh := range servers {
		sh.server.Close()
	}
}
