package arrowstream_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
)

// TestSpillIsCheckedAtStart refuses what cannot work before anything is read.
func TestSpillIsCheckedAtStart(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	walls, err := arrowstream.Restrict([]string{dir}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]arrowstream.Options{
		"":             {Spill: filepath.Join(dir, "a", "b")},
		"spill: ":      {Spill: file},
		"write " + dir: {Spill: dir, Access: walls},
	} {
		out := &collect{}
		_, err := run(t, o, func(p *arrowstream.Pipeline) { p.From("n", &numbers{rows: 10}).To(out) })
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || len(out.rows) > 0) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
