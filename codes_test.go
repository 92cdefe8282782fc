package arrowstream_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
)

var update = flag.Bool("update", false, "rewrite docs/errors.md")

func TestErrorCodes(t *testing.T) {
	form := regexp.MustCompile(`^AS[1-79]\d{3}$`)
	last := ""
	for _, c := range arrowstream.ErrorCodes() {
		if !form.MatchString(c.Code) || c.Code <= last {
			t.Errorf("%s after %s: codes are AS and four digits, sorted", c.Code, last)
		}
		last = c.Code
		if c.Title == "" || strings.HasSuffix(c.Title, ".") || strings.ToLower(c.Title[:1]) != c.Title[:1] && !strings.HasPrefix(c.Title, "NULL") {
			t.Errorf("%s: title %q: want lower case without a full stop", c.Code, c.Title)
		}
		if !strings.HasSuffix(c.Text, ".") || strings.Contains(c.Text, "\n") {
			t.Errorf("%s: the text is full sentences in one line", c.Code)
		}
		text, ok := arrowstream.Explain(strings.ToLower(c.Code))
		if want := c.Code + ": " + c.Title + "\n\n" + c.Text + "\n"; !ok || text != want {
			t.Errorf("Explain(%s) = %q, %t", c.Code, text, ok)
		}
	}
	for _, unknown := range []string{"", "AS0000", "AS1202", "AS9999", "x"} {
		if text, ok := arrowstream.Explain(unknown); ok || text != "" {
			t.Errorf("Explain(%q) = %q", unknown, text)
		}
	}
}

// TestErrorsPage keeps docs/errors.md like the table; -update rewrites it.
func TestErrorsPage(t *testing.T) {
	var sb strings.Builder
	sb.WriteString("# Error codes\n\nEvery error that a user can mend carries a code, which keeps its meaning. `arrowstream help CODE` prints the same text. This page is made from\n`codes_table.go` by `go test -run TestErrorsPage -update .`\n")
	family := ""
	for _, c := range arrowstream.ErrorCodes() {
		if c.Family() != family {
			family = c.Family()
			fmt.Fprintf(&sb, "\n## %s\n", family)
		}
		fmt.Fprintf(&sb, "\n### %s: %s\n\n%s\n", c.Code, c.Title, escape.Replace(c.Text))
	}
	const path = "docs/errors.md"
	if *update {
		if err := os.WriteFile(path, []byte(sb.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != sb.String() {
		t.Errorf("%s is not like the table: go test -run TestErrorsPage -update .", path)
	}
}

// escape keeps Markdown from reading signs of SQL as its own.
var escape = strings.NewReplacer("*", `\*`, "_", `\_`, "<", `\<`, "`", "\\`")
