package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// hasRuntime reports whether pkg may start goroutines and read the clock of
// the machine: the runtime, connectors, programs and what only tests use.
func hasRuntime(pkg string) bool {
	return pkg == "" || pkg == "io" || strings.HasPrefix(pkg, "io/") || strings.HasPrefix(pkg, "cmd/") || strings.HasPrefix(pkg, "bench") ||
		pkg == "internal/files" || pkg == "internal/failpoint" || isTest(pkg)
}

func TestStagesAndKernelsStartNothingAndReadNoClock(t *testing.T) {
	goFiles(t, func(file, pkg string) {
		if hasRuntime(pkg) {
			return
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Error(err)
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: a go statement: only the runtime and connectors start goroutines", fset.Position(n.Pos()))
			case *ast.SelectorExpr:
				if id, ok := n.X.(*ast.Ident); ok && id.Name == "time" && (n.Sel.Name == "Now" || n.Sel.Name == "After" || n.Sel.Name == "Sleep") {
					t.Errorf("%s: time.%s: the only clock is the one the runtime hands out", fset.Position(n.Pos()), n.Sel.Name)
				}
			case *ast.FuncDecl:
				if n.Name.Name == "init" && n.Recv == nil {
					t.Errorf("%s: func init: say it in an explicit table", fset.Position(n.Pos()))
				}
			}
			return true
		})
	})
}

// forbidden are packages that must not be linked, with the reason.
var forbidden = map[string]string{
	"github.com/apache/arrow/go/v17/parquet":       "panics in its own goroutines on corrupt files; use parquet-go",
	"github.com/apache/arrow/go/v17/arrow/compute": "allocates per call; an oracle for tests only",
	"math/rand": "use math/rand/v2 with a seed",
}

func TestForbiddenImports(t *testing.T) {
	goFiles(t, func(file, pkg string) {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, imp := range f.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			for bad, why := range forbidden {
				if name == bad || strings.HasPrefix(name, bad+"/") && bad != "math/rand" {
					t.Errorf("%s imports %s: %s", file, name, why)
				}
			}
		}
	})
}

// floorVersions are the oldest versions of indirect dependencies without known
// holes that hostile input reaches.
var floorVersions = map[string]string{
	"google.golang.org/grpc":           "v1.79.3",
	"google.golang.org/protobuf":       "v1.36.0",
	"golang.org/x/net":                 "v0.38.0",
	"github.com/goccy/go-json":         "v0.12.0",
	"github.com/google/flatbuffers":    "v25.12.0",
	"github.com/klauspost/compress":    "v1.18.0",
	"github.com/apache/arrow/go/v17":   "v17.0.0",
	"github.com/parquet-go/parquet-go": "v0.32.0",
	"github.com/segmentio/kafka-go":    "v0.4.51",
}

func TestDependenciesAreNotOlderThanTheirFloors(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, line := range strings.Split(string(mod), "\n") {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		if floor, ok := floorVersions[f[0]]; ok {
			seen[f[0]] = true
			if older(f[1], floor) {
				t.Errorf("%s %s is older than %s", f[0], f[1], floor)
			}
		}
	}
	for m := range floorVersions {
		if !seen[m] {
			t.Errorf("go.mod does not name %s", m)
		}
	}
}

// older compares versions number by number.
func older(v, floor string) bool {
	a, b := numbers(v), numbers(floor)
	for i := range b {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

func numbers(v string) (n [3]int) {
	v, _, _ = strings.Cut(strings.TrimPrefix(v, "v"), "+")
	v, _, _ = strings.Cut(v, "-")
	for i, s := range strings.SplitN(v, ".", 3) {
		n[i], _ = strconv.Atoi(s)
	}
	return n
}
