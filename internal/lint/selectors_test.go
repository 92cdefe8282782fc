package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"
	"testing"
)

// selectors visits what a file names of the packages that it imports and wants
// chooses: os.Open as "os" and "Open", under whatever name os is imported.
func selectors(t *testing.T, file string, wants func(imported string) bool, visit func(at token.Position, imported, name string)) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, 0)
	if err != nil {
		t.Error(err)
		return
	}
	names := map[string]string{} // of packages in this file
	for _, imp := range f.Imports {
		imported, _ := strconv.Unquote(imp.Path.Value)
		if !wants(imported) {
			continue
		}
		name := path.Base(strings.TrimSuffix(imported, "/v2"))
		if imp.Name != nil {
			name = imp.Name.Name
		}
		names[name] = imported
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && names[id.Name] != "" {
				visit(fset.Position(n.Pos()), names[id.Name], sel.Sel.Name)
			}
		}
		return true
	})
}
