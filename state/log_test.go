package state

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// load is all of the state of a stage, which the caller releases.
func load(ctx context.Context, l arrowstream.EpochLog, mem memory.Allocator, uid string) (states []arrowstream.State, err error) {
	for s, err := range l.Load(ctx, mem, uid) {
		if err != nil {
			for _, s := range states {
				s.Release()
			}
			return nil, err
		}
		states = append(states, s)
	}
	return states, nil
}

// batches are pieces in memory.
type batches []arrowstream.Batch

func (p batches) Schema() *arrow.Schema { return p[0].Schema() }
func (p batches) Bytes() int64          { return 0 }
func (p batches) Release()              {}

func (p batches) Each(yield func(arrowstream.Batch) error) error {
	for _, b := range p {
		if err := yield(b); err != nil {
			return err
		}
	}
	return nil
}

// torn are pieces of which the second cannot be read.
type torn struct{ batches }

func (p torn) Each(yield func(arrowstream.Batch) error) error {
	return errors.Join(yield(p.batches[0]), errors.New("spill: read x: gone"))
}

func TestLogs(t *testing.T) { eachStore(t, keepsLogs) }

// keepsLogs adds to a log epoch by epoch, behind a snapshot and without one.
func keepsLogs(t *testing.T, d arrowstream.StateStore) {
	mem := columnartest.Allocator(t)
	batch := func(n int64) arrowstream.Batch {
		b := pair(stageSchema, []int64{n, n + 1}, []int64{10 * n, 0})
		t.Cleanup(b.Release)
		return b
	}
	l := mustOpen(t, d)
	var want []string
	commit := func(e arrowstream.Epoch, logs map[string]batches) error {
		s := arrowstream.StageState{UID: "all", Delta: e > 1, State: arrowstream.State{"count": batch(int64(e))}, Log: arrowstream.Log{}}
		want = append(want, "count "+columnartest.Text(s.State["count"]))
		for _, name := range slices.Sorted(maps.Keys(logs)) {
			s.Log[name] = logs[name]
			for _, b := range logs[name] {
				want = append(want, name+" "+columnartest.Text(b))
			}
		}
		return l.Commit(t.Context(), arrowstream.Commit{Epoch: e}, []arrowstream.StageState{s, {UID: "agg k", State: arrowstream.State{"all": batch(7)}}})
	}
	for e := range arrowstream.Epoch(40) {
		logs := map[string]batches{}
		if e%3 != 1 {
			logs["rows"] = batches{batch(100), batch(int64(e)), batch(102)}
		}
		if e == 2 {
			logs["groups"] = batches{batch(200)}
		}
		if err := commit(e+1, logs); err != nil {
			t.Fatal(err)
		}
		if e%10 != 3 {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = mustOpen(t, d)
	}
	var got []string
	for s, err := range l.Load(t.Context(), mem, "all") {
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range s {
			got = append(got, name+" "+columnartest.Text(b))
		}
		s.Release()
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d batches, want %d:\n%q\n%q", len(got), len(want), got, want)
	}
	for s, err := range l.Load(t.Context(), mem, "all") { // ends early
		if err != nil {
			t.Fatal(err)
		}
		s.Release()
		break
	}
	// What other stages had in the commits that only the log needs is gone.
	for _, n := range l.index.commits {
		old := n.epoch <= 40-6
		if at := len(n.States); n.Partial != old || old && at != 1 || !old && at != 2 {
			t.Errorf("epoch %d has states of %d stages, partial %v", n.epoch, at, n.Partial)
		}
		for _, f := range n.stateFiles() {
			if _, err := l.Size(l.at(f.name)); err != nil {
				t.Error(err)
			}
		}
	}
	gone := file{name: stateFile("agg k", 20, 3, "all", false)}
	if _, err := l.Size(l.at(gone.name)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v", gone.name, err)
	}
	err := l.Commit(t.Context(), arrowstream.Commit{Epoch: 41}, []arrowstream.StageState{{UID: "all", Delta: true, Log: arrowstream.Log{"rows": torn{batches{batch(1)}}}}})
	if err == nil || !strings.Contains(err.Error(), "spill: read x: gone") {
		t.Errorf("pieces that cannot be read: %v", err)
	}
	l.Close()
	l = mustOpen(t, d)
	defer l.Close()
	if last := l.Start().Last; last == nil || last.Epoch != 40 {
		t.Errorf("the last epoch is %v", last)
	}
}
