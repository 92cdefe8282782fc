package arrowstream_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
)

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
