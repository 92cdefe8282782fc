package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream/internal/zstdframe"
)

func TestRoundTrip(t *testing.T) {
	defer goleak.VerifyNone(t)
	text := strings.Repeat("hello, world\n", 10000)
	for _, name := range []string{"a.txt", "b.txt.gz", "c.txt.zst"} {
		path := filepath.Join(t.TempDir(), "new", name)
		out, err := Create(nil, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, text); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("the file is there before Commit")
		}
		if err := out.Commit(); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for via, in := range map[string]func() (*Input, error){
			"file":  func() (*Input, error) { return Open(nil, path, nil) },
			"stdin": func() (*Input, error) { return Open(nil, "-", iotest.HalfReader(bytes.NewReader(raw))) },
		} {
			r, err := in()
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || string(got) != text {
				t.Errorf("%s via %s: %d bytes, %v", name, via, len(got), err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestBombs reads inputs that become far more than they are.
func TestBombs(t *testing.T) {
	defer goleak.VerifyNone(t)
	compressed := func(n int64, opts ...zstd.EOption) []byte {
		var b bytes.Buffer
		z, err := zstd.NewWriter(&b, opts...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(z, zeros{}, n); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"much":           {compressed(inflatedFree, zstd.WithWindowSize(zstdframe.Window)), ""},
		"too much":       {compressed(inflatedFree+1, zstd.WithWindowSize(zstdframe.Window)), "more than 1000 times as much"},
		"a large window": {compressed(20<<20, zstd.WithWindowSize(16<<20)), "at most 8 MiB"},
	} {
		r, err := Open(nil, "-", bytes.NewReader(c.data))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r)
		if got := fmt.Sprint(err); err == nil && c.want != "" || err != nil && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%s: %d bytes, %v, want %q", name, n, err, c.want)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAbort(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	for _, name := range []string{"a", "b.gz", "c.zst"} {
		out, err := Create(nil, filepath.Join(dir, name), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := out.Abort(); err != nil {
			t.Fatal(err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
	if _, err := Create(nil, dir, nil); err == nil {
		t.Error("a directory is written as a file")
	}
	if _, err := Open(nil, dir, nil); err == nil {
		t.Error("a directory is read as a file")
	}
}

// A pipe or a device is written to, not replaced.
func TestStream(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	read := make(chan string)
	go func() {
		b, _ := os.ReadFile(path)
		read <- string(b)
	}()
	out, err := Create(nil, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(out, "text"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(out.Flush(), out.Commit()); err != nil {
		t.Error(err)
	}
	if got := <-read; got != "text" {
		t.Errorf("read %q", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().IsRegular() {
		t.Errorf("the pipe is gone: %v", err)
	}
	if out, err = Create(nil, os.DevNull, nil); err != nil {
		t.Fatal(err)
	}
	if err := out.Abort(); err != nil {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// TestMemoryFolder replaces a file in a folder of /dev, which is no device.
func TestMemoryFolder(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "arrowstream-test")
	if err != nil {
		t.Skip(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "a")
	for _, text := range []string{"long text", "short"} {
		out, err := Create(nil, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, text); err != nil {
			t.Fatal(err)
		}
		if err := out.Commit(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Errorf("%q, %v; want %q", got, err, text)
		}
	}
}

func TestLink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(target, nil, 0o666), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	out, err := Create(nil, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(out, "text"); err != nil {
		t.Fatal(err)
	}
	if err := out.Commit(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(target); err != nil || string(got) != "text" {
		t.Errorf("%q %v", got, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is gone")
	}
}

func TestMark(t *testing.T) {
	in, err := Open(nil, "-", strings.NewReader("0123456789"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	part := func(n int) string {
		b := make([]byte, n)
		n, _ = io.ReadFull(in, b)
		return string(b[:n])
	}
	in.Mark()
	got := part(6)
	in.Reset()
	in.Mark()
	got += part(3)
	in.Reset()
	if got += part(20); got != "012345"+"012"+"0123456789" {
		t.Errorf("read %q", got)
	}
}

func TestWatch(t *testing.T) {
	defer goleak.VerifyNone(t)
	r, w := io.Pipe()
	in, err := Open(nil, "-", r)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer in.Watch(ctx)()
	failed := make(chan error)
	go func() {
		_, err := in.Read(make([]byte, 1))
		failed <- err
	}()
	cancel()
	if err := <-failed; !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	w.Close()
}

func TestWindow(t *testing.T) {
	text := strings.Repeat("0123456789", 100_000)
	w := NewWindow(iotest.OneByteReader(strings.NewReader(text[:1000])))
	for w.More() == nil {
	}
	if string(w.Data()) != text[:1000] || !w.EOF() {
		t.Errorf("%d bytes", len(w.Data()))
	}
	w = NewWindow(strings.NewReader(text))
	var sb strings.Builder
	for {
		if err := w.More(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		n := len(w.Data()) * 2 / 3
		sb.Write(w.Data()[:n])
		w.Advance(n)
		if w.Offset() != int64(sb.Len()) {
			t.Fatalf("offset %d after %d bytes", w.Offset(), sb.Len())
		}
	}
	if sb.WriteString(string(w.Data())); sb.String() != text {
		t.Error("the text has changed")
	}
	broken := errors.New("broken")
	w = NewWindow(io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(broken)))
	if err := w.More(); err != nil || string(w.Data()) != "ab" {
		t.Error(err)
	}
	if err := w.More(); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string][2]string{"a.csv": {"", ".csv"}, "a.CSV.GZ": {"gz", ".csv"}, "d.x/a": {"", ""}, "a.json.zst": {"zst", ".json"}} {
		if Compression(name) != want[0] || Extension(name) != want[1] {
			t.Errorf("%s: %q %q", name, Compression(name), Extension(name))
		}
	}
}
