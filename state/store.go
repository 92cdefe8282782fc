package state

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/arrowstream/arrowstream"
)

// files is the part of [FS] that states and outboxes need, which a bucket has
// as well.
type files interface {
	Create(name string) (File, error)
	Open(name string) (File, error)
	Size(name string) (int64, error)
	Remove(name string) error
	SyncDir(dir string) error
}

// store is what the stores of this package have in common: where the files of
// the commits are, and how long they stay.
type store struct {
	files
	path          string
	retainCommits int
	retainAge     time.Duration
	parallel      int
	clock         arrowstream.Clock
}

// at is the path of a file of the store.
func (s store) at(name string) string { return s.path + "/" + name }

// present checks that the files of the last commit are there with their
// lengths; what is in them is checked when it is read.
func (s store) present(x *index, log string, m *manifest) error {
	check := func(f file) error {
		size, err := s.Size(s.at(f.name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return s.damaged(x, f, flaw{-1, "it is missing"})
		case err != nil:
			return unusable("read "+s.at(f.name), err)
		case size != f.Bytes:
			return s.damaged(x, f, flaw{min(size, f.Bytes), fmt.Sprintf("it has %d bytes instead of %d", size, f.Bytes)})
		}
		return nil
	}
	for _, p := range m.Stages {
		links, whole := x.chain(len(x.commits)-1, p.UID, p.Since)
		if !whole {
			return damaged(log, flaw{-1, fmt.Sprintf("the snapshot of %s before epoch %d is missing", p.UID, links[0].epoch)}, s.newestWhole(x))
		}
		for _, l := range links {
			for _, f := range l.files() {
				if err := check(f); err != nil {
					return err
				}
			}
		}
	}
	for _, n := range x.commits {
		for _, f := range n.waiting() {
			if err := check(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// newestWhole is the newest epoch of x of which everything is there.
func (s store) newestWhole(x *index) arrowstream.Epoch {
	good := map[string]bool{}
	ok := func(f file) bool {
		v, seen := good[f.name]
		if !seen {
			bad, err := verify(s, s.at(f.name), f.fileRecord)
			v = bad == nil && err == nil
			good[f.name] = v
		}
		return v
	}
	for i := len(x.commits) - 1; i >= 0; i-- {
		if x.whole(i, ok) {
			return x.commits[i].epoch
		}
	}
	return 0
}

// whole reports whether the state at commit i is all there.
func (x *index) whole(i int, ok func(file) bool) bool {
	if x.commits[i].Partial {
		return false
	}
	for _, uid := range x.uids(i) {
		links, whole := x.chain(i, uid, 0)
		if !whole {
			return false
		}
		for _, l := range links {
			for _, f := range l.files() {
				if !ok(f) {
					return false
				}
			}
		}
	}
	return true
}
