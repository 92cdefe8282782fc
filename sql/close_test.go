package sql_test

import (
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/sql"
)

// TestCloseFreesWhatWasNeverRun prepares every golden script and closes it; the
// allocator of the harness finds what is left.
func TestCloseFreesWhatWasNeverRun(t *testing.T) {
	scripts := goldenScripts(t)
	t.Chdir(t.TempDir())
	planned := 0
	for _, text := range scripts {
		h := newHarness(t)
		p, err := sql.Prepare(text, h.options())
		if err != nil {
			continue
		}
		planned++
		for range 2 {
			if err := p.Close(); err != nil {
				t.Errorf("%s\n%v", text, err)
			}
		}
		if _, err := p.Run(t.Context()); p.Pipeline() != nil && (err == nil || !strings.Contains(err.Error(), "Close")) {
			t.Errorf("run after Close: %v", err)
		}
	}
	if planned < 50 {
		t.Errorf("only %d of %d scripts were planned", planned, len(scripts))
	}
}
