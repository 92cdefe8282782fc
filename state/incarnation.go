package state

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"path/filepath"

	"github.com/arrowstream/arrowstream"
)

// INCARNATION is a u64, little-endian, and its CRC-32C.
const incarnationSize = 12

// readIncarnation reads how many processes have opened the store, 0 if there
// is no file.
func readIncarnation(fsys FS, path string) (uint64, error) {
	name := filepath.Join(path, incarnationName)
	b, err := readFile(fsys, name, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, unusable("read "+name, err)
	}
	if len(b) != incarnationSize || crc32.Checksum(b[:8], castagnoli) != binary.LittleEndian.Uint32(b[8:]) {
		return 0, damaged(name, flaw{0, "the checksum does not match"}, 0)
	}
	return binary.LittleEndian.Uint64(b), nil
}

func writeIncarnation(fsys FS, path string, n uint64) error {
	name := filepath.Join(path, incarnationName)
	b := binary.LittleEndian.AppendUint64(nil, n)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if err := replaceFile(fsys, name, b); err != nil {
		return unusable("write "+name, err)
	}
	return nil
}

// checkIncarnation is ErrFenced if another process has opened the store since.
func checkIncarnation(fsys FS, path string, mine uint64) error {
	n, err := readIncarnation(fsys, path)
	if err == nil && n != mine {
		return arrowstream.ErrFenced
	}
	return err
}
