package epochfile

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// maxSinkName bounds what the name of a sink adds to those of files, which may
// have 255 bytes.
const maxSinkName = 100

// sinkName is the name of a sink as part of file names: ASCII letters, digits,
// - and _ and . stay, every other byte is written as %XX. Longer ones are cut
// and end in a hash of the whole, so that two sinks never share a name.
func sinkName(name string) string {
	if name == "" {
		return "0"
	}
	var sb strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.", c) >= 0 {
			sb.WriteByte(c)
		} else {
			fmt.Fprintf(&sb, "%%%02X", c)
		}
	}
	n := sb.String()
	if len(n) > maxSinkName {
		sum := sha256.Sum256([]byte(name))
		n = fmt.Sprintf("%s%%.%x", n[:maxSinkName-20], sum[:8])
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
