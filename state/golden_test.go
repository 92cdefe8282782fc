package state

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

var update = flag.Bool("update", false, "write the golden folder of the present format, unless there is one")

// goldenEpochs are how many epochs a golden folder holds.
const goldenEpochs = 14

// TestGoldenFolders opens what every earlier format has left, and goes on with
// it. A folder is written once, by the format that it names, and never again.
func TestGoldenFolders(t *testing.T) {
	now := filepath.Join("testdata", "v1")
	if *update {
		if _, err := os.Stat(now); err == nil {
			t.Log(now + " is there already: a golden folder is never written again")
		} else {
			writeGolden(t, now)
		}
	}
	folders, err := filepath.Glob(filepath.Join("testdata", "v*"))
	if err != nil || len(folders) == 0 {
		t.Fatal("no golden folders", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			if err := os.CopyFS(path, os.DirFS(folder)); err != nil {
				t.Fatal(err)
			}
			d := Dir{Path: path, Reserve: -1, RetainCommits: 6}
			l := mustOpen(t, d)
			e, err := check(l, columnartest.Allocator(t))
			if err != nil || e != goldenEpochs {
				t.Fatalf("epoch %d, %v", e, err)
			}
			if s := l.Start(); s.Incarnation != 2 || len(s.Unpublished) != 4 {
				t.Errorf("start %+v", s)
			}
			for _, u := range l.Start().Unpublished {
				if err := l.Published(u.Sink, u.Commit.Epoch); err != nil {
					t.Fatal(err)
				}
			}
			m := modelAt(e)
			for m.epoch < e+10 {
				if err := m.step(l); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if e, err := reopened(d, columnartest.Allocator(t)); err != nil || e != goldenEpochs+10 {
				t.Fatalf("epoch %d, %v", e, err)
			}
		})
	}
}

// writeGolden writes a folder as a kill leaves it.
func writeGolden(t *testing.T, path string) {
	d := Dir{Path: path, Reserve: -1, RetainCommits: 6, Clock: testDir(nil).Clock}
	l := mustOpen(t, d)
	m := model{agg: map[int64]int64{}}
	if err := m.work(l, goldenEpochs, nil); err != nil {
		t.Fatal(err)
	}
	l.frames.Close()
	if err := os.Remove(filepath.Join(path, lockName)); err != nil {
		t.Fatal(err)
	}
}

// TestGoldenFoldersAreSmall keeps the repository small.
func TestGoldenFoldersAreSmall(t *testing.T) {
	sizes := map[string]int64{}
	err := filepath.WalkDir("testdata", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasPrefix(name, filepath.Join("testdata", "v")) {
			return err
		}
		info, err := e.Info()
		sizes[strings.Split(name, string(filepath.Separator))[1]] += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for folder, n := range sizes {
		if n > 100<<10 {
			t.Errorf("testdata/%s has %d bytes", folder, n)
		}
	}
}
