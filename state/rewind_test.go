package state

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// rewindable is a store of ten epochs, of which the last ones are published or
// not.
func rewindable(t *testing.T, fsys FS, published bool) Dir {
	t.Helper()
	d := testDir(fsys)
	l := mustOpen(t, d)
	m := model{agg: map[int64]int64{}}
	for m.epoch < 10 {
		err := m.step(l)
		if err == nil && (published || m.epoch <= 6) {
			err = publish(l, m.epoch)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRewind(t *testing.T) {
	mem := vfs.NewMem()
	d := rewindable(t, memFS{FS: mem}, true)
	_, err := d.Rewind(t.Context(), 6, false)
	var coded *arrowstream.Error
	if !errors.As(err, &coded) || coded.Code != "AS5009" {
		t.Errorf("published epochs: %v", err)
	}
	if _, err := d.Rewind(t.Context(), 11, true); err == nil || !strings.Contains(err.Error(), "it has those of epochs 1, 2,") {
		t.Errorf("an epoch that is not there: %v", err)
	}
	if from, err := d.Rewind(t.Context(), 6, true); err != nil || from != 10 {
		t.Fatalf("from %d: %v", from, err)
	}
	if e, err := reopened(d, columnar.Pool); e != 6 || err != nil {
		t.Fatalf("epoch %d, %v", e, err)
	}
	// The job goes on, and the store is whole.
	l := mustOpen(t, d)
	m := modelAt(6)
	if err := m.work(l, 14, nil); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if e, err := reopened(d, columnar.Pool); e != 14 || err != nil {
		t.Fatalf("epoch %d, %v", e, err)
	}
}

// TestRewindCrashes crashes a rewind after each of its operations: the store has
// the old end or the new one.
func TestRewindCrashes(t *testing.T) {
	c := crashing{vfs.NewCrashableMem(), rand.New(rand.NewPCG(1, 1))}
	rewindable(t, memFS{FS: c.mem}, false)
	fsys, ends := memFS{FS: c.mem}, map[arrowstream.Epoch]int{}
	fsys.after = func() {
		for _, percent := range percents {
			e, err := reopened(testDir(memFS{FS: c.clone(percent)}), columnar.Pool)
			if err != nil || e != 7 && e != 10 {
				t.Errorf("epoch %d: %v", e, err)
			}
			ends[e]++
		}
	}
	if _, err := testDir(fsys).Rewind(t.Context(), 7, false); err != nil {
		t.Fatal(err)
	}
	if ends[7] == 0 || ends[10] == 0 {
		t.Errorf("ends %v", ends)
	}
}
