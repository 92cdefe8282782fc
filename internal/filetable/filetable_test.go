package filetable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/cell"
	"github.com/arrowstream/arrowstream/internal/files"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var words = Kind{Name: "words", Option: "AS2990", Input: "AS2991"}

// parser reads a word per line into the column w; lines that begin with ! are
// bad, and a first line "w" is a header if there is one.
type parser struct {
	rows   *cell.Rows
	header bool
}

func (p *parser) Row(text []byte, eof bool) (n, lines int, err error) {
	line, n, err := Line(text, eof)
	switch {
	case err != nil:
		return 0, 0, err
	case bytes.HasPrefix(line, []byte("!")):
		return n, 1, errors.New("no word")
	case len(line) > 0:
		if err := p.rows.Columns[0].AppendParsed(line); err != nil {
			return n, 1, err
		}
		p.rows.Commit()
	}
	return n, 1, nil
}

func (p *parser) Describe(text []byte, err error) *arrowstream.DataError {
	return &arrowstream.DataError{Column: "w", Err: err}
}

func (p *parser) Header(_ string, text []byte, eof bool) (n, lines int, again bool, err error) {
	if !p.header {
		return 0, 0, false, nil
	}
	line, n, err := Line(text, eof)
	if err != nil {
		return 0, 0, false, err
	}
	return n, 1, len(line) == 0 && n > 0, nil
}

func open(t testing.TB, set *Set, header bool, limit int, bad arrowstream.BadRow) *Partition {
	t.Helper()
	schema, err := columnartest.Schema("w:utf8")
	if err != nil {
		t.Fatal(err)
	}
	mem := columnartest.Allocator(t)
	rows, err := cell.NewRows(schema, mem)
	if err != nil {
		t.Fatal(err)
	}
	env := arrowstream.SourceEnv{Env: arrowstream.Env{Allocator: mem}, BatchRows: limit}
	p := NewPartition(set, NewText(words, rows, &parser{rows, header}, env, bad))
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// read reads to the end: the rows, a bar between batches.
func read(p *Partition) (string, error) {
	var sb strings.Builder
	for {
		b, err := p.Read(context.Background())
		if err == io.EOF {
			return sb.String(), nil
		}
		if err != nil {
			return sb.String(), err
		}
		sb.WriteString(strings.Join(columnartest.Rows(b), " ") + "|")
		b.Release()
	}
}

// folder writes files named 0, 1 and so on.
func folder(t testing.TB, texts ...string) *Set {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	set, err := words.Find(nil, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		texts  []string
		header bool
		limit  int
		want   string
	}{
		{texts: []string{"a\nb\n", "", "c"}, want: "a b c|"},
		{texts: []string{"a\nb\n", "", "c"}, limit: 2, want: "a b|c|"},
		{texts: []string{"\xEF\xBB\xBFa\nb", "\xEF\xBB\xBFc\n\n"}, limit: 1, want: "a|b|c|"},
		{texts: []string{"w\na\n", "\n\nw\nb", "w", "", "\n"}, header: true, want: "a b|"},
		{texts: []string{"", "\n\n"}, want: ""},
	} {
		got, err := read(open(t, folder(t, c.texts...), c.header, c.limit, arrowstream.FailOnBadRow))
		if err != nil || got != c.want {
			t.Errorf("%q: got %q, %v; want %q", c.texts, got, err, c.want)
		}
	}
}

func TestBadRows(t *testing.T) {
	long := strings.Repeat("x", MaxLine+2)
	for _, c := range []struct {
		text, skip, where string
		skipped           int64
	}{
		{"a\n!\nb\n!", "a b|", "line 2", 2},
		{"a\n" + long + "\nb\n" + long + "!\n!\nc", "a b c|", "line 2", 3},
		{long, "", "line 1", 1},
	} {
		p := open(t, folder(t, c.text), false, 0, arrowstream.SkipBadRow)
		got, err := read(p)
		if err != nil || got != c.skip || p.Rejects().Skipped() != c.skipped {
			t.Errorf("got %.80q, %v, %d skipped; want %q, %d", got, err, p.Rejects().Skipped(), c.skip, c.skipped)
		}
		p = open(t, folder(t, c.text), false, 0, arrowstream.FailOnBadRow)
		var bad *arrowstream.DataError
		if _, err := read(p); !errors.As(err, &bad) || bad.Where != c.where || !strings.HasSuffix(bad.Source, "/0") {
			t.Errorf("%v, want %s", err, c.where)
		}
		again, err := p.Read(t.Context())
		if !errors.As(err, &bad) || bad.Where != c.where {
			t.Errorf("read again: %v %v", again, err)
		}
	}
}

func TestSeek(t *testing.T) {
	set := folder(t, "w\na\nb\n\nc", "w\nd\ne\n")
	p := open(t, set, true, 2, arrowstream.FailOnBadRow)
	want := []string{"a b|c d|e|", "c d|e|", "e|", ""}
	for i, rest := range want {
		pos, err := p.Position()
		if err != nil {
			t.Fatal(err)
		}
		again := open(t, set, true, 2, arrowstream.FailOnBadRow)
		if err := again.Seek(t.Context(), pos); err != nil {
			t.Fatal(err)
		}
		if got, err := read(again); err != nil || got != rest {
			t.Errorf("from position %d: got %q, %v; want %q", i, got, err, rest)
		}
		if b, err := p.Read(t.Context()); err == nil {
			b.Release()
		}
	}
	whole, err := p.Position()
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := open(t, set, true, 2, arrowstream.FailOnBadRow).Seek(t.Context(), whole[:n]); err == nil {
			t.Errorf("position %x is accepted", whole[:n])
		}
	}
	for _, bad := range [][]byte{nil, {}, {1, 0, 0, 0}, {2, 0, 0, 1, 0}, {2, 200, 1, 0, 0}, {2, 0, 0, 0, 0, 0}, {2, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, []byte("no position")} {
		if err := open(t, set, true, 2, arrowstream.FailOnBadRow).Seek(t.Context(), bad); err == nil {
			t.Errorf("position %x is accepted", bad)
		}
	}
}

func TestSeekNoticesChanges(t *testing.T) {
	// One file is behind, one was begun, one is ahead.
	setup := func(t *testing.T) (dir string, pos []byte) {
		set := folder(t, "a\nb\n", "c\nd\ne\n", "f\n")
		p := open(t, set, false, 3, arrowstream.FailOnBadRow)
		b, err := p.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
		if pos, err = p.Position(); err != nil {
			t.Fatal(err)
		}
		if again, err := p.Position(); err != nil || !bytes.Equal(again, pos) {
			t.Errorf("position %x, then %x, %v", pos, again, err)
		}
		return filepath.Dir(set.names[0]), pos
	}
	rest := func(t *testing.T, dir string, pos []byte) (string, error) {
		set, err := words.Find(nil, dir+"/*", nil)
		if err != nil {
			t.Fatal(err)
		}
		p := open(t, set, false, 0, arrowstream.FailOnBadRow)
		if err := p.Seek(t.Context(), pos); err != nil {
			return "", err
		}
		return read(p)
	}
	write := func(name, text string) func(dir string) error {
		return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666) }
	}
	for _, c := range []struct {
		what   string
		change func(dir string) error
		want   string // the rest of the rows, or the error
	}{
		{"nothing", func(string) error { return nil }, "d e f|"},
		{"the file ahead", write("2", "x\ny\n"), "d e x y|"},
		{"a new file at the front", write("/+", "x\n"), "d e x f|"},
		{"new files", func(dir string) error { return errors.Join(write("00", "x\n")(dir), write("3", "y")(dir)) }, "d e x f y|"},
		{"a byte", write("1", "c\nd\nX\n"), "/1 has other content"},
		{"a byte of the file behind", write("0", "a\nX\n"), "/0 has other content"},
		{"growth", write("1", "c\nd\ne\nx\n"), "/1 has grown from 6 to 8 bytes"},
		{"growth of the file behind", write("0", "a\nb\nc\n"), "/0 has grown from 4 to 6 bytes"},
		{"a cut", write("1", "c\n"), "/1 was cut from 6 to 2 bytes"},
		{"a cut of the file behind", write("0", ""), "/0 was cut from 4 to 0 bytes"},
		{"removal", func(dir string) error { return os.Remove(filepath.Join(dir, "1")) }, "/1 is gone"},
		{"removal of the file behind", func(dir string) error { return os.Remove(filepath.Join(dir, "0")) }, "/0 is gone"},
		{"time", func(dir string) error { return os.Chtimes(filepath.Join(dir, "0"), time.Time{}, time.Unix(9, 0)) }, "/0 was written again: it is of 1970-01-01 00:00:09"},
		{"exchange", func(dir string) error {
			one, zero := filepath.Join(dir, "1"), filepath.Join(dir, "0")
			return errors.Join(os.Rename(one, one+"x"), os.Rename(zero, one), os.Rename(one+"x", zero))
		}, "/0 has grown from 4 to 6 bytes"},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir, pos := setup(t)
			if err := c.change(dir); err != nil {
				t.Fatal(err)
			}
			got, err := rest(t, dir, pos)
			var known *arrowstream.Error
			switch {
			case !strings.HasPrefix(c.want, "/"):
				if err != nil || got != c.want {
					t.Errorf("%q %v, want %q", got, err, c.want)
				}
			case !errors.As(err, &known) || known.Code != "AS5005" || !strings.Contains(err.Error(), c.want):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestPositionIsCheap counts what a position costs behind many files.
func TestPositionIsCheap(t *testing.T) {
	set := folder(t, strings.Split(strings.Repeat("a\n ", 500)+"a\nb", " ")...)
	p := open(t, set, false, 501, arrowstream.FailOnBadRow)
	b, err := p.Read(t.Context())
	if err != nil || b.NumRows() != 501 {
		t.Fatal(b, err)
	}
	b.Release()
	pos, err := p.Position()
	if err != nil || len(pos) > 501*30 {
		t.Fatalf("%d bytes, %v", len(pos), err)
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = p.Position() }); n > 6 {
		t.Errorf("%v allocations", n)
	}
	again := open(t, set, false, 10, arrowstream.FailOnBadRow)
	if err := again.Seek(t.Context(), pos); err != nil {
		t.Fatal(err)
	}
	if got, err := read(again); err != nil || got != "a|" {
		t.Errorf("%q %v", got, err)
	}
}

func FuzzPosition(f *testing.F) {
	var l files.Identities
	l.Add(files.Identity{Name: "a/b", Size: 1})
	l.Add(files.Identity{Name: "a/c", Size: 2})
	f.Add(append(l.AppendTo(l.AppendTo([]byte{2})), 3, 4))
	f.Add([]byte{2, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, pos []byte) {
		hostiletest.Within(t, len(pos), func() {
			behind, begun, _, err := parsePosition(pos)
			if err == nil && (len(begun) > 1 || len(behind) > len(pos)/19) {
				t.Errorf("%d and %d files in %d bytes", len(behind), len(begun), len(pos))
			}
		})
	})
}

func TestStdin(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	set, err := words.Find(nil, "-", r)
	if err != nil || !set.Live() {
		t.Fatal(err)
	}
	go io.WriteString(w, "a\nb\nc") //nolint:errcheck // the test ends it
	sampled := ""
	err = set.Sample(2, func(_ string, text []byte, eof bool) (bool, error) {
		sampled = string(text)
		return true, nil
	})
	if err != nil || sampled != "a\nb\nc" {
		t.Fatalf("sampled %q, %v", sampled, err)
	}
	p := open(t, set, false, 0, arrowstream.FailOnBadRow)
	b, err := p.Read(t.Context())
	if err != nil || b.NumRows() != 2 {
		t.Fatal(b, err)
	}
	b.Release()
	if err := p.Seek(t.Context(), []byte{1, 0, 0, 0}); err == nil {
		t.Error("stdin can be read again")
	}
	blocked := make(chan error)
	go func() {
		_, err := p.Read(context.Background())
		blocked <- err
	}()
	time.Sleep(time.Millisecond) // either order is fine, this one is the point
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-blocked; err == nil {
		t.Error("a read goes on after Close")
	}
}

func TestSampleOfFiles(t *testing.T) {
	set := folder(t, "", "\xEF\xBB\xBFa\nb", "c")
	var seen []string
	err := set.Sample(1, func(name string, text []byte, eof bool) (bool, error) {
		seen = append(seen, filepath.Base(name)+":"+string(text))
		return len(text) > 0, nil
	})
	if err != nil || strings.Join(seen, ",") != "0:,1:a\nb" {
		t.Errorf("%q %v", seen, err)
	}
	broken := &Set{kind: words, names: []string{"-"}, stdin: iotest.ErrReader(errors.New("broken"))}
	if err := broken.Sample(1, nil); err == nil || !strings.Contains(err.Error(), "words: read stdin: broken") {
		t.Error(err)
	}
}

func TestEventTime(t *testing.T) {
	schema, _ := columnartest.Schema("ts:timestamp[us] x:int64")
	for name, want := range map[string]string{"tss": `did you mean "ts"`, "x": "int64, not a time"} {
		if _, err := words.EventTime(schema, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "ts"} {
		if s, err := words.EventTime(schema, name); err != nil || s.NumFields() != 2 {
			t.Error(s, err)
		}
	}
}

func TestResult(t *testing.T) {
	dir := t.TempDir()
	result := func(name string) *Result {
		r := &Result{Kind: words, Path: filepath.Join(dir, name)}
		r.Begin = func() error { _, err := io.WriteString(r, "begin\n"); return err }
		r.End = func() error { _, err := io.WriteString(r, "end\n"); return err }
		return r
	}
	r := result("a")
	line := func(to []byte, i int) []byte { return fmt.Appendf(to, "%06d", i) }
	if err := errors.Join(r.Lines(20_000, line), r.Flush()); err != nil {
		t.Fatal(err)
	}
	if entries, _ := filepath.Glob(filepath.Join(dir, "a")); len(entries) != 0 {
		t.Error("the file is there before Close")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(r.Path); err != nil || len(text) != 6+20_000*7+4 || !bytes.HasSuffix(text, []byte("019999\nend\n")) {
		t.Error(len(text), err)
	}
	r = result("b")
	if err := r.Lines(1, line); err != nil {
		t.Fatal(err)
	}
	r.Abort()
	bad := result("c")
	bad.End = func() error { return errors.New("broken") }
	if err := errors.Join(r.Close(), bad.Close()); err == nil || !strings.Contains(err.Error(), "words: finish "+bad.Path+": broken") {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the directory holds %v", entries)
	}
	if err := (&Result{}).Close(); err != nil {
		t.Error(err)
	}
}

// TestResultsInADirectory ends files at the same rows for every cut into calls.
func TestResultsInADirectory(t *testing.T) {
	for _, cut := range []int{1, 7, 1000} {
		dir := t.TempDir() + "/"
		r := &Result{Kind: words, Path: dir, Extension: ".txt", Sink: "out", RollSize: 100}
		r.Begin = func() error { _, err := io.WriteString(r, "begin\n"); return err }
		for from := 0; from < 50; from += cut {
			line := func(to []byte, i int) []byte { return fmt.Appendf(to, "%04d", from+i) }
			if err := errors.Join(r.Lines(min(cut, 50-from), line), r.Flush()); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 3 || entries[2].Name() != "part-out-000003.txt" {
			t.Fatalf("cut %d: %v %v", cut, entries, err)
		}
		for i, e := range entries {
			text, err := os.ReadFile(dir + e.Name())
			if want := fmt.Sprintf("begin\n%04d\n", 19*i); err != nil || !strings.HasPrefix(string(text), want) {
				t.Errorf("cut %d: %s begins with %.20q, %v", cut, e.Name(), text, err)
			}
		}
	}
}

// BenchmarkPosition takes positions behind so many files.
func BenchmarkPosition(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			texts := make([]string, n)
			for i := range texts {
				texts[i] = "a\n"
			}
			p := open(b, folder(b, append(texts, "b\nc\n")...), false, n+1, arrowstream.FailOnBadRow)
			batch, err := p.Read(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			batch.Release()
			size := 0
			for b.Loop() {
				pos, err := p.Position()
				if err != nil {
					b.Fatal(err)
				}
				size = len(pos)
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
