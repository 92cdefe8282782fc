package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// TestGoldenBuckets is [TestGoldenFolders] for buckets, whose objects are files
// of testdata: two processes have worked on it and were killed.
func TestGoldenBuckets(t *testing.T) {
	now := filepath.Join("testdata", "bucket-v1")
	if _, err := os.Stat(now); *update && err != nil {
		writeGoldenBucket(t, now)
	}
	folders, err := filepath.Glob(filepath.Join("testdata", "bucket-v*"))
	if err != nil || len(folders) == 0 {
		t.Fatal("no golden buckets", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			o := newMemObjects()
			err := filepath.WalkDir(folder, func(name string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				rel, err := filepath.Rel(folder, name)
				if err == nil {
					o.objects[filepath.ToSlash(rel)], err = os.ReadFile(name)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			d := testBucket(o)
			l := mustOpen(t, d)
			e, err := check(l, columnartest.Allocator(t))
			if err != nil || e != goldenEpochs {
				t.Fatalf("epoch %d, %v", e, err)
			}
			if s := l.Start(); s.Incarnation != 3 {
				t.Errorf("start %+v", s)
			}
			m := modelAt(e)
			if err := errors.Join(republish(l, e-3), m.work(l, e+20, nil), l.Close()); err != nil {
				t.Fatal(err)
			}
			if e, err := reopened(d, columnartest.Allocator(t)); err != nil || e != goldenEpochs+20 {
				t.Fatalf("epoch %d, %v", e, err)
			}
		})
	}
}

func writeGoldenBucket(t *testing.T, path string) {
	o := newMemObjects()
	m := model{agg: map[int64]int64{}}
	for _, last := range []int{6, goldenEpochs} {
		l := mustOpen(t, testBucket(o))
		for int(m.epoch) < last {
			if err := m.step(l); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, b := range o.objects {
		file := filepath.Join(path, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, b, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}
