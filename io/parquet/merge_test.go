package parquet

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// mergeRow is a row of the naive merge.
type mergeRow struct {
	time      int64
	file, row int
}

// writeSorted writes files of rows sorted by time and returns what a merge of
// them gives. spread is how far the times of a file reach; null is the share
// of rows without time.
func writeSorted(t *testing.T, dir string, r *rand.Rand, counts []int, start, spread int64, null float64) []string {
	mem := columnartest.Allocator(t)
	var all []mergeRow
	for f, n := range counts {
		var times []int64
		for range n {
			times = append(times, start*int64(f)+r.Int64N(spread))
		}
		sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
		var sb strings.Builder
		sb.WriteString("ts:timestamp[us] file:int64! row:int64! k:dict\n")
		for i, at := range times {
			text := strconv.FormatInt(at, 10)
			if r.Float64() < null && i > 0 {
				text = "null"
				times[i] = times[i-1] // stays behind the row before
			}
			fmt.Fprintf(&sb, "%s %d %d k%d-%d\n", text, f, i, f, i%3)
			all = append(all, mergeRow{times[i], f, i})
		}
		write(t, mem, &Sink{Path: filepath.Join(dir, fmt.Sprintf("f%02d.parquet", f)), RowGroupRows: 50}, columnartest.Batch(t, mem, sb.String()))
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		return a.time < b.time || a.time == b.time && (a.file < b.file || a.file == b.file && a.row < b.row)
	})
	var want []string
	for _, m := range all {
		want = append(want, fmt.Sprintf("%d %d k%d-%d", m.file, m.row, m.file, m.row%3))
	}
	return want
}

// withoutTime drops the first cell of every row.
func withoutTime(rows []string) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		_, out[i], _ = strings.Cut(r, " ")
	}
	return out
}

func TestMergeByEventTime(t *testing.T) {
	tests := []struct {
		name          string
		counts        []int
		start, spread int64
		null          float64
	}{
		{"one file", []int{130}, 0, 1000, 0},
		{"interleaved", []int{130, 200, 1, 77}, 0, 1000, 0},
		{"many equal times", []int{130, 200, 150}, 0, 5, 0},
		{"one after the other", []int{130, 200, 150}, 1000, 1000, 0},
		{"overlapping a little", []int{130, 200, 150}, 900, 1000, 0},
		{"an empty file", []int{130, 0, 150}, 100, 1000, 0},
		{"nulls", []int{130, 200, 150}, 100, 1000, 0.2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mem := columnartest.Allocator(t)
			dir := t.TempDir()
			want := writeSorted(t, dir, rand.New(rand.NewPCG(7, 7)), tt.counts, tt.start, tt.spread, tt.null)
			for _, batch := range []int{1, 7, 64, 0} {
				for _, workers := range []int{1, 2} {
					s := &Source{Path: dir, Order: "event-time", EventTime: "ts"}
					equalRows(t, withoutTime(mustRead(t, s, testEnv(mem, batch, workers))), want)
				}
			}
			// Any position gives the rest.
			env := testEnv(mem, 13, 1)
			s := &Source{Path: dir, Order: "event-time", EventTime: "ts"}
			parts, err := s.Open(t.Context(), env)
			if err != nil {
				t.Fatal(err)
			}
			defer parts[0].Close()
			for read, step := 0, 0; ; step++ {
				if step%4 == 0 {
					pos, err := parts[0].(arrowstream.Replayer).Position()
					if err != nil {
						t.Fatal(err)
					}
					if lag := parts[0].(arrowstream.Lagging).Lag(); lag != int64(len(want)-read) {
						t.Fatalf("lag %d after %d of %d rows", lag, read, len(want))
					}
					rest := &Source{Path: dir, Order: "event-time", EventTime: "ts"}
					equalRows(t, withoutTime(readFrom(t, rest, env, pos)), want[read:])
				}
				b, err := parts[0].Read(t.Context())
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				read += int(b.NumRows())
				b.Release()
			}
		})
	}
}

func TestMergeOpensFilesLate(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	writeSorted(t, dir, rand.New(rand.NewPCG(7, 7)), []int{100, 100, 100}, 1000, 1000, 0)
	s := &Source{Path: dir, Order: "event-time", EventTime: "ts"}
	parts, err := s.Open(t.Context(), testEnv(mem, 50, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer parts[0].Close()
	b, err := parts[0].Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.Release()
	open := 0
	for _, c := range parts[0].(*merge).all {
		if c.scan != nil {
			open++
		}
	}
	if open != 1 {
		t.Fatalf("%d files are open", open)
	}
}

func TestMergeOfUnsortedFile(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	writeFile(t, mem, filepath.Join(dir, "a.parquet"), "ts:timestamp[us] x:int64\n10 1\n30 2\n20 3\n40 4\n")
	writeFile(t, mem, filepath.Join(dir, "b.parquet"), "ts:timestamp[us] x:int64\n15 5\n25 6\n35 7\n")
	s := &Source{Path: dir, Order: "event-time", EventTime: "ts"}
	_, err := read(t.Context(), s, testEnv(mem, 0, 1))
	wantError(t, err, "a.parquet", "row 2", `"ts"`, "allow-unsorted", "00:00:00.00002")
	var d *arrowstream.DataError
	if !errors.As(err, &d) {
		t.Errorf("%T is no DataError", err)
	}
	s = &Source{Path: dir, Order: "event-time", EventTime: "ts", AllowUnsorted: true}
	var got []string
	for _, r := range mustRead(t, s, testEnv(mem, 0, 1)) {
		_, x, _ := strings.Cut(r, " ")
		got = append(got, x)
	}
	if want := "1 5 6 2 3 7 4"; strings.Join(got, " ") != want {
		t.Fatalf("rows %q, want %q", got, want)
	}
	s = &Source{Path: dir, Order: "event-time", EventTime: "ts", To: Instant{time.UnixMicro(16)}}
	if rows := mustRead(t, s, testEnv(mem, 1, 1)); len(rows) != 2 {
		t.Fatalf("rows before the range ends: %q", rows)
	}
}
