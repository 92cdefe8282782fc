package state

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
)

// castagnoli is the polynomial of all sums in a store: CRC-32C.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// readFile reads a whole file of at most limit bytes. A longer one is an error
// before anything is read.
func readFile(fsys FS, name string, limit int64) ([]byte, error) {
	size, err := fsys.Size(name)
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d allowed", name, size, limit)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	n, err := io.ReadFull(f, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil // it shrank; what is missing is found by the sums
	}
	return b[:n], errors.Join(err, f.Close())
}

// replaceFile gives name the contents b, all or nothing, durably: a temporary
// file, synced, renamed, and the folder synced.
func replaceFile(fsys FS, name string, b []byte) error {
	temp := name + tempSuffix
	if err := writeFile(fsys, temp, b); err != nil {
		return err
	}
	if err := fsys.Rename(temp, name); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(name))
}

// writeFile makes a file and its contents durable, but not its name.
func writeFile(fsys FS, name string, b []byte) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// makeDir makes a folder and those above it; their names are not durable yet.
func makeDir(fsys FS, dir string) error {
	if _, err := fsys.List(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if parent != dir && parent != "." {
		if err := makeDir(fsys, parent); err != nil {
			return err
		}
	}
	return fsys.Mkdir(dir)
}

// removeFile takes a name away that may be gone already.
func removeFile(fsys files, name string) error {
	if err := fsys.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
