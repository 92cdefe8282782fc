package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/arrowstream/arrowstream"
)

// TestStateShow prints the golden folder of package state, which a kill has left.
func TestStateShow(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "job")
	if err := os.CopyFS(dir, os.DirFS("../../state/testdata/v1")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  string
		code  int
		words []string
	}{
		{"show", 0, []string{"-- job count, id ", "-- stage agg k: k int64 not null, n int64 not null", "INSERT INTO out SELECT k"}},
		{"show all --format csv", 0, []string{"-- list, snapshot of epoch 14\nk,n\n14,8\n"}},
		{"show agg%20k --format csv", 0, []string{"-- groups, snapshot of epoch 11\nk,n\n0,", "-- groups, delta of epoch 14\nk,n\n0,", "\n9,"}},
		{"show nobody", 1, []string{`has no stage "nobody"`}},
		{"ls", 0, []string{"stage   agg k  aggregate  11        3 ", "out\n"}},
		{"verify", 0, []string{"14 commits", "last epoch 14\n"}},
	} {
		var out strings.Builder
		command, rest, _ := strings.Cut(c.args, " ")
		args := []string{"state", command, dir}
		for _, a := range strings.Fields(rest) {
			args = append(args, strings.ReplaceAll(a, "%20", " "))
		}
		if code := execute(t.Context(), arrowstream.Stdio{Out: &out, Err: &out}, args); code != c.code {
			t.Errorf("%s: exit %d, want %d: %s", c.args, code, c.code, out.String())
		}
		for _, w := range c.words {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: no %q in\n%s", c.args, w, out.String())
			}
		}
	}
}
