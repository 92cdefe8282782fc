package access

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// The functions of this file are those of package os, inside the walls.

// locate finds the folder that holds a file, and its name in it.
func (p *Policy) locate(name string, write bool) (*os.Root, string, error) {
	op := "read"
	if write {
		op = "write"
	}
	path, err := filepath.Abs(name)
	if err != nil || strings.ContainsRune(name, 0) {
		return nil, "", errors.Join(err, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid})
	}
	for _, f := range p.folders {
		rel, err := filepath.Rel(f.path, path)
		if err != nil || !filepath.IsLocal(rel) {
			continue
		}
		if write && !f.write {
			return nil, "", p.refuse(Refusal{Op: op, What: name, Why: "its folder may only be read", Flag: "path", Value: f.path + ":rw"})
		}
		return f.root, rel, nil
	}
	dir := filepath.Dir(path)
	if write {
		dir += ":rw"
	}
	return nil, "", p.refuse(Refusal{Op: op, What: name, Flag: "path", Value: dir})
}

// wrap gives an error of a folder the name that the caller knows.
func (p *Policy) wrap(op, name string, err error) error {
	if err == nil {
		return nil
	}
	// The text is the only mark of this error.
	if strings.HasSuffix(err.Error(), "path escapes from parent") {
		return p.refuse(Refusal{Op: op, What: name, Why: "it leads out of the folder that is allowed"})
	}
	var one *fs.PathError
	var two *os.LinkError
	switch {
	case errors.As(err, &one):
		return &fs.PathError{Op: strings.TrimSuffix(one.Op, "at"), Path: name, Err: one.Err}
	case errors.As(err, &two):
		return &fs.PathError{Op: strings.TrimSuffix(two.Op, "at"), Path: name, Err: two.Err}
	}
	return err
}

// irregular is the error of a device, a pipe or a socket.
func (p *Policy) irregular(op, name string) error {
	return p.refuse(Refusal{Op: op, What: name, Why: "it is not a regular file"})
}

func plain(info fs.FileInfo) bool { return info.Mode().IsRegular() || info.IsDir() }

// Open is os.Open.
func (p *Policy) Open(name string) (*os.File, error) { return p.OpenFile(name, os.O_RDONLY, 0) }

// OpenFile is os.OpenFile. Of what is no regular file, only folders can be
// opened; a pipe does not block.
func (p *Policy) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	if p == nil {
		return os.OpenFile(name, flag, perm)
	}
	op := "read"
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND) != 0 {
		op = "write"
	}
	root, rel, err := p.locate(name, op == "write")
	if err != nil {
		return nil, err
	}
	// Opening a device may do something, so it is looked at before; a pipe may
	// have taken the place of the file since, so also after.
	if info, err := root.Stat(rel); err == nil && !plain(info) {
		return nil, p.irregular(op, name)
	}
	f, err := root.OpenFile(rel, flag|syscall.O_NONBLOCK, perm)
	if err != nil {
		return nil, p.wrap(op, name, err)
	}
	info, err := f.Stat()
	if err == nil && !plain(info) {
		err = p.irregular(op, name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// ReadFile is os.ReadFile.
func (p *Policy) ReadFile(name string) ([]byte, error) {
	if p == nil {
		return os.ReadFile(name)
	}
	f, err := p.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

// Stat is os.Stat.
func (p *Policy) Stat(name string) (fs.FileInfo, error) {
	return p.info(name, os.Stat, (*os.Root).Stat)
}

// Lstat is os.Lstat.
func (p *Policy) Lstat(name string) (fs.FileInfo, error) {
	return p.info(name, os.Lstat, (*os.Root).Lstat)
}

func (p *Policy) info(name string, free func(string) (fs.FileInfo, error), in func(*os.Root, string) (fs.FileInfo, error)) (fs.FileInfo, error) {
	if p == nil {
		return free(name)
	}
	root, rel, err := p.locate(name, false)
	if err != nil {
		return nil, err
	}
	info, err := in(root, rel)
	return info, p.wrap("read", name, err)
}

// ReadDir is os.ReadDir.
func (p *Policy) ReadDir(name string) ([]fs.DirEntry, error) {
	if p == nil {
		return os.ReadDir(name)
	}
	f, err := p.Open(name)
	if err != nil {
		return nil, err
	}
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, errors.Join(err, f.Close())
}

// WalkDir is filepath.WalkDir.
func (p *Policy) WalkDir(dir string, visit fs.WalkDirFunc) error {
	if p == nil {
		return filepath.WalkDir(dir, visit)
	}
	root, rel, err := p.locate(dir, false)
	if err != nil {
		return err
	}
	return fs.WalkDir(root.FS(), filepath.ToSlash(rel), func(path string, d fs.DirEntry, err error) error {
		below, relErr := filepath.Rel(rel, filepath.FromSlash(path))
		name := filepath.Join(dir, below)
		return visit(name, d, errors.Join(relErr, p.wrap("read", name, err)))
	})
}

// Resolve is the file that a link leads to, or name itself. Inside walls links
// are not followed for good: what is written takes the place of the link.
func (p *Policy) Resolve(name string) string {
	if p != nil {
		return name
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		return real
	}
	return name
}

// Mkdir is os.Mkdir.
func (p *Policy) Mkdir(name string, perm fs.FileMode) error {
	if p == nil {
		return os.Mkdir(name, perm)
	}
	return p.write(name, func(root *os.Root, rel string) error { return root.Mkdir(rel, perm) })
}

// MkdirAll is os.MkdirAll.
func (p *Policy) MkdirAll(name string, perm fs.FileMode) error {
	if p == nil {
		return os.MkdirAll(name, perm)
	}
	return p.write(name, func(root *os.Root, rel string) error {
		if rel == "." {
			return nil
		}
		return root.MkdirAll(rel, perm)
	})
}

// Remove is os.Remove.
func (p *Policy) Remove(name string) error {
	if p == nil {
		return os.Remove(name)
	}
	return p.write(name, (*os.Root).Remove)
}

func (p *Policy) write(name string, do func(root *os.Root, rel string) error) error {
	root, rel, err := p.locate(name, true)
	if err != nil {
		return err
	}
	return p.wrap("write", name, do(root, rel))
}

// Rename is os.Rename.
func (p *Policy) Rename(from, to string) error {
	if p == nil {
		return os.Rename(from, to)
	}
	return p.pair(from, to, (*os.Root).Rename)
}

// Link is os.Link.
func (p *Policy) Link(from, to string) error {
	if p == nil {
		return os.Link(from, to)
	}
	return p.pair(from, to, (*os.Root).Link)
}

// pair does something with two names of one folder.
func (p *Policy) pair(from, to string, do func(root *os.Root, from, to string) error) error {
	root, a, err := p.locate(from, true)
	if err != nil {
		return err
	}
	other, b, err := p.locate(to, true)
	if err != nil {
		return err
	}
	if root != other {
		return p.refuse(Refusal{Op: "write", What: to, Why: "it is in another allowed folder than " + from})
	}
	return p.wrap("write", to, do(root, a, b))
}

// CreateTemp is os.CreateTemp with a pattern that ends in *.
func (p *Policy) CreateTemp(dir, pattern string) (*os.File, error) {
	if p == nil {
		return os.CreateTemp(dir, pattern)
	}
	for try := 0; ; try++ {
		name := filepath.Join(dir, fmt.Sprintf("%s%d", strings.TrimSuffix(pattern, "*"), rand.Uint64()))
		f, err := p.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) || try == 1000 {
			return f, err
		}
	}
}
