package epochfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/arrowstream/arrowstream"
)

// The manifest of a directory has a line of JSON per epoch that made files
// visible, for readers that want whole epochs and for those who look for
// damage. Jobs that share a directory share it. A line that is no JSON was cut
// short by a crash and is followed by its repetition.
const (
	manifestDir  = "_arrowstream"
	manifestFile = "manifest.jsonl"
	// manifestTail is how much of the end is searched for an epoch that may
	// have been noted before a crash.
	manifestTail = 1 << 20
)

// manifestLine is one line.
type manifestLine struct {
	Job   string            `json:"job"`
	Epoch arrowstream.Epoch `json:"epoch"`
	Rows  int64             `json:"rows"`
	Bytes int64             `json:"bytes"`
	Files []manifestEntry   `json:"files"`
}

type manifestEntry struct {
	Name  string `json:"name"` // below the directory, with slashes
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	CRC   string `json:"crc32c"` // of its bytes, 8 hexadecimal digits
}

func (t *Target) manifest() string { return filepath.Join(t.cfg.Dir, manifestDir, manifestFile) }

// tail reads the end of the manifest.
func (t *Target) tail() ([]byte, error) {
	f, err := t.cfg.Access.Open(t.manifest())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(0, info.Size()-manifestTail)
	return io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
}

// listed reports whether the end of the manifest has the epoch of a file.
func (t *Target) listed(tail []byte, f entry) bool {
	name := path.Join(f.Sub, f.Name)
	for line := range bytes.Lines(tail) {
		if !bytes.Contains(line, []byte(f.Name)) {
			continue
		}
		var l manifestLine
		if json.Unmarshal(line, &l) == nil && slices.ContainsFunc(l.Files, func(m manifestEntry) bool { return m.Name == name }) {
			return true
		}
	}
	return false
}

// list appends the line of an epoch behind the tail and makes it durable. The
// line goes out in one write, so that those of several jobs do not mix.
func (t *Target) list(tail []byte, e arrowstream.Epoch, files []entry) error {
	l := manifestLine{Job: t.job, Epoch: e}
	for _, f := range files {
		l.Rows += f.Rows
		l.Bytes += f.Bytes
		l.Files = append(l.Files, manifestEntry{Name: path.Join(f.Sub, f.Name), Rows: f.Rows, Bytes: f.Bytes, CRC: fmt.Sprintf("%08x", f.CRC)})
	}
	line, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if len(tail) > 0 && tail[len(tail)-1] != '\n' {
		line = append([]byte{'\n'}, line...) // after a line that a crash cut short
	}
	dir := filepath.Dir(t.manifest())
	created := map[string]bool{}
	if len(tail) == 0 {
		created[t.cfg.Dir], created[dir] = true, true
		if err := t.step("mkdir", dir); err != nil {
			return err
		}
		if err := t.cfg.Access.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	if err := t.append(append(line, '\n')); err != nil {
		return err
	}
	return t.syncDirs(created)
}

// append adds bytes to the manifest and makes all of it durable.
func (t *Target) append(line []byte) error {
	if err := t.step("manifest", t.manifest()); err != nil {
		return err
	}
	f, err := t.cfg.Access.OpenFile(t.manifest(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	if _, err = f.Write(line); err == nil {
		if err = t.step("sync", t.manifest()); err == nil {
			err = f.Sync()
		}
	}
	return errors.Join(err, f.Close())
}
