package http

import (
	"crypto/tls"
	"net/http"
	"time"

	"github.com/arrowstream/arrowstream"
)

// newClient is a client of one server. It follows no redirects, as those would
// carry rows and tokens elsewhere, and uses no proxy: a looks at every address
// before it is used.
func newClient(a *arrowstream.Access, config *tls.Config, timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: a.Dial, TLSClientConfig: config, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
	}
}
