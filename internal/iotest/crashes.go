package iotest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// crashes runs jobs that crash at every change of the disk, and the process
// after it at another one, until a run gets through.
func (s EpochSink) crashes(t *testing.T) {
	for age, stride := range map[time.Duration]int{1: 3, 3 * time.Second: 1, time.Hour: 5} {
		for n, done := 0, false; !done; n += stride {
			dir := filepath.Join(t.TempDir(), "out") + "/"
			j := s.job(t, dir, jobA, 8, age)
			j.commitAll = n%2 == 0
			if n%3 == 0 {
				j.opts.RollSize = 40
			}
			err := j.run(crashAt(n))
			if done = err == nil; !done {
				if !errors.Is(err, ErrCrash) {
					t.Fatalf("step %d: %v", n, err)
				}
				j.check()
				j.tear()
				if err := j.run(crashAt((n*7)%31 + 1)); err != nil && !errors.Is(err, ErrCrash) {
					t.Fatalf("step %d: %v", n, err)
				}
				j.check()
				j.tear()
				if err := j.run(nil); err != nil {
					t.Fatalf("step %d: %v", n, err)
				}
			}
			j.checkEnd()
			s.manifest(t, dir, j)
			if n > 2000 {
				t.Fatal("the crashes do not end")
			}
		}
	}
}

// tear appends to every hidden file what a crash or a zombie may leave there.
func (j *epochJob) tear() {
	for _, name := range list(j.t, j.path) {
		if !strings.HasSuffix(name, ".inprogress") {
			continue
		}
		f, err := os.OpenFile(filepath.Join(j.path, name), os.O_APPEND|os.O_WRONLY, 0)
		if err == nil && j.open(name) {
			_, err = f.WriteString("torn")
		}
		if err := errors.Join(err, f.Close()); err != nil {
			j.t.Fatal(err)
		}
	}
}

// open reports whether the last commit has a file open, rather than finished.
func (j *epochJob) open(name string) bool {
	if len(j.commits) == 0 {
		return true
	}
	for _, c := range j.commits {
		before, _, _ := strings.Cut(string(c.Sinks["out"].Prepared), `"open"`)
		if before, _, _ := strings.Cut(before, `"drop"`); strings.Contains(before, strings.TrimSuffix(name[1:], ".inprogress")) {
			return false
		}
	}
	return true
}

// single writes one file, which appears at the end.
func (s EpochSink) single(t *testing.T) {
	for n := 0; ; n++ {
		path := filepath.Join(t.TempDir(), "out"+s.Extension)
		j := s.job(t, path, jobA, 6, 0)
		err := j.run(crashAt(n))
		if err != nil {
			if _, err := os.Stat(path); err == nil && len(j.commits) < j.last {
				t.Fatal("the file is there before its end")
			}
			if err := j.run(nil); err != nil {
				t.Fatalf("step %d: %v", n, err)
			}
		}
		j.checkEnd()
		if got := list(t, filepath.Dir(path)); len(got) != 1 {
			t.Fatalf("files %q", got)
		}
		if err == nil {
			break
		}
	}
	sink := s.New(filepath.Join(t.TempDir(), "out"+s.Extension), EpochOptions{})
	if err := sink.Bind(Schema(t, epochSchema), arrowstream.Env{Allocator: columnar.Pool, Name: "out"}); err != nil {
		t.Fatal(err)
	}
	var bad *arrowstream.Error
	err := sink.Resume(t.Context(), arrowstream.Start{ID: jobA, Unbounded: true}, nil)
	if !errors.As(err, &bad) || bad.Code != "AS1504" || !strings.Contains(bad.Hint, "directory") {
		t.Errorf("one file of input without end: %v", err)
	}
}

// twoJobs write into one directory; one crashes.
func (s EpochSink) twoJobs(t *testing.T) {
	dir := t.TempDir() + "/"
	a, b := s.job(t, dir, jobA, 7, 3*time.Second), s.job(t, dir, jobB, 7, 4*time.Second)
	foreign := []string{".part-x.inprogress", "keep" + s.Extension + ".txt", ".part-" + jobB[:8] + "-x-0" + s.Extension + ".inprogress"}
	for _, name := range foreign {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(a.start(nil))
	do(b.start(nil))
	for e := 1; e <= 7; e++ {
		if e == 3 || e == 5 {
			do(a.write(e)) // and crashes
			a.live.(arrowstream.Aborter).Abort(ErrCrash)
			do(a.start(nil))
		}
		do(a.epoch())
		do(b.epoch())
	}
	do(a.live.Close())
	do(b.live.Close())
	got, want := a.visible(), append(a.want(7), b.want(7)...)
	slices.Sort(got)
	slices.Sort(want)
	EqualRows(t, got, want)
	s.manifestWithout(t, dir, foreign, a, b)
}

func (s EpochSink) manifestWithout(t *testing.T, dir string, foreign []string, jobs ...*epochJob) {
	t.Helper()
	for _, name := range foreign {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "mine" {
			t.Errorf("%s was touched: %q %v", name, text, err)
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s.manifest(t, dir, jobs...)
}

// twoSinks of a job write into one directory.
func (s EpochSink) twoSinks(t *testing.T) {
	dir := t.TempDir() + "/"
	a, b := s.job(t, dir, jobA, 5, 2*time.Second), s.job(t, dir, jobA, 5, 3*time.Second)
	for _, j := range []*epochJob{a, b} {
		if err := j.start(nil); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		for _, j := range []*epochJob{a, b} {
			if err := j.epoch(); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, want := a.visible(), append(a.want(5), b.want(5)...)
	slices.Sort(got)
	slices.Sort(want)
	EqualRows(t, got, want)
	for _, j := range []*epochJob{a, b} {
		if err := j.live.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// zombie goes on with a process that another has taken over from.
func (s EpochSink) zombie(t *testing.T) {
	for stop := 1; stop < 6; stop++ {
		dir := t.TempDir() + "/"
		j := s.job(t, dir, jobA, 7, 3*time.Second)
		if err := j.start(nil); err != nil {
			t.Fatal(err)
		}
		for range stop {
			if err := j.epoch(); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.write(stop + 1); err != nil {
			t.Fatal(err)
		}
		old := j.live
		if err := j.start(nil); err != nil {
			t.Fatal(err)
		}
		if err := j.epoch(); err != nil {
			t.Fatal(err)
		}
		// The old process wakes: it may fail, and hurt nothing.
		b := columnartest.Batch(t, columnar.Pool, epochSchema+"\n666 zombie\n")
		_ = old.Write(context.Background(), b)
		_, _ = old.Prepare(context.Background(), arrowstream.Epoch(stop+1))
		old.(arrowstream.Aborter).Abort(ErrCrash)
		_ = old.Close()
		for len(j.commits) < j.last {
			if err := j.epoch(); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.live.Close(); err != nil {
			t.Fatal(err)
		}
		EqualRows(t, j.visible(), j.want(j.last))
		s.manifest(t, dir, j)
	}
}

// overlap commits an epoch while the next ones are written.
func (s EpochSink) overlap(t *testing.T) {
	dir := t.TempDir() + "/"
	j := s.job(t, dir, jobA, 9, 1)
	if err := j.start(nil); err != nil {
		t.Fatal(err)
	}
	committed := make(chan error, 1)
	committed <- nil
	for e := 1; e <= j.last; e++ {
		j.now = j.now.Add(time.Second)
		if err := j.write(e); err != nil {
			t.Fatal(err)
		}
		if e == j.last {
			if err := j.live.Conclude(t.Context(), true); err != nil {
				t.Fatal(err)
			}
		}
		prepared, err := j.live.Prepare(t.Context(), arrowstream.Epoch(e))
		if err := errors.Join(err, <-committed); err != nil {
			t.Fatal(err)
		}
		go func() { committed <- j.live.Commit(context.Background(), arrowstream.Epoch(e), prepared) }()
	}
	if err := errors.Join(<-committed, j.live.Close()); err != nil {
		t.Fatal(err)
	}
	j.checkEnd()
}

// damage changes files that hold committed rows.
func (s EpochSink) damage(t *testing.T) {
	setup := func(age time.Duration) (*epochJob, string) {
		dir := t.TempDir()
		j := s.job(t, dir, jobA, 9, age)
		j.commitAll = false
		if err := j.start(nil); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if err := j.epoch(); err != nil {
				t.Fatal(err)
			}
		}
		j.live.(arrowstream.Aborter).Abort(ErrCrash)
		for _, name := range list(t, dir) {
			if strings.HasSuffix(name, ".inprogress") {
				return j, filepath.Join(dir, name)
			}
		}
		t.Fatal("nothing is hidden")
		return nil, ""
	}
	refused := func(what string, j *epochJob) {
		t.Helper()
		var bad *arrowstream.Error
		if err := j.start(nil); !errors.As(err, &bad) || bad.Code != "AS5003" {
			t.Errorf("%s: %v", what, err)
		}
		j.live.(arrowstream.Aborter).Abort(ErrCrash)
	}
	for what, change := range map[string]func(path string) error{
		"gone": os.Remove,
		"cut":  func(path string) error { return os.Truncate(path, 3) },
		"a bit": func(path string) error {
			b, err := os.ReadFile(path)
			if err == nil {
				b[len(b)/2] ^= 4
				err = os.WriteFile(path, b, 0o666)
			}
			return err
		},
	} {
		j, path := setup(time.Hour)
		if err := change(path); err != nil {
			t.Fatal(err)
		}
		refused(what, j)
	}
	j, path := setup(1)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refused("finished and gone", j)
	// The output of later epochs than the state knows.
	dir := t.TempDir()
	j = s.job(t, dir, jobA, 3, 1)
	if err := j.run(nil); err != nil {
		t.Fatal(err)
	}
	j.commits, j.published = j.commits[:1], 1
	var bad *arrowstream.Error
	if err := j.start(nil); !errors.As(err, &bad) || bad.Code != "AS5009" || !strings.Contains(err.Error(), "state ends at epoch 1") {
		t.Errorf("old state: %v", err)
	}
}

// durable checks that nothing is named or committed before it is on disk.
func (s EpochSink) durable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b") + "/"
	j := s.job(t, dir, jobA, 8, 3*time.Second)
	dirty := map[string]bool{} // files with unsynced bytes, directories with unsynced names
	if err := j.start(func(op, path string) error {
		up := filepath.Dir(path)
		switch op {
		case "write", "manifest":
			dirty[path] = true
		case "create", "mkdir":
			dirty[up] = true
		case "sync", "syncdir":
			delete(dirty, path)
		case "rename":
			hidden := filepath.Join(up, "."+filepath.Base(path)+".inprogress")
			if dirty[hidden] {
				t.Errorf("%s gets its name before it is durable", path)
			}
			dirty[up] = true
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for len(j.commits) < j.last {
		if err := j.epoch(); err != nil {
			t.Fatal(err)
		}
		for path := range dirty {
			t.Errorf("epoch %d: %s is not durable", len(j.commits), path)
		}
	}
	if err := j.live.Close(); err != nil {
		t.Fatal(err)
	}
}

// restarts begins a new process for every epoch: rows become visible all the same.
func (s EpochSink) restarts(t *testing.T) {
	j := s.job(t, t.TempDir()+"/", jobA, 12, 3*time.Second)
	for len(j.commits) < j.last {
		if err := errors.Join(j.start(nil), j.epoch(), j.live.Close()); err != nil {
			t.Fatal(err)
		}
		if e := len(j.commits); len(j.visible()) < len(j.want(e-4)) {
			t.Fatalf("epoch %d: %q are visible", e, j.visible())
		}
	}
	j.checkEnd()
}

// waiting asks a process, also one that goes on with a file, whether rows have
// been invisible for long.
func (s EpochSink) waiting(t *testing.T) {
	j := s.job(t, t.TempDir()+"/", jobA, 9, 10*time.Second)
	for range 2 {
		if err := errors.Join(j.start(nil), j.epoch()); err != nil {
			t.Fatal(err)
		}
		if j.live.Waiting() {
			t.Error("rows of a moment wait")
		}
	}
	j.now = j.now.Add(10 * time.Second)
	if !j.live.Waiting() {
		t.Error("rows of ten seconds do not wait")
	}
	if err := j.epoch(); err != nil {
		t.Fatal(err)
	}
	if j.live.Waiting() || len(j.visible()) != len(j.want(3)) {
		t.Errorf("rows wait after they have become visible: %q", j.visible())
	}
	if err := j.live.Close(); err != nil {
		t.Fatal(err)
	}
}

// diskError fails one change of the disk, and not those after it: what follows
// is an error as well.
func (s EpochSink) diskError(t *testing.T) {
	for n := 0; ; n++ {
		j := s.job(t, t.TempDir()+"/", jobA, 4, time.Hour)
		left, failed := n, false
		if err := j.start(func(op, path string) error {
			if left--; left == -1 {
				failed = true
				return ErrCrash
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for len(j.commits) < j.last {
			err := j.epoch()
			if err == nil && failed {
				t.Fatalf("step %d: the error is forgotten", n)
			}
			if failed {
				if _, err := j.live.Prepare(t.Context(), arrowstream.Epoch(len(j.commits)+1)); err == nil && len(j.commits) < j.last {
					t.Fatalf("step %d: an epoch is prepared after an error", n)
				}
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		j.live.(arrowstream.Aborter).Abort(ErrCrash)
		if err := j.live.Close(); err != nil {
			t.Fatal(err)
		}
		if !failed {
			return
		}
		if err := j.run(nil); err != nil {
			t.Fatal(err)
		}
		j.checkEnd()
	}
}
