// Package docs runs the examples of the documentation and keeps its generated
// tables up to date:
//
//	go test ./docs            checks
//	go test ./docs -update    rewrites results and tables
//
// The fenced blocks of a file are one session in one folder, from top to
// bottom; the pages of docs/sql find the files of its README.md there. What a
// block does stands behind its language:
//
//	sql               a script that runs
//	sql error         a script that fails; its first line names the code
//	sql parse         a script that is only parsed
//	text              after a script: what it prints
//	csv orders.csv    a file that the scripts below can read
//	slt               a case of sql/testdata/slt, run by the tests of package sql
package docs

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/all"
	"github.com/arrowstream/arrowstream/io/console"
	"github.com/arrowstream/arrowstream/sql"
	"github.com/arrowstream/arrowstream/sql/syntax"
)

var update = flag.Bool("update", false, "rewrite the results of examples and the generated tables")

// documents are those with examples and tables, from this folder.
func documents(t *testing.T) []string {
	pages, err := filepath.Glob(sourceFile("docs/sql/*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages in docs/sql: %v", err)
	}
	out := []string{"ml.md", "connectors.md"}
	for _, p := range pages {
		if name := filepath.Base(p); name != "errors.md" {
			out = append(out, "sql/"+name)
		}
	}
	return out
}

// sqlFiles are the files that docs/sql/README.md gives to all pages of its
// folder.
func sqlFiles(t *testing.T) []part {
	data, err := os.ReadFile(sourceFile("docs/sql/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(split(string(data)), func(p part) bool {
		return p.block == nil || len(p.block.info) == 0 || p.block.info[0] != "csv"
	})
}

// block is a fenced block of a document.
type block struct {
	line int      // of the opening fence, from 1
	info []string // what stands behind the fence
	text string
}

func (b *block) is(info ...string) bool { return slices.Equal(b.info, info) }

// part is a piece of a document: text between blocks, or a block.
type part struct {
	text  string
	block *block
}

// split cuts a document into its parts.
func split(doc string) []part {
	var parts []part
	var text []string
	var open *block
	for i, line := range strings.SplitAfter(doc, "\n") {
		fence, found := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case found && open == nil:
			parts = append(parts, part{text: strings.Join(text, "")})
			open, text = &block{line: i + 1, info: strings.Fields(fence)}, nil
		case found:
			open.text = strings.Join(text, "")
			parts = append(parts, part{block: open})
			open, text = nil, nil
		default:
			text = append(text, line)
		}
	}
	return append(parts, part{text: strings.Join(text, "")})
}

// join is the inverse of split.
func join(parts []part) string {
	var sb strings.Builder
	for _, p := range parts {
		if p.block == nil {
			sb.WriteString(p.text)
			continue
		}
		fmt.Fprintf(&sb, "```%s\n%s```\n", strings.Join(p.block.info, " "), p.block.text)
	}
	return sb.String()
}

func TestDocs(t *testing.T) {
	docs, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	shared := sqlFiles(t)
	for _, name := range documents(t) {
		t.Run(strings.TrimSuffix(name, ".md"), func(t *testing.T) {
			file := filepath.Join(docs, name)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := split(fillTables(t, string(data)))
			t.Chdir(t.TempDir())
			if strings.HasPrefix(name, "sql/") {
				runBlocks(t, "sql/README.md", shared)
			}
			runBlocks(t, name, parts)
			got := join(parts)
			if got == string(data) || t.Failed() {
				return
			}
			if !*update {
				t.Errorf("%s is stale: run go test ./docs -update and look at the difference\n%s", name, difference(string(data), got))
				return
			}
			if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// difference is the first line that differs.
func difference(old, now string) string {
	a, b := strings.Split(old, "\n"), strings.Split(now, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d is  %s\nit must be %s", i+1, a[i], b[i])
		}
	}
	return "the lengths differ"
}

// runBlocks runs the blocks in order and puts what they print into the text
// blocks behind them.
func runBlocks(t *testing.T, doc string, parts []part) {
	for i, p := range parts {
		b := p.block
		if b == nil || len(b.info) == 0 {
			continue
		}
		at := fmt.Sprintf("%s:%d", doc, b.line)
		printed := ""
		switch {
		case b.info[0] == "csv" && len(b.info) == 2:
			if err := os.WriteFile(b.info[1], []byte(b.text), 0o666); err != nil {
				t.Fatal(err)
			}
		case b.info[0] == "hex" && len(b.info) == 2:
			data, err := hex.DecodeString(strings.Join(strings.Fields(b.text), ""))
			if err == nil {
				err = os.WriteFile(b.info[1], data, 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
		case b.is("sql"):
			out, err := runScript(t.Context(), b.text)
			if err != nil {
				t.Errorf("%s: %s", at, syntax.Render(err, b.text))
			}
			printed = out
		case b.is("sql", "error"):
			printed = runError(t, at, b.text)
		case b.is("sql", "parse"):
			if _, err := syntax.Parse("", b.text); err != nil {
				t.Errorf("%s: %s", at, syntax.Render(err, b.text))
			}
		case b.info[0] == "sql":
			t.Errorf("%s: unknown kind of block %q", at, strings.Join(b.info, " "))
		}
		if i+2 < len(parts) && strings.TrimSpace(parts[i+1].text) == "" {
			if next := parts[i+2].block; next != nil && b.info[0] == "sql" && next.is("text") {
				next.text = printed
			}
		}
	}
}

var errorCode = regexp.MustCompile(`^-- (AS[0-9]{4})\b`)

// runError runs a script that must fail with the code in its first line.
func runError(t *testing.T, at, text string) string {
	code := errorCode.FindStringSubmatch(text)
	if code == nil {
		t.Errorf("%s: the first line of a failing script names the code: -- AS1203", at)
		return ""
	}
	_, err := runScript(t.Context(), text)
	if !slices.Contains(codes(err), code[1]) {
		t.Errorf("%s: got %v, want an error %s", at, err, code[1])
	}
	if err == nil {
		return ""
	}
	return syntax.Render(err, text)
}

// codes are those of all errors in err.
func codes(err error) []string {
	var many syntax.Errors
	if errors.As(err, &many) {
		var out []string
		for _, e := range many {
			out = append(out, e.Code)
		}
		return out
	}
	var e *arrowstream.Error
	if errors.As(err, &e) {
		return []string{e.Code}
	}
	var data *arrowstream.DataError
	if errors.As(err, &data) {
		return []string{data.Code()}
	}
	return nil
}

// runScript runs a script as the command line does, with one worker so that
// several results come in one order, and returns what it prints.
func runScript(ctx context.Context, text string) (printed string, err error) {
	var out bytes.Buffer
	stdio := arrowstream.Stdio{In: strings.NewReader(""), Out: &out, Err: &out, Width: 1 << 10}
	display := func(string) (arrowstream.Sink, error) { return &console.Sink{Layout: "table", Stdio: stdio}, nil }
	p, err := sql.Prepare(text, sql.Options{
		Connectors: all.Connectors(),
		Formats:    all.Formats(),
		Param:      func(string) (string, bool) { return "", false },
		Stdio:      stdio,
		Display:    display,
		Pipeline:   arrowstream.Options{Workers: 1},
	})
	if err != nil {
		return "", err
	}
	for _, r := range p.Results {
		if r.Analyze != nil {
			if r.Text, err = r.Analyze(ctx); err != nil {
				return "", err
			}
		}
		if r.Rows == nil {
			out.WriteString(strings.TrimSpace(r.Text) + "\n")
			continue
		}
		sink, _ := display("")
		if err := errors.Join(sink.Bind(r.Rows.Schema(), arrowstream.Env{}), sink.Write(ctx, r.Rows), sink.Close()); err != nil {
			return "", err
		}
	}
	_, err = p.Run(ctx)
	return strings.TrimLeft(blanks.ReplaceAllString(out.String(), "\n"), "\n"), err
}

// blanks are blank lines and blanks at the ends of lines.
var blanks = regexp.MustCompile(` *\n[ \n]*\n|[ ]+\n`)

// TestReadme checks that the Go example in the README is the function clicks
// of the example of the root package.
func TestReadme(t *testing.T) {
	src, err := os.ReadFile("../example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "example_test.go", src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	want := ""
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == "clicks" {
			want = string(src[fset.Position(fn.Pos()).Offset:fset.Position(fn.End()).Offset]) + "\n"
		}
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := split(string(readme))
	found := false
	for _, p := range parts {
		if p.block != nil && p.block.is("go") {
			found = true
			if p.block.text != want && !*update {
				t.Error("the Go example in README.md is not that of example_test.go: run go test ./docs -update")
			}
			p.block.text = want
		}
	}
	if !found {
		t.Fatal("README.md has no Go example")
	}
	if *update {
		if err := os.WriteFile("../README.md", []byte(join(parts)), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
