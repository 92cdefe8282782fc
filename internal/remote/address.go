package remote

import (
	"fmt"
	"net"
)

// CheckListen reports an address to listen on that is not host:port, or that
// others than this machine can reach when it should not be.
func (k Kind) CheckListen(address string, open bool, danger, hint string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return k.BadOption(fmt.Sprintf("listen: %q is not host:port", address), "")
	}
	ip := net.ParseIP(host)
	if open || host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return k.BadOption(fmt.Sprintf("listen: %s is not a loopback address, and others could %s", address, danger), hint)
}
