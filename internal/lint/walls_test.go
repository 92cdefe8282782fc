package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
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
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Error(err)
			return
		}
		names := map[string]string{} // of packages in this file
		for _, imp := range f.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			name := path[strings.LastIndexByte(path, '/')+1:]
			if imp.Name != nil {
				name = imp.Name.Name
			}
			if outward[path] != nil {
				names[name] = path
				seen++
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if id, ok := sel.X.(*ast.Ident); ok && slices.Contains(outward[names[id.Name]], sel.Sel.Name) && !slices.Contains(own[pkg], id.Name+"."+sel.Sel.Name) {
				t.Errorf("%s: %s.%s: what a user names goes through internal/access", fset.Position(n.Pos()), id.Name, sel.Sel.Name)
			}
			return true
		})
	})
	if seen < 20 {
		t.Fatalf("saw only %d imports: does the test look at the right folder?", seen)
	}
}
