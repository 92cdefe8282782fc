package state

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func TestInspectAStoreAtWork(t *testing.T) {
	d := testDir(memFS{FS: vfs.NewMem()})
	if _, err := d.Inspect(t.Context()); !errors.Is(err, ErrNone) {
		t.Fatalf("no store: %v", err)
	}
	l := mustOpen(t, d)
	defer l.Close()
	m := model{agg: map[int64]int64{}}
	if err := m.work(l, 14, nil); err != nil {
		t.Fatal(err)
	}
	info, err := d.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.ID != l.Start().ID || info.Incarnation != 1 || info.FormatVersion != formatVersion || info.Name != "count" || !strings.HasPrefix(info.Program, "INSERT") {
		t.Errorf("info %+v", info)
	}
	s := info.Stages[0]
	if len(info.Stages) != 2 || s.UID != "agg k" || s.Snapshot != 11 || s.Deltas != 3 || s.Rows < 10 || s.Bytes < 1000 || s.Fields != "k int64 not null, n int64 not null" {
		t.Errorf("stage %+v", s)
	}
	if len(info.Sinks) != 2 || info.Sinks[0].Unpublished != 2 || info.Sinks[1].Unpublished != 2 {
		t.Errorf("sinks %+v", info.Sinks)
	}
	c := info.Commits[len(info.Commits)-1]
	if c.Epoch != 14 || !slices.Equal(c.Unpublished, []string{"files", "out"}) || c.Time.Unix() != 1_700_000_000 {
		t.Errorf("commit %+v", c)
	}
}

// TestInspectWhileEpochsPass reads a store whose job commits a few epochs after
// each operation of the reader.
func TestInspectWhileEpochsPass(t *testing.T) {
	mem := vfs.NewMem()
	d := testDir(memFS{FS: mem})
	d.SegmentBytes = 1 << 20
	l := mustOpen(t, d)
	defer l.Close()
	m := model{agg: map[int64]int64{}}
	reader := testDir(nil)
	reader.FS = memFS{FS: errorfs.Wrap(mem, errorfs.InjectorFunc(func(errorfs.Op) error {
		return m.work(l, m.epoch+3, nil)
	}))}
	for range 5 {
		if _, err := reader.Inspect(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if m.epoch < 50 {
		t.Errorf("only %d epochs passed", m.epoch)
	}
}

func TestStatesOfAStage(t *testing.T) {
	mem := columnartest.Allocator(t)
	_, d := written(t, 12, true)
	var got []string
	for b, err := range d.States(t.Context(), "agg k", mem) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b.Name)
		if b.Delta != (b.Epoch == 12) || b.Batch.NumRows() == 0 {
			t.Errorf("%+v", b)
		}
		b.Batch.Release()
	}
	if want := []string{"", "groups", "", "groups"}; !slices.Equal(got, want) {
		t.Errorf("batches %q, want %q", got, want)
	}
	for b, err := range d.States(t.Context(), "agg k", mem) {
		if err == nil {
			b.Batch.Release()
		}
		break
	}
	for _, err := range d.States(t.Context(), "nobody", mem) {
		if err == nil || !strings.Contains(err.Error(), `no stage "nobody"`) {
			t.Errorf("%v", err)
		}
	}
}

func TestVerify(t *testing.T) {
	mem, d := written(t, 12, false)
	c, err := d.Verify(t.Context())
	if err != nil || c.Last != 12 || c.Whole != 12 || len(c.Damaged) != 0 || c.Files < 20 || c.Torn != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, name := range filesOf(t, mem, d.Path) {
		whole := contents(t, mem, name)
		bad := slices.Clone(whole)
		bad[len(bad)/2] ^= 1
		if err := writeFile(d.FS, name, bad); err != nil {
			t.Fatal(err)
		}
		c, err := d.Verify(t.Context())
		named := false
		for _, f := range d.mustNames(t) {
			named = named || d.at(f.name) == name
		}
		switch {
		case strings.HasSuffix(name, arrowsSuffix) && named:
			if err != nil || len(c.Damaged) != 1 || c.Damaged[0].File != name {
				t.Errorf("%s: %+v, %v", name, c, err)
			}
		case strings.HasSuffix(name, arrowsSuffix), strings.HasSuffix(name, reserveName), strings.HasSuffix(name, lockName):
			if err != nil || len(c.Damaged) != 0 {
				t.Errorf("%s: %+v, %v", name, c, err)
			}
		case code(err) != "AS5003":
			t.Errorf("%s: %v", name, err)
		}
		if err := writeFile(d.FS, name, whole); err != nil {
			t.Fatal(err)
		}
	}
	b := contents(t, mem, filesOf(t, mem, d.at(logDir))[0])
	if err := writeFile(d.FS, filesOf(t, mem, d.at(logDir))[0], append(b, "torn"...)); err != nil {
		t.Fatal(err)
	}
	if c, err := d.Verify(t.Context()); err != nil || c.Torn != 4 {
		t.Errorf("a torn end: %+v, %v", c, err)
	}
}

// mustNames are the files that the commits of a store name.
func (d Dir) mustNames(t *testing.T) (list []file) {
	_, r, err := d.withDefaults().look()
	if err != nil {
		return nil
	}
	for _, n := range r.commits {
		list = append(list, n.files()...)
	}
	return list
}

// TestVerifyWhatIsKept verifies a store, at work and reopened, that has forgotten
// most of its epochs.
func TestVerifyWhatIsKept(t *testing.T) {
	mem := vfs.NewMem()
	d := testDir(memFS{FS: mem, unlocked: true})
	d.SegmentBytes = 1 << 20
	l := mustOpen(t, d)
	m := model{agg: map[int64]int64{}}
	for last := arrowstream.Epoch(40); last <= 60; last += 20 {
		if err := m.work(l, last, nil); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			c, err := d.Verify(t.Context())
			if err != nil || len(c.Damaged) != 0 || c.Whole != last || c.Commits > 20 {
				t.Fatalf("epoch %d: %+v, %v", last, c, err)
			}
			l.Close()
			l = mustOpen(t, d)
			if got, _ := d.Verify(t.Context()); got.Commits != c.Commits {
				t.Errorf("%d commits after a start, %d before", got.Commits, c.Commits)
			}
		}
		for _, u := range l.Start().Unpublished {
			if err := l.Published(u.Sink, u.Commit.Epoch); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.Close()
}

func TestSavepoint(t *testing.T) {
	mem, d := written(t, 12, true)
	before := len(filesOf(t, mem, d.Path))
	for _, name := range []string{"", ".", "a/b", "x.inprogress", "ü"} {
		if _, _, err := d.Savepoint(t.Context(), name); err == nil {
			t.Errorf("%q is the name of a savepoint", name)
		}
	}
	if got := len(filesOf(t, mem, d.Path)); got != before {
		t.Errorf("%d files, were %d", got, before)
	}
	path, e, err := d.Savepoint(t.Context(), "v1")
	if err != nil || e != 12 || path != "/job/state/savepoints/v1" {
		t.Fatalf("%s, %d, %v", path, e, err)
	}
	if _, _, err := d.Savepoint(t.Context(), "v1"); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("the same again: %v", err)
	}
	// The job goes on until nothing of epoch 12 is left.
	l := mustOpen(t, d)
	for _, u := range l.Start().Unpublished {
		if err := l.Published(u.Sink, u.Commit.Epoch); err != nil {
			t.Fatal(err)
		}
	}
	m := modelAt(12)
	if err := m.work(l, 40, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Savepoint(t.Context(), "v2"); err != nil && code(err) != "AS5002" {
		t.Errorf("a savepoint of a store at work: %v", err)
	}
	l.Close()
	info, err := d.Inspect(t.Context())
	if err != nil || !slices.Equal(info.Savepoints, []string{"v1"}) && !slices.Equal(info.Savepoints, []string{"v1", "v2"}) {
		t.Errorf("savepoints %v, %v", info.Savepoints, err)
	}
	// The savepoint is a store as it was at epoch 12.
	d.Path = path
	if c, err := d.Verify(t.Context()); err != nil || len(c.Damaged) > 0 || c.Whole != 12 {
		t.Errorf("verify: %+v, %v", c, err)
	}
	if e, err := reopened(d, columnar.Pool); err != nil || e != 12 {
		t.Fatalf("epoch %d, %v", e, err)
	}
	l = mustOpen(t, d)
	n := 0
	for _, u := range l.Start().Unpublished {
		n++
		if u.Commit.Epoch < 10 {
			t.Errorf("epoch %d of %s is to be published", u.Commit.Epoch, u.Sink)
		}
	}
	if n != 4 {
		t.Errorf("%d publications are left", n)
	}
	l.Close()
}

func TestSavepointFails(t *testing.T) {
	for first := 0; ; first++ {
		mem, d := written(t, 12, true)
		n := 0
		d.FS = failing(mem, first, first, &n)
		_, _, err := d.Savepoint(t.Context(), "v1")
		if n <= first {
			break
		}
		if err != nil && !errors.Is(err, errInjected) {
			t.Fatalf("operation %d: %v", first, err)
		}
		d.FS = memFS{FS: mem, unlocked: true}
		if err != nil {
			if _, _, err := d.Savepoint(t.Context(), "v1"); err != nil && !strings.Contains(err.Error(), "already") {
				t.Fatalf("operation %d, again: %v", first, err)
			}
		}
		d.Path = d.at("savepoints/v1")
		if e, err := reopened(d, columnar.Pool); err != nil || e != 12 {
			t.Fatalf("operation %d: epoch %d, %v", first, e, err)
		}
	}
}

func TestUpgrade(t *testing.T) {
	mem, d := written(t, 5, true)
	if from, to, err := d.Upgrade(); err != nil || from != formatVersion || to != formatVersion {
		t.Fatalf("%d, %d, %v", from, to, err)
	}
	m, err := parseManifest(contents(t, mem, d.at(manifestName)))
	if err != nil {
		t.Fatal(err)
	}
	// A later program has written the store.
	m.FormatVersion, m.MinReaderVersion = formatVersion+1, formatVersion+1
	if err := d.withDefaults().writeManifest(m); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"open":    func() error { _, err := d.Open(t.Context(), testJob()); return err },
		"inspect": func() error { _, err := d.Inspect(t.Context()); return err },
		"upgrade": func() error { _, _, err := d.Upgrade(); return err },
	} {
		err := f()
		if code(err) != "AS5004" || !strings.Contains(err.Error(), "format version 2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// One that this program may still read.
	m.MinReaderVersion = formatVersion
	if err := d.withDefaults().writeManifest(m); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if e, err := reopened(d, columnar.Pool); err != nil || e != 5 {
			t.Fatalf("epoch %d, %v", e, err)
		}
	}
}
