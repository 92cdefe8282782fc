package state

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// commitsOf are the epochs that the log of a store keeps.
func commitsOf(l *epochLog) (epochs []arrowstream.Epoch) {
	for _, n := range l.index.commits {
		epochs = append(epochs, n.epoch)
	}
	return epochs
}

func TestWhatIsKept(t *testing.T) {
	mem := vfs.NewMem()
	d := testDir(memFS{FS: mem})
	clock := &testClock{time.Unix(1_700_000_000, 0)}
	d.Clock, d.RetainCommits, d.RetainAge = clock, 4, time.Hour
	l := mustOpen(t, d)
	m := model{agg: map[int64]int64{}}
	steps := func(last arrowstream.Epoch) {
		t.Helper()
		for m.epoch < last {
			if err := errors.Join(m.step(l), publish(l, m.epoch)); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func(what string, epochs ...arrowstream.Epoch) {
		t.Helper()
		if got := commitsOf(l); !slices.Equal(got, epochs) {
			t.Errorf("%s: kept %v, want %v", what, got, epochs)
		}
	}
	steps(3)
	want("few", 1, 2, 3)
	// The deltas of 9 to 12 build on the snapshot of 11, those of 9 and 10 on
	// that of 1.
	steps(12)
	want("deltas", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	steps(14)
	want("the snapshot of 11", 11, 12, 13, 14)
	steps(22)
	want("later", 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22)
	clock.now = clock.now.Add(2 * time.Hour)
	steps(23)
	want("old", 21, 22, 23)
	steps(24)
	// What is not published stays.
	if err := m.step(l); err != nil { // 25 has rows for out
		t.Fatal(err)
	}
	steps(45)
	want("unpublished", 25, 41, 42, 43, 44, 45)
	for _, name := range filesOf(t, mem, d.at(outboxDir)) {
		if e, _, _ := parseName(filepath.Base(name), arrowsSuffix); e != 25 && e != 45 {
			t.Errorf("%s is published and still there", name)
		}
	}
	if err := publish(l, 25); err != nil {
		t.Fatal(err)
	}
	steps(46)
	want("published", 41, 42, 43, 44, 45, 46)
	// Only files of commits that are kept are there.
	for _, name := range filesOf(t, mem, d.at(stateDir)) {
		e, _, ok := parseName(filepath.Base(name), arrowsSuffix)
		if !ok || !slices.Contains(commitsOf(l), arrowstream.Epoch(e)) {
			t.Errorf("%s belongs to no commit", name)
		}
	}
	l.Close()
}

func TestSegmentsRoll(t *testing.T) {
	mem := vfs.NewMem()
	d := testDir(memFS{FS: mem})
	d.SegmentBytes = 8 << 10
	l := mustOpen(t, d)
	m := model{agg: map[int64]int64{}}
	if err := m.work(l, 100, nil); err != nil {
		t.Fatal(err)
	}
	if l.frames.(*segmentLog).number < 3 {
		t.Errorf("segment %d after 100 epochs", l.frames.(*segmentLog).number)
	}
	d.Clock.(*testClock).now = time.Unix(1_700_000_000, 0).Add(25 * time.Hour)
	before := l.frames.(*segmentLog).number
	if err := m.work(l, 102, nil); err != nil {
		t.Fatal(err)
	}
	if l.frames.(*segmentLog).number != before+1 {
		t.Errorf("segment %d after a day, was %d", l.frames.(*segmentLog).number, before)
	}
	if files := filesOf(t, mem, d.at(logDir)); len(files) != 1 {
		t.Errorf("segments %v", files)
	}
	l.Close()
	if e, err := reopened(d, columnar.Pool); e != 102 || err != nil {
		t.Fatalf("epoch %d, %v", e, err)
	}
}

// TestStrays opens a store with files that a dead process has left, and with
// some that are not of a store.
func TestStrays(t *testing.T) {
	mem, d := written(t, 5, false)
	strays := []string{
		"state/all/0000000006-1.list.snap.arrows", "state/all/0000000003-9.list.snap.arrows", "outbox/out/0000000006-1.arrows",
		"outbox/out/0000000007-1.arrows", "log/0000000002-1.log.inprogress", "MANIFEST.inprogress",
	}
	foreign := []string{"notes.txt", "state/all/copy.arrows", "state/README", "log/0000000001.log"}
	for _, name := range slices.Concat(strays, foreign) {
		if err := writeFile(d.FS, d.at(name), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if e, err := reopened(d, columnar.Pool); e != 5 || err != nil {
		t.Fatalf("epoch %d, %v", e, err)
	}
	files := filesOf(t, mem, d.Path)
	for _, name := range strays {
		if slices.Contains(files, d.at(name)) {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range foreign {
		if !slices.Contains(files, d.at(name)) {
			t.Errorf("%s is gone", name)
		}
	}
}

// TestLogCutShort puts back a log from before: files of later epochs tell.
func TestLogCutShort(t *testing.T) {
	mem := vfs.NewMem()
	d := testDir(memFS{FS: mem})
	d.SegmentBytes = 1 << 20
	l := mustOpen(t, d)
	m := model{agg: map[int64]int64{}}
	if err := m.work(l, 4, nil); err != nil {
		t.Fatal(err)
	}
	name := filesOf(t, mem, d.at(logDir))[0]
	old := slices.Clone(contents(t, mem, name))
	if err := m.work(l, 6, nil); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := writeFile(d.FS, name, old); err != nil {
		t.Fatal(err)
	}
	_, err := reopened(d, columnar.Pool)
	wantCode(t, err, "AS5003", "it ends with epoch 4, but there is 0000000006-1.", "the newest that is whole is 4")
}

// TestLogOfAnotherJob puts the log of another store in place.
func TestLogOfAnotherJob(t *testing.T) {
	mem, d := written(t, 4, true)
	other, _ := written(t, 4, true)
	name := filesOf(t, mem, d.at(logDir))[0]
	if err := writeFile(d.FS, name, contents(t, other, name)); err != nil {
		t.Fatal(err)
	}
	_, err := reopened(d, columnar.Pool)
	wantCode(t, err, "AS5003", "it is of the job ", ", MANIFEST is of ")
}

// TestFullDisk writes until the disk is full, and goes on when there is room.
func TestFullDisk(t *testing.T) {
	for _, full := range []string{"/log/", "/all/", "/out/"} {
		mem := vfs.NewMem()
		on := false
		fsys := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			_, err := mem.Stat("/job/state/RESERVE")
			if on && err == nil && (op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpCreate) && strings.Contains(op.Path, full) {
				return syscall.ENOSPC
			}
			return nil
		}))
		d := testDir(memFS{FS: fsys})
		l := mustOpen(t, d)
		m := model{agg: map[int64]int64{}}
		if err := m.work(l, 6, nil); err != nil {
			t.Fatal(err)
		}
		on = true
		err := m.step(l)
		wantCode(t, err, "AS5007", "no space left", "goes on from its last commit when there is room")
		if full == "/all/" && !strings.Contains(err.Error(), "takes up to 1048") {
			t.Errorf("%v does not say how much room", err)
		}
		if again := m.step(l); !errors.Is(again, syscall.ENOSPC) {
			t.Fatalf("the next commit: %v", again)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		s, bad := readSegment(contents(t, mem, filesOf(t, mem, d.at(logDir))[0]))
		if bad != nil || s.frames[len(s.frames)-1].kind != frameClose {
			t.Errorf("%s: the log has no last word: %v", full, bad)
		}
		if e, err := reopened(testDir(memFS{FS: mem}), columnar.Pool); e != 6 || err != nil {
			t.Fatalf("%s: epoch %d, %v", full, e, err)
		}
		if size, err := d.FS.Size(d.at(reserveName)); size != d.Reserve || err != nil {
			t.Errorf("%s: the reserve has %d bytes, %v", full, size, err)
		}
	}
}

// TestStates stores states of every shape and gets the same back.
func TestStates(t *testing.T) { eachStore(t, keepsStates) }

func keepsStates(t *testing.T, d arrowstream.StateStore) {
	mem := columnartest.Allocator(t)
	text := "i:int64 s:utf8 v:float64 d:dict ok:bool\n1 a 1.5 x true\nnull \"b c\" NaN y false\n-3 null -0 x null\n4 \"\" 1e300 null true"
	all := columnartest.Batch(t, mem, text)
	sliced := all.NewSlice(1, 4)
	defer sliced.Release()
	empty := all.NewSlice(2, 2)
	defer empty.Release()
	// It becomes a fraction of its size on the disk.
	same := pair(stageSchema, make([]int64, 50_000), make([]int64, 50_000))
	defer same.Release()
	want := []arrowstream.State{{"all": all, "sliced": sliced, "a/b": empty}, {}, {"all": empty, "same": same}, nil}

	l := mustOpen(t, d)
	for i, s := range want {
		err := l.Commit(t.Context(), arrowstream.Commit{Epoch: arrowstream.Epoch(i + 1)}, []arrowstream.StageState{{UID: "all", Delta: i > 0, State: s}})
		if err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	l = mustOpen(t, d)
	defer l.Close()
	got, err := load(t.Context(), l, mem, "all")
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d states, %v", len(got), err)
	}
	for i := range want {
		if len(got[i]) != len(want[i]) {
			t.Errorf("state %d has %d batches, want %d", i, len(got[i]), len(want[i]))
		}
		for name, b := range want[i] {
			if g := got[i][name]; g == nil || columnartest.Text(g) != columnartest.Text(b) {
				t.Errorf("state %d, %s: got %v", i, name, g)
			}
		}
		got[i].Release()
	}
	if start := l.Start(); start.Last.Driver != nil || start.Last.Sinks != nil || start.Unpublished != nil {
		t.Errorf("start %+v", start)
	}
}

// TestOrderOfCommits checks what a store does not take.
func TestOrderOfCommits(t *testing.T) {
	for name, f := range map[string]func(l *epochLog) error{
		"an epoch left out": func(l *epochLog) error { return l.Commit(context.Background(), arrowstream.Commit{Epoch: 2}, nil) },
		"an epoch twice": func(l *epochLog) error {
			err := l.Commit(context.Background(), arrowstream.Commit{Epoch: 1}, nil)
			if err != nil {
				return nil
			}
			return l.Commit(context.Background(), arrowstream.Commit{Epoch: 1}, nil)
		},
		"a stage nobody knows": func(l *epochLog) error {
			return l.Commit(context.Background(), arrowstream.Commit{Epoch: 1}, []arrowstream.StageState{{UID: "?"}})
		},
		"a stage twice": func(l *epochLog) error {
			return l.Commit(context.Background(), arrowstream.Commit{Epoch: 1}, []arrowstream.StageState{{UID: "all"}, {UID: "all"}})
		},
		"a long record": func(l *epochLog) error {
			return l.Commit(context.Background(), arrowstream.Commit{Epoch: 1, Driver: make([]byte, maxPayload)}, nil)
		},
		"cancelled": func(l *epochLog) error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return l.Commit(ctx, arrowstream.Commit{Epoch: 1}, nil)
		},
		"rows of another schema": func(l *epochLog) error {
			a, b := pair(sinkSchema, []int64{1}, []int64{1}), pair(stageSchema, []int64{1}, []int64{1})
			defer a.Release()
			defer b.Release()
			if err := l.Outbox("out", 1).Append(a); err != nil {
				return nil
			}
			return l.Outbox("out", 1).Append(b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, d arrowstream.StateStore) {
				l := mustOpen(t, d)
				err := f(l)
				if err == nil {
					t.Fatal("no error")
				}
				if again := l.Commit(t.Context(), arrowstream.Commit{Epoch: 1}, nil); again == nil || again.Error() != err.Error() {
					t.Errorf("the next commit: %v, first error %v", again, err)
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				if err := l.Commit(t.Context(), arrowstream.Commit{Epoch: 1}, nil); err == nil {
					t.Error("a closed store takes a commit")
				}
			})
		})
	}
}

// TestRowsEndEarly reads a part of an outbox.
func TestRowsEndEarly(t *testing.T) { eachStore(t, rowsEndEarly) }

func rowsEndEarly(t *testing.T, d arrowstream.StateStore) {
	mem := columnartest.Allocator(t)
	l := mustOpen(t, d)
	defer l.Close()
	b := pair(sinkSchema, []int64{1, 2}, []int64{3, 4})
	defer b.Release()
	for range 3 {
		if err := l.Outbox("out", 1).Append(b); err != nil {
			t.Fatal(err)
		}
	}
	for range l.Outbox("out", 1).Rows(mem) {
		t.Fatal("rows before the commit")
	}
	if err := l.Commit(t.Context(), arrowstream.Commit{Epoch: 1, Sinks: map[string]arrowstream.SinkCommit{"out": {Rows: 6}}}, nil); err != nil {
		t.Fatal(err)
	}
	n := 0
	for b, err := range l.Outbox("out", 1).Rows(mem) {
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Fatalf("%d batches", n)
	}
	// Rows that come too late change nothing.
	if err := l.Outbox("out", 1).Append(b); err == nil {
		t.Error("an epoch that is committed takes rows")
	}
	for b, err := range l.Outbox("out", 1).Rows(mem) {
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
		n++
	}
	if n != 5 {
		t.Errorf("%d batches, want 3 more", n)
	}
}
