package epochfile

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var unsafeName = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// sinkName is the name of a sink as part of file names.
func sinkName(name string) string {
	n := strings.Trim(unsafeName.ReplaceAllString(name, "_"), "._")
	if n == "" {
		return "0"
	}
	return n
}

// number is a number that no file of a directory has.
func (t *Target) number(dir string) (int, error) {
	if _, ok := t.seq[dir]; !ok {
		entries, err := t.cfg.Access.ReadDir(dir)
		if err != nil {
			return 0, err
		}
		prefix := "part-" + sinkName(t.cfg.Sink) + "-"
		for _, e := range entries {
			rest, ok := strings.CutPrefix(e.Name(), prefix)
			if !ok {
				continue
			}
			digits, _, _ := strings.Cut(rest, ".")
			if n, err := strconv.Atoi(digits); err == nil {
				t.seq[dir] = max(t.seq[dir], n)
			}
		}
	}
	t.seq[dir]++
	return t.seq[dir], nil
}

// Publish gives the finished files their names, without epochs. The files they
// replace go just before.
func (t *Target) Publish() error {
	if t.waits {
		if err := t.clear(); err != nil {
			return t.wrap(err)
		}
		t.waits = false
	}
	for len(t.done) > 0 {
		d := t.done[0]
		dir := t.dir(d.Sub)
		if err := t.rename(filepath.Join(dir, hidden(d.Name)), t.visible(d)); err != nil {
			return t.wrap(err)
		}
		t.dirs[dir] = true
		t.done, t.made = t.done[1:], true
	}
	return t.wrap(t.syncDirs(t.dirs))
}
