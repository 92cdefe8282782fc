package state

import (
	"errors"
	"io"
	"path/filepath"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// memFS is a file system of package vfs as a store sees it. after, if set, is
// called when an operation has changed something.
type memFS struct {
	vfs.FS
	after func()
	// unlocked makes every lock free, as on a file system that does not know
	// that another machine holds it.
	unlocked bool
}

var _ FS = memFS{}

func (m memFS) did(err error) error {
	if err == nil && m.after != nil {
		m.after()
	}
	return err
}

func (m memFS) Create(name string) (File, error) {
	f, err := m.FS.Create(name, vfs.WriteCategoryUnspecified)
	if err := m.did(err); err != nil {
		return nil, err
	}
	return memFile{f, m}, nil
}

func (m memFS) Open(name string) (File, error) {
	f, err := m.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return memFile{f, m}, nil
}

func (m memFS) Size(name string) (int64, error) {
	info, err := m.FS.Stat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (m memFS) Rename(from, to string) error      { return m.did(m.FS.Rename(from, to)) }
func (m memFS) Link(from, to string) error        { return m.did(m.FS.Link(from, to)) }
func (m memFS) Remove(name string) error          { return m.did(m.FS.Remove(name)) }
func (m memFS) Mkdir(dir string) error            { return m.did(m.FS.MkdirAll(dir, 0o700)) }
func (m memFS) List(dir string) ([]string, error) { return m.FS.List(dir) }

func (m memFS) SyncDir(dir string) error {
	d, err := m.FS.OpenDir(dir)
	if err != nil {
		return err
	}
	return m.did(errors.Join(d.Sync(), d.Close()))
}

func (m memFS) Lock(name string) (File, error) {
	lock := io.Closer(io.NopCloser(nil))
	if !m.unlocked {
		var err error
		lock, err = m.FS.Lock(name)
		if errors.Is(err, syscall.EAGAIN) {
			return nil, ErrLocked
		}
		if err != nil {
			return nil, err
		}
	}
	f, err := m.Create(name)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return memLock{f, lock}, nil
}

// memLock is the file of a lock.
type memLock struct {
	File
	lock io.Closer
}

func (l memLock) Close() error { return errors.Join(l.File.Close(), l.lock.Close()) }

type memFile struct {
	vfs.File
	fs memFS
}

func (f memFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, f.fs.did(err)
}

func (f memFile) Sync() error { return f.fs.did(f.File.Sync()) }

// copyOf is a copy of everything below dir.
func copyOf(from vfs.FS, dir string) *vfs.MemFS {
	to := vfs.NewMem()
	var walk func(string)
	walk = func(name string) {
		info, err := from.Stat(name)
		if err != nil {
			panic(err)
		}
		if !info.IsDir() {
			if err := vfs.CopyAcrossFS(from, name, to, name); err != nil {
				panic(err)
			}
			return
		}
		if err := to.MkdirAll(name, 0o700); err != nil {
			panic(err)
		}
		names, err := from.List(name)
		if err != nil {
			panic(err)
		}
		for _, n := range names {
			walk(filepath.Join(name, n))
		}
	}
	walk(dir)
	return to
}
