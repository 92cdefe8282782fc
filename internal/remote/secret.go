package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strings"
)

// Secret resolves the value of an option that is env:NAME or file:PATH; any
// other is the secret itself. An empty variable is an error: it would leave a
// door open.
func (k Kind) Secret(option, ref string) (string, error) {
	if name, ok := strings.CutPrefix(ref, "env:"); ok {
		if value := os.Getenv(name); value != "" {
			return value, nil
		}
		return "", k.option(option, errors.New("environment variable "+name+" is not set"))
	}
	if path, ok := strings.CutPrefix(ref, "file:"); ok {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", k.option(option, err)
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	return ref, nil
}

// TLS is the configuration of a client: version 1.2 or later, and trust in the
// certificates of caFile, the value of an option, or in those of the system.
func (k Kind) TLS(option, caFile string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, k.option(option, err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, k.option(option, errors.New(caFile+" holds no certificate"))
	}
	return c, nil
}
