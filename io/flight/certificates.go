package flight

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

// certificates are those of a server, read again when a file has changed. A
// change that cannot be used leaves the old ones in force.
type certificates struct {
	access        *arrowstream.Access
	cert, key, ca string
	alone         bool // a certificate is the only way in

	mu      sync.Mutex
	stamps  [3]fileStamp
	current *tls.Config
}

type fileStamp struct {
	size int64
	time time.Time
}

func loadCertificates(c Config) (*certificates, error) {
	certs := &certificates{access: c.Access, cert: c.CertFile, key: c.KeyFile, ca: c.ClientCA, alone: c.Token == "" && c.Users == ""}
	certs.stamps = certs.look()
	var err error
	if certs.current, err = certs.load(); err != nil {
		return nil, err
	}
	return certs, nil
}

// config is the configuration of the listener.
func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return c.fresh(), nil
		},
	}
}

// fresh is the configuration for a new connection: three calls of stat.
func (c *certificates) fresh() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.look(); now != c.stamps {
		if next, err := c.load(); err == nil {
			c.current, c.stamps = next, now
		}
	}
	return c.current
}

func (c *certificates) look() (stamps [3]fileStamp) {
	for i, name := range []string{c.cert, c.key, c.ca} {
		if info, err := c.access.Stat(name); name != "" && err == nil {
			stamps[i] = fileStamp{info.Size(), info.ModTime()}
		}
	}
	return stamps
}

func (c *certificates) load() (*tls.Config, error) {
	fail := func(option string, err error) error {
		if no := arrowstream.Refused(err); no != nil {
			return no
		}
		return &arrowstream.Error{Code: "AS1504", Msg: "flight: option " + option, Err: err}
	}
	pair, err := remote.KeyPair(c.access, c.cert, c.key)
	if err != nil {
		return nil, fail("tls.cert, tls.key", err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}
	if c.ca == "" {
		return config, nil
	}
	pem, err := c.access.ReadFile(c.ca)
	if err != nil {
		return nil, fail("tls.client-ca", err)
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fail("tls.client-ca", fmt.Errorf("%s holds no certificate", c.ca))
	}
	config.ClientAuth = tls.VerifyClientCertIfGiven
	if c.alone {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}
