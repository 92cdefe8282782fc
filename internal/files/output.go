package files

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/arrowstream/arrowstream/internal/access"
)

// Output is a result under construction: a hidden file beside the final name,
// or a stream: stdout, a pipe, a device.
type Output struct {
	access *access.Policy
	name   string
	temp   string // "" for a stream
	file   *os.File
	pack   *Packer
	done   bool
}

// IsStream reports whether name is stdout, a pipe or a device: what can be
// written to but not replaced.
func IsStream(a *access.Policy, name string) bool {
	if name == Stdin {
		return true
	}
	info, err := a.Stat(name)
	// /dev/stderr and /dev/fd/2 may lead to a file that somebody holds open;
	// /dev/shm is a folder as any other.
	dir := filepath.Dir(name)
	return err == nil && !info.IsDir() && (!info.Mode().IsRegular() || dir == "/dev" || dir == "/dev/fd")
}

// Create begins the file name, or writes to stdout for "-". The directory is
// made if need be. What exists and is no regular file is written to, not
// replaced; a link keeps pointing to the file.
func Create(a *access.Policy, name string, stdout io.Writer) (*Output, error) {
	o := &Output{access: a, name: name}
	if name == Stdin || name == "/dev/stdout" {
		if stdout == nil {
			stdout = os.Stdout
		}
		o.pack = NewPacker(stdout, "", 64<<10)
		return o, nil
	}
	o.name = a.Resolve(name) // a link stays one
	dir, base := filepath.Split(o.name)
	if base == "" {
		return nil, fmt.Errorf("%q is no file name", name)
	}
	var err error
	switch info, missing := a.Stat(name); {
	case missing == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a directory", name)
	case IsStream(a, name):
		o.file, err = a.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	default:
		if dir != "" {
			if err := a.MkdirAll(dir, 0o777); err != nil {
				return nil, err
			}
		}
		o.temp = filepath.Join(dir, "."+base+".inprogress")
		o.file, err = a.OpenFile(o.temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	}
	if err != nil {
		return nil, err
	}
	o.pack = NewPacker(o.file, name, 256<<10)
	if err := o.pack.Begin(); err != nil {
		return nil, errors.Join(err, o.Abort())
	}
	return o, nil
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) { return o.pack.Write(p) }

// Flush shows what was written, if this is a stream.
func (o *Output) Flush() error {
	if o.temp != "" || o.done {
		return nil
	}
	return o.pack.Flush()
}

// Commit makes the result durable and gives it its name.
func (o *Output) Commit() error {
	if o.done {
		return nil
	}
	o.done = true
	err := o.pack.Cut()
	if o.file == nil {
		return err
	}
	if err == nil && o.temp != "" {
		err = o.file.Sync()
	}
	err = errors.Join(err, o.file.Close())
	if o.temp == "" {
		return err
	}
	if err == nil {
		err = o.access.Rename(o.temp, o.name)
	}
	if err != nil {
		return errors.Join(err, o.access.Remove(o.temp))
	}
	return SyncDir(o.access, filepath.Dir(o.name))
}

// Abort removes what was written.
func (o *Output) Abort() error {
	if o.done {
		return nil
	}
	o.done = true
	if o.file == nil {
		return o.pack.Flush()
	}
	o.pack.Abandon()
	if o.temp == "" {
		return o.file.Close()
	}
	return errors.Join(o.file.Close(), o.access.Remove(o.temp))
}

// SyncDir makes the names in a directory durable.
func SyncDir(a *access.Policy, dir string) error {
	d, err := a.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
