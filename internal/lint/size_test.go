package lint

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// written is the first line of generated files.
var written = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// maxLines is the length at which a file holds more than one concept.
const maxLines = 500

func TestFilesHoldOneConcept(t *testing.T) {
	goFiles(t, func(file, _ string) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			return
		}
		if n := strings.Count(string(text), "\n"); n > maxLines && !written.Match(text[:min(len(text), 200)]) {
			t.Errorf("%s has %d lines: split it by concept", file, n)
		}
	})
}
