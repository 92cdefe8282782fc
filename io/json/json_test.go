package json

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
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
	for _, dir := range []string{"test_parsing", "test_transform"} {
		if said := hostiletest.Read(t, hostiletest.Data(t, "bad", "jsontestsuite", dir)); len(said) == 0 {
			t.Errorf("%s is empty", dir)
		}
	}
}

func TestRead(t *testing.T) {
	text := "\xEF\xBB\xBF{\"id\":1,\"at\":\"2024-01-02T03:04:05Z\",\"tags\":[\"a\"]}\r\n\n  \n{\"id\":2,\"user\":{\"x\":1.5}}"
	want := "id:int64 at:timestamp[us,UTC]@ tags:list<utf8> user:struct<x:float64>\n1 2024-01-02T03:04:05Z [a] null\n2 null null {1.5}\n"
	for _, batch := range []int{1, 100} {
		got := iotest.MustRead(t, &Source{Path: iotest.File(t, "x.jsonl", text), EventTime: "at"}, batch)
		if columnartest.Text(columnartest.Batch(t, columnartest.Allocator(t), got)) != columnartest.Text(columnartest.Batch(t, columnartest.Allocator(t), want)) {
			t.Errorf("batches of %d: got\n%s\nwant\n%s", batch, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	path := iotest.File(t, "x.json", "{\"a\":1}\n{\"a\":1.5}\nnot json\n{\"a\":2}\n{\"a\":")
	schema := iotest.Schema(t, "a:int64")
	_, err := iotest.Read(t, &Source{Path: path, Fields: schema}, 10)
	var data *arrowstream.DataError
	if !errors.As(err, &data) || data.Where != "line 2" || data.Column != "a" || data.Value != "1.5" {
		t.Errorf("%+v", err)
	}
	if got := iotest.MustRead(t, &Source{Path: path, Fields: schema, OnBadRow: arrowstream.SkipBadRow}, 10); got != "a:int64\n1\n2\n" {
		t.Errorf("skip: %q", got)
	}
	for _, s := range []*Source{{Path: path, Duplicates: "x"}, {Path: path, Epoch: "m"}, {Path: path, EventTime: "b"}, {Path: iotest.File(t, "e.json", "\n")}, {Path: "/no/such"}} {
		if _, err := s.Schema(); err == nil {
			t.Errorf("%+v: no error", s)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	b := columnartest.Batch(t, columnartest.Allocator(t), `
i:int64 f:float64 s:utf8 b:bool t:timestamp[us,UTC] d:date32 l:list<int64> st:struct<x:int64,y:utf8> bin:binary dec:decimal(8,3) k:dict v:vector[2]
1 0.1 "é\"\n" true 1500000 10 [1,null] {1,u} hi -1.250 x [1,2]
null null null null null null null null null null null null
-5 1e300 "" false -1 -1 [] {null,null} "" 0.001 y [0,-0]`)
	for _, name := range []string{"a.jsonl", "b.jsonl.gz", "c.jsonl.zst"} {
		if err := iotest.Write(t, &Sink{Path: filepath.Join(dir, name)}, b); err != nil {
			t.Fatal(err)
		}
	}
	whole := iotest.MustRead(t, &Source{Path: filepath.Join(dir, "a.jsonl"), Fields: b.Schema()}, 2)
	if want := strings.TrimRight(columnartest.Text(b), "\n") + "\n"; whole != want {
		t.Errorf("got\n%s\nwant\n%s", whole, want)
	}
	iotest.Replay(t, func() arrowstream.Source { return &Source{Path: dir, Fields: b.Schema()} })
	raw, err := os.ReadFile(filepath.Join(dir, "a.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range bytes.Split(bytes.TrimSpace(raw), []byte{'\n'}) {
		if !stdjson.Valid(line) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestSink(t *testing.T) {
	b := columnartest.Batch(t, columnartest.Allocator(t), "x:float64 n:int64 __op:int8\nNaN 1 0\n-Inf 2 1\n2 3 3")
	var out bytes.Buffer
	if err := iotest.Write(t, &Sink{Path: "-", Stdio: arrowstream.Stdio{Out: &out}}, b); err != nil {
		t.Fatal(err)
	}
	want := `{"x":null,"n":1,"__op":"+I"}` + "\n" + `{"x":null,"n":2,"__op":"-U"}` + "\n" + `{"x":2,"n":3,"__op":"-D"}` + "\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestFormat(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "a:int64 s:utf8\n1 x\nnull null")
	sliced := b.NewSlice(1, 2)
	defer sliced.Release()
	enc, err := Format.NewEncoder(b.Schema())
	if err != nil {
		t.Fatal(err)
	}
	dec, err := Format.NewDecoder(b.Schema(), mem)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Release()
	var data *arrowstream.DataError
	if err := dec.Append([]byte(`{"a":"x"}`)); !errors.As(err, &data) || data.Column != "a" || dec.Rows() != 0 {
		t.Errorf("bad value: %v", err)
	}
	if err := enc.Encode(b, func(_ int, v []byte) error { return dec.Append(v) }); err != nil {
		t.Fatal(err)
	}
	got, err := dec.Flush()
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	columnartest.Equal(t, got, b)
	if err := enc.Encode(sliced, func(_ int, v []byte) error {
		if string(v) != `{"a":null,"s":null}` {
			t.Errorf("slice: %s", v)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestStdin(t *testing.T) {
	defer goleak.VerifyNone(t)
	r, w := io.Pipe()
	s := &Source{Path: "-", Stdio: arrowstream.Stdio{In: r}}
	go fmt.Fprint(w, "{\"a\":1}\n{\"a\"")
	if _, err := s.Schema(); err != nil {
		t.Fatal(err)
	}
	parts, err := s.Open(t.Context(), iotest.Env(columnartest.Allocator(t), 10))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		b, err := parts[0].Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b.NumRows() != 1 {
			t.Errorf("%d rows", b.NumRows())
		}
		b.Release()
		if i == 0 {
			go func() { fmt.Fprint(w, ":2}"); w.Close() }()
		}
	}
	if _, err := parts[0].Read(t.Context()); err != io.EOF {
		t.Error(err)
	}
	if err := parts[0].Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkRead(b *testing.B) {
	var sb bytes.Buffer
	for i := range 50_000 {
		fmt.Fprintf(&sb, "{\"ts\":\"2024-01-01T00:%02d:%02d.%06dZ\",\"user_id\":%d,\"category\":\"books\",\"f1\":%.6f,\"f2\":%.6f,\"label\":%d,\"extra\":{\"x\":[1,2,3]}}\n", i/60%60, i%60, i%1000000, i*7919%10000, float64(i%977)/97, -float64(i%89)/7, i&1)
	}
	path := iotest.File(b, "x.jsonl", sb.String())
	schema := iotest.Schema(b, "ts:timestamp[us] user_id:int64 category:utf8 f1:float64 f2:float64 label:int64")
	b.SetBytes(int64(sb.Len()))
	iotest.BenchmarkSource(b, func() arrowstream.Source { return &Source{Path: path, Fields: schema} })
}
