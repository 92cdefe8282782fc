package flight

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// principal is a caller, and what it may do.
type principal struct {
	name        string
	read, write []string // patterns of streams
}

// everything is granted to callers of a server that names no users.
func everything(name string) *principal {
	return &principal{name: name, read: []string{"*"}, write: []string{"*"}}
}

func granted(patterns []string, stream string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, open := strings.CutSuffix(p, "*")
		return p == stream || open && strings.HasPrefix(stream, prefix)
	})
}

func (p *principal) mayRead(stream string) bool  { return granted(p.read, stream) }
func (p *principal) mayWrite(stream string) bool { return granted(p.write, stream) }

// users are the callers of a server by their credentials, of which hashes are
// kept.
type users struct {
	tokens       []credential
	passwords    map[string]credential // by name
	certificates map[string]*principal // by a name in the certificate
}

type credential struct {
	hash [sha256.Size]byte
	who  *principal
}

// parseUsers reads the option users, whose text was resolved. Errors name the
// line, never what stands in it but the name of the user.
func parseUsers(a *arrowstream.Access, text string) (*users, error) {
	u := &users{passwords: map[string]credential{}, certificates: map[string]*principal{}}
	seen := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		bad := func(msg string) error {
			return kind.BadOption(fmt.Sprintf("users: line %d: %s", i+1, msg), "a line is NAME token=SECRET|password=SECRET|certificate [read=STREAM] [write=STREAM]...")
		}
		who := &principal{name: fields[0]}
		switch {
		case len(fields) < 2:
			return nil, bad("a credential is missing")
		case strings.ContainsAny(who.name, ":="):
			return nil, bad("the first word is not a name")
		case seen[who.name]:
			return nil, bad(fmt.Sprintf("user %q is there already", who.name))
		}
		seen[who.name] = true
		how, ref, _ := strings.Cut(fields[1], "=")
		secret, err := kind.Secret(a, "users", arrowstream.Secret(ref))
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
			u.passwords[who.name] = c
		case fields[1] == "certificate":
			u.certificates[who.name] = who
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
		return nil, kind.BadOption("users: it names nobody", "")
	}
	return u, nil
}
