package remote

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// Principal is a caller, and what it may do.
type Principal struct {
	Name        string
	read, write []string // patterns of streams
}

// Everything is granted to callers of a server that names no users.
func Everything(name string) *Principal {
	return &Principal{Name: name, read: []string{"*"}, write: []string{"*"}}
}

func granted(patterns []string, stream string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, open := strings.CutSuffix(p, "*")
		return p == stream || open && strings.HasPrefix(stream, prefix)
	})
}

// MayRead reports whether a stream may be read.
func (p *Principal) MayRead(stream string) bool { return granted(p.read, stream) }

// MayWrite reports whether a stream may be written.
func (p *Principal) MayWrite(stream string) bool { return granted(p.write, stream) }

// Users are the callers of a server by their credentials, of which hashes are
// kept.
type Users struct {
	tokens       []credential
	passwords    map[string]credential // by name
	certificates map[string]*Principal // by a name in the certificate
	named        bool                  // callers are listed, so that a certificate alone is not enough
}

type credential struct {
	hash [sha256.Size]byte
	who  *Principal
}

// Users reads the options token, a secret that may do everything, and users, which
// lists who may do what; either may be empty.
func (k Kind) Users(a *arrowstream.Access, token, list arrowstream.Secret) (*Users, error) {
	u := &Users{}
	if list != "" {
		text, err := k.Secret(a, "users", list)
		if err != nil {
			return nil, err
		}
		if u, err = k.parseUsers(a, text); err != nil {
			return nil, err
		}
		u.named = true
	}
	if token != "" {
		secret, err := k.Secret(a, "token", token)
		if err != nil {
			return nil, err
		}
		if secret == "" {
			return nil, k.BadOption("token: the secret is empty", "")
		}
		u.tokens = append(u.tokens, credential{sha256.Sum256([]byte(secret)), Everything("token")})
	}
	return u, nil
}

// Bearer compares a token with every one that is known, in constant time; nil is
// nobody.
func (u *Users) Bearer(token string) (who *Principal) {
	hash := sha256.Sum256([]byte(token))
	for _, c := range u.tokens {
		if subtle.ConstantTimeCompare(hash[:], c.hash[:]) == 1 {
			who = c.who
		}
	}
	return who
}

// Login is the caller with a name and a password; nil is nobody.
func (u *Users) Login(name, password string) *Principal {
	hash := sha256.Sum256([]byte(password))
	c, known := u.passwords[name]
	if subtle.ConstantTimeCompare(hash[:], c.hash[:]) == 1 && known {
		return c.who
	}
	return nil
}

// Certified is the caller that a verified certificate names: a user with the
// credential certificate, or, if none are listed, whoever it is.
func (u *Users) Certified(c *x509.Certificate) *Principal {
	names := certificateNames(c)
	for _, name := range names {
		if who := u.certificates[name]; who != nil {
			return who
		}
	}
	if u.named || len(names) == 0 {
		return nil
	}
	return Everything(names[0])
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

// parseUsers reads the option users, whose text was resolved. Errors name the
// line, never what stands in it but the name of the user.
func (k Kind) parseUsers(a *arrowstream.Access, text string) (*Users, error) {
	u := &Users{passwords: map[string]credential{}, certificates: map[string]*Principal{}}
	seen := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		bad := func(msg string) error {
			return k.BadOption(fmt.Sprintf("users: line %d: %s", i+1, msg), "a line is NAME token=SECRET|password=SECRET|certificate [read=STREAM] [write=STREAM]...")
		}
		who := &Principal{Name: fields[0]}
		switch {
		case len(fields) < 2:
			return nil, bad("a credential is missing")
		case strings.ContainsAny(who.Name, ":="):
			return nil, bad("the first word is not a name")
		case seen[who.Name]:
			return nil, bad(fmt.Sprintf("user %q is there already", who.Name))
		}
		seen[who.Name] = true
		how, ref, _ := strings.Cut(fields[1], "=")
		secret, err := k.Secret(a, "users", arrowstream.Secret(ref))
		if err != nil {
			return nil, err
		}
		if (how == "token" || how == "password") && secret == "" {
			return nil, bad("the " + how + " is empty")
		}
		switch c := (credential{sha256.Sum256([]byte(secret)), who}); {
		case how == "token":
			u.tokens = append(u.tokens, c)
		case how == "password":
			u.passwords[who.Name] = c
		case fields[1] == "certificate":
			u.certificates[who.Name] = who
		default:
			return nil, bad("the credential is not token=, password= or certificate")
		}
		for _, grant := range fields[2:] {
			what, stream, _ := strings.Cut(grant, "=")
			switch {
			case what == "read" && stream != "":
				who.read = append(who.read, stream)
			case what == "write" && stream != "":
				who.write = append(who.write, stream)
			default:
				return nil, bad("a grant is not read=STREAM or write=STREAM")
			}
		}
	}
	if len(seen) == 0 {
		return nil, k.BadOption("users: it names nobody", "")
	}
	return u, nil
}
