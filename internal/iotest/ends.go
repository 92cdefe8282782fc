package iotest

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// stopped checks that a process which is asked to stop leaves nothing invisible
// in a directory, and that one file waits for the end of the input.
func (s EpochSink) stopped(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "out") + "/", filepath.Join(t.TempDir(), "out"+s.Extension)} {
		j := s.job(t, path, jobA, 9, 0)
		for _, j.stop = range []int{3, 4, 5} { // the last has no rows
			if err := j.start(nil); err != nil {
				t.Fatal(err)
			}
			for len(j.commits) < j.stop {
				if err := j.epoch(); err != nil {
					t.Fatal(err)
				}
			}
			if err := j.live.Close(); err != nil {
				t.Fatal(err)
			}
			want := j.want(j.stop)
			if !strings.HasSuffix(path, "/") {
				want = nil
			}
			EqualRows(t, j.visible(), want)
		}
		if err := j.run(nil); err != nil {
			t.Fatal(err)
		}
		EqualRows(t, j.visible(), j.want(j.last))
	}
}

// empty runs jobs without rows.
func (s EpochSink) empty(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "out") + "/", filepath.Join(t.TempDir(), "out"+s.Extension)} {
		sink := s.New(path, EpochOptions{})
		if err := sink.Bind(Schema(t, epochSchema), arrowstream.Env{Allocator: columnar.Pool, Name: "out"}); err != nil {
			t.Fatal(err)
		}
		if err := sink.Resume(t.Context(), arrowstream.Start{ID: jobA}, nil); err != nil {
			t.Fatal(err)
		}
		for e := arrowstream.Epoch(1); e < 3; e++ {
			if prepared, err := sink.Prepare(t.Context(), e); err != nil || prepared != nil {
				t.Errorf("epoch without rows: %q %v", prepared, err)
			}
		}
		if err := sink.Conclude(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		prepared, err := sink.Prepare(t.Context(), 3)
		if err := errors.Join(err, sink.Commit(t.Context(), 3, prepared), sink.Close()); err != nil {
			t.Fatal(err)
		}
		visible := 0
		for _, f := range list(t, filepath.Dir(path)) {
			if b := filepath.Base(f); b[0] != '.' && b != "manifest.jsonl" {
				visible++
			}
		}
		if visible != 1 {
			t.Errorf("%d files of no rows", visible)
		}
	}
}
