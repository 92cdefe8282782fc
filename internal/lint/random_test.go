package lint

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// seeded are the names of math/rand/v2 that give nothing without a seed.
var seeded = []string{"ChaCha8", "New", "NewChaCha8", "NewPCG", "NewZipf", "PCG", "Rand", "Source", "Zipf"}

// unseeded are the files whose results differ from run to run, with the reason
// why that harms none. Everything else must give the same bits again, in a
// process that takes up what another one has left too.
var unseeded = map[string]string{
	"internal/access/files.go": "names of temporary files",
	"internal/remote/retry.go": "pauses between attempts, so that clients do not come back all at once",
	"io/bucket/patience.go":    "pauses between attempts, so that clients do not come back all at once",
	"io/flight/auth.go":        "tokens of sessions, which nobody may guess",
	"io/flight/stream.go":      "the identity of a stream whose job has none, so that tickets of another are refused",
	"io/flight/ticket.go":      "the key that signs tickets, which nobody may guess",
	"io/http/sink.go":          "the first part of keys of a run without a state, so that those of another are not taken for them",
	"state/manifest.go":        "the identity of a job, given once and kept in its state",
}

func TestRandomnessHasASeed(t *testing.T) {
	used := map[string]bool{}
	goFiles(t, func(file, pkg string) {
		if isTest(pkg) {
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
			of, _ := strconv.Unquote(imp.Path.Value)
			if of != "crypto/rand" && of != "math/rand/v2" {
				continue
			}
			name := "rand"
			if imp.Name != nil {
				name = imp.Name.Name
			}
			names[name] = of
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			id, ok := sel.X.(*ast.Ident)
			if !ok || names[id.Name] == "" || names[id.Name] == "math/rand/v2" && slices.Contains(seeded, sel.Sel.Name) {
				return true
			}
			at := path.Join(pkg, filepath.Base(file))
			if used[at] = true; unseeded[at] == "" {
				t.Errorf("%s: %s.%s of %s is another one in each run: use a *rand.Rand with a seed, or give the reason in the table", fset.Position(n.Pos()), id.Name, sel.Sel.Name, names[id.Name])
			}
			return true
		})
	})
	for file := range unseeded {
		if !used[file] {
			t.Errorf("%s uses no randomness without a seed: take it out of the table", file)
		}
	}
}
