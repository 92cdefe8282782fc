package parquet

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func TestProjection(t *testing.T) {
	mem := columnartest.Allocator(t)
	path := writeFile(t, mem, filepath.Join(t.TempDir(), "a.parquet"), "a:int64! k:dict b:float64 ts:timestamp[us]!\n1 x 1.5 10\n2 y 2.5 20\n")
	tests := []struct {
		name string
		src  Source
		want string // schema, then rows
	}{
		{"all", Source{}, "a:int64! k:dict b:float64 ts:timestamp[us]!\n1 x 1.5 10\n2 y 2.5 20"},
		{"order of the projection", Source{Columns: []string{"b", "a"}}, "b:float64 a:int64!\n1.5 1\n2.5 2"},
		{"event time is added", Source{Columns: []string{"b"}, EventTime: "ts"}, "b:float64 ts:timestamp[us]@!\n1.5 10\n2.5 20"},
		{"integer event time", Source{Columns: []string{"a"}, EventTime: "a", EventTimeUnit: "s"}, "a:timestamp[s]@!\n1 \n2"},
		{"plain strings", Source{Columns: []string{"k"}, Strings: "plain"}, "k:utf8\nx\ny"},
		{"declared types", Source{Declared: schema(t, "A:int64 B:float64 ts:timestamp[ns]")}, "A:int64 B:float64 ts:timestamp[ns]\n1 1.5 10000\n2 2.5 20000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &tt.src
			s.Path = path
			want := columnartest.Batch(t, mem, tt.want)
			got, err := s.Schema()
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(want.Schema()) || columnar.EventTime(got) != columnar.EventTime(want.Schema()) {
				t.Errorf("schema\n%s\nwant\n%s", got, want.Schema())
			}
			equalRows(t, mustRead(t, s, testEnv(mem, 0, 1)), rowsOf(want))
		})
	}
	t.Run("no columns", func(t *testing.T) {
		s := &Source{Path: path, Columns: []string{}}
		parts, err := s.Open(t.Context(), testEnv(mem, 0, 2))
		if err != nil {
			t.Fatal(err)
		}
		b, err := parts[0].Read(t.Context())
		if err != nil || b.NumRows() != 2 || b.NumCols() != 0 {
			t.Fatal(b, err)
		}
		b.Release()
		if err := parts[0].Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func schema(t testing.TB, text string) *arrow.Schema {
	t.Helper()
	s, err := columnartest.Schema(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSourceErrors(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	path := writeFile(t, mem, filepath.Join(dir, "a.parquet"), "price:int64 k:dict ts:timestamp[us]\n1 x 10\n")
	tests := []struct {
		name string
		src  Source
		want []string
	}{
		{"column", Source{Columns: []string{"pric"}}, []string{"AS1203", `"pric"`, `did you mean "price"?`}},
		{"event time", Source{EventTime: "tt"}, []string{"event-time column", `"ts"`}},
		{"event time of text", Source{EventTime: "k"}, []string{"event-time column", "timestamp or a date"}},
		{"event time of integers", Source{EventTime: "price"}, []string{"event.time.unit"}},
		{"unit", Source{EventTime: "price", EventTimeUnit: "min"}, []string{"event.time.unit", "ms"}},
		{"order", Source{Order: "eventtime"}, []string{"order", "event-time"}},
		{"order without event time", Source{Order: "event-time"}, []string{"needs an event-time column"}},
		{"range without event time", Source{From: Instant{time.Unix(1, 0)}}, []string{"needs an event-time column"}},
		{"empty range", Source{EventTime: "ts", From: Instant{time.Unix(2, 0)}, To: Instant{time.Unix(1, 0)}}, []string{"is not before"}},
		{"declared type", Source{Declared: schema(t, "k:int64")}, []string{`"k"`, "cannot be read as int64"}},
		{"declared narrower", Source{Declared: schema(t, "price:int32")}, []string{`"price"`, "cannot be read as int32"}},
		{"declared column", Source{Declared: schema(t, "prize:int64")}, []string{`"prize" not found`, "price"}},
		{"operator", Source{Predicates: []Predicate{{Column: "price", Op: "~", Value: int64(1)}}}, []string{"operator"}},
		{"no file", Source{Path: filepath.Join(dir, "none", "*.parquet")}, []string{"no file matches", dir}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &tt.src
			if s.Path == "" {
				s.Path = path
			}
			_, err := s.Schema()
			wantError(t, err, tt.want...)
			if _, err := s.Open(t.Context(), testEnv(mem, 0, 1)); err == nil {
				t.Error("Open succeeds")
			}
		})
	}
}

func TestReconcile(t *testing.T) {
	mem := columnartest.Allocator(t)
	tests := []struct {
		name, a, b string
		union      bool
		want       string // batch, or "error: part|part"
	}{
		{"same", "x:int64! s:dict\n1 a", "x:int64! s:dict\n2 b", false, "x:int64! s:dict\n1 a\n2 b"},
		{"other order", "x:int64! y:bool\n1 true", "y:bool x:int64!\nfalse 2", false, "x:int64! y:bool\n1 true\n2 false"},
		{"wider integers", "x:int8! y:uint16!\n1 2", "x:int32! y:int16!\n3 4", false, "x:int32! y:int32!\n1 2\n3 4"},
		{"floats", "x:float32 y:int32\n1.5 2", "x:float64 y:float64\n2.5 3.5", false, "x:float64 y:float64\n1.5 2\n2.5 3.5"},
		{"nullable", "x:int64!\n1", "x:int64\nnull", false, "x:int64\n1\nnull"},
		{"finer time", "t:timestamp[ms]\n1", "t:timestamp[us]\n1", false, "t:timestamp[us]\n1000\n1"},
		{"lists", "l:list<float32>\n[1.5]", "l:list<float64>\n[2.5]", false, "l:list<float64>\n[1.5]\n[2.5]"},
		{"text and numbers", "x:dict\na", "x:int64\n1", false, `error: "x"|a.parquet|b.parquet|utf8|int64`},
		{"zones", "t:timestamp[us]\n1", "t:timestamp[us,UTC]\n1", false, `error: "t"|UTC`},
		{"64-bit mix", "x:uint64\n1", "x:int64\n1", false, `error: "x"|uint64|int64`},
		{"missing", "x:int64 y:int64\n1 2", "x:int64\n3", false, `error: lacks "y"|union_by_name`},
		{"extra", "x:int64\n1", "x:int64 y:int64\n2 3", false, `error: has "y"|union_by_name`},
		{"union", "x:int64! y:int64!\n1 2", "z:dict x:int64!\na 3", true, "x:int64! y:int64 z:dict\n1 2 null\n3 null a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, mem, filepath.Join(dir, "a.parquet"), tt.a)
			writeFile(t, mem, filepath.Join(dir, "b.parquet"), tt.b)
			s := &Source{Path: dir, UnionByName: tt.union}
			if parts, ok := strings.CutPrefix(tt.want, "error: "); ok {
				_, err := s.Schema()
				wantError(t, err, strings.Split(parts, "|")...)
				return
			}
			want := columnartest.Batch(t, mem, tt.want)
			got, err := s.Schema()
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(want.Schema()) {
				t.Errorf("schema\n%s\nwant\n%s", got, want.Schema())
			}
			equalRows(t, mustRead(t, s, testEnv(mem, 0, 2)), rowsOf(want))
		})
	}
}

func TestEmptyFiles(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	writeFile(t, mem, filepath.Join(dir, "a.parquet"), "x:int64 s:dict\n")
	s := &Source{Path: dir}
	got, err := s.Schema()
	if err != nil || got.NumFields() != 2 {
		t.Fatal(got, err)
	}
	for _, order := range []string{"name", "file"} {
		if rows := mustRead(t, &Source{Path: dir, Order: order}, testEnv(mem, 0, 2)); len(rows) != 0 {
			t.Fatal(rows)
		}
	}
	writeFile(t, mem, filepath.Join(dir, "b.parquet"), "x:int64 s:dict\n7 q\n")
	equalRows(t, mustRead(t, &Source{Path: dir}, testEnv(mem, 0, 2)), []string{"7 q"})
}

func num(i int) string { return strconv.Itoa(i) }

func TestPositionAndSeek(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(5, 6))
	var want []string
	for _, name := range []string{"a", "b", "c"} {
		b := randomBatch(t, mem, r, allTypes(true), 700, 0.2)
		write(t, mem, &Sink{Path: filepath.Join(dir, name+".parquet"), RowGroupRows: 300}, b)
		want = append(want, rowsOf(b)...)
	}
	env := testEnv(mem, 64, 2)
	first := &Source{Path: dir}
	parts, err := first.Open(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	defer parts[0].Close()
	read := 0
	for step := 0; ; step++ {
		p := parts[0].(arrowstream.Replayer)
		pos, err := p.Position()
		if err != nil {
			t.Fatal(err)
		}
		if lag := parts[0].(arrowstream.Lagging).Lag(); lag != int64(len(want)-read) {
			t.Fatalf("lag %d after %d of %d rows", lag, read, len(want))
		}
		if step%5 == 0 {
			equalRows(t, readFrom(t, &Source{Path: dir}, env, pos), want[read:])
		}
		b, err := parts[0].Read(t.Context())
		if err == io.EOF {
			equalRows(t, readFrom(t, &Source{Path: dir}, env, pos), nil)
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		read += int(b.NumRows())
		b.Release()
	}
	pos, err := parts[0].(arrowstream.Replayer).Position()
	if err != nil {
		t.Fatal(err)
	}
	equalRows(t, readFrom(t, &Source{Path: dir}, env, pos), nil)
	// A file behind the position is new input.
	write(t, mem, &Sink{Path: filepath.Join(dir, "d.parquet")}, randomBatch(t, mem, r, allTypes(true), 10, 0))
	if rows := readFrom(t, &Source{Path: dir}, env, pos); len(rows) != 10 {
		t.Fatalf("%d rows of the new file", len(rows))
	}
}

// readFrom reads what follows a position.
func readFrom(t testing.TB, s *Source, env arrowstream.SourceEnv, pos []byte) []string {
	t.Helper()
	rows, err := tryReadFrom(t.Context(), s, env, pos)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

type seeking struct {
	*Source
	pos []byte
}

func (s seeking) Open(ctx context.Context, env arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	parts, err := s.Source.Open(ctx, env)
	if err == nil {
		err = parts[0].(arrowstream.Replayer).Seek(ctx, s.pos)
	}
	return parts, err
}

func tryReadFrom(ctx context.Context, s *Source, env arrowstream.SourceEnv, pos []byte) ([]string, error) {
	return read(ctx, seeking{s, pos}, env)
}

func TestSeekNoticesChanges(t *testing.T) {
	mem := columnartest.Allocator(t)
	text := "x:int64\n1\n2\n3\n"
	other := "x:int64\n1\n2\n4\n"
	setup := func(order string) (dir string, pos []byte) {
		dir = t.TempDir()
		writeFile(t, mem, filepath.Join(dir, "b.parquet"), text)
		writeFile(t, mem, filepath.Join(dir, "c.parquet"), text)
		s := &Source{Path: dir, Order: order, EventTime: "x", EventTimeUnit: "us"}
		parts, err := s.Open(t.Context(), testEnv(mem, 2, 1))
		if err != nil {
			t.Fatal(err)
		}
		defer parts[0].Close()
		for range 3 {
			b, err := parts[0].Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b.Release()
		}
		if pos, err = parts[0].(arrowstream.Replayer).Position(); err != nil {
			t.Fatal(err)
		}
		return dir, pos
	}
	tests := []struct {
		name   string
		change func(dir string) error
		want   string
	}{
		{"current file", func(dir string) error {
			return replace(t, filepath.Join(dir, "c.parquet"), func() {
				write(t, mem, &Sink{Path: filepath.Join(dir, "c.parquet"), Overwrite: true}, columnartest.Batch(t, mem, other))
			})
		}, "c.parquet has grown"},
		{"consumed file", func(dir string) error {
			return replace(t, filepath.Join(dir, "b.parquet"), func() {
				write(t, mem, &Sink{Path: filepath.Join(dir, "b.parquet"), Overwrite: true}, columnartest.Batch(t, mem, other))
			})
		}, "b.parquet has grown"},
		{"touched file", func(dir string) error {
			return os.Chtimes(filepath.Join(dir, "c.parquet"), time.Time{}, time.Unix(1, 0))
		}, "c.parquet was written again"},
		{"consumed file gone", func(dir string) error { return os.Remove(filepath.Join(dir, "b.parquet")) }, "b.parquet is gone"},
		{"current file gone", func(dir string) error { return os.Remove(filepath.Join(dir, "c.parquet")) }, "c.parquet is gone"},
		{"consumed file cut", func(dir string) error { return os.Truncate(filepath.Join(dir, "b.parquet"), 20) }, "parquet"},
		{"current file grown", func(dir string) error {
			f, err := os.OpenFile(filepath.Join(dir, "c.parquet"), os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.Write([]byte("PAR1"))
			}
			return errors.Join(err, f.Close())
		}, "parquet"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, order := range []string{"name", "event-time"} {
				dir, pos := setup(order)
				if err := tt.change(dir); err != nil {
					t.Fatal(err)
				}
				s := &Source{Path: dir, Order: order, EventTime: "x", EventTimeUnit: "us"}
				_, err := tryReadFrom(t.Context(), s, testEnv(mem, 2, 1), pos)
				wantError(t, err, "parquet", tt.want)
				var known *arrowstream.Error
				if tt.want != "parquet" && (!errors.As(err, &known) || known.Code != "AS5005") {
					t.Errorf("%v has not the code AS5005", err)
				}
			}
		})
	}
	t.Run("new files", func(t *testing.T) {
		for order, want := range map[string][]string{
			"name":       {"3", "7", "8"},
			"event-time": {"7", "8"},
		} {
			dir, pos := setup(order)
			writeFile(t, mem, filepath.Join(dir, "a.parquet"), "x:int64\n7\n")
			writeFile(t, mem, filepath.Join(dir, "d.parquet"), "x:int64\n8\n")
			s := &Source{Path: dir, Order: order}
			if order == "event-time" {
				s.EventTime, s.EventTimeUnit = "x", "us"
			}
			rows, err := tryReadFrom(t.Context(), s, testEnv(mem, 0, 1), pos)
			if err != nil || len(rows) != len(want) {
				t.Errorf("%s: %q %v, want %q", order, rows, err, want)
			}
			if order == "name" {
				equalRows(t, rows, want)
			}
		}
	})
	t.Run("garbage", func(t *testing.T) {
		dir, pos := setup("name")
		for _, p := range []string{"", "{}", `{"v":1,"order":"name"}`, `{"v":2,"order":"event-time"}`, strings.Replace(string(pos), `"row":2`, `"row":99`, 1), strings.Replace(string(pos), `"behind":"AQ`, `"behind":"Ag`, 1), strings.Replace(string(pos), `"behind":"`, `"behind":"////`, 1)} {
			if _, err := tryReadFrom(t.Context(), &Source{Path: dir}, testEnv(mem, 2, 1), []byte(p)); err == nil {
				t.Errorf("position %s is accepted", p)
			}
		}
	})
}

// replace makes sure that a change of a file shows in its time.
func replace(t testing.TB, path string, change func()) error {
	t.Helper()
	before, err := os.Stat(path)
	if err != nil {
		return err
	}
	change()
	return os.Chtimes(path, time.Time{}, before.ModTime().Add(time.Second))
}

func TestFileChangedWhileReading(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	writeFile(t, mem, filepath.Join(dir, "a.parquet"), "x:int64\n1\n")
	s := &Source{Path: dir}
	if _, err := s.Schema(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "a.parquet"), 5); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t.Context(), s, testEnv(mem, 0, 1)); err == nil {
		t.Fatal("a file that was cut is read")
	}
	if err := os.Remove(filepath.Join(dir, "a.parquet")); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t.Context(), s, testEnv(mem, 0, 1)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

func TestHiveColumns(t *testing.T) {
	mem := columnartest.Allocator(t)
	dir := t.TempDir()
	in := columnartest.Batch(t, mem, "x:int64! day:date32 k:dict\n1 2024-01-01 a/b\n2 2024-01-02 ..\n3 2024-01-01 a/b\n4 null null\n5 2024-01-02 \".x=%\"\n")
	write(t, mem, &Sink{Path: dir, Partition: []string{"day", "k"}}, in)
	got := filesIn(t, dir)
	want := []string{
		"day=2024-01-01/k=a%2Fb/part-out-000001.parquet", "day=2024-01-02/k=%2E./part-out-000001.parquet", "day=2024-01-02/k=%2Ex%3D%25/part-out-000001.parquet",
		"day=__HIVE_DEFAULT_PARTITION__/k=__HIVE_DEFAULT_PARTITION__/part-out-000001.parquet",
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Fatalf("files %q", got)
	}
	rows := mustRead(t, &Source{Path: dir, Hive: true, Declared: schema(t, "x:int64 day:date32 k:utf8")}, testEnv(mem, 0, 2))
	equalRows(t, rows, []string{"1 2024-01-01 a/b", "3 2024-01-01 a/b", "2 2024-01-02 ..", "5 2024-01-02 .x=%", "4 null null"})
	s := &Source{Path: dir, Hive: true, Declared: schema(t, "x:int64 day:date32 k:utf8")}
	s.Predicates = []Predicate{{Column: "day", Op: "=", Value: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}}
	if _, err := s.Schema(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, got[1]), filepath.Join(dir, "away")); err != nil { // it is not looked at again
		t.Fatal(err)
	}
	equalRows(t, mustRead(t, s, testEnv(mem, 0, 2)), []string{"1 2024-01-01 a/b", "3 2024-01-01 a/b"})
	if rows := mustRead(t, &Source{Path: dir}, testEnv(mem, 0, 2)); rows[0] != "1" {
		t.Fatalf("without 'hive' the first row is %q", rows[0])
	}
}

func TestCloseEndsRead(t *testing.T) {
	mem := columnartest.Allocator(t)
	path := filepath.Join(t.TempDir(), "a.parquet")
	write(t, mem, &Sink{Path: path}, randomBatch(t, mem, rand.New(rand.NewPCG(1, 1)), allTypes(true), 5000, 0.1))
	for _, order := range []string{"name", "event-time"} {
		s := &Source{Path: path, Order: order, EventTime: "c20", AllowUnsorted: true}
		parts, err := s.Open(t.Context(), testEnv(mem, 100, 3))
		if err != nil {
			t.Fatal(err)
		}
		b, err := parts[0].Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
		for range 2 {
			if err := parts[0].Close(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := parts[0].Read(t.Context()); err == nil || err == io.EOF {
			t.Fatalf("read after close: %v", err)
		}
	}
	s := &Source{Path: path}
	parts, err := s.Open(t.Context(), testEnv(mem, 100, 3))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := parts[0].Read(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("read with a cancelled context: %v", err)
	}
	if err := parts[0].Close(); err != nil {
		t.Fatal(err)
	}
}

func TestMemoryLimitIsAnError(t *testing.T) {
	mem := columnartest.Allocator(t)
	path := filepath.Join(t.TempDir(), "a.parquet")
	write(t, mem, &Sink{Path: path}, randomBatch(t, mem, rand.New(rand.NewPCG(1, 1)), allTypes(true), 5000, 0.1))
	for _, workers := range []int{1, 3} {
		for limit := int64(1 << 10); limit < 4<<20; limit *= 4 {
			_, err := read(t.Context(), &Source{Path: path}, testEnv(columnar.NewBudget(limit, mem).Account("scan"), 0, workers))
			var e *columnar.LimitError
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("limit %d: %v", limit, err)
			}
			if err == nil && limit < 1<<16 {
				t.Fatalf("limit %d is enough for 5000 rows", limit)
			}
		}
	}
}
