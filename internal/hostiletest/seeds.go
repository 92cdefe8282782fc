package hostiletest

import (
	"iter"
	"os"
	"path/filepath"
)

// seedSize is the largest file that seeds a fuzz target: the fuzzer changes
// little of a long one.
const seedSize = 16 << 10

// Seeds yields the small files of a folder below the test data, in order of
// their names, and nothing if there is no such folder.
func Seeds(elem ...string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		dir := folder(elem)
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if info, err := e.Info(); err != nil || !info.Mode().IsRegular() || info.Size() > seedSize {
				continue
			}
			if b, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil && !yield(b) {
				return
			}
		}
	}
}
