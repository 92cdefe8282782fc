package ipc

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	arrowipc "github.com/apache/arrow/go/v17/arrow/ipc"
	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestMain(m *testing.M) {
	hostiletest.Main(m, func(file string) (int64, error) {
		return iotest.Count(context.Background(), &Source{Path: file}, 1000)
	})
}

func TestHostileFiles(t *testing.T) {
	for _, dir := range []string{"arrow-ipc-file", "arrow-ipc-stream"} {
		if said := hostiletest.Read(t, hostiletest.Data(t, "bad", "arrow-testing", "data", dir)); len(said) < 50 {
			t.Errorf("%s: %d files", dir, len(said))
		}
	}
}

const first = `i:int64 s:utf8 d:dict t:timestamp[us]@ l:list<float64> st:struct<x:int64,y:utf8>
1 a x 100 [1,2] {1,u}
null null null null null null
3 "" y 300 [] {null,v}`

const second = `i:int64 s:utf8 d:dict t:timestamp[us]@ l:list<float64> st:struct<x:int64,y:utf8>
4 é z 400 [null] {2,w}
5 b x 500 null null`

func rowsOf(b arrow.Record) string {
	_, rows, _ := strings.Cut(columnartest.Text(b), "\n")
	return strings.TrimRight(rows, "\n") + "\n"
}

func TestFiles(t *testing.T) {
	mem := columnartest.Allocator(t)
	a, b := columnartest.Batch(t, mem, first), columnartest.Batch(t, mem, second)
	for _, c := range []Sink{{Path: "x.arrow"}, {Path: "x.arrows"}, {Path: "x.arrow", Compression: "zstd"}, {Path: "x.arrow", Layout: "stream", Compression: "lz4"}} {
		dir := t.TempDir()
		path := filepath.Join(dir, c.Path)
		if err := iotest.Write(t, &Sink{Path: path, Layout: c.Layout, Compression: c.Compression}, a, b); err != nil {
			t.Fatal(err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("%+v left %v", c, entries)
		}
		for _, batch := range []int{1, 2, 100} {
			got := iotest.MustRead(t, &Source{Path: path}, batch)
			if _, rows, _ := strings.Cut(got, "\n"); rows != rowsOf(a)+rowsOf(b) {
				t.Errorf("%s %s %s: got\n%s", c.Path, c.Layout, c.Compression, got)
			}
		}
		iotest.Replay(t, func() arrowstream.Source { return &Source{Path: path} })
		schema, err := (&Source{Path: path}).Schema()
		if err != nil || columnar.EventTime(schema) != 3 {
			t.Errorf("event time is lost: %v %v", schema, err)
		}
	}
}

func TestEmpty(t *testing.T) {
	b := columnartest.Batch(t, columnartest.Allocator(t), "a:int64\n1")
	path := filepath.Join(t.TempDir(), "x.arrow")
	s := &Sink{Path: path}
	if err := s.Bind(b.Schema(), arrowstream.Env{Allocator: columnar.Pool}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := iotest.MustRead(t, &Source{Path: path}, 10); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestProjection(t *testing.T) {
	mem := columnartest.Allocator(t)
	path := filepath.Join(t.TempDir(), "x.arrows")
	if err := iotest.Write(t, &Sink{Path: path}, columnartest.Batch(t, mem, "a:int64 b:utf8\n1 x\n2 y")); err != nil {
		t.Fatal(err)
	}
	want := iotest.Schema(t, "b:utf8")
	if got := iotest.MustRead(t, &Source{Path: path, Fields: want}, 10); got != "b:utf8\nx\ny\n" {
		t.Error(got)
	}
	for _, bad := range []string{"b:int64", "c:utf8"} {
		want := iotest.Schema(t, bad)
		if _, err := iotest.Read(t, &Source{Path: path, Fields: want}, 10); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestCutFile(t *testing.T) {
	mem := columnartest.Allocator(t)
	path := filepath.Join(t.TempDir(), "x.arrow")
	if err := iotest.Write(t, &Sink{Path: path}, columnartest.Batch(t, mem, first)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)-20], 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = iotest.Read(t, &Source{Path: path}, 10)
	var bad *arrowstream.DataError
	if !errors.As(err, &bad) || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("cut file: %v", err)
	}
}

func TestStdin(t *testing.T) {
	defer goleak.VerifyNone(t)
	mem := columnartest.Allocator(t)
	a, b := columnartest.Batch(t, mem, first), columnartest.Batch(t, mem, second)
	var out bytes.Buffer
	if err := iotest.Write(t, &Sink{Path: "-", Stdio: arrowstream.Stdio{Out: &out}}, a, b); err != nil {
		t.Fatal(err)
	}
	s := &Source{Path: "-", Stdio: arrowstream.Stdio{In: &out}}
	if _, err := s.Schema(); err != nil || s.Bounded() {
		t.Fatal(err)
	}
	if _, rows, _ := strings.Cut(iotest.MustRead(t, s, 100), "\n"); rows != rowsOf(a)+rowsOf(b) {
		t.Errorf("got\n%s", rows)
	}
}

func TestFormat(t *testing.T) {
	mem := columnartest.Allocator(t)
	a, b := columnartest.Batch(t, mem, first), columnartest.Batch(t, mem, second)
	enc, err := Format.NewEncoder(a.Schema())
	if err != nil {
		t.Fatal(err)
	}
	dec, err := Format.NewDecoder(a.Schema(), mem)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Release()
	var bad *arrowstream.DataError
	var value []byte
	for i, rec := range []arrow.Record{a, b} {
		if err := enc.Encode(rec, func(row int, v []byte) error { value = bytes.Clone(v); return dec.Append(v) }); err != nil {
			t.Fatal(err)
		}
		for _, v := range [][]byte{nil, []byte("x"), value[:len(value)/2]} {
			if err := dec.Append(v); !errors.As(err, &bad) {
				t.Errorf("%d bytes: %v", len(v), err)
			}
		}
		if want := []int{3, 5}[i]; dec.Rows() != want {
			t.Errorf("%d rows, want %d", dec.Rows(), want)
		}
	}
	got, err := dec.Flush()
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	if rowsOf(got) != rowsOf(a)+rowsOf(b) {
		t.Errorf("got\n%s", rowsOf(got))
	}
	// Flipped bytes are errors or rows, and lose no memory.
	for i := range value {
		value[i] ^= 0x55
		_ = dec.Append(value)
		value[i] ^= 0x55
	}
}

// TestFormatCompressed decodes messages that are smaller than what they become.
func TestFormatCompressed(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "x:int64\n"+strings.Repeat("7\n", 10_000))
	for _, option := range []arrowipc.Option{arrowipc.WithZstd(), arrowipc.WithLZ4()} {
		var value bytes.Buffer
		w := arrowipc.NewWriter(&value, arrowipc.WithSchema(b.Schema()), option)
		if err := errors.Join(w.Write(b), w.Close()); err != nil {
			t.Fatal(err)
		}
		dec, err := Format.NewDecoder(b.Schema(), mem)
		if err != nil {
			t.Fatal(err)
		}
		if err := dec.Append(value.Bytes()); err != nil || dec.Rows() != 10_000 {
			t.Errorf("%d bytes: %d rows, %v", value.Len(), dec.Rows(), err)
		}
		dec.Release()
	}
}

func TestReader(t *testing.T) {
	mem := columnartest.Allocator(t)
	a := columnartest.Batch(t, mem, first)
	var out bytes.Buffer
	if err := iotest.Write(t, &Sink{Path: "-", Stdio: arrowstream.Stdio{Out: &out}}, a); err != nil {
		t.Fatal(err)
	}
	rd, err := NewReader(&out, mem, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Release()
	rec, err := rd.Read()
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Release()
	columnartest.Equal(t, rec, a)
	if err := Validate(rec); err != nil {
		t.Error(err)
	}
}

func FuzzFormat(f *testing.F) {
	mem := columnar.Pool
	b, err := columnartest.Parse(mem, first)
	if err != nil {
		f.Fatal(err)
	}
	enc, err := Format.NewEncoder(b.Schema())
	if err != nil {
		f.Fatal(err)
	}
	if err := enc.Encode(b, func(_ int, v []byte) error { f.Add(bytes.Clone(v)); return nil }); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		hostiletest.Within(t, len(data), func() {
			dec, err := Format.NewDecoder(b.Schema(), columnartest.Allocator(t))
			if err != nil {
				t.Fatal(err)
			}
			defer dec.Release()
			for range 2 {
				_ = dec.Append(data)
			}
			if rec, err := dec.Flush(); err == nil && rec != nil {
				rec.Release()
			}
		})
	})
}
