package http

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// selfSigned writes a certificate, good for both ends, and its key.
func selfSigned(t testing.TB) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TestTLS posts over TLS, with HTTP/1.1 and HTTP/2, and by certificate alone; the
// sink posts to the source.
func TestTLS(t *testing.T) {
	mem := columnartest.Allocator(t)
	cert, key := selfSigned(t)
	s := &Source{CertFile: cert, KeyFile: key, Token: "s3cret", Listen: "0.0.0.0:0", Hosts: []string{"127.0.0.1"}}
	p := open(t, s, mem, nil)
	_, port, _ := net.SplitHostPort(s.Addr().String())
	config, err := kind.TLS(nil, "tls.ca", cert)
	if err != nil {
		t.Fatal(err)
	}
	send := func(address string, config *tls.Config, http2 bool, token string) (int, string) {
		t.Helper()
		transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: http2}
		defer transport.CloseIdleConnections()
		r, err := http.NewRequest(http.MethodPost, "https://"+address+"/clicks", strings.NewReader(`{"k":"a","x":1}`))
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := (&http.Client{Transport: transport}).Do(r)
		if err != nil {
			return 0, err.Error()
		}
		answer.Body.Close()
		return answer.StatusCode, answer.Proto
	}
	for proto, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		if code, got := send("127.0.0.1:"+port, config.Clone(), http2, "s3cret"); code != http.StatusNoContent || got != proto {
			t.Error(code, got)
		}
	}
	if code, got := send("127.0.0.1:"+port, config.Clone(), true, "wrong"); code != http.StatusUnauthorized {
		t.Error(code, got)
	}
	old := config.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if code, _ := send("127.0.0.1:"+port, old, false, "s3cret"); code != 0 {
		t.Error("TLS 1.1 is taken")
	}
	sink := &Sink{URL: "https://127.0.0.1:" + port + "/clicks", Format: s.Format, Token: "s3cret", CAFile: cert}
	if err := iotest.Write(t, sink, columnartest.Batch(t, mem, "k:utf8 x:int64\nsink 7\n")); err != nil {
		t.Fatal(err)
	}
	iotest.EqualRows(t, read(t, p, 3), []string{"a 1", "a 1", "sink 7"})

	alone := &Source{CertFile: cert, KeyFile: key, ClientCA: cert}
	q := open(t, alone, mem, nil)
	if code, _ := send(alone.Addr().String(), config.Clone(), true, ""); code != 0 {
		t.Error("a client without a certificate is let in")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	mine := config.Clone()
	mine.Certificates = []tls.Certificate{pair}
	if code, got := send(alone.Addr().String(), mine, true, ""); code != http.StatusNoContent {
		t.Error(code, got)
	}
	iotest.EqualRows(t, read(t, q, 1), []string{"a 1"})
}
