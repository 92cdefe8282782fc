package syntax_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/sql/syntax"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden runs testdata/*.test: blocks separated by blank lines, each a
// script, a line "----", and its canonical text or its rendered errors.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.test")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		in, want, ok := strings.Cut(block, "\n----\n")
		if !ok && !*update {
			t.Fatalf("block without ----:\n%s", block)
		}
		in = strings.TrimSuffix(in, "\n----")
		got := strings.TrimRight(describe(t, in), "\n")
		if !*update && got != want {
			t.Errorf("%s\ngot:\n%s\nwant:\n%s", in, got, want)
		}
		out.WriteString(in + "\n----\n" + got + "\n\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.TrimSpace(out.String())+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// describe is the canonical text of a script, one statement a line, and then
// its errors. The canonical text must survive another round.
func describe(t *testing.T, text string) string {
	script, err := syntax.Parse("", text)
	var sb strings.Builder
	for _, st := range script.Statements {
		once := syntax.Text(st)
		sb.WriteString(once + "\n")
		checkPrinted(t, st)
	}
	if err != nil {
		sb.WriteString(strings.ReplaceAll(syntax.Render(err, text), "\n\n", "\n"))
	}
	return sb.String()
}
