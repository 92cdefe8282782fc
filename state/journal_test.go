package state

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/arrowstream/arrowstream"
)

var _ arrowstream.Journaling = (*epochLog)(nil)

func mustJournal(t testing.TB, l *epochLog, o arrowstream.JournalOptions) (arrowstream.Journal, int64) {
	t.Helper()
	j, oldest, err := l.Journal("bids", o)
	if err != nil {
		t.Fatal(err)
	}
	return j, oldest
}

// add appends an entry with a key and makes it durable.
func add(j arrowstream.Journal, key, data string) error {
	end, err := j.Append(context.Background(), arrowstream.JournalEntry{Key: key, Data: []byte(data)})
	if err == nil {
		err = j.Sync(context.Background(), end)
	}
	return err
}

// done is a context that has ended: a Read with it does not wait.
func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// rest reads what is there from an offset on.
func rest(j arrowstream.Journal, at int64) (data []string, offsets []int64, err error) {
	for {
		e, next, err := j.Read(done(), at)
		if errors.Is(err, context.Canceled) {
			return data, append(offsets, at), nil
		}
		if err != nil {
			return data, offsets, err
		}
		data, offsets = append(data, string(e.Data)), append(offsets, at)
		at = next
	}
}

func TestJournalIsReadAgain(t *testing.T) {
	d := testDir(memFS{FS: vfs.NewMem()})
	var want []string
	var offsets []int64
	for run := range 4 {
		l := mustOpen(t, d)
		j, oldest := mustJournal(t, l, arrowstream.JournalOptions{})
		for i := range 40 {
			data := fmt.Sprintf("run %d, entry %d: %s", run, i, strings.Repeat("x", i*7%300))
			if err := add(j, fmt.Sprintf("%d/%d", run, i), data); err != nil {
				t.Fatal(err)
			}
			want = append(want, data)
			// The same again adds nothing, also that of an earlier run.
			if err := errors.Join(add(j, fmt.Sprintf("%d/%d", run, i), data), add(j, "0/0", want[0])); err != nil {
				t.Fatal(err)
			}
			if err := add(j, fmt.Sprintf("%d/%d", run, i), "other"); !errors.Is(err, arrowstream.ErrKeyReused) {
				t.Fatal(err)
			}
		}
		got, at, err := rest(j, oldest)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("run %d: %d entries, want %d: %v", run, len(got), len(want), err)
		}
		if run > 0 && !slices.Equal(at[:len(offsets)], offsets) {
			t.Fatal("offsets have changed")
		}
		offsets = at
		if n := len(j.(*journal).chain); n < 2 {
			t.Errorf("%d segments", n)
		}
		for i, o := range at {
			if tail, _, err := rest(j, o); err != nil || !slices.Equal(tail, want[i:]) {
				t.Fatalf("from %d: %d entries, want %d: %v", o, len(tail), len(want)-i, err)
			}
		}
		for _, bad := range []int64{-1, at[3] + 1, at[len(at)-1] + 1} {
			if _, _, err := j.Read(done(), bad); code(err) != "AS5003" && code(err) != "AS5005" {
				t.Errorf("offset %d: %v", bad, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if err := add(j, "", "late"); !errors.Is(err, errClosed) {
			t.Error(err)
		}
	}
	l := mustOpen(t, d)
	defer l.Close()
	if _, _, err := l.Journal("nobody", arrowstream.JournalOptions{}); err == nil {
		t.Error("a source that is not there has a journal")
	}
}

func TestJournalWaits(t *testing.T) {
	l := mustOpen(t, testDir(memFS{FS: vfs.NewMem()}))
	defer l.Close()
	j, at := mustJournal(t, l, arrowstream.JournalOptions{Backlog: 300})
	// Read waits for Append, and syncs what nobody else does.
	var wg sync.WaitGroup
	wg.Go(func() {
		if e, _, err := j.Read(context.Background(), at); err != nil || string(e.Data) != "first" {
			t.Errorf("%q %v", e.Data, err)
		}
	})
	for waits := false; !waits; { // until Read does
		j.(*journal).mu.Lock()
		waits = j.(*journal).waiting
		j.(*journal).mu.Unlock()
	}
	end, err := j.Append(t.Context(), arrowstream.JournalEntry{Data: []byte("first")})
	if err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	for err == nil { // Append waits for Read
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err = j.Append(ctx, arrowstream.JournalEntry{Data: make([]byte, 50)})
		cancel()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	wg.Go(func() {
		if _, err := j.Append(context.Background(), arrowstream.JournalEntry{Data: make([]byte, 50)}); err != nil {
			t.Error(err)
		}
	})
	if _, _, err := j.Read(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if _, err := j.Append(t.Context(), arrowstream.JournalEntry{Data: make([]byte, arrowstream.MaxJournalEntry+1)}); err == nil {
		t.Error("an entry that is too long was taken")
	}
}

func TestJournalReleases(t *testing.T) {
	mem := vfs.NewMem()
	d := testDir(memFS{FS: mem})
	clock := d.Clock.(*testClock)
	o := arrowstream.JournalOptions{Retention: time.Hour}
	files := func(suffix string) (n int) {
		names, err := mem.List(filepath.Join(d.Path, journalPath("bids")))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, suffix) {
				n++
			}
		}
		return n
	}
	l := mustOpen(t, d)
	j, _ := mustJournal(t, l, o)
	for i := range 100 {
		if err := add(j, fmt.Sprint(i), strings.Repeat("x", 200)); err != nil {
			t.Fatal(err)
		}
	}
	_, offsets, err := rest(j, 0)
	if err != nil {
		t.Fatal(err)
	}
	before, half, end := files(journalSuffix), offsets[50], offsets[100]
	if err := j.Release(end); err != nil || files(journalSuffix) != before {
		t.Errorf("%d of %d segments are left: %v", files(journalSuffix), before, err)
	}
	clock.now = clock.now.Add(2 * time.Hour)
	if err := j.Release(half); err != nil || files(journalSuffix) != 1+before/2 {
		t.Errorf("%d of %d segments are left: %v", files(journalSuffix), before, err)
	}
	if tail, _, err := rest(j, half); err != nil || len(tail) != 50 {
		t.Errorf("%d entries: %v", len(tail), err)
	}
	if _, _, err := j.Read(done(), 0); code(err) != "AS5005" {
		t.Error(err)
	}
	if err := j.Release(end); err != nil || files(journalSuffix) != 1 {
		t.Errorf("%d segments are left: %v", files(journalSuffix), err)
	}
	// Keys outlive their segments, for a day.
	for age, known := range []bool{true, true, false} {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		clock.now = clock.now.Add(time.Duration(age) * 10 * time.Hour)
		l = mustOpen(t, d)
		j, _ = mustJournal(t, l, o)
		if err := add(j, "0", "again"); errors.Is(err, arrowstream.ErrKeyReused) != known {
			t.Errorf("after %s: %v", clock.now, err)
		}
	}
	_, offsets, _ = rest(j, end)
	for range 30 {
		if err := add(j, "", strings.Repeat("x", 200)); err != nil {
			t.Fatal(err)
		}
	}
	clock.now = clock.now.Add(25 * time.Hour)
	if err := j.Release(offsets[len(offsets)-1] + 30*200); err != nil || files(keysSuffix) > 1 {
		t.Errorf("%d files of keys: %v", files(keysSuffix), err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	few := newKeyTable(time.Hour, 3)
	for i := range uint32(5000) {
		few.add(keyed{hash: [16]byte{byte(i), byte(i >> 8)}, seconds: i})
	}
	if len(few.known) != 3 || len(few.order) > 3000 {
		t.Errorf("%d keys, %d in order", len(few.known), len(few.order))
	}
}

func TestJournalFencesEarlierProcesses(t *testing.T) {
	mem := vfs.NewMem()
	d := testDir(memFS{FS: mem, unlocked: true})
	old := mustOpen(t, d)
	a, _ := mustJournal(t, old, arrowstream.JournalOptions{})
	if err := add(a, "1", "before"); err != nil {
		t.Fatal(err)
	}
	l := mustOpen(t, d)
	b, at := mustJournal(t, l, arrowstream.JournalOptions{})
	for i := range 30 { // it begins segments, until it needs the disk
		if err := add(a, "", strings.Repeat("x", 300)); !errors.Is(err, arrowstream.ErrFenced) {
			t.Fatalf("entry %d of a fenced process: %v", i, err)
		}
	}
	if err := add(b, "2", "after"); err != nil {
		t.Fatal(err)
	}
	want := []string{"before", "after"}
	if got, _, err := rest(b, at); err != nil || !slices.Equal(got, want) {
		t.Fatalf("%q %v", got, err)
	}
	_ = old.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, d)
	defer l.Close()
	b, at = mustJournal(t, l, arrowstream.JournalOptions{})
	if got, _, err := rest(b, at); err != nil || !slices.Equal(got, want) {
		t.Fatalf("%q %v", got, err)
	}
}

// journalLeft opens what a crash has left of a journal and compares: all that
// was acknowledged is there, in order, and of the rest a beginning.
func journalLeft(d Dir, acknowledged, added []string) error {
	l, err := d.Open(context.Background(), testJob())
	if err != nil {
		return err
	}
	j, at, err := l.(*epochLog).Journal("bids", arrowstream.JournalOptions{})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	got, _, err := rest(j, at)
	got = slices.DeleteFunc(got, func(data string) bool { return data == "new" }) // of a recovery that crashed
	switch {
	case err != nil:
	case len(got) < len(acknowledged) || len(got) > len(added) || !slices.Equal(got, added[:len(got)]):
		err = fmt.Errorf("%d entries, %d were acknowledged, %d added", len(got), len(acknowledged), len(added))
	default:
		for i, data := range got { // what is there is known by its key
			if err == nil {
				if err = add(j, fmt.Sprint(i), data); err == nil {
					err = expectReused(add(j, fmt.Sprint(i), "other"))
				}
			}
		}
		if err == nil {
			err = add(j, fmt.Sprint(len(got)), "new")
		}
	}
	return errors.Join(err, l.Close())
}

func expectReused(err error) error {
	if errors.Is(err, arrowstream.ErrKeyReused) {
		return nil
	}
	return fmt.Errorf("a key is not known: %w", err)
}

func TestJournalCrashAfterEveryOperation(t *testing.T) {
	for seed := range *seeds {
		c := crashing{vfs.NewCrashableMem(), rand.New(rand.NewPCG(uint64(seed), 2))}
		var acknowledged, added []string
		crashes := 0
		fsys := memFS{FS: c.mem}
		fsys.after = func() {
			for _, percent := range percents {
				if t.Failed() {
					return
				}
				crashes++
				left := c.clone(percent)
				err := journalLeft(testDir(memFS{FS: left}), acknowledged, added)
				if err == nil && crashes%29 == 0 {
					// A crash of the recovery.
					again := crashing{c.clone(percent), c.rng}
					inner := memFS{FS: again.mem}
					inner.after = func() {
						if e := journalLeft(testDir(memFS{FS: again.clone(percent)}), acknowledged, added); e != nil && err == nil {
							err = fmt.Errorf("in the recovery: %w", e)
						}
					}
					err = errors.Join(journalLeft(testDir(inner), acknowledged, added), err)
				}
				if err != nil {
					t.Errorf("seed %d, crash %d, %d %% of what was not synced: %v", seed, crashes, percent, err)
				}
			}
		}
		for range 2 {
			l := mustOpen(t, testDir(fsys))
			j, _ := mustJournal(t, l, arrowstream.JournalOptions{})
			for i := range 24 {
				data := fmt.Sprintf("%d %s", len(added), strings.Repeat("y", c.rng.IntN(400)))
				key := fmt.Sprint(len(added))
				added = append(added, data)
				end, err := j.Append(t.Context(), arrowstream.JournalEntry{Key: key, Data: []byte(data)})
				if err == nil && i%3 == 0 {
					err = j.Sync(t.Context(), end)
					acknowledged = added
				}
				if err != nil || t.Failed() {
					t.Fatal(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			acknowledged = added
		}
		t.Logf("seed %d: %d crashes", seed, crashes)
	}
}

// TestJournalDamage flips every byte of a journal: what is read is right or
// refused. Only the end of the last segment may be taken for torn.
func TestJournalDamage(t *testing.T) {
	mem := vfs.NewMem()
	d := testDir(memFS{FS: mem})
	d.SegmentBytes = 400
	l := mustOpen(t, d)
	j, _ := mustJournal(t, l, arrowstream.JournalOptions{})
	var want []string
	for i := range 12 {
		want = append(want, fmt.Sprintf("entry %d %s", i, strings.Repeat("z", 40)))
		if err := add(j, fmt.Sprint(i), want[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(d.Path, journalPath("bids"))
	names, err := mem.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	last := journalChain(names, journalSuffix)
	torn := journalFile(last[len(last)-1].start, 1, journalSuffix)
	refused, cut := 0, 0
	for _, name := range names {
		text, err := readFile(d.FS, filepath.Join(dir, name), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for i := range text {
			copied := copyOf(mem, "/")
			e := testDir(memFS{FS: copied})
			text[i] ^= 1 << (i % 8)
			err := writeFile(e.FS, filepath.Join(dir, name), text)
			text[i] ^= 1 << (i % 8)
			if err != nil {
				t.Fatal(err)
			}
			l := mustOpen(t, e)
			j, at, err := l.Journal("bids", arrowstream.JournalOptions{})
			var got []string
			if err == nil {
				got, _, err = rest(j, at)
			}
			switch {
			case code(err) == "AS5003" || code(err) == "AS5004":
				refused++
			case err == nil && name == torn && len(got) >= 10 && slices.Equal(got, want[:len(got)]):
				cut++
			default:
				t.Fatalf("%s, byte %d: %d entries, %v", name, i, len(got), err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Verify finds what Read finds, and a savepoint has all of it.
	c, err := d.Verify(t.Context())
	if err != nil || len(c.Damaged) > 0 || c.Files < len(names) {
		t.Errorf("%+v %v", c, err)
	}
	l = mustOpen(t, d)
	m := model{agg: map[int64]int64{}}
	if err := errors.Join(m.step(l), l.Close()); err != nil {
		t.Fatal(err)
	}
	path, _, err := d.Savepoint(t.Context(), "sp")
	if err != nil {
		t.Fatal(err)
	}
	copied := d
	copied.Path = path
	l = mustOpen(t, copied)
	j, at := mustJournal(t, l, arrowstream.JournalOptions{})
	if got, _, err := rest(j, at); err != nil || !slices.Equal(got, want) || expectReused(add(j, "3", "other")) != nil {
		t.Errorf("%d entries: %v", len(got), err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, _ := readFile(d.FS, filepath.Join(dir, name), 1<<20)
		text[len(text)/2] ^= 1
		if err := writeFile(d.FS, filepath.Join(dir, name), text); err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 1
		if c, err := d.Verify(t.Context()); err != nil || len(c.Damaged) == 0 && name != torn {
			t.Errorf("%s: %+v %v", name, c, err)
		}
		if err := writeFile(d.FS, filepath.Join(dir, name), text); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d flips refused, %d taken for a torn end", refused, cut)
}
