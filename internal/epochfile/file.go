package epochfile

import (
	"errors"
	"hash/crc32"
	"os"
	"slices"
	"time"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entry is a file as tokens know it.
type entry struct {
	Sub   string `json:"sub,omitempty"`
	Name  string `json:"name"` // when visible
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	CRC   uint32 `json:"crc"`
}

// File is a hidden file in progress. Writes go straight to the system.
type File struct {
	// Rows is the number of rows written; the connector counts it.
	Rows int64
	// Extra is what the connector needs to go on with the file, at the last
	// Prepare.
	Extra []byte

	entry
	target *Target
	f      *os.File
	path   string
	since  time.Time
	size   int64
	crc    uint32
	dirty  bool
}

// Path is the file as it is hidden.
func (f *File) Path() string { return f.path }

// Sub is the directory below that of the target.
func (f *File) Sub() string { return f.entry.Sub }

// Size is the number of bytes written.
func (f *File) Size() int64 { return f.size }

// Write implements io.Writer. Errors are those of the system as they are; the
// file is of no use after one.
func (f *File) Write(p []byte) (int, error) {
	n, err := 0, f.target.step("write", f.path)
	if err == nil {
		n, err = f.f.Write(p)
	}
	if err != nil {
		_ = f.target.fail(err)
	}
	f.size += int64(n)
	f.crc = crc32.Update(f.crc, castagnoli, p[:n])
	f.dirty = true
	return n, err
}

// sync makes the bytes of the file durable.
func (f *File) sync() error {
	if !f.dirty {
		return nil
	}
	err := f.target.step("sync", f.path)
	if err == nil {
		err = f.f.Sync()
	}
	f.dirty = false
	return f.target.fail(err)
}

// note is the file as it is now.
func (f *File) note() entry {
	e := f.entry
	e.Rows, e.Bytes, e.CRC = f.Rows, f.size, f.crc
	return e
}

// Finish makes a whole file durable and closes it: it becomes visible with the
// epoch, or by Publish without epochs.
func (f *File) Finish() error {
	f.leave()
	f.dirty = true // also a file without bytes
	if err := errors.Join(f.sync(), f.target.fail(f.f.Close())); err != nil {
		f.target.forget(f.path)
		return err
	}
	f.target.done = append(f.target.done, f.note())
	return nil
}

// Abandon closes the file. Without epochs it is removed; with them that is for
// the next Resume, because by now the name may be that of another process.
func (f *File) Abandon() {
	f.leave()
	_ = f.f.Close() // the run has its error
	f.target.forget(f.path)
}

// forget removes a hidden file that has become useless, without epochs.
func (t *Target) forget(path string) {
	if !t.epochs {
		_ = t.cfg.Access.Remove(path) // the run has its error
	}
}

func (f *File) leave() {
	f.target.open = slices.DeleteFunc(f.target.open, func(o *File) bool { return o == f })
	f.target.sight()
}
