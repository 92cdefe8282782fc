package state

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/arrowstream/arrowstream"
)

// FS is the file system under a [Dir]. Names are paths as the machine writes
// them. Methods may be called from several goroutines. A missing file is
// fs.ErrNotExist. Nothing is durable before it is synced: contents with
// [File].Sync, names with SyncDir of their folder.
type FS interface {
	// Create makes an empty file to write. A file that has the name already
	// loses the name and keeps its contents, as other names may lead to it.
	Create(name string) (File, error)
	// Open opens a file to read.
	Open(name string) (File, error)
	// Size is the length of a file.
	Size(name string) (int64, error)
	// Rename gives a file another name, atomically, in place of any other.
	Rename(from, to string) error
	// Link gives a file one more name.
	Link(from, to string) error
	// Remove takes a name away, that of a file or of an empty folder.
	Remove(name string) error
	// List names what is in a folder, in any order.
	List(dir string) ([]string, error)
	// Mkdir makes a folder, unless it exists.
	Mkdir(dir string) error
	// SyncDir makes the names in a folder durable.
	SyncDir(dir string) error
	// Lock makes the file if need be, takes it for this process and returns
	// it empty; Close gives it back, as does the end of the process.
	// ErrLocked says that another process has it.
	Lock(name string) (File, error)
}

// File is an open file. Write writes everything or fails.
type File interface {
	io.Reader
	io.Writer
	io.Closer
	// Sync makes the contents durable. After an error nothing is known about
	// them, and Sync is not tried again.
	Sync() error
}

// ErrLocked is the error of [FS].Lock for a file that another process holds.
var ErrLocked = errors.New("locked by another process")

// OS is the file system of the machine. Files and folders belong to the user
// alone.
type OS struct {
	// Access is what may be reached; nil is everything.
	Access *arrowstream.Access
}

var _ FS = OS{}

// Create implements [FS].
func (s OS) Create(name string) (File, error) {
	if err := s.Access.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return osFile(s.Access.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600))
}

// Open implements [FS].
func (s OS) Open(name string) (File, error) { return osFile(s.Access.Open(name)) }

// osFile keeps a nil file from becoming a File that is not nil.
func osFile(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Size implements [FS].
func (s OS) Size(name string) (int64, error) {
	info, err := s.Access.Lstat(name)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")}
	}
	return info.Size(), nil
}

// Rename implements [FS].
func (s OS) Rename(from, to string) error { return s.Access.Rename(from, to) }

// Link implements [FS].
func (s OS) Link(from, to string) error { return s.Access.Link(from, to) }

// Remove implements [FS].
func (s OS) Remove(name string) error { return s.Access.Remove(name) }

// List implements [FS].
func (s OS) List(dir string) ([]string, error) {
	d, err := s.Access.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := d.Readdirnames(-1)
	return names, errors.Join(err, d.Close())
}

// Mkdir implements [FS].
func (s OS) Mkdir(dir string) error {
	err := s.Access.Mkdir(dir, 0o700)
	if info, statErr := s.Access.Stat(dir); statErr == nil && info.IsDir() {
		return nil
	}
	return err
}

// SyncDir implements [FS].
func (s OS) SyncDir(dir string) error {
	d, err := s.Access.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
