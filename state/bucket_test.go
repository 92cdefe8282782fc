package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// runBucket commits 50 epochs, with a new start after every 17, and publishes
// three behind.
func runBucket(o *memObjects, p *progress) error {
	m := model{agg: map[int64]int64{}}
	for m.epoch < 50 {
		l, err := testBucket(o).Open(context.Background(), testJob())
		if err != nil {
			return err
		}
		for done := false; !done; done = m.epoch == 50 || m.epoch%17 == 0 {
			if m.epoch > 3 {
				p.published = m.epoch - 3
				if err := publish(l, p.published); err != nil {
					return err
				}
			}
			if err := m.step(l); err != nil {
				return err
			}
			p.committed = m.epoch
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

func TestBucketCrashAfterEveryOperation(t *testing.T) {
	o := newMemObjects()
	var p progress
	crashes, deep := 0, 0
	o.after = func() {
		if t.Failed() {
			return
		}
		crashes++
		left := o.clone()
		again := left.clone()
		if crashes%23 == 0 {
			// It crashes in its recovery as well, after every operation.
			again.after = func() {
				deep++
				if _, err := survives(testBucket(again.clone()), p); err != nil {
					t.Errorf("operation %d, operation %d of the recovery: %v", o.ops, again.ops, err)
				}
			}
		}
		e, err := survives(testBucket(again), p)
		if err == nil {
			// What is there works on, and a second recovery finds it.
			again.after = nil
			m := modelAt(e)
			l, openErr := testBucket(again).Open(t.Context(), testJob())
			if err = openErr; err == nil {
				err = errors.Join(republish(l, max(e, 3)-3), m.work(l, e+4, nil), l.Close())
			}
			if err == nil {
				e, err = reopened(testBucket(again), columnar.Pool)
			}
			if err == nil && e != m.epoch {
				err = fmt.Errorf("epoch %d after working on to %d", e, m.epoch)
			}
		}
		if err != nil {
			t.Errorf("operation %d: %v", o.ops, err)
		}
	}
	if err := runBucket(o, &p); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d crashes, %d more in recoveries", crashes, deep)
	// Everything that is not needed any more is gone.
	if n := len(o.objects); n > 60 {
		t.Errorf("%d objects are left: %v", n, o.names())
	}
}

// TestBucketFaults lets every operation fail in every way. What the store says
// is true: an error ends it, and what it has committed is there.
func TestBucketFaults(t *testing.T) {
	for _, f := range []fault{refused, unanswered, repeated} {
		ops := 1
		for at := 1; at <= ops; at++ {
			o := newMemObjects()
			o.fault = func(op int, what, _ string) fault {
				if op == at && (f != repeated || what == "put") {
					return f
				}
				return well
			}
			var p progress
			err := runBucket(o, &p)
			ops = o.ops
			if f == repeated && err != nil {
				t.Fatalf("operation %d was applied twice: %v", at, err)
			}
			if err != nil && !errors.Is(err, errFault) {
				t.Fatalf("operation %d: %v", at, err)
			}
			if err != nil && code(err) != "AS5007" {
				t.Fatalf("operation %d: code %q of %v", at, code(err), err)
			}
			o.fault = nil
			if _, err := survives(testBucket(o), p); err != nil {
				t.Fatalf("fault %d in operation %d: %v", f, at, err)
			}
			if at > 60 {
				at += 11 // the pattern repeats itself
			}
		}
	}
}

// TestBucketTwoAtOnce lets another process open the store before every operation
// of the first one: after that the first one commits nothing, and the other one
// has all that it has committed.
func TestBucketTwoAtOnce(t *testing.T) {
	ops, fenced := 1, 0
	for at := 1; at <= ops; at++ {
		o := newMemObjects()
		var p progress
		var other arrowstream.EpochLog
		var seen arrowstream.Epoch
		o.fault = func(op int, _, _ string) fault { return well }
		started := false
		o.after = func() {
			if o.ops < at || started {
				return
			}
			started = true
			l, err := testBucket(o).Open(t.Context(), testJob())
			if err != nil {
				t.Errorf("operation %d: %v", at, err)
				return
			}
			other = l
			if s := l.Start(); s.Last != nil {
				seen = s.Last.Epoch
			}
		}
		err := runBucket(o, &p)
		ops = max(ops, o.ops)
		if at == 1 {
			ops = 90
		}
		if other == nil {
			break
		}
		switch {
		case errors.Is(err, arrowstream.ErrFenced), code(err) == "AS5002":
			fenced++
		case err == nil:
			// The first one had ended, or has taken the store back by another start.
			late := modelAt(seen)
			if e := late.step(other); seen < p.committed && !errors.Is(e, arrowstream.ErrFenced) {
				t.Fatalf("operation %d: both went on: %v", at, e)
			}
			continue
		default:
			t.Fatalf("operation %d: %v", at, err)
		}
		if p.committed > seen {
			t.Fatalf("operation %d: epoch %d was committed, the new process has seen %d", at, p.committed, seen)
		}
		m := modelAt(seen)
		if err := errors.Join(republish(other, max(seen, 3)-3), m.work(other, seen+30, nil), other.Close()); err != nil {
			t.Fatalf("operation %d: %v", at, err)
		}
		if e, err := reopened(testBucket(o), columnar.Pool); err != nil || e != seen+30 {
			t.Fatalf("operation %d: epoch %d, %v", at, e, err)
		}
	}
	t.Logf("%d takeovers", fenced)
}

// TestBucketSleeper wakes a process up long after others have removed what was
// in the log then: the fence is still there.
func TestBucketSleeper(t *testing.T) {
	o := newMemObjects()
	m := model{agg: map[int64]int64{}}
	sleeper := mustOpen(t, testBucket(o))
	if err := m.work(sleeper, 5, nil); err != nil {
		t.Fatal(err)
	}
	late := modelAt(5)
	for range 4 {
		l := mustOpen(t, testBucket(o))
		if err := errors.Join(republish(l, m.epoch-3), m.work(l, m.epoch+35, nil), l.Close()); err != nil {
			t.Fatal(err)
		}
	}
	before := o.names()
	if err := late.step(sleeper); !errors.Is(err, arrowstream.ErrFenced) {
		t.Fatalf("the sleeper commits: %v", err)
	}
	for _, name := range o.names() {
		if strings.HasPrefix(name, "log/") && !slices.Contains(before, name) {
			t.Errorf("the sleeper has written %s", name)
		}
	}
	if e, err := reopened(testBucket(o), columnar.Pool); err != nil || e != m.epoch {
		t.Errorf("epoch %d, %v", e, err)
	}
}

func TestBucketWithoutConditions(t *testing.T) {
	o := newMemObjects()
	o.forgetful = true
	_, err := testBucket(o).Open(t.Context(), testJob())
	wantCode(t, err, "AS5007", "mem://job", "written once")
	if len(o.objects) != 0 {
		t.Errorf("%v are left", o.names())
	}
}

// TestBucketDamage changes bytes of every object that counts, cuts it and takes it
// away.
func TestBucketDamage(t *testing.T) {
	o := newMemObjects()
	l := mustOpen(t, testBucket(o))
	m := model{agg: map[int64]int64{}}
	if err := m.work(l, 7, nil); err != nil {
		t.Fatal(err)
	}
	refused := func(what, name string, b []byte) {
		t.Helper()
		left := o.clone()
		if b == nil {
			delete(left.objects, name)
		} else {
			left.objects[name] = b
		}
		e, err := reopened(testBucket(left), columnar.Pool)
		var bad *Damage
		if code(err) != "AS5003" || !errors.As(err, &bad) || !strings.HasPrefix(bad.File, "mem://job/") {
			t.Errorf("%s %s: epoch %d, %v", name, what, e, err)
		}
	}
	for _, name := range o.names() {
		if strings.HasPrefix(name, "state/all/") && !strings.HasPrefix(name, "state/all/0000000007") {
			continue // kept for commits before the last, which none is taken back to
		}
		b := o.objects[name]
		step := 3
		if len(b) > 600 {
			step = 29
		}
		for i := 0; i < len(b); i += step {
			c := bytes.Clone(b)
			c[i] ^= 1 << (i % 8)
			refused(fmt.Sprintf("flipped at %d", i), name, c)
		}
		for n := 1; n < len(b); n += 5 * step {
			refused(fmt.Sprintf("cut to %d", n), name, b[:n])
		}
		refused("removed", name, nil)
	}
}

func (m *memObjects) names() (names []string) {
	for name := range m.objects {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// TestBucketSavepoint goes on from a savepoint, and looks at both.
func TestBucketSavepoint(t *testing.T) {
	o := newMemObjects()
	d := testBucket(o)
	if _, err := d.Inspect(t.Context()); !errors.Is(err, ErrNone) {
		t.Fatalf("an empty bucket: %v", err)
	}
	l := mustOpen(t, d)
	m := model{agg: map[int64]int64{}}
	if err := errors.Join(m.work(l, 14, nil), l.Close()); err != nil {
		t.Fatal(err)
	}
	url, e, err := d.Savepoint(t.Context(), "before")
	if err != nil || e != 14 || url != "mem://job/savepoints/before" {
		t.Fatalf("%s, epoch %d, %v", url, e, err)
	}
	if _, _, err := d.Savepoint(t.Context(), "before"); err == nil {
		t.Error("a savepoint was written over")
	}
	if _, _, err := d.Savepoint(t.Context(), "a/b"); err == nil {
		t.Error("a name with a slash")
	}
	kept := d
	kept.Objects, kept.URL = below{o, "savepoints/before/"}, url
	c, err := kept.Verify(t.Context())
	if err != nil || c.Last != 14 || c.Whole != 14 || len(c.Damaged) != 0 {
		t.Errorf("savepoint %+v, %v", c, err)
	}
	l = mustOpen(t, d)
	if err := errors.Join(republish(l, 11), m.work(l, 40, nil), l.Close()); err != nil {
		t.Fatal(err)
	}
	if e, err := reopened(kept, columnar.Pool); err != nil || e != 14 {
		t.Errorf("epoch %d of the savepoint, %v", e, err)
	}
	info, err := d.Inspect(t.Context())
	if err != nil || info.Incarnation != 2 || len(info.Commits) == 0 || !slices.Equal(info.Savepoints, []string{"before"}) {
		t.Errorf("%+v, %v", info, err)
	}
	rows := 0
	for b, err := range d.States(t.Context(), "agg k", columnar.Pool) {
		if err != nil {
			t.Fatal(err)
		}
		rows += int(b.Batch.NumRows())
		b.Batch.Release()
	}
	if rows == 0 {
		t.Error("no rows of a stage")
	}
	if diff, err := d.Diff(t.Context(), testJob()); err != nil || !diff.Same() {
		t.Errorf("diff %v, %v", diff, err)
	}
}
