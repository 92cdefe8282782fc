package remote

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"github.com/arrowstream/arrowstream"
)

// Certificates are those of a server, read again when a file has changed. A
// change that cannot be used leaves the old ones in force.
type Certificates struct {
	kind          Kind
	access        *arrowstream.Access
	protocols     []string
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

// Certificates reads the certificate of a server, its key and, if ca is not
// empty, the certificates that sign those of clients, which every client needs
// if that is the only way in. protocols are those offered by ALPN.
func (k Kind) Certificates(a *arrowstream.Access, cert, key, ca string, alone bool, protocols ...string) (*Certificates, error) {
	certs := &Certificates{kind: k, access: a, protocols: protocols, cert: cert, key: key, ca: ca, alone: alone}
	certs.stamps = certs.look()
	var err error
	if certs.current, err = certs.load(); err != nil {
		return nil, err
	}
	return certs, nil
}

// Config is the configuration of the listener.
func (c *Certificates) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: c.protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return c.fresh(), nil
		},
	}
}

// fresh is the configuration for a new connection: three calls of stat.
func (c *Certificates) fresh() *tls.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.look(); now != c.stamps {
		if next, err := c.load(); err == nil {
			c.current, c.stamps = next, now
		}
	}
	return c.current
}

func (c *Certificates) look() (stamps [3]fileStamp) {
	for i, name := range []string{c.cert, c.key, c.ca} {
		if info, err := c.access.Stat(name); name != "" && err == nil {
			stamps[i] = fileStamp{info.Size(), info.ModTime()}
		}
	}
	return stamps
}

func (c *Certificates) load() (*tls.Config, error) {
	pair, err := KeyPair(c.access, c.cert, c.key)
	if err != nil {
		return nil, c.kind.option("tls.cert, tls.key", err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: c.protocols}
	if c.ca == "" {
		return config, nil
	}
	pem, err := c.access.ReadFile(c.ca)
	if err != nil {
		return nil, c.kind.option("tls.client-ca", err)
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, c.kind.option("tls.client-ca", fmt.Errorf("%s holds no certificate", c.ca))
	}
	config.ClientAuth = tls.VerifyClientCertIfGiven
	if c.alone {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}
