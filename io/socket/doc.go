// Package socket reads and writes lines over TCP and UDP (floor 4).
//
// A [Source] either listens, for any number of connections at once, or connects
// to a server. On TCP a value is what stands before a newline, on UDP each line
// of a datagram. All connections feed one partition; a slow pipeline slows TCP
// senders down, datagrams that find no room are lost, as the protocol has it.
// A [Sink] connects and writes one line per row.
//
// The protocols have no acknowledgement: delivery is at most once, and at least
// once from the journal on for a source that has one. The package's one invariant: no client can make the source hold more than a few
// lines of it in memory, and a listener is on loopback unless told otherwise.
package socket

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

// Connector is the row of this package in the table of connectors.
var Connector = arrowstream.Connector{
	Name: "socket",
	Source: func(t arrowstream.Table) (arrowstream.Source, error) {
		s := &Source{Columns: t.Schema, Format: t.Format, Access: t.Access}
		return s, t.Decode(s, Sink{})
	},
	Sink: func(t arrowstream.Table) (arrowstream.Sink, error) {
		s := &Sink{Format: t.Format}
		return s, t.Decode(s, Source{})
	},
	Options: []any{Source{}, Sink{}},
}

const kind = remote.Kind("socket")

// address joins the options that name the other end: connect, or host and port.
func address(connect, host string, port int) (string, error) {
	if connect != "" {
		if host != "" || port != 0 {
			return "", kind.BadOption("connect stands for host and port, give one of them", "")
		}
		if _, _, err := net.SplitHostPort(connect); err != nil {
			return "", kind.BadOption(fmt.Sprintf("connect: %q is not host:port", connect), "")
		}
		return connect, nil
	}
	if host == "" && port == 0 {
		return "", nil
	}
	if host == "" {
		host = "localhost"
	}
	if port <= 0 || port > 65535 {
		return "", kind.BadOption(fmt.Sprintf("port: %d", port), "1 to 65535")
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

func network(name string) (string, error) {
	switch strings.ToLower(name) {
	case "", "tcp":
		return "tcp", nil
	case "udp":
		return "udp", nil
	}
	return "", kind.BadOption(fmt.Sprintf("protocol: %q", name), "use tcp or udp")
}

var (
	_ arrowstream.Source     = (*Source)(nil)
	_ arrowstream.Guaranteed = (*Source)(nil)
	_ arrowstream.Sink       = (*Sink)(nil)
	_ arrowstream.Aborter    = (*Sink)(nil)
)
