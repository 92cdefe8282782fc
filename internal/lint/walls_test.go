package lint

import (
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// outward are the functions and types of the standard library that reach files,
// hosts and the environment by a name, which only internal/access may use.
var outward = map[string][]string{
	"os": {
		"Chdir", "Chmod", "Chown", "Chtimes", "CopyFS", "Create", "CreateTemp", "DirFS", "Environ", "Getenv", "Link", "LookupEnv", "Lstat", "Mkdir", "MkdirAll",
		"MkdirTemp", "Open", "OpenFile", "OpenInRoot", "OpenRoot", "ReadDir", "ReadFile", "Readlink", "Remove", "RemoveAll", "Rename", "StartProcess", "Stat",
		"Symlink", "Truncate", "WriteFile",
	},
	"path/filepath": {"EvalSymlinks", "Glob", "Walk", "WalkDir"},
	"net": {
		"Dial", "DialIP", "DialTCP", "DialTimeout", "DialUDP", "DialUnix", "Dialer", "Listen", "ListenConfig", "ListenIP", "ListenMulticastUDP", "ListenPacket",
		"ListenTCP", "ListenUDP", "ListenUnix", "ListenUnixgram", "LookupAddr", "LookupHost", "LookupIP", "Resolver",
	},
	"crypto/tls": {"Dial", "DialWithDialer", "Dialer", "Listen", "LoadX509KeyPair"},
	"net/http":   {"DefaultClient", "DefaultTransport", "Dir", "Get", "Head", "ListenAndServe", "ListenAndServeTLS", "Post", "PostForm", "ServeFile"},
	"os/exec":    {"Command", "CommandContext"},
}

// own are uses of them that no user has a say in.
var own = map[string][]string{
	"":                   {"os.ReadFile"}, // the limits of the control group
	"internal/simd":      {"os.Getenv", "os.LookupEnv"},
	"internal/failpoint": {"os.Getenv", "os.LookupEnv"},
}

func TestOnlyAccessReachesOut(t *testing.T) {
	seen := 0
	goFiles(t, func(file, pkg string) {
		if isTest(pkg) || pkg == "internal/access" || slices.ContainsFunc([]string{"cmd", "bench", "examples", "internal/emulator"}, func(p string) bool { return pkg == p || strings.HasPrefix(pkg, p+"/") }) {
			return
		}
		selectors(t, file, func(name string) bool { return outward[name] != nil }, func(at token.Position, imported, name string) {
			seen++
			if slices.Contains(outward[imported], name) && !slices.Contains(own[pkg], path.Base(imported)+"."+name) {
				t.Errorf("%s: %s of %s: what a user names goes through internal/access", at, name, imported)
			}
		})
	})
	if seen < 100 {
		t.Fatalf("saw only %d names of packages: does the test look at the right folder?", seen)
	}
}
