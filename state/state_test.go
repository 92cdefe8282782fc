package state

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEpochsSurvive(t *testing.T) {
	mem := columnartest.Allocator(t)
	for name, d := range map[string]arrowstream.StateStore{
		"memory": testDir(memFS{FS: vfs.NewMem()}),
		"bucket": testBucket(newMemObjects()),
		"disk":   Dir{Path: filepath.Join(t.TempDir(), "a", "b"), RetainCommits: 6, Reserve: 100},
	} {
		t.Run(name, func(t *testing.T) {
			m := model{agg: map[int64]int64{}}
			id := ""
			for i, last := range []arrowstream.Epoch{0, 1, 1, 9, 25, 60} {
				l := mustOpen(t, d)
				e, err := check(l, mem)
				if err != nil {
					t.Fatal(err)
				}
				if e != m.epoch {
					t.Fatalf("opened at epoch %d, want %d", e, m.epoch)
				}
				s := l.Start()
				if s.Incarnation != uint64(i+1) || id != "" && s.ID != id || len(s.ID) != 32 {
					t.Fatalf("start %+v of %s", s, id)
				}
				id = s.ID
				if err := m.work(l, last, nil); err != nil {
					t.Fatal(err)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := reopened(d, mem); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestDoubleStart(t *testing.T) {
	d := Dir{Path: t.TempDir(), Reserve: -1}
	l := mustOpen(t, d)
	_, err := d.Open(t.Context(), testJob())
	wantCode(t, err, "AS5002", "process ", " on ", "since")
	if !errors.Is(err, ErrLocked) {
		t.Error("the cause is not ErrLocked")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, d).Close()
}

func TestZombieIsFenced(t *testing.T) { eachStore(t, zombieIsFenced) }

func zombieIsFenced(t *testing.T, d arrowstream.StateStore) {
	old := mustOpen(t, d)
	m := model{agg: map[int64]int64{}}
	if err := m.work(old, 12, nil); err != nil {
		t.Fatal(err)
	}
	now := mustOpen(t, d)
	zombie := modelAt(12)
	if err := zombie.step(old); !errors.Is(err, arrowstream.ErrFenced) {
		t.Fatalf("the zombie commits: %v", err)
	}
	if err := zombie.step(old); !errors.Is(err, arrowstream.ErrFenced) {
		t.Fatalf("the zombie commits later: %v", err)
	}
	if err := errors.Join(republish(now, 9), m.work(now, 30, nil)); err != nil {
		t.Fatal(err)
	}
	old.Close()
	now.Close()
	if e, err := reopened(d, columnartest.Allocator(t)); err != nil || e != 30 {
		t.Fatalf("epoch %d, %v", e, err)
	}
}

func TestZombieReadsOutbox(t *testing.T) { eachStore(t, zombieReadsOutbox) }

// zombieReadsOutbox halts a process between its commit and its publication: the
// rows it wakes up to read are published by the next process, and gone.
func zombieReadsOutbox(t *testing.T, d arrowstream.StateStore) {
	old := mustOpen(t, d)
	m := model{agg: map[int64]int64{}}
	if err := m.work(old, 5, nil); err != nil {
		t.Fatal(err)
	}
	now := mustOpen(t, d)
	if err := errors.Join(republish(now, 5), m.work(now, 30, nil)); err != nil {
		t.Fatal(err)
	}
	rows, err := 0, error(nil)
	for b, bad := range old.Outbox("out", 5).Rows(columnartest.Allocator(t)) {
		if err = bad; bad == nil {
			rows++
			b.Release()
		}
	}
	if rows > 0 || !errors.Is(err, arrowstream.ErrFenced) {
		t.Errorf("%d batches and %v", rows, err)
	}
	old.Close()
	now.Close()
}

// TestTakeoverDuringCommit lets the old process commit after every operation of
// the new one's opening: an epoch that the old one may publish is seen by the
// new one.
func TestTakeoverDuringCommit(t *testing.T) {
	seen, fenced := 0, 0
	for at, ops := 0, 1; at < ops; at++ {
		mem := vfs.NewMem()
		old := mustOpen(t, testDir(memFS{FS: mem, unlocked: true}))
		m := model{agg: map[int64]int64{}}
		if err := m.work(old, 5, nil); err != nil {
			t.Fatal(err)
		}
		fsys := memFS{FS: mem, unlocked: true}
		ops = 0
		var err error
		fsys.after = func() {
			if ops++; ops == at+1 {
				err = m.step(old)
			}
		}
		now := mustOpen(t, testDir(fsys))
		e, bad := check(now, columnartest.Allocator(t))
		switch {
		case bad != nil:
			t.Fatalf("operation %d: %v", at, bad)
		case err == nil && ops > at:
			if seen++; e != 6 {
				t.Fatalf("operation %d: the old process committed epoch 6, the new one is at %d", at, e)
			}
		case err != nil && !errors.Is(err, arrowstream.ErrFenced):
			t.Fatalf("operation %d: %v", at, err)
		case err != nil:
			fenced++
		}
		old.Close()
		now.Close()
	}
	if seen == 0 || fenced == 0 {
		t.Errorf("%d commits before the takeover, %d after", seen, fenced)
	}
}

// TestCommitDuringTakeover opens the store anew after every operation of a
// commit: what the old process is told to have committed, the new one has.
func TestCommitDuringTakeover(t *testing.T) {
	seen, fenced := 0, 0
	for at, ops := 0, 1; at < ops; at++ {
		mem := vfs.NewMem()
		m := model{agg: map[int64]int64{}}
		var now *epochLog
		fsys := memFS{FS: mem, unlocked: true}
		ops = 0
		fsys.after = func() {
			if m.epoch < 6 {
				return
			}
			if ops++; ops == at+1 {
				now = mustOpen(t, testDir(memFS{FS: mem, unlocked: true}))
			}
		}
		old := mustOpen(t, testDir(fsys))
		if err := m.work(old, 5, nil); err != nil {
			t.Fatal(err)
		}
		err := m.step(old)
		if now == nil {
			old.Close()
			break
		}
		e, bad := check(now, columnartest.Allocator(t))
		switch {
		case bad != nil:
			t.Fatalf("operation %d: %v", at, bad)
		case err == nil:
			if seen++; e != 6 {
				t.Fatalf("operation %d: the old process committed epoch 6, the new one is at %d", at, e)
			}
		case !errors.Is(err, arrowstream.ErrFenced):
			t.Fatalf("operation %d: %v", at, err)
		default:
			fenced++
		}
		old.Close()
		now.Close()
	}
	if fenced == 0 {
		t.Errorf("%d commits were seen, %d fenced", seen, fenced)
	}
}
