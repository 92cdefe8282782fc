package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// Secret resolves the value of an option that is env:NAME or file:PATH; any
// other is the secret itself. An empty variable is an error: it would leave a
// door open.
func (k Kind) Secret(a *arrowstream.Access, option string, secret arrowstream.Secret) (string, error) {
	ref := string(secret)
	if name, ok := strings.CutPrefix(ref, "env:"); ok {
		value, err := a.Getenv(name)
		if err != nil || value != "" {
			return value, err
		}
		return "", k.option(option, errors.New("environment variable "+name+" is not set"))
	}
	if path, ok := strings.CutPrefix(ref, "file:"); ok {
		b, err := a.ReadFile(path)
		if err != nil {
			return "", k.option(option, err)
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	return ref, nil
}

// TLS is the configuration of a client: version 1.2 or later, and trust in the
// certificates of caFile, the value of an option, or in those of the system.
func (k Kind) TLS(a *arrowstream.Access, option, caFile string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return c, nil
	}
	pem, err := a.ReadFile(caFile)
	if err != nil {
		return nil, k.option(option, err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, k.option(option, errors.New(caFile+" holds no certificate"))
	}
	return c, nil
}

// KeyPair is the certificate of certFile with the key of keyFile.
func KeyPair(a *arrowstream.Access, certFile, keyFile string) (tls.Certificate, error) {
	cert, err := a.ReadFile(certFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := a.ReadFile(keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}
