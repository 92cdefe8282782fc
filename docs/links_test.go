package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	pageRef = regexp.MustCompile(`\bdocs/[a-z/-]+\.md\b`)
)

// anchors are the names by which the headings of a document are linked, formed
// as GitHub does: lower case, no punctuation, blanks as hyphens.
func anchors(doc string) (out []string) {
	for _, p := range split(doc) {
		for _, h := range heading.FindAllStringSubmatch(p.text, -1) {
			out = append(out, strings.ReplaceAll(noSlug.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
		}
	}
	return out
}

// TestLinks checks that the files and headings that documents link to exist,
// and the pages that the source names.
func TestLinks(t *testing.T) {
	for _, pattern := range []string{"*.md", "*/*.md", "*/*/*.md"} {
		files, err := filepath.Glob(sourceFile(pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			checkLinks(t, file)
		}
	}
	for _, pattern := range []string{"*.go", "sql/*.go", "sql/syntax/*.go", "cmd/*/*.go"} {
		files, err := filepath.Glob(sourceFile(pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, page := range pageRef.FindAllString(string(src), -1) {
				if _, err := os.Stat(sourceFile(page)); err != nil {
					t.Errorf("%s names %s, which is not there", file, page)
				}
			}
		}
	}
}

func checkLinks(t *testing.T, file string) {
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range split(string(doc)) {
		for _, m := range link.FindAllStringSubmatch(p.text, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			to := file
			if target != "" {
				to = filepath.Join(filepath.Dir(file), target)
			}
			data, err := os.ReadFile(to)
			switch {
			case os.IsNotExist(err):
				t.Errorf("%s links to %s, which is not there", file, m[1])
			case err == nil && anchor != "" && !slices.Contains(anchors(string(data)), anchor):
				t.Errorf("%s links to %s: no such heading", file, m[1])
			}
		}
	}
}

// TestIndex checks that the overview of docs/sql names every page.
func TestIndex(t *testing.T) {
	index, err := os.ReadFile(sourceFile("docs/sql/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range documents(t) {
		name, ok := strings.CutPrefix(page, "sql/")
		if ok && name != "README.md" && !strings.Contains(string(index), "]("+name+") |") {
			t.Errorf("docs/sql/README.md does not list %s", name)
		}
	}
}
