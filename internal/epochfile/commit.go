package epochfile

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// Commit makes the files of an epoch visible. It depends on nothing but the
// configuration and the token, so that any process can do it, again and while
// the next rows are written: a file that is gone under its hidden name and
// there under the other has been committed before.
func (t *Target) Commit(e arrowstream.Epoch, prepared []byte) error {
	tok, err := t.decode(prepared)
	if err != nil {
		return err
	}
	if tok.Replace {
		if err := t.clear(); err != nil {
			return t.wrap(err)
		}
	}
	if len(tok.Publish) > 0 {
		if err := t.publish(e, tok.Publish); err != nil {
			return err
		}
	}
	for _, name := range tok.Drop {
		if err := t.remove(filepath.Join(t.cfg.Dir, name)); err != nil {
			return t.wrap(err)
		}
	}
	return nil
}

// publish renames files and notes them in the manifest.
func (t *Target) publish(e arrowstream.Epoch, files []entry) error {
	tail, err := t.tail()
	if err != nil {
		return t.wrap(err)
	}
	if t.listed(tail, files[0]) {
		return t.wrap(t.append(nil)) // the line may not be durable
	}
	dirs := map[string]bool{}
	for _, f := range files {
		dir := t.dir(f.Sub)
		from, to := filepath.Join(dir, hidden(f.Name)), t.visible(f)
		if err := t.rename(from, to); errors.Is(err, fs.ErrNotExist) {
			if _, err := t.cfg.Access.Lstat(to); err != nil {
				return &arrowstream.Error{Code: "AS5003", Msg: fmt.Sprintf("%s: %s of epoch %d is gone: it was prepared as %s", t.cfg.Connector, to, e, from), Err: err}
			}
		} else if err != nil {
			return t.wrap(err)
		}
		dirs[dir] = true
		failpoint.Hit(failpoint.PublishMiddle)
	}
	if err := t.syncDirs(dirs); err != nil {
		return t.wrap(err)
	}
	if t.cfg.Single != "" {
		return nil
	}
	return t.wrap(t.list(tail, e, files))
}

// visible is the name of a finished file.
func (t *Target) visible(f entry) string {
	if t.cfg.Single != "" {
		return filepath.Join(t.cfg.Dir, t.cfg.Single)
	}
	return filepath.Join(t.dir(f.Sub), f.Name)
}

func (t *Target) rename(from, to string) error {
	if err := t.step("rename", to); err != nil {
		return err
	}
	return t.cfg.Access.Rename(from, to)
}

func (t *Target) remove(path string) error {
	if err := t.step("remove", path); err != nil {
		return err
	}
	if err := t.cfg.Access.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// clear removes the visible files that are not of this job, and their manifest.
func (t *Target) clear() error {
	if t.cfg.Single != "" {
		return nil // renaming replaces it
	}
	return t.cfg.Access.WalkDir(t.cfg.Dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name := d.Name()
		switch {
		case path == filepath.Join(t.cfg.Dir, manifestDir, manifestFile):
		case d.IsDir() || name[0] == '.' || t.epochs && strings.HasPrefix(name, "part-"+t.job+"-"):
			return nil
		case !slices.ContainsFunc(t.cfg.Extensions, func(e string) bool { return strings.HasSuffix(strings.ToLower(name), e) }):
			return nil
		}
		return t.remove(path)
	})
}
