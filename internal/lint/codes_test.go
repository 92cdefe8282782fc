package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/arrowstream/arrowstream"
)

var codeForm = regexp.MustCompile(`^AS\d{4}$`)

// TestErrorCodesAreExplained compares the codes in the source with the table of
// the root package, both ways.
func TestErrorCodesAreExplained(t *testing.T) {
	used := map[string]string{}
	goFiles(t, func(file, pkg string) {
		if pkg == "" && filepath.Base(file) == "codes_table.go" || isTest(pkg) {
			return
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			t.Error(err)
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if code, err := strconv.Unquote(lit.Value); err == nil && codeForm.MatchString(code) {
					used[code] = fset.Position(lit.Pos()).String()
				}
			}
			return true
		})
	})
	for code, place := range used {
		if _, ok := arrowstream.Explain(code); !ok {
			t.Errorf("%s: code %s has no explanation: add it to codes_table.go", place, code)
		}
	}
	for _, c := range arrowstream.ErrorCodes() {
		if used[c.Code] == "" {
			t.Errorf("code %s is explained but never used", c.Code)
		}
	}
	if len(used) < 50 {
		t.Fatalf("saw only %d codes: does the test look at the right folder?", len(used))
	}
}
