package bucket

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// Folder keeps objects as files of a folder, for tests and for file systems that
// several machines mount. A file is written under a hidden name, synced, and gets
// its name by a link, which fails if somebody has it, or by a rename; then its
// folder is synced.
type Folder struct {
	Path string
	// Access is what may be reached; nil is everything.
	Access *arrowstream.Access
}

func (f Folder) at(name string) string { return filepath.Join(f.Path, filepath.FromSlash(name)) }

// Put implements the Objects of package state.
func (f Folder) Put(_ context.Context, name string, b []byte, fresh bool) (err error) {
	file := f.at(name)
	dir := filepath.Dir(file)
	if err := f.makeDir(dir); err != nil {
		return err
	}
	temp, err := f.Access.CreateTemp(dir, underWay+"*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, gone(f.Access.Remove(temp.Name()))) }()
	_, err = temp.Write(b)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	if fresh {
		err = f.Access.Link(temp.Name(), file)
	} else {
		err = f.Access.Rename(temp.Name(), file)
	}
	if err != nil {
		return err
	}
	return f.syncDir(dir)
}

// underWay begins the names of files that are written, which List leaves out.
const underWay = ".inprogress-"

// Get implements the Objects of package state.
func (f Folder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	r, err := f.Access.Open(f.at(name))
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Size implements the Objects of package state.
func (f Folder) Size(_ context.Context, name string) (int64, error) {
	info, err := f.Access.Stat(f.at(name))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Delete implements the Objects of package state.
func (f Folder) Delete(_ context.Context, name string) error { return f.Access.Remove(f.at(name)) }

// List implements the Objects of package state.
func (f Folder) List(_ context.Context, prefix string, yield func(name string, size int64) bool) error {
	top := f.at(prefix[:strings.LastIndexByte(prefix, '/')+1])
	err := f.Access.WalkDir(top, func(file string, d fs.DirEntry, err error) error {
		if gone(err) != nil {
			return err
		}
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), underWay) {
			return nil
		}
		rel, err := filepath.Rel(f.Path, file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		info, err := d.Info()
		if err == nil && strings.HasPrefix(name, prefix) && !yield(name, info.Size()) {
			return fs.SkipAll
		}
		return gone(err)
	})
	return gone(err)
}

// gone is nil for a file that is not there any more.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// makeDir makes a folder and those above it, durably.
func (f Folder) makeDir(dir string) error {
	if info, err := f.Access.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := f.makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := f.Access.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return f.syncDir(filepath.Dir(dir))
}

func (f Folder) syncDir(dir string) error {
	d, err := f.Access.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
