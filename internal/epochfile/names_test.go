package epochfile

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
)

func TestSinkNamesAreFileNames(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{
		"", "out", "a b", "a_b", "a/b", "..", "../../etc/passwd", ".hidden", "a\x00b", "a\nb", "\x1b[2J", "übung", "%41", "A",
		strings.Repeat("x", 300), strings.Repeat("x", 299) + "y", strings.Repeat("/", 300),
	} {
		n := sinkName(name)
		if len(n) > maxSinkName+5 || n == "" || strings.ContainsAny(n, "/\x00\n\x1b ") || !filepath.IsLocal("part-"+n) {
			t.Errorf("%q becomes %q", name, n)
		}
		if other, ok := seen[n]; ok {
			t.Errorf("%q and %q both become %q", name, other, n)
		}
		seen[n] = name
	}
}

// TestStateNamesNoOtherFiles reads what a state says that somebody has changed.
func TestStateNamesNoOtherFiles(t *testing.T) {
	target := New(Config{Connector: "csv", Dir: t.TempDir()})
	for _, tok := range []token{
		{Version: tokenVersion, Drop: []string{"../x"}},
		{Version: tokenVersion, Drop: []string{"/etc/passwd"}},
		{Version: tokenVersion, Publish: []entry{{Sub: "..", Name: "x"}}},
		{Version: tokenVersion, Publish: []entry{{Name: "a/../../x"}}},
		{Version: tokenVersion, Open: []openEntry{{entry: entry{Sub: "k=v/../..", Name: "x"}}}},
	} {
		b, err := json.Marshal(tok)
		if err != nil {
			t.Fatal(err)
		}
		var e *arrowstream.Error
		if err := target.Commit(1, b); !errors.As(err, &e) || e.Code != "AS5003" {
			t.Errorf("%s: %v", b, err)
		}
	}
}
