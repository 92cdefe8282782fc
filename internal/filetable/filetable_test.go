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
	set, err := words.Find(dir, nil)
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
		if err != nil || got != c.skip || p.Skipped() != c.skipped {
			t.Errorf("got %.80q, %v, %d skipped; want %q, %d", got, err, p.Skipped(), c.skip, c.skipped)
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
	for _, bad := range [][]byte{nil, {}, {2, 0, 0, 0}, {1, 0, 0}, {1, 9, 0, 0}, {1, 0, 200, 1, 0}, {1, 2, 1, 1}, []byte("no position")} {
		if err := open(t, set, true, 2, arrowstream.FailOnBadRow).Seek(t.Context(), bad); err == nil {
			t.Errorf("position %x is accepted", bad)
		}
	}
}

func TestStdin(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	set, err := words.Find("-", r)
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
