package flight

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// authority signs certificates of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{file: filepath.Join(t.TempDir(), name+".pem")}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue writes a certificate for 127.0.0.1, or for the name of a client.
func (a *authority) issue(t *testing.T, cert, key, client string, serial int64) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "leaf"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if client == "" {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	} else {
		template.DNSNames = []string{client}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, cert, "CERTIFICATE", der)
	writePEM(t, key, "PRIVATE KEY", raw)
}

func TestCertificatesAreReadAgain(t *testing.T) {
	ca, dir := newAuthority(t, "ca"), t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	ca.issue(t, cert, key, "", 10)
	server := guarded(t, Config{CertFile: cert, KeyFile: key})
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	serial := func(version uint16) (int64, error) {
		conn, err := tls.Dial("tcp", server.Addr(), &tls.Config{RootCAs: pool, MaxVersion: version, MinVersion: tls.VersionTLS10, NextProtos: []string{"h2"}})
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
	}
	if n, err := serial(tls.VersionTLS12); n != 10 || err != nil {
		t.Error(n, err)
	}
	if _, err := serial(tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is taken")
	}
	ca.issue(t, cert, key, "", 11)
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(cert, later, later); err != nil {
		t.Fatal(err)
	}
	if n, err := serial(tls.VersionTLS13); n != 11 || err != nil {
		t.Error(n, err)
	}
	for _, text := range []string{"", "no certificate"} { // half-written: the old one stays
		if err := os.WriteFile(cert, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := serial(tls.VersionTLS13); n != 11 || err != nil {
			t.Error(n, err)
		}
	}
	ca.issue(t, cert, key, "", 12)
	if n, err := serial(tls.VersionTLS13); n != 12 || err != nil {
		t.Error(n, err)
	}
}

func TestClientCertificates(t *testing.T) {
	ca, other, dir := newAuthority(t, "ca"), newAuthority(t, "other"), t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	ca.issue(t, at("server"), at("server.key"), "", 1)
	ca.issue(t, at("carol"), at("carol.key"), "carol", 2)
	ca.issue(t, at("dave"), at("dave.key"), "dave", 3)
	other.issue(t, at("fake"), at("fake.key"), "carol", 4)
	mem := columnartest.Allocator(t)
	source := func(uri, name string) *Source {
		s := &Source{URI: uri, Stream: "clicks", CAFile: ca.file, ConnectTimeout: 2 * time.Second}
		if name != "" {
			s.CertFile, s.KeyFile = at(name), at(name+".key")
		}
		return s
	}
	// Users are listed: a certificate is one way in, for those who have it.
	c := Config{CertFile: at("server"), KeyFile: at("server.key"), ClientCA: ca.file}
	c.Users = testUsers + "dave certificate read=clicks\n"
	uri := guarded(t, c).URI()
	for name, code := range map[string]codes.Code{"dave": codes.OK, "carol": codes.PermissionDenied, "": codes.Unauthenticated, "fake": codes.Unauthenticated} { // a client does not show what the server would not take
		if _, err := source(uri, name).Schema(); status.Code(err) != code {
			t.Errorf("%q: %v, want %s", name, err, code)
		}
	}
	both := source(uri, "carol")
	both.Token = "a1ice-secret"
	if _, err := both.Schema(); err != nil { // a header says more
		t.Error(err)
	}
	// Nobody is listed: every certificate of the authority may do everything.
	h := hub(t)
	b := numbers(t, mem, 0, 3)
	s := &Sink{Stream: "clicks", Hub: h, Listen: "127.0.0.1:0", CertFile: c.CertFile, KeyFile: c.KeyFile, ClientCA: ca.file}
	if err := s.Bind(b.Schema(), env(mem).Env); err != nil {
		t.Fatal(err)
	}
	write(t, s, b)
	s.Close()
	rows, err := iotest.Rows(context.Background(), open(t, source(s.URI(), "carol"), mem, 0), 0)
	if err != nil || len(rows) != 3 {
		t.Error(rows, err)
	}
	for _, name := range []string{"", "fake"} {
		if _, err := source(s.URI(), name).Schema(); status.Code(err) != codes.Unavailable {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestRefusesToStart checks what may listen where.
func TestRefusesToStart(t *testing.T) {
	ca, dir := newAuthority(t, "ca"), t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	ca.issue(t, cert, key, "", 1)
	open := "0.0.0.0:0"
	for _, tc := range []struct {
		c    Config
		want string
	}{
		{Config{Listen: open}, "not a loopback address"},
		{Config{Listen: open, Token: "t", Users: testUsers}, "not a loopback address"},
		{Config{Listen: open, CertFile: cert, KeyFile: key}, "not a loopback address"},
		{Config{Listen: "[::]:0", Token: "t"}, "not a loopback address"},
		{Config{Listen: "localhost.example.com:0", Token: "t"}, "not a loopback address"},
		{Config{Listen: open, CertFile: cert, Token: "t"}, "belong together"},
		{Config{Listen: open, ClientCA: ca.file}, "tls.client-ca needs"},
		{Config{CertFile: key, KeyFile: key}, "tls.cert"},
		{Config{CertFile: cert, KeyFile: key, ClientCA: key}, "holds no certificate"},
		{Config{TicketTTL: -1}, "ticket.ttl"},
		{Config{TicketKey: "short"}, "ticket.key"},
		{Config{Token: "env:FLIGHT_NOT_SET"}, "FLIGHT_NOT_SET"},
		{Config{Users: "file:/no/such"}, "/no/such"},
	} {
		if tc.c.Listen == "" {
			tc.c.Listen = "127.0.0.1:0"
		}
		s, err := NewServer(tc.c)
		if err == nil {
			s.Close()
			t.Errorf("started, want %q", tc.want)
			continue
		}
		if e, ok := err.(*arrowstream.Error); !ok || e.Code != "AS1504" || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v, want %q", err, tc.want)
		}
	}
	for _, c := range []Config{
		{Listen: open, Insecure: true},
		{Listen: open, CertFile: cert, KeyFile: key, Token: "t"},
		{Listen: open, CertFile: cert, KeyFile: key, Users: testUsers},
		{Listen: open, CertFile: cert, KeyFile: key, ClientCA: ca.file},
	} {
		s, err := NewServer(c)
		if err != nil {
			t.Error(err)
			continue
		}
		s.Close()
	}
}
