package csv

import (
	"bytes"
	"context"
	stdcsv "encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"go.uber.org/goleak"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

func TestMain(m *testing.M) {
	hostiletest.Main(m, func(file string) (int64, error) {
		return iotest.Count(context.Background(), &Source{Path: file, OnBadRow: arrowstream.SkipBadRow}, 1000)
	})
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		text, schema string
		opts         Source
		want         string
	}{
		"plain":             {text: "a,b\n1,x\n2,y\n", want: "a:int64 b:utf8\n1 x\n2 y\n"},
		"crlf, no end":      {text: "a,b\r\n1,2.5\r\n2,3", want: "a:int64 b:float64\n1 2.5\n2 3\n"},
		"cr at the end":     {text: "a,b\r\n1,2\r", want: "a:int64 b:int64\n1 2\n"},
		"bom":               {text: "\xEF\xBB\xBFa\n1\n", want: "a:int64\n1\n"},
		"quotes":            {text: "a,b\n\"x,1\",\"say \"\"hi\"\"\"\n\"\",\n", want: "a:utf8 b:utf8\n\"x,1\" \"say \\\"hi\\\"\"\n\"\" null\n"},
		"line in quotes":    {text: "a,b\n\"1\n2\",3\n4,5\n", want: "a:utf8 b:int64\n\"1\\n2\" 3\n4 5\n"},
		"bare quote":        {text: "a,b\nx\"y,1\n", want: "a:utf8 b:int64\n\"x\\\"y\" 1\n"},
		"blank lines":       {text: "a,b\n\n1,2\n\r\n3,4\n\n", want: "a:int64 b:int64\n1 2\n3 4\n"},
		"one column":        {text: "a\n1\n\n3\n", want: "a:int64\n1\nnull\n3\n"},
		"comment":           {text: "#c\na,b\n# 1,2\n3,4\n", opts: Source{Comment: "#"}, want: "a:int64 b:int64\n3 4\n"},
		"no header":         {text: "1,x\n2,y\n", want: "column1:int64 column2:utf8\n1 x\n2 y\n"},
		"header said":       {text: "1,x\n2,y\n", opts: Source{Header: "true"}, want: "1:int64 x:utf8\n2 y\n"},
		"tab":               {text: "a\tb\n1\t2\n", opts: Source{Delimiter: `\t`}, want: "a:int64 b:int64\n1 2\n"},
		"nulls":             {text: "a,b\nNA,\\N\n1,x\n", opts: Source{Null: []string{"NA", `\N`}}, want: "a:int64 b:utf8\nnull null\n1 x\n"},
		"quoted null text":  {text: "b\n\"NA\"\nNA\n", opts: Source{Null: []string{"NA"}}, want: "b:utf8\nNA\nnull\n"},
		"escape":            {text: "a\n'it\\'s'\n", opts: Source{Quote: "'", Escape: `\`}, want: "a:utf8\nit's\n"},
		"widening":          {text: "a,b,c\n1,true,1\n2.5,false,x\n", want: "a:float64 b:bool c:utf8\n1 true 1\n2.5 false x\n"},
		"times":             {text: "t,u,d\n2024-01-02T03:04:05,2024-01-02T03:04:05.5+01:00,2024-01-02\n", want: "t:timestamp[us] u:timestamp[us,UTC] d:date32\n2024-01-02T03:04:05Z 2024-01-02T02:04:05.5Z 2024-01-02\n"},
		"mixed zones":       {text: "t\n2024-01-02T03:04:05\n2024-01-02T03:04:05Z\n", want: "t:utf8\n2024-01-02T03:04:05\n2024-01-02T03:04:05Z\n"},
		"all null":          {text: "a,b\n,1\n", want: "a:utf8 b:int64\nnull 1\n"},
		"big integers":      {text: "a\n99999999999999999999\n", want: "a:utf8\n99999999999999999999\n"},
		"special floats":    {text: "a\n1.5\nNaN\n-Infinity\n", want: "a:float64\n1.5\nNaN\n-Inf\n"},
		"blanks of numbers": {text: "a,b\n 1 , x \n", want: "a:int64 b:utf8\n1 \" x \"\n"},
		"same names":        {text: "a,a,\n1,2,3\n", opts: Source{Header: "true"}, want: "a:int64 a_2:int64 column3:int64\n1 2 3\n"},
		"declared":          {text: "B,x,a\n1,9,2\n", schema: "a:int32 b:float64", want: "a:int32 b:float64\n2 1\n"},
		"declared, bare":    {text: "1,2\n", schema: "a:int32 b:float64", want: "a:int32 b:float64\n1 2\n"},
		"types": {
			text: "1,-2,3,255,1.5,2024-02-29,1:2,12.340,\"[1,2]\",\"[1,2,3]\",x\n", schema: "a:int8 b:int16 c:int32 d:uint8 e:float32 f:date32 g:utf8 h:decimal(10,2) i:list<int64> j:vector[3] k:dict",
			want: "a:int8 b:int16 c:int32 d:uint8 e:float32 f:date32 g:utf8 h:decimal(10,2) i:list<int64> j:vector[3] k:dict\n1 -2 3 255 1.5 2024-02-29 1:2 12.34 [1,2] [1,2,3] x\n",
		},
		"skip":         {text: "a,b\n1,2\n3\n4,5,6\n7,x\n8,9\n", schema: "a:int64 b:int64", opts: Source{OnBadRow: arrowstream.SkipBadRow}, want: "a:int64 b:int64\n1 2\n8 9\n"},
		"skip quote":   {text: "a,b\n1,2\n\"3,4\n5,6\n", schema: "a:int64 b:int64", opts: Source{OnBadRow: arrowstream.SkipBadRow}, want: "a:int64 b:int64\n1 2\n5 6\n"},
		"replace":      {text: "a\n\xFFx\n", opts: Source{InvalidUTF8: "replace"}, want: "a:utf8\n\"\uFFFDx\"\n"},
		"header alone": {text: "a,b\n", want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, batch := range []int{1, 7, 1000} {
				s := c.opts
				s.Path = iotest.File(t, "x.csv", c.text)
				if c.schema != "" {
					s.Fields = iotest.Schema(t, c.schema)
				}
				got := iotest.MustRead(t, &s, batch)
				if canonical(t, got) != canonical(t, c.want) {
					t.Fatalf("batches of %d: got\n%s\nwant\n%s", batch, got, c.want)
				}
			}
		})
	}
}

// canonical reads text and writes it, so that spellings do not matter.
func canonical(t *testing.T, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	b, err := columnartest.Parse(memory.NewGoAllocator(), text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return columnartest.Text(b)
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		text, schema string
		opts         Source
		want         []string
	}{
		"ragged":         {text: "a,b\n1,2\n3\n", want: []string{"line 3", "1 fields, want 2"}},
		"value":          {text: "a,b\n1,2\n\"3\n\",x\n", schema: "a:utf8 b:int64", want: []string{"line 3", `column "b"`, `"x"`}},
		"overflow":       {text: "a\n300\n", schema: "a:int8", want: []string{"line 2", "int8"}},
		"fraction":       {text: "a\n1.5\n", schema: "a:int64", want: []string{"line 2", "whole number"}},
		"float range":    {text: "a\n1e999\n", schema: "a:float64", want: []string{"line 2"}},
		"not null":       {text: "a,b\n1,\n", schema: "a:int64 b:int64!", want: []string{"line 2", `column "b"`, "NOT NULL"}},
		"open quote":     {text: "a,b\n1,2\n\"3,4\n5,6\n", schema: "a:int64 b:int64", want: []string{"line 3", "never closed"}},
		"behind quote":   {text: "a\n\"x\"y\n", schema: "a:utf8", want: []string{"line 2", "closing quote"}},
		"utf-8":          {text: "a\n\xFF\n", want: []string{"line 2", `column "a"`, "UTF-8"}},
		"missing column": {text: "a,b\n1,2\n", schema: "a:int64 bb:int64", want: []string{`no column "bb"`, "columns: a, b"}},
		"empty":          {text: "", want: []string{"empty", "declare"}},
		"decimal":        {text: "a\n1.234\n", schema: "a:decimal(5,2)", want: []string{"decimal(5,2)"}},
		"long field":     {text: "a\n" + strings.Repeat("x", maxField+1) + "\n", schema: "a:utf8", want: []string{"line 2", "longer"}},
		"many fields":    {text: strings.Repeat("a,", maxColumns+1) + "\n", opts: Source{Header: "true"}, want: []string{"more than 4096"}},
		"bad option":     {text: "a\n", opts: Source{Delimiter: "ab"}, want: []string{"delimiter", `"ab"`}},
		"bad event time": {text: "a\n1\n", opts: Source{EventTime: "a"}, want: []string{"event time", "int64"}},
		"no event time":  {text: "ts\n2024-01-02T03:04:05\n", opts: Source{EventTime: "tss"}, want: []string{`did you mean "ts"`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.opts
			s.Path = iotest.File(t, "x.csv", c.text)
			if c.schema != "" {
				s.Fields = iotest.Schema(t, c.schema)
			}
			_, err := iotest.Read(t, &s, 100)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
	if _, err := (&Source{Path: "/no/such/*.csv"}).Schema(); err == nil || !strings.Contains(err.Error(), "no file matches") {
		t.Errorf("no match: %v", err)
	}
}

func TestElectricity(t *testing.T) {
	for name, rows := range map[string]int{"electricity.csv": 45312, "electricity_tiny.csv": 2000, "fried.csv": 40768} {
		mem := columnartest.Allocator(t)
		parts, err := (&Source{Path: hostiletest.Data(t, "ml", "capymoa", name)}).Open(t.Context(), iotest.Env(mem, 4096))
		if err != nil {
			t.Fatal(err)
		}
		got, ones := 0, int64(0)
		err = iotest.Each(t.Context(), parts[0], func(b arrowstream.Batch) {
			got += int(b.NumRows())
			if i := columnar.Index(b.Schema(), "class"); i >= 0 {
				for _, v := range columnar.Values[int64](b.Column(i)) {
					ones += v
				}
			}
		})
		if err = errors.Join(err, parts[0].Close()); err != nil {
			t.Fatal(err)
		}
		if got != rows || name == "electricity.csv" && ones != 19237 {
			t.Errorf("%s: %d rows, %d ones; want %d", name, got, ones, rows)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "ts:timestamp[us] s:utf8 x:float64\n2024-01-01T00:00:00.5Z \"a,\\\"b\\\"\\n\" 1.5\n2024-01-01T00:00:01Z \"\" NaN\nnull null null")
	for _, name := range []string{"a.csv", "b.csv.gz", "c.csv.zst"} {
		if err := iotest.Write(t, &Sink{Path: filepath.Join(dir, name)}, b); err != nil {
			t.Fatal(err)
		}
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 3 {
		t.Errorf("the directory holds %v", entries)
	}
	want := columnartest.Text(b)
	_, rows, _ := strings.Cut(want, "\n")
	got := iotest.MustRead(t, &Source{Path: dir}, 2)
	if got != want+rows+rows && got != strings.TrimRight(want, "\n")+"\n"+strings.Repeat(strings.TrimRight(rows, "\n")+"\n", 2) {
		t.Errorf("got\n%s\nwant three times\n%s", got, want)
	}
	iotest.Replay(t, func() arrowstream.Source { return &Source{Path: filepath.Join(dir, "*")} })
}

func TestSinkAbort(t *testing.T) {
	dir := t.TempDir()
	b := columnartest.Batch(t, columnartest.Allocator(t), "a:int64\n1")
	s := &Sink{Path: filepath.Join(dir, "sub", "x.csv")}
	if err := s.Bind(b.Schema(), arrowstream.Env{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	s.Abort(errors.New("test"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(filepath.Join(dir, "sub")); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestSink(t *testing.T) {
	b := columnartest.Batch(t, columnartest.Allocator(t), "a,b:utf8 n:int64 d:decimal(6,2) l:list<float64> t:timestamp[ms,UTC] o:bool\n\"=1+1\" -5 -0.05 [1,null] 1500 true\nnull null null null null null")
	var out bytes.Buffer
	if err := iotest.Write(t, &Sink{Path: "-", EscapeFormulas: true, Stdio: arrowstream.Stdio{Out: &out}}, b); err != nil {
		t.Fatal(err)
	}
	want := "\"a,b\",n,d,l,t,o\n\"'=1+1\",-5,-0.05,\"[1,null]\",1970-01-01T00:00:01.500Z,true\n,,,,,\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestStdin(t *testing.T) {
	defer goleak.VerifyNone(t)
	r, w := io.Pipe()
	s := &Source{Path: "-", Stdio: arrowstream.Stdio{In: r}}
	go func() {
		fmt.Fprint(w, "a,b\n1,x\n2,")
	}()
	schema, err := s.Schema()
	if err != nil || schema.NumFields() != 2 || s.Bounded() {
		t.Fatal(schema, err)
	}
	mem := columnartest.Allocator(t)
	parts, err := s.Open(t.Context(), iotest.Env(mem, 100))
	if err != nil {
		t.Fatal(err)
	}
	read := func(want int64) {
		t.Helper()
		b, err := parts[0].Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b.NumRows() != want {
			t.Errorf("%d rows, want %d", b.NumRows(), want)
		}
		b.Release()
	}
	read(1) // the second line has no end yet
	go fmt.Fprint(w, "y\n3,z\n")
	read(2)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := parts[0].Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("blocked read ends with %v", err)
	}
	if err := parts[0].Close(); err != nil {
		t.Error(err)
	}
	w.Close()
}

func TestLines(t *testing.T) {
	mem := columnartest.Allocator(t)
	b := columnartest.Batch(t, mem, "a:int64 s:utf8 x:float64\n1 \"a,b\" 1.5\nnull \"\" null")
	enc, err := Format.NewEncoder(b.Schema())
	if err != nil {
		t.Fatal(err)
	}
	dec, err := Format.NewDecoder(b.Schema(), mem)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Release()
	for _, bad := range []string{"1,2", "x,y,1", "\"", "1,\xFF,2", "1,a,2\n3,b,4"} {
		var data *arrowstream.DataError
		if err := dec.Append([]byte(bad)); !errors.As(err, &data) || dec.Rows() != 0 {
			t.Errorf("%q: %v", bad, err)
		}
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
	if none, err := dec.Flush(); none != nil || err != nil {
		t.Errorf("empty flush: %v %v", none, err)
	}
}

func TestHostileFiles(t *testing.T) {
	said := hostiletest.Read(t, hostiletest.Data(t, "bad", "arrow-testing", "data", "csv", "fuzzing"))
	if len(said) != 7 {
		t.Errorf("%d files", len(said))
	}
	t.Log(said)
}

// FuzzRead reads any text as a file, with columns that are inferred and with
// declared ones: no panic, no memory beyond the input.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"a,b\n1,x\n2,y\n", "1,2.5,2024-01-02T03:04:05Z,true\n,,,\n", "\xEF\xBB\xBFa;b\r\n\"x\"\"\";1\r\n", "a\n\"open\n1\n", "\xFF\n\x00,\n"} {
		f.Add([]byte(s), uint8(0))
	}
	f.Add([]byte("b,a,l\n1,2,\"[1,2]\"\nx\n"), uint8(1))
	for b := range hostiletest.Seeds("bad", "arrow-testing", "data", "csv", "fuzzing") {
		f.Add(b, uint8(0))
	}
	schemas := []*arrow.Schema{
		nil, iotest.Schema(f, "a:int64 b:utf8 c:timestamp[us] d:decimal(5,2) l:list<int64> k:dict"),
		iotest.Schema(f, "a:bool b:float64 c:date32 d:uint8 e:vector[3] f:binary g:large_utf8"),
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, columns uint8) {
		schema := schemas[int(columns)%len(schemas)]
		path := filepath.Join(dir, fmt.Sprintf("%d.csv", os.Getpid()))
		// A file that is written over would be flushed to the disk.
		_ = os.Remove(path)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		hostiletest.Within(t, len(data), func() {
			_, _ = iotest.Count(t.Context(), &Source{Path: path, Fields: schema, OnBadRow: arrowstream.SkipBadRow}, 1000)
			_, _ = iotest.Count(t.Context(), &Source{Path: path, Fields: schema, Delimiter: ";", Quote: "'", Escape: `\\`, InvalidUTF8: "replace"}, 7)
		})
	})
}

// FuzzScan compares the fields with those of encoding/csv, where that reads
// the input the same way.
func FuzzScan(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\"x\"\"y\",\r\n", "\xEF\xBB\xBFa\n", "\"open", "a\rb,c\r\n", ",\n,,\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		hostiletest.Within(t, len(data), func() {
			d, err := newDialect("", "", "", "", "")
			if err != nil {
				t.Fatal(err)
			}
			std := stdcsv.NewReader(bytes.NewReader(data))
			std.FieldsPerRecord = -1
			std.LazyQuotes = false
			var r record
			var scratch []byte
			lone := bytes.Contains(bytes.ReplaceAll(data, []byte("\r\n"), nil), []byte{'\r'})
			inQuotes := bytes.Contains(data, []byte{'"'}) && bytes.Contains(data, []byte{'\r'})
			for len(data) > 0 {
				n, err := d.scan(data, true, &r)
				if err != nil {
					return
				}
				if n <= 0 || n > len(data) {
					t.Fatalf("%d of %d bytes", n, len(data))
				}
				var got []string
				for _, f := range r.fields {
					got = append(got, string(d.value(data, f, &scratch)))
				}
				blank := r.blank
				data = data[n:]
				if blank || lone || inQuotes {
					continue
				}
				want, err := std.Read()
				if err != nil {
					return // stricter about quotes
				}
				if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
					t.Fatalf("got %q, want %q", got, want)
				}
			}
		})
	})
}

func benchData(rows int) []byte {
	var sb bytes.Buffer
	sb.WriteString("ts,user_id,category,f1,f2,f3,label\n")
	for i := range rows {
		fmt.Fprintf(&sb, "2024-01-01T00:%02d:%02d.%06d,%d,books,%.6f,%.6f,%.3f,%d\n", i/60%60, i%60, i%1000000, i*7919%10000, float64(i%977)/97, -float64(i%89)/7, float64(i%13), i&1)
	}
	return sb.Bytes()
}

func BenchmarkRead(b *testing.B) {
	data := benchData(100_000)
	path := iotest.File(b, "x.csv", string(data))
	b.SetBytes(int64(len(data)))
	iotest.BenchmarkSource(b, func() arrowstream.Source { return &Source{Path: path} })
}

// A table that is read and written carries the options of both.
func TestTableOfBoth(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.csv")
	table := arrowstream.Table{Options: map[string]string{"path": path, "header": "auto", "on.error": "skip", "escape.formulas": "true"}}
	sink, err := Connector.Sink(table)
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.Write(t, sink, columnartest.Batch(t, columnartest.Allocator(t), "a:int64\n1")); err != nil {
		t.Fatal(err)
	}
	source, err := Connector.Source(table)
	if err != nil {
		t.Fatal(err)
	}
	if got := iotest.MustRead(t, source, 10); got != "a:int64\n1\n" {
		t.Error(got)
	}
	table.Options["hedaer"] = "true"
	if _, err := Connector.Source(table); err == nil || !strings.Contains(err.Error(), `did you mean "header"`) {
		t.Error(err)
	}
}

// A header whose columns are not all there yet is waited for.
func TestSlowHeader(t *testing.T) {
	r, w := io.Pipe()
	go func() {
		for _, s := range []string{"a", ",b\n", "1,", "x\n"} {
			fmt.Fprint(w, s)
		}
		w.Close()
	}()
	s := &Source{Path: "-", Stdio: arrowstream.Stdio{In: r}}
	if got := iotest.MustRead(t, s, 10); got != "a:int64 b:utf8\n1 x\n" {
		t.Error(got)
	}
}
