package flight

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

const (
	sessionTTL  = time.Hour
	maxSessions = 4096
)

// authenticator finds out who calls. Of secrets it keeps hashes, which it
// compares in constant time.
type authenticator struct {
	guarded bool
	named   bool // callers are listed, so that a certificate alone is not enough
	users   *users
	fails   failures

	mu       sync.Mutex
	sessions map[[sha256.Size]byte]session // of tokens given for a password, by hash
}

type session struct {
	who *principal
	end time.Time
}

func newAuthenticator(c Config) (*authenticator, error) {
	a := &authenticator{guarded: c.guarded(), named: c.Users != "", users: &users{}, sessions: map[[sha256.Size]byte]session{}}
	if c.Users != "" {
		text, err := kind.Secret(c.Access, "users", c.Users)
		if err != nil {
			return nil, err
		}
		if a.users, err = parseUsers(c.Access, text); err != nil {
			return nil, err
		}
	}
	if c.Token != "" {
		token, err := kind.Secret(c.Access, "token", c.Token)
		if err != nil {
			return nil, err
		}
		if token == "" {
			return nil, kind.BadOption("token: the secret is empty", "")
		}
		a.users.tokens = append(a.users.tokens, credential{sha256.Sum256([]byte(token)), everything("token")})
	}
	return a, nil
}

var (
	errCredentials = status.Error(codes.Unauthenticated, "a valid bearer token, or name and password, is required")
	errFailures    = status.Error(codes.ResourceExhausted, "too many failed logins from this address: wait a minute")
)

// authenticate returns the caller. A header says more than a certificate; of
// several headers the first counts, so that one call is one guess.
func (a *authenticator) authenticate(ctx context.Context, now time.Time) (*principal, error) {
	if !a.guarded {
		return everything(""), nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	values := md.Get("authorization")
	if len(values) == 0 {
		if who := a.certified(ctx); who != nil {
			return who, nil
		}
		return nil, errCredentials
	}
	address := addressOf(ctx)
	if a.fails.blocked(address, now) {
		return nil, errFailures
	}
	who, basic := a.check(values[0], now)
	if who == nil {
		a.fails.add(address, now)
		return nil, errCredentials
	}
	if basic {
		token := metadata.Pairs("authorization", "Bearer "+a.begin(who, now))
		_ = grpc.SetHeader(ctx, token)
		_ = grpc.SetTrailer(ctx, token)
	}
	return who, nil
}

// check reads a header: who it is of, nil for nobody, and whether it carried a
// password.
func (a *authenticator) check(header string, now time.Time) (who *principal, basic bool) {
	scheme, value, ok := strings.Cut(header, " ")
	if !ok || value == "" {
		return nil, false
	}
	switch {
	case strings.EqualFold(scheme, "bearer"):
		return a.bearer(value, now), false
	case strings.EqualFold(scheme, "basic"):
		plain, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return nil, true
		}
		name, password, ok := strings.Cut(string(plain), ":")
		if !ok {
			return nil, true
		}
		return a.login(name, password), true
	}
	return nil, false
}

// bearer compares with every token, whichever fits.
func (a *authenticator) bearer(token string, now time.Time) (who *principal) {
	hash := sha256.Sum256([]byte(token))
	for _, c := range a.users.tokens {
		if subtle.ConstantTimeCompare(hash[:], c.hash[:]) == 1 {
			who = c.who
		}
	}
	if who != nil {
		return who
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if s, ok := a.sessions[hash]; ok && now.Before(s.end) {
		return s.who
	}
	return nil
}

func (a *authenticator) login(name, password string) *principal {
	hash := sha256.Sum256([]byte(password))
	c, known := a.users.passwords[name]
	if subtle.ConstantTimeCompare(hash[:], c.hash[:]) == 1 && known {
		return c.who
	}
	return nil
}

// begin makes a token that stands for a login for an hour.
func (a *authenticator) begin(who *principal, now time.Time) string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	token := base64.RawURLEncoding.EncodeToString(b[:])
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.sessions) >= maxSessions {
		var oldest [sha256.Size]byte
		for hash, s := range a.sessions {
			if now.After(s.end) {
				delete(a.sessions, hash)
			} else if o, ok := a.sessions[oldest]; !ok || s.end.Before(o.end) {
				oldest = hash
			}
		}
		if len(a.sessions) >= maxSessions {
			delete(a.sessions, oldest)
		}
	}
	a.sessions[sha256.Sum256([]byte(token))] = session{who, now.Add(sessionTTL)}
	return token
}

// certified is the caller that the certificate of the connection names: a user
// with the credential certificate, or, if none are listed, whoever it is.
func (a *authenticator) certified(ctx context.Context) *principal {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 {
		return nil
	}
	names := certificateNames(info.State.VerifiedChains[0][0])
	for _, name := range names {
		if who := a.users.certificates[name]; who != nil {
			return who
		}
	}
	if a.named || len(names) == 0 {
		return nil
	}
	return everything(names[0])
}

// certificateNames are the alternative names of a certificate, or its common
// name if it has none.
func certificateNames(c *x509.Certificate) []string {
	names := append(append([]string{}, c.DNSNames...), c.EmailAddresses...)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = []string{c.Subject.CommonName}
	}
	return names
}

// addressOf is the address of the other end without its port.
func addressOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok || p.Addr == nil {
		return ""
	}
	host, _, err := net.SplitHostPort(p.Addr.String())
	if err != nil {
		return p.Addr.String()
	}
	return host
}
