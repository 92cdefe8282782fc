package state

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// seeds is raised by torture runs.
var seeds = flag.Int("state.seeds", 1, "how many seeds the crash tests of stores run")

// percents are how much of what was not synced a crash leaves.
var percents = []int{0, 10, 50, 100}

// progress is what a run may rely on at a moment.
type progress struct {
	committed arrowstream.Epoch // the last commit that has returned
	published arrowstream.Epoch // the last epoch that any sink was asked to note as published
}

// survives opens what a crash has left and compares.
func survives(d arrowstream.StateStore, p progress) (arrowstream.Epoch, error) {
	l, err := d.Open(context.Background(), testJob())
	if err != nil {
		return 0, err
	}
	e, err := check(l, columnar.Pool)
	if err == nil && (e < p.committed || e > p.committed+1) {
		err = fmt.Errorf("epoch %d, but %d was committed", e, p.committed)
	}
	if err == nil {
		waiting := map[arrowstream.Epoch]int{}
		for _, u := range l.Start().Unpublished {
			waiting[u.Commit.Epoch]++
		}
		for f := p.published + 1; f <= e && err == nil; f++ {
			if want := min(1, outRows(f)) + int(1-f%2); waiting[f] != want {
				err = fmt.Errorf("%d sinks are to publish epoch %d, want %d", waiting[f], f, want)
			}
		}
	}
	return e, errors.Join(err, l.Close())
}

// crashing is a file system to be crashed.
type crashing struct {
	mem *vfs.MemFS
	rng *rand.Rand
}

func (c crashing) clone(percent int) *vfs.MemFS {
	return c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: c.rng})
}

func TestCrashAfterEveryOperation(t *testing.T) {
	for seed := range *seeds {
		c := crashing{vfs.NewCrashableMem(), rand.New(rand.NewPCG(uint64(seed), 1))}
		var p progress
		ops, crashes := 0, 0
		fsys := memFS{FS: c.mem}
		fsys.after = func() {
			ops++
			for _, percent := range percents {
				if t.Failed() {
					return // not Fatal: this need not be the goroutine of the test
				}
				crashes++
				left := c.clone(percent)
				e, err := survives(testDir(memFS{FS: left}), p)
				if err == nil && ops%37 == 0 {
					err = goOn(left, e)
				}
				if err == nil && ops%151 == 0 {
					var n int
					n, err = crashInRecovery(c, percent, p)
					crashes += n
				}
				if err != nil {
					t.Errorf("seed %d, operation %d, %d %% of what was not synced: %v", seed, ops, percent, err)
				}
			}
		}
		m := model{agg: map[int64]int64{}}
		l := mustOpen(t, testDir(fsys))
		for m.epoch < 50 {
			// The sinks are three epochs behind; what they note may be lost.
			if m.epoch > 3 {
				p.published = m.epoch - 3
				if err := publish(l, p.published); err != nil {
					t.Fatal(err)
				}
			}
			if err := m.step(l); err != nil || t.Failed() {
				t.Fatal(err)
			}
			p.committed = m.epoch
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("seed %d: %d operations, %d crashes", seed, ops, crashes)
	}
}

// goOn works on with what a crash has left.
func goOn(left *vfs.MemFS, e arrowstream.Epoch) error {
	d := testDir(memFS{FS: left})
	l, err := d.Open(context.Background(), testJob())
	if err != nil {
		return err
	}
	m := modelAt(e)
	for _, u := range l.Start().Unpublished {
		err = errors.Join(err, l.Published(u.Sink, u.Commit.Epoch))
	}
	for err == nil && m.epoch < e+8 {
		if err = m.step(l); err == nil {
			err = publish(l, m.epoch)
		}
	}
	if err := errors.Join(err, l.Close()); err != nil {
		return err
	}
	_, err = survives(d, progress{e + 8, e + 8})
	return err
}

// crashInRecovery crashes again after every operation of the recovery.
func crashInRecovery(c crashing, percent int, p progress) (crashes int, first error) {
	again := crashing{c.clone(percent), c.rng}
	fsys := memFS{FS: again.mem}
	fsys.after = func() {
		crashes++
		if _, err := survives(testDir(memFS{FS: again.clone(percent)}), p); err != nil && first == nil {
			first = fmt.Errorf("crash %d in the recovery: %w", crashes, err)
		}
	}
	_, err := survives(testDir(fsys), p)
	return crashes, errors.Join(first, err)
}

var errInjected = errors.New("injected")

// failing is a file system of which the operations from the first to the last
// given, counted from 0, fail. n counts them.
func failing(mem vfs.FS, first, last int, n *int) memFS {
	fsys := errorfs.Wrap(mem, errorfs.InjectorFunc(func(errorfs.Op) error {
		i := *n
		*n++
		if i >= first && i <= last {
			return errInjected
		}
		return nil
	}))
	return memFS{FS: fsys, unlocked: true}
}

// attempt runs a job until something fails.
func attempt(d Dir, last arrowstream.Epoch) (p progress, err error) {
	l, err := d.Open(context.Background(), testJob())
	if err != nil {
		return p, err
	}
	e, err := check(l, columnar.Pool)
	m := modelAt(e)
	p.committed = e
	for err == nil && m.epoch < last {
		if m.epoch > 3 {
			p.published = m.epoch - 3
			err = publish(l, p.published)
		}
		if err == nil {
			if err = m.step(l); err == nil {
				p.committed = m.epoch
			}
		}
	}
	if err != nil && errors.Is(err, errInjected) {
		m.epoch = p.committed
		if again := m.step(l); again == nil {
			err = errors.New("a commit succeeds after an error")
		}
	}
	return p, errors.Join(err, l.Close())
}

func TestEveryOperationFails(t *testing.T) {
	const last = 12
	for first := 0; ; first++ {
		mem, n := vfs.NewMem(), 0
		p, err := attempt(testDir(failing(mem, first, first, &n)), last)
		switch {
		case err == nil && p.committed != last:
			t.Fatalf("operation %d: no error, but epoch %d", first, p.committed)
		case err != nil && !errors.Is(err, errInjected):
			t.Fatalf("operation %d: %v", first, err)
		case err != nil && code(err) != "AS5007":
			t.Fatalf("operation %d: %v has no code", first, err)
		}
		if _, err := survives(testDir(memFS{FS: mem, unlocked: true}), p); err != nil {
			t.Fatalf("operation %d, reopened: %v", first, err)
		}
		if n <= first {
			t.Logf("%d operations", n)
			break
		}
	}
}

// TestKillThenPowerLoss ends a process at every operation, lets another one go
// on with what the first has left in memory, and then takes the power away:
// what the second relies on must be on the disk although the first wrote it.
func TestKillThenPowerLoss(t *testing.T) {
	const killed = 4
	for first := 0; ; first++ {
		mem, n := vfs.NewCrashableMem(), 0
		p, err := attempt(testDir(failing(mem, first, 1<<30, &n)), killed)
		if n <= first {
			t.Logf("%d operations", n)
			break
		}
		if err == nil {
			t.Fatalf("killed at operation %d, and no error", first)
		}
		// The first left epochs on the disk or only in memory.
		d := testDir(memFS{FS: mem, unlocked: true})
		second, err := attempt(d, p.committed+2)
		if err != nil {
			t.Fatalf("killed at operation %d, second process: %v", first, err)
		}
		p = progress{second.committed, max(p.published, second.published)}
		c := crashing{mem: mem}
		if _, err := survives(testDir(memFS{FS: c.clone(0)}), p); err != nil {
			t.Fatalf("killed at operation %d, then no power: %v", first, err)
		}
	}
}
