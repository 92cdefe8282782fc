// Package lint holds the rules of the code base that a compiler does not know,
// as tests.
package lint

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/arrowstream/arrowstream"

// root is the folder of the module, seen from here.
const root = "../.."

// floors lists the packages from the ground up; the longest matching prefix
// decides. A package imports only lower floors, or packages named as its
// exceptions.
var floors = []struct {
	prefix string
	floor  int
}{
	{"internal/simd", 0},
	{"internal/suggest", 0},
	{"internal/failpoint", 0},
	{"internal/zstdframe", 0},
	{"internal/terminal", 0},
	{"internal/access", 5},
	{"internal/glob", 10},
	{"internal/files", 10},
	{"columnar", 10},
	{"internal/zone", 11},
	{"internal/safe", 12},
	{"internal/cell", 12},
	{"internal/rowsum", 12},
	{"internal/jsontext", 14},
	{"internal/wire", 14},
	{"kernels", 20},
	{"kernels/expr", 22},
	{"kernels/agg", 22},
	{"udf", 24},
	{"", 30}, // the root package
	{"internal/epochfile", 34},
	{"internal/hive", 34},
	{"internal/filetable", 35},
	{"internal/remote", 35},
	{"internal/intake", 35},
	{"internal/database", 36},
	{"internal/grouped", 35},
	{"internal/spill", 36},
	{"window", 40},
	{"stage", 40},
	{"mlkernels", 40},
	{"state", 40},
	{"io", 40},
	{"io/jdbc", 42},
	{"io/all", 45},
	{"sql/syntax", 48},
	{"sql", 50},
	{"cmd", 60},
	{"bench", 60},
	{"examples", 60},
}

func floorOf(pkg string) (int, bool) {
	best, floor := -1, 0
	for _, f := range floors {
		if (pkg == f.prefix || f.prefix != "" && strings.HasPrefix(pkg, f.prefix+"/")) && len(f.prefix) > best {
			best, floor = len(f.prefix), f.floor
		}
	}
	return floor, best >= 0
}

// goFiles yields the non-test Go files of this module with their package path;
// folders with a go.mod of their own are other modules.
func goFiles(t *testing.T, visit func(file, pkg string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if file == root {
				return nil
			}
			if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "bin" {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") {
			rel, err := filepath.Rel(root, filepath.Dir(file))
			if err != nil {
				return err
			}
			pkg := filepath.ToSlash(rel)
			if pkg == "." {
				pkg = ""
			}
			visit(file, pkg)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// isTest reports whether pkg only serves tests and may import what it tests.
func isTest(pkg string) bool { return strings.HasSuffix(path.Base(pkg), "test") }

func TestImportsGoDown(t *testing.T) {
	seen := 0
	goFiles(t, func(file, pkg string) {
		if isTest(pkg) || pkg == "internal/lint" {
			return
		}
		floor, ok := floorOf(pkg)
		if !ok {
			t.Errorf("%s: package %q stands on no floor: add it to the table in internal/lint", file, pkg)
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, imp := range f.Imports {
			name, _ := strconv.Unquote(imp.Path.Value)
			if name != module && !strings.HasPrefix(name, module+"/") {
				continue
			}
			seen++
			to := strings.TrimPrefix(strings.TrimPrefix(name, module), "/")
			if isTest(to) {
				t.Errorf("%s imports %s, which is for tests", file, to)
			}
			if target, _ := floorOf(to); target >= floor {
				t.Errorf("%s (floor %d) imports %q (floor %d): imports only go down", file, floor, to, target)
			}
		}
	})
	if seen < 20 {
		t.Fatalf("saw only %d imports: does the test look at the right folder?", seen)
	}
}

func TestNoGoFileDirectlyInIO(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(root, "io", "*.go"))
	if len(files) > 0 {
		t.Errorf("a package named io would shadow the standard one: %v", files)
	}
}
