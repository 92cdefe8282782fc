package access

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// CheckDial reports, without looking a name up, whether an address host:port
// may be dialled at all.
func (p *Policy) CheckDial(network, address string) error {
	return p.check("connect to", network, address)
}

// CheckListen reports whether an address may be listened on, but for what its
// name stands for.
func (p *Policy) CheckListen(network, address string) error {
	return p.check("listen on", network, address)
}

func (p *Policy) check(op, network, address string) error {
	if p == nil {
		return nil
	}
	no := Refusal{Op: op, What: address, Flag: "host", Value: address}
	switch network {
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
	default: // sockets in the file system and the like
		no.Why, no.Flag, no.Value = "network "+network+" is closed", "", ""
		return p.refuse(no)
	}
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		n, lookErr := net.LookupPort(network, port)
		if lookErr != nil {
			return lookErr
		}
		number = uint64(n)
	}
	if name == "" {
		name = "::"
	}
	no.Value = net.JoinHostPort(name, port)
	ip, err := netip.ParseAddr(name)
	if err == nil && p.allows("", ip, uint16(number)) || err != nil && p.mayResolve(name, uint16(number)) {
		return nil
	}
	return p.refuse(no)
}

// Dial connects to address. What it was resolved to decides, and of several
// addresses only those that are allowed are tried.
func (p *Policy) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{}
	if p == nil {
		return d.DialContext(ctx, network, address)
	}
	if err := p.CheckDial(network, address); err != nil {
		return nil, err
	}
	refused := make(chan error, 1)
	d.Control = func(_, resolved string, _ syscall.RawConn) error {
		err := p.resolved("connect to", address, resolved)
		if err != nil {
			select {
			case refused <- err:
			default:
			}
		}
		return err
	}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		select {
		case err = <-refused:
		default:
		}
		return nil, err
	}
	return conn, nil
}

// resolved checks what an address was resolved to.
func (p *Policy) resolved(op, address, resolved string) error {
	to, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return err
	}
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if p.allows(name, to.Addr(), to.Port()) {
		return nil
	}
	no := Refusal{Op: op, What: address, Flag: "host", Value: resolved}
	if address != resolved {
		no.Why = "it stands for " + to.Addr().String()
	}
	return p.refuse(no)
}

// Listen is net.Listen. A host that is not named in address stands for all
// addresses of the machine, 0.0.0.0 and ::.
func (p *Policy) Listen(network, address string) (net.Listener, error) {
	c, err := p.listener(network, address)
	if err != nil {
		return nil, err
	}
	return c.Listen(context.Background(), network, address)
}

// ListenPacket is net.ListenPacket.
func (p *Policy) ListenPacket(network, address string) (net.PacketConn, error) {
	c, err := p.listener(network, address)
	if err != nil {
		return nil, err
	}
	return c.ListenPacket(context.Background(), network, address)
}

func (p *Policy) listener(network, address string) (c net.ListenConfig, err error) {
	if p == nil {
		return c, nil
	}
	if err := p.CheckListen(network, address); err != nil {
		return c, err
	}
	c.Control = func(_, resolved string, _ syscall.RawConn) error { return p.resolved("listen on", address, resolved) }
	return c, nil
}
