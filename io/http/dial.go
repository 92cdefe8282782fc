package http

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// dialer opens every connection that this package makes: the one place where an
// address is looked at before it is used.
func dialer() *net.Dialer { return &net.Dialer{Timeout: 30 * time.Second} }

// newClient is a client of one server. It follows no redirects, as those would
// carry rows and tokens elsewhere, and knows no proxy but those of the
// environment.
func newClient(config *tls.Config, timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer().DialContext, TLSClientConfig: config, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
	}
}
