package iotest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// EpochSink is a sink of files under [Epochs].
type EpochSink struct {
	// New makes a sink that writes rows of x:int64 and s:utf8.
	New func(path string, o EpochOptions) arrowstream.Concluder
	// Source reads what it wrote.
	Source func(path string) arrowstream.Source
	// Extension of the files in a directory.
	Extension string
}

// EpochOptions are what the tests set.
type EpochOptions struct {
	RollSize int64
	RollAge  time.Duration
	Clock    arrowstream.Clock
	Before   func(op, path string) error
}

// Epochs tests that a sink keeps the contract of [arrowstream.Committer].
func Epochs(t *testing.T, s EpochSink) {
	t.Run("names", func(t *testing.T) { s.names(t) })
	t.Run("crash at every step", func(t *testing.T) { s.crashes(t) })
	t.Run("one file", func(t *testing.T) { s.single(t) })
	t.Run("two jobs", func(t *testing.T) { s.twoJobs(t) })
	t.Run("two sinks of a job", func(t *testing.T) { s.twoSinks(t) })
	t.Run("zombie", func(t *testing.T) { s.zombie(t) })
	t.Run("commit while writing", func(t *testing.T) { s.overlap(t) })
	t.Run("damage", func(t *testing.T) { s.damage(t) })
	t.Run("order of syncs", func(t *testing.T) { s.durable(t) })
	t.Run("age over restarts", func(t *testing.T) { s.restarts(t) })
	t.Run("stop", func(t *testing.T) { s.stopped(t) })
	t.Run("waiting", func(t *testing.T) { s.waiting(t) })
	t.Run("disk error", func(t *testing.T) { s.diskError(t) })
	t.Run("no rows", func(t *testing.T) { s.empty(t) })
}

// epochJob plays the runtime and its store: it writes epochs of rows through
// processes that crash.
type epochJob struct {
	t    *testing.T
	sink EpochSink
	path string
	id   string
	opts EpochOptions
	last int // epoch in which the input ends
	stop int // epoch after which a process is stopped

	now       time.Time
	commits   []arrowstream.Commit
	published int // how many of them are known to be published
	live      arrowstream.Concluder
	commitAll bool // publish at once
}

const epochSchema = "x:int64 s:utf8"

func (s EpochSink) job(t *testing.T, path, id string, last int, age time.Duration) *epochJob {
	return &epochJob{t: t, sink: s, path: path, id: id, last: last, opts: EpochOptions{RollAge: age}, now: time.Unix(1e9, 0), commitAll: true}
}

// Now implements [arrowstream.Clock]: an epoch takes a second.
func (j *epochJob) Now() time.Time {
	j.now = j.now.Add(time.Microsecond)
	return j.now
}

// rows are the texts of the rows of an epoch: some epochs have none.
func (j *epochJob) rows(e int) []string {
	var rows []string
	for i := range (e * 7) % 5 {
		rows = append(rows, fmt.Sprintf("%d %s%d", e*100+i, j.id[:1], i))
	}
	return rows
}

// want are the rows of the first epochs.
func (j *epochJob) want(epochs int) []string {
	var rows []string
	for e := 1; e <= epochs; e++ {
		rows = append(rows, j.rows(e)...)
	}
	return rows
}

// start begins a process.
func (j *epochJob) start(before func(op, path string) error) error {
	o := j.opts
	o.Clock, o.Before = j, before
	j.live = j.sink.New(j.path, o)
	schema := Schema(j.t, epochSchema)
	if err := j.live.Bind(schema, arrowstream.Env{Allocator: columnar.Pool, Name: "out"}); err != nil {
		return err
	}
	start := arrowstream.Start{ID: j.id, Incarnation: 1}
	var prepared []byte
	if n := len(j.commits); n > 0 {
		start.Last = &j.commits[n-1]
		prepared = start.Last.Sinks["out"].Prepared
	}
	if err := j.live.Resume(context.Background(), start, prepared); err != nil {
		return err
	}
	return j.publish()
}

// publish commits what is not known to be visible.
func (j *epochJob) publish() error {
	for ; j.published < len(j.commits); j.published++ {
		c := j.commits[j.published]
		for range 2 {
			if err := j.live.Commit(context.Background(), c.Epoch, c.Sinks["out"].Prepared); err != nil {
				return err
			}
		}
	}
	return nil
}

// write writes the rows of an epoch, in two batches.
func (j *epochJob) write(e int) error {
	rows := j.rows(e)
	for _, part := range [][]string{rows[:len(rows)/2], rows[len(rows)/2:]} {
		if len(part) == 0 {
			continue
		}
		b := columnartest.Batch(j.t, columnar.Pool, epochSchema+"\n"+strings.Join(part, "\n")+"\n")
		if err := j.live.Write(context.Background(), b); err != nil {
			return err
		}
	}
	return j.live.Flush(context.Background())
}

// epoch runs one epoch up to its publication.
func (j *epochJob) epoch() error {
	ctx := context.Background()
	e := len(j.commits) + 1
	j.now = j.now.Add(time.Second)
	if err := j.write(e); err != nil {
		return err
	}
	if e == j.last || e == j.stop {
		if err := j.live.Conclude(ctx, e == j.last); err != nil {
			return err
		}
	}
	prepared, err := j.live.Prepare(ctx, arrowstream.Epoch(e))
	if err != nil {
		return err
	}
	if len(prepared) > 16<<10 {
		j.t.Errorf("epoch %d: %d bytes to be kept", e, len(prepared))
	}
	j.commits = append(j.commits, arrowstream.Commit{
		Epoch: arrowstream.Epoch(e), Finished: e == j.last, Sinks: map[string]arrowstream.SinkCommit{"out": {Prepared: prepared}},
	})
	if !j.commitAll && e%3 != 0 && e != j.last {
		return nil
	}
	return j.publish()
}

// run goes on to the end in a process that fails where before says.
func (j *epochJob) run(before func(op, path string) error) error {
	err := j.start(before)
	for err == nil && len(j.commits) < j.last {
		err = j.epoch()
	}
	if err != nil {
		j.live.(arrowstream.Aborter).Abort(err)
		return errors.Join(err, j.live.Close())
	}
	return j.live.Close()
}

// crashAt fails the n-th change of the disk and all after it.
func crashAt(n int) func(op, path string) error {
	var mu sync.Mutex // Commit may run beside Write
	return func(op, path string) error {
		mu.Lock()
		defer mu.Unlock()
		if n--; n < 0 {
			return fmt.Errorf("%s %s: %w", op, path, ErrCrash)
		}
		return nil
	}
}

// visible reads what a reader sees, in the order of the rows.
func (j *epochJob) visible() []string {
	rows, err := readRows(j.sink.Source(j.path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		j.t.Fatalf("a reader fails: %v", err)
	}
	return rows
}

func readRows(s arrowstream.Source) (rows []string, err error) {
	parts, err := s.Open(context.Background(), Env(columnar.Pool, 100))
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		some, err := Rows(context.Background(), p, 0)
		rows = append(rows, some...)
		if err := errors.Join(err, p.Close()); err != nil {
			return rows, err
		}
	}
	for i, r := range rows {
		rows[i] = strings.ReplaceAll(strings.Clone(r), `"`, "")
	}
	return rows, nil
}

// check compares what is visible with the rows of whole epochs that were
// committed.
func (j *epochJob) check() {
	j.t.Helper()
	got, all := j.visible(), j.want(len(j.commits))
	if len(got) > len(all) || !slices.Equal(got, all[:len(got)]) {
		j.t.Fatalf("visible: %q\ncommitted: %q", got, all)
	}
	for e := 0; e <= len(j.commits); e++ {
		if len(j.want(e)) == len(got) || j.opts.RollSize > 0 { // files of an epoch appear one by one
			return
		}
	}
	j.t.Fatalf("a part of an epoch is visible: %q", got)
}

// checkEnd compares the result and its directory with what they must be.
func (j *epochJob) checkEnd() {
	j.t.Helper()
	EqualRows(j.t, j.visible(), j.want(j.last))
	for _, f := range list(j.t, j.path) {
		if strings.Contains(f, ".inprogress") && strings.Contains(f, j.id[:8]) {
			j.t.Errorf("left behind: %s", f)
		}
	}
}

// list are the files below a directory.
func list(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			out = append(out, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	jobA = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
	jobB = "b1b2c3d4e5f60718293a4b5c6d7e8f90"
)

// names checks the names of files and the manifest.
func (s EpochSink) names(t *testing.T) {
	for _, age := range []time.Duration{1, 3 * time.Second, time.Hour} {
		dir := filepath.Join(t.TempDir(), "new", "out") + "/"
		j := s.job(t, dir, jobA, 11, age)
		if err := j.start(nil); err != nil {
			t.Fatal(err)
		}
		for len(j.commits) < j.last {
			if err := j.epoch(); err != nil {
				t.Fatal(err)
			}
			j.check()
		}
		if err := j.live.Close(); err != nil {
			t.Fatal(err)
		}
		j.checkEnd()
		want := map[time.Duration]int{1: 9, 3 * time.Second: 3, time.Hour: 1}[age]
		if got := s.manifest(t, dir, j); got != want {
			t.Errorf("age %v: %d files, want %d", age, got, want)
		}
	}
}

// manifest compares the manifest with the files, which it counts.
func (s EpochSink) manifest(t *testing.T, dir string, jobs ...*epochJob) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "_arrowstream", "manifest.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	listed, rows, want := []string{}, 0, 0
	epochs := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		var l struct {
			Job   string
			Epoch int
			Rows  int
			Bytes int64
			Files []struct {
				Name   string
				Rows   int
				Bytes  int64
				CRC32C string
			}
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if key := fmt.Sprint(l.Job, l.Epoch); epochs[key] {
			t.Errorf("epoch %s stands twice", key)
		} else {
			epochs[key] = true
		}
		for _, f := range l.Files {
			listed = append(listed, f.Name)
			data, err := os.ReadFile(filepath.Join(dir, f.Name))
			if err != nil {
				t.Fatal(err)
			}
			if sum := fmt.Sprintf("%08x", crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))); int64(len(data)) != f.Bytes || sum != f.CRC32C {
				t.Errorf("%s has %d bytes and the checksum %s, the manifest says %d and %s", f.Name, len(data), sum, f.Bytes, f.CRC32C)
			}
			l.Rows, l.Bytes, rows = l.Rows-f.Rows, l.Bytes-f.Bytes, rows+f.Rows
		}
		if l.Rows != 0 || l.Bytes != 0 {
			t.Errorf("sums are wrong: %s", line)
		}
	}
	for _, j := range jobs {
		want += len(j.want(j.last))
	}
	if rows != want {
		t.Errorf("the manifest names %d rows, there are %d", rows, want)
	}
	visible := slices.DeleteFunc(list(t, dir), func(f string) bool { return strings.ContainsRune("._", rune(filepath.Base(f)[0])) || f[0] == '_' })
	slices.Sort(listed)
	if !slices.Equal(listed, visible) {
		t.Errorf("the manifest lists %q, there are %q", listed, visible)
	}
	form := regexp.MustCompile(`^part-[0-9a-f]{8}-[0-9]{20}-[0-9]+` + regexp.QuoteMeta(s.Extension) + `$`)
	for _, f := range visible {
		if !form.MatchString(filepath.Base(f)) {
			t.Errorf("a file is named %s", f)
		}
	}
	return len(visible)
}

// EpochsOfOneFile is the part of [Epochs] that writes one file, of any
// Extension.
func EpochsOfOneFile(t *testing.T, s EpochSink) { s.single(t) }
