package access

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// host is an allowed host: a name, a range of addresses, or any public one.
type host struct {
	name  string
	ips   netip.Prefix
	any   bool
	port  uint16 // 0 is every port
	ports bool   // port counts
}

func parseHost(text string) (host, error) {
	name, port, found := text, "", false
	switch {
	case strings.HasPrefix(text, "["):
		var rest string
		if name, rest, found = strings.Cut(text[1:], "]"); !found {
			return host{}, errors.New("[ without ]")
		}
		if port, found = strings.CutPrefix(rest, ":"); !found && rest != "" {
			return host{}, errors.New("after ] comes :PORT")
		}
	case strings.Count(text, ":") == 1:
		name, port, found = strings.Cut(text, ":")
	}
	var h host
	if found {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return host{}, errors.New("the port is no number up to 65535")
		}
		h.port, h.ports = uint16(n), true
	}
	if name == "*" {
		h.any = true
		return h, nil
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		ip = embedded(ip)
		h.ips = netip.PrefixFrom(ip, ip.BitLen())
		return h, nil
	}
	if ips, err := netip.ParsePrefix(name); err == nil {
		h.ips = ips.Masked()
		return h, nil
	}
	h.name = canonical(name)
	if h.name == "" || strings.ContainsAny(h.name, "/*@ \t:") {
		return host{}, errors.New("it is no name, address, range or *")
	}
	return h, nil
}

// canonical is the name of a host in one spelling.
func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// class is what kind of place an address is.
type class int

const (
	public  class = iota
	private       // of a network of its own: RFC 1918, RFC 6598, RFC 4193
	machine       // this machine
	special       // link-local, such as the metadata of clouds, multicast, reserved
)

// ranges are those of the registries of IANA for special addresses that are not
// public, see RFC 6890.
var ranges = []struct {
	ips   netip.Prefix
	class class
}{
	{netip.MustParsePrefix("0.0.0.0/8"), special},
	{netip.MustParsePrefix("10.0.0.0/8"), private},
	{netip.MustParsePrefix("100.64.0.0/10"), private},
	{netip.MustParsePrefix("127.0.0.0/8"), machine},
	{netip.MustParsePrefix("169.254.0.0/16"), special},
	{netip.MustParsePrefix("172.16.0.0/12"), private},
	{netip.MustParsePrefix("192.0.0.0/24"), special},
	{netip.MustParsePrefix("192.0.2.0/24"), special},
	{netip.MustParsePrefix("192.88.99.0/24"), special},
	{netip.MustParsePrefix("192.168.0.0/16"), private},
	{netip.MustParsePrefix("198.18.0.0/15"), private},
	{netip.MustParsePrefix("198.51.100.0/24"), special},
	{netip.MustParsePrefix("203.0.113.0/24"), special},
	{netip.MustParsePrefix("224.0.0.0/3"), special},
	{netip.MustParsePrefix("::1/128"), machine},
	{netip.MustParsePrefix("::/96"), special},
	{netip.MustParsePrefix("64:ff9b:1::/48"), special},
	{netip.MustParsePrefix("100::/64"), special},
	{netip.MustParsePrefix("2001::/23"), special},
	{netip.MustParsePrefix("2001:db8::/32"), special},
	{netip.MustParsePrefix("fc00::/7"), private},
	{netip.MustParsePrefix("fe80::/9"), special},
	{netip.MustParsePrefix("ff00::/8"), special},
}

func classOf(ip netip.Addr) class {
	for _, r := range ranges {
		if r.ips.Contains(ip) {
			return r.class
		}
	}
	return public
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
)

// embedded is the address of version 4 that one of version 6 stands for, if it
// does: mapped ones, NAT64 (RFC 6052) and 6to4 (RFC 3056).
func embedded(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	b := ip.As16()
	switch {
	case nat64.Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:]))
	}
	return ip
}

// allows reports whether an address may be reached, to which the name was
// resolved.
func (p *Policy) allows(name string, ip netip.Addr, port uint16) bool {
	ip, name = embedded(ip), canonical(name)
	kind := classOf(ip)
	for _, h := range p.hosts {
		switch {
		case h.ports && h.port != port:
		case h.ips.IsValid() && h.ips.Contains(ip), h.any && kind == public:
			return true
		case h.name == "" || h.name != name:
		case kind == public || kind == private, kind == machine && (name == "localhost" || strings.HasSuffix(name, ".localhost")):
			return true
		}
	}
	return false
}

// mayResolve reports whether a name may lead to an allowed address: only then
// is it looked up, since a question to a name server tells something too.
func (p *Policy) mayResolve(name string, port uint16) bool {
	for _, h := range p.hosts {
		if (!h.ports || h.port == port) && (h.name == "" || h.name == canonical(name)) {
			return true
		}
	}
	return false
}
