package state

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// filesOf lists the files below dir.
func filesOf(t testing.TB, fsys vfs.FS, dir string) []string {
	t.Helper()
	names, err := fsys.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	var files []string
	for _, n := range names {
		n = filepath.Join(dir, n)
		info, err := fsys.Stat(n)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			files = append(files, filesOf(t, fsys, n)...)
		} else {
			files = append(files, n)
		}
	}
	return files
}

// contents of a file.
func contents(t testing.TB, fsys vfs.FS, name string) []byte {
	t.Helper()
	b, err := readFile(memFS{FS: fsys}, name, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// written is a store of some epochs whose last are not published, left as a
// kill leaves it or closed.
func written(t testing.TB, last arrowstream.Epoch, closed bool) (*vfs.MemFS, Dir) {
	t.Helper()
	mem := vfs.NewMem()
	d := testDir(memFS{FS: mem, unlocked: true})
	d.SegmentBytes = 1 << 20
	l := mustOpen(t, d)
	m := model{agg: map[int64]int64{}}
	if err := m.work(l, last, nil); err != nil {
		t.Fatal(err)
	}
	if closed {
		l.Close()
	}
	return mem, d
}

// damage replaces a file of a copy of the store, opens it and judges: either
// the store says that it is damaged and is as it was, or all rows are right.
// It returns the epoch of the store that opened.
func damage(d Dir, mem vfs.FS, name string, b []byte) (e arrowstream.Epoch, refused bool, err error) {
	left := copyOf(mem, d.Path)
	fsys := memFS{FS: left, unlocked: true}
	if err := writeFile(fsys, name, b); err != nil {
		return 0, false, err
	}
	d.FS = fsys
	changed := 0
	fsys.after = func() { changed++ }
	d.FS = fsys
	e, err = reopened(d, columnar.Pool)
	var bad *Damage
	switch {
	case err == nil:
		return e, false, nil
	case errors.As(err, &bad) && code(err) == "AS5003":
		// A log without its end says that rows are to be published which are gone.
		if bad.File != name && !strings.HasSuffix(name, segmentSuffix) {
			return e, true, fmt.Errorf("the damage is said to be in %s: %w", bad.File, err)
		}
		return e, true, nil
	}
	return e, false, err
}

// spread is every n-th number in short runs, and every one in long runs.
func spread(n int) int {
	if *seeds > 1 {
		return 1
	}
	return n
}

func TestEveryByteFlipped(t *testing.T) {
	for _, closed := range []bool{false, true} {
		const last = 5
		mem, d := written(t, last, closed)
		for _, name := range filesOf(t, mem, d.Path) {
			if closed && !strings.HasSuffix(name, segmentSuffix) {
				continue
			}
			whole := contents(t, mem, name)
			stride := 1
			switch {
			case strings.HasSuffix(name, arrowsSuffix):
				stride = spread(11)
			case strings.HasSuffix(name, manifestName):
				stride = spread(3)
			}
			refused, flips := 0, 0
			for i := 0; i < len(whole); i += stride {
				flips++
				b := slices.Clone(whole)
				b[i] ^= 1 << (i % 8)
				e, no, err := damage(d, mem, name, b)
				if err != nil {
					t.Fatalf("%s, byte %d of %d: %v", name, i, len(whole), err)
				}
				if no {
					refused++
				} else if e < last {
					// A frame behind the last commit says that it was on the disk.
					t.Fatalf("%s, byte %d of %d: silently at epoch %d", name, i, len(whole), e)
				}
			}
			t.Logf("%s: %d bytes, %d refused", name, flips, refused)
			if strings.HasSuffix(name, manifestName) && refused != flips {
				t.Errorf("%s: %d of %d flips refused", name, refused, flips)
			}
		}
	}
}

func TestEveryLength(t *testing.T) {
	const last = 5
	mem, d := written(t, last, false)
	for _, name := range filesOf(t, mem, d.Path) {
		whole := contents(t, mem, name)
		refused := 0
		for i := range whole {
			if i%spread(7) != 0 && !strings.HasSuffix(name, segmentSuffix) {
				continue
			}
			e, no, err := damage(d, mem, name, whole[:i])
			if err != nil {
				t.Fatalf("%s cut to %d of %d bytes: %v", name, i, len(whole), err)
			}
			if no {
				refused++
				continue
			}
			if e < last-1 {
				t.Fatalf("%s cut to %d of %d bytes: silently at epoch %d", name, i, len(whole), e)
			}
		}
		t.Logf("%s: %d lengths, %d refused", name, len(whole), refused)
	}
}

// TestDamageIsNamed checks what the error of each kind of damage says.
func TestDamageIsNamed(t *testing.T) {
	mem, d := written(t, 12, true)
	names := filesOf(t, mem, d.Path)
	pick := func(part string) string {
		i := slices.IndexFunc(names, func(n string) bool { return strings.Contains(n, part) })
		if i < 0 {
			t.Fatalf("no file %s in %v", part, names)
		}
		return names[i]
	}
	for _, c := range []struct {
		file  string
		at    int
		words []string
	}{
		{"/0000000011-1.groups.snap", 100, []string{"groups.snap.arrows", "the newest that is whole is 10"}},
		{"/0000000012-1.groups.delta", 100, []string{"groups.delta.arrows", "the newest that is whole is 11"}},
		{"/log/", headerSize + 5, []string{"at byte 64", "no whole epoch"}},
		{"/MANIFEST", 100, []string{"MANIFEST is damaged", "the newest that is whole is 12"}},
	} {
		name := pick(c.file)
		b := contents(t, mem, name)
		b[c.at] ^= 4
		left := copyOf(mem, d.Path)
		d.FS = memFS{FS: left}
		if err := writeFile(d.FS, name, b); err != nil {
			t.Fatal(err)
		}
		before := len(filesOf(t, left, d.Path))
		_, err := reopened(d, columnar.Pool)
		wantCode(t, err, "AS5003", c.words...)
		if got := len(filesOf(t, left, d.Path)); got != before && !strings.HasSuffix(name, arrowsSuffix) {
			t.Errorf("%s: %d files, were %d", c.file, got, before)
		}
	}
}

// TestMissingFiles takes each file away.
func TestMissingFiles(t *testing.T) {
	mem, d := written(t, 12, true)
	for _, name := range filesOf(t, mem, d.Path) {
		left := copyOf(mem, d.Path)
		if err := left.Remove(name); err != nil {
			t.Fatal(err)
		}
		d.FS = memFS{FS: left}
		e, err := reopened(d, columnar.Pool)
		if code(err) != "AS5003" && (err != nil || e != 12) {
			t.Errorf("without %s: epoch %d, %v", name, e, err)
		}
		if base := filepath.Base(name); err == nil && (base == manifestName || base == incarnationName || strings.HasSuffix(base, segmentSuffix)) {
			t.Errorf("opened without %s", name)
		}
	}
}
