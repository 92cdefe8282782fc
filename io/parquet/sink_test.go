package parquet

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	pq "github.com/parquet-go/parquet-go"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func bind(t testing.TB, s *Sink, schema *arrow.Schema, env arrowstream.Env) *Sink {
	t.Helper()
	if err := s.Bind(schema, env); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNothingPartialIsVisible(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "x:int64\n1\n2\n")
	env := arrowstream.Env{Allocator: mem, Name: "job/out 1"}
	t.Run("close", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "new", "dir")
		s := bind(t, &Sink{Path: dir}, b.Schema(), env)
		if _, err := os.Stat(dir); err == nil {
			t.Error("Bind creates the directory")
		}
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if got := filesIn(t, dir); len(got) != 1 || got[0] != ".part-job%2Fout%201-000001.parquet.inprogress" {
			t.Errorf("while writing: %q", got)
		}
		if _, err := (&Source{Path: dir}).Schema(); err == nil {
			t.Error("a reader sees the unfinished file")
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if got := filesIn(t, dir); len(got) != 1 || got[0] != "part-job%2Fout%201-000001.parquet" {
			t.Errorf("after close: %q", got)
		}
		if err := s.Write(t.Context(), b); err == nil {
			t.Error("write after close")
		}
	})
	t.Run("abort", func(t *testing.T) {
		dir := t.TempDir()
		s := bind(t, &Sink{Path: dir}, b.Schema(), env)
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		s.Abort(errors.New("the run failed"))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if got := filesIn(t, dir); len(got) != 0 {
			t.Errorf("after abort: %q", got)
		}
	})
	t.Run("abort of one file keeps the old", func(t *testing.T) {
		path := writeFile(t, mem, filepath.Join(t.TempDir(), "a.parquet"), "x:int64\n9\n")
		s := bind(t, &Sink{Path: path, Overwrite: true}, b.Schema(), env)
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		s.Abort(nil)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		equalRows(t, mustRead(t, &Source{Path: path}, testEnv(mem, 0, 1)), []string{"9"})
		if got := filesIn(t, filepath.Dir(path)); len(got) != 1 {
			t.Errorf("left over: %q", got)
		}
	})
}

func TestTargetThatExists(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	a, b := columnartest.Batch(t, mem, "x:int64\n1\n"), columnartest.Batch(t, mem, "x:int64\n2\n")
	for _, in := range []arrow.Record{a, b} {
		write(t, mem, &Sink{Path: dir}, in)
	}
	equalRows(t, mustRead(t, &Source{Path: dir}, testEnv(mem, 0, 1)), []string{"1", "2"})
	write(t, mem, &Sink{Path: dir, Overwrite: true}, b)
	equalRows(t, mustRead(t, &Source{Path: dir}, testEnv(mem, 0, 1)), []string{"2"})
	if got := filesIn(t, dir); len(got) != 1 {
		t.Errorf("files after overwrite: %q", got)
	}
	path := filepath.Join(dir, "one.parquet")
	write(t, mem, &Sink{Path: path}, a)
	s := bind(t, &Sink{Path: path}, a.Schema(), arrowstream.Env{Allocator: mem})
	wantError(t, s.Write(t.Context(), b), "exists", "overwrite")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	equalRows(t, mustRead(t, &Source{Path: path}, testEnv(mem, 0, 1)), []string{"1"})
	write(t, mem, &Sink{Path: path, Overwrite: true}, b)
	equalRows(t, mustRead(t, &Source{Path: path}, testEnv(mem, 0, 1)), []string{"2"})
}

func TestRolling(t *testing.T) {
	mem := columnartest.Allocator(t)
	var sb strings.Builder
	sb.WriteString("ts:timestamp[us]@ x:int64\n")
	var want []string
	for i := range 100 {
		ts := i
		if i == 35 {
			ts = 5 // late: stays in the current file
		}
		row := fmt.Sprintf("%d %d", ts*1_000_000, i)
		if i == 50 {
			row = "null 50"
		}
		sb.WriteString(row + "\n")
		want = append(want, fmt.Sprint(i))
	}
	b := columnartest.Batch(t, mem, sb.String())
	tests := []struct {
		name  string
		sink  Sink
		files int
	}{
		{"rows", Sink{RollRows: 30}, 4},
		{"rows in groups", Sink{RollRows: 30, RowGroupRows: 7}, 4},
		{"interval", Sink{RollInterval: 30 * time.Second}, 4},
		{"size", Sink{RollSize: 1, RowGroupRows: 50}, 2},
		{"one", Sink{}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var first []string
			for _, cut := range []int{1, 7, 100} {
				dir := t.TempDir()
				s := tt.sink
				s.Path = dir
				var parts []arrow.Record
				for from := 0; from < 100; from += cut {
					p := b.NewSlice(int64(from), int64(min(from+cut, 100)))
					defer p.Release()
					parts = append(parts, p)
				}
				write(t, mem, &s, parts...)
				got := filesIn(t, dir)
				if len(got) != tt.files {
					t.Errorf("batches of %d rows: files %q, want %d", cut, got, tt.files)
				}
				for i, f := range got {
					content, err := os.ReadFile(filepath.Join(dir, f))
					if err != nil {
						t.Fatal(err)
					}
					if cut == 1 {
						first = append(first, string(content))
					} else if i < len(first) && first[i] != string(content) {
						t.Errorf("batches of %d rows: %s differs", cut, f)
					}
				}
				equalRows(t, withoutTime(mustRead(t, &Source{Path: dir}, testEnv(mem, 0, 1))), want)
			}
		})
	}
}

func TestManyPartitions(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	var sb strings.Builder
	sb.WriteString("k:int64! x:int64!\n")
	for i := range 300 {
		fmt.Fprintf(&sb, "%d %d\n", i%20, i)
	}
	write(t, mem, &Sink{Path: dir, Partition: []string{"k"}, MaxOpen: 3}, columnartest.Batch(t, mem, sb.String()))
	rows := mustRead(t, &Source{Path: dir, Hive: true, Columns: []string{"k", "x"}}, testEnv(mem, 0, 2))
	if len(rows) != 300 {
		t.Fatalf("%d rows", len(rows))
	}
	last := map[string]int{}
	for _, r := range rows {
		var k, x int
		if _, err := fmt.Sscan(r, &k, &x); err != nil || x%20 != k || x < last[fmt.Sprint(k)] {
			t.Fatalf("row %q", r)
		}
		last[fmt.Sprint(k)] = x
	}
}

func TestSinkErrors(t *testing.T) {
	mem := columnartest.Allocator(t)
	env := arrowstream.Env{Allocator: mem}
	one := schema(t, "x:int64")
	tests := []struct {
		name   string
		sink   Sink
		schema *arrow.Schema
		want   []string
	}{
		{"path", Sink{}, one, []string{"path"}},
		{"codec", Sink{Path: "x", Compression: "zsdt"}, one, []string{"zsdt", `"zstd"`}},
		{"partition column", Sink{Path: "x", Partition: []string{"y"}}, one, []string{`"y"`, "x"}},
		{"partition type", Sink{Path: "x", Partition: []string{"y"}}, schema(t, "x:int64 y:float64"), []string{`"y"`, "float64"}},
		{"partition of everything", Sink{Path: "x", Partition: []string{"x"}}, one, []string{"all columns"}},
		{"one file rolled", Sink{Path: "x.parquet", RollRows: 1}, one, []string{"one file", "directory"}},
		{"interval", Sink{Path: "x", RollInterval: time.Second}, one, []string{"event-time"}},
		{"changelog", Sink{Path: "x"}, schema(t, "x:int64 __op:int8"), []string{"updates"}},
		{"type", Sink{Path: "x"}, arrow.NewSchema([]arrow.Field{{Name: "m", Type: arrow.FixedWidthTypes.MonthInterval}}, nil), []string{`"m"`, "month_interval"}},
		{"no columns", Sink{Path: "x"}, arrow.NewSchema(nil, nil), []string{"no columns"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.sink
			wantError(t, s.Bind(tt.schema, env), tt.want...)
		})
	}
	t.Run("null in a required column", func(t *testing.T) {
		b := columnartest.Batch(t, mem, "x:int64\n1\nnull\n")
		s := bind(t, &Sink{Path: t.TempDir()}, schema(t, "x:int64!"), env)
		wantError(t, s.Write(t.Context(), b), `"x"`, "NOT NULL")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if got := filesIn(t, s.Path); len(got) != 0 {
			t.Errorf("left over: %q", got)
		}
	})
	t.Run("directory is a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		s := bind(t, &Sink{Path: filepath.Join(path, "x")}, one, env)
		wantError(t, s.Write(t.Context(), columnartest.Batch(t, mem, "x:int64\n1\n")), path)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("full disk", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Symlink("/dev/full", filepath.Join(dir, ".part-0-000001.parquet.inprogress")); err != nil {
			t.Skip(err)
		}
		s := bind(t, &Sink{Path: dir}, one, env)
		err := s.Write(t.Context(), columnartest.Batch(t, mem, "x:int64\n1\n"))
		if err == nil {
			err = s.Close()
		}
		wantError(t, err, dir, "no space left")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if got := filesIn(t, dir); len(got) != 0 {
			t.Errorf("left over: %q", got)
		}
	})
}

// TestAgainstAnotherReader reads what the sink wrote with the rows of another
// library.
func TestAgainstAnotherReader(t *testing.T) {
	mem := columnartest.Allocator(t)
	in := randomBatch(t, mem, rand.New(rand.NewPCG(9, 9)), schema(t, "a:int64 b:dict c:float64! d:bool e:list<int32> f:timestamp[us] g:uint8!"), 5000, 0.2)
	path := filepath.Join(t.TempDir(), "a.parquet")
	write(t, mem, &Sink{Path: path, RowGroupRows: 2000}, in)
	type row struct {
		A *int64   `parquet:"a"`
		B *string  `parquet:"b"`
		C float64  `parquet:"c"`
		D *bool    `parquet:"d"`
		E []*int32 `parquet:"e,list,optional"`
		F *int64   `parquet:"f"`
		G uint8    `parquet:"g"`
	}
	rows, err := pq.ReadFile[row](path)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 5000 {
		t.Fatalf("%d rows", len(rows))
	}
	text := func(v any) string {
		switch v := v.(type) {
		case *int64:
			if v != nil {
				return fmt.Sprint(*v)
			}
		case *bool:
			if v != nil {
				return fmt.Sprint(*v)
			}
		case *string:
			if v != nil {
				return *v
			}
		}
		return "null"
	}
	for i, r := range rows {
		b := "null"
		if in.Column(1).IsValid(i) {
			b = columnartest.Cell(in.Column(1), i)
			b = strings.Trim(b, `"`)
		}
		for c, got := range map[int]string{0: text(r.A), 3: text(r.D), 5: text(r.F), 6: fmt.Sprint(r.G)} {
			if want := columnartest.Cell(in.Column(c), i); got != want && c != 5 {
				t.Fatalf("row %d, column %d: %s, want %s", i, c, got, want)
			}
		}
		if got := text(r.B); got != b {
			t.Fatalf("row %d: %q, want %q", i, got, b)
		}
		var e []string
		for _, x := range r.E {
			if x == nil {
				e = append(e, "null")
			} else {
				e = append(e, fmt.Sprint(*x))
			}
		}
		if got, want := "["+strings.Join(e, ",")+"]", columnartest.Cell(in.Column(4), i); got != want && want != "null" {
			t.Fatalf("row %d: %s, want %s", i, got, want)
		}
	}
}
