package state

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
)

// FuzzJournal puts any bytes in the place of a file of a journal, the first byte
// says of which: it is refused, or entries are read that can be read again from
// each offset, and the next process takes the journal up.
func FuzzJournal(f *testing.F) {
	mem := vfs.NewMem()
	d := testDir(memFS{FS: mem})
	d.SegmentBytes = 400
	l, err := d.Open(f.Context(), testJob())
	if err != nil {
		f.Fatal(err)
	}
	j, _, err := l.(*epochLog).Journal("bids", arrowstream.JournalOptions{})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 9 {
		if err := add(j, fmt.Sprint(i), fmt.Sprintf("entry %d %s", i, strings.Repeat("z", 40))); err != nil {
			f.Fatal(err)
		}
	}
	id, err := l.(*epochLog).manifest.job()
	if err != nil {
		f.Fatal(err)
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	dir := filepath.Join(d.Path, journalPath("bids"))
	names, err := mem.List(dir)
	if err != nil {
		f.Fatal(err)
	}
	slices.Sort(names)
	for i, name := range names {
		b, err := readFile(d.FS, filepath.Join(dir, name), 1<<20)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append([]byte{byte(i)}, b...))
		f.Add(append([]byte{byte(i)}, b[:len(b)-5]...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		name := names[int(b[0])%len(names)]
		suffix := journalSuffix
		if strings.HasSuffix(name, keysSuffix) {
			suffix = keysSuffix
		}
		start, incarnation, ok := parseName(name, suffix)
		if !ok {
			t.Fatal(name)
		}
		e := testDir(memFS{FS: copyOf(mem, "/")})
		text := mended(b[1:], header{version: formatVersion, job: id, number: start, incarnation: incarnation})
		if err := writeFile(e.FS, filepath.Join(dir, name), text); err != nil {
			t.Fatal(err)
		}
		hostiletest.Within(t, len(b), func() {
			got, offsets, err := journalAt(t, e, -1)
			if err != nil {
				return
			}
			for i, at := range offsets {
				if tail, _, err := journalAt(t, e, at); err != nil || !slices.Equal(tail, got[i:]) {
					t.Fatalf("from %d: %d entries, want %d: %v", at, len(tail), len(got)-i, err)
				}
			}
		})
	})
}

// journalAt opens a store and reads its journal from an offset, or its beginning.
func journalAt(t *testing.T, d Dir, at int64) ([]string, []int64, error) {
	l := mustOpen(t, d)
	defer l.Close()
	j, oldest, err := l.Journal("bids", arrowstream.JournalOptions{})
	if err != nil {
		return nil, nil, err
	}
	if at < 0 {
		at = oldest
	}
	return rest(j, at)
}
