package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
)

func TestMain(m *testing.M) {
	hostiletest.Main(m, func(file string) (int64, error) {
		f, err := os.Open(file)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return 0, err
		}
		mem := memory.NewCheckedAllocator(columnar.Pool)
		rows, err := readAll(f, f, info.Size(), mem)
		if mem.CurrentAlloc() != 0 {
			panic(fmt.Sprintf("%d bytes leaked", mem.CurrentAlloc()))
		}
		return rows, err
	})
}

func readAll(r io.Reader, at io.ReaderAt, size int64, mem memory.Allocator) (rows int64, err error) {
	stream, _, err := Messages(r, at, size)
	if err != nil {
		return 0, err
	}
	rd, err := NewReader("test", stream, mem, Limits{Allocator: mem})
	if err != nil {
		return 0, err
	}
	defer rd.Release()
	for {
		rec, err := rd.Read()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows += rec.NumRows()
		rec.Release()
	}
}

func TestHostileFiles(t *testing.T) {
	for _, dir := range []string{"arrow-ipc-file", "arrow-ipc-stream"} {
		t.Run(dir, func(t *testing.T) {
			counts := map[string]int{}
			for _, said := range hostiletest.Read(t, hostiletest.Data(t, "bad", "arrow-testing", "data", dir)) {
				kind, _, _ := strings.Cut(said, ":")
				counts[kind]++
			}
			t.Logf("%v", counts)
			if counts["rows"]+counts["error"] < 50 {
				t.Errorf("only %v files were read", counts)
			}
		})
	}
}

// sample has a column of every type the engine meets, with nulls.
func sample(t testing.TB, mem memory.Allocator) []arrow.Record {
	return []arrow.Record{
		columnartest.Batch(t, mem, `
b:bool i8:int8 i64:int64 u16:uint16 f:float64! s:utf8 ls:large_utf8 bin:binary d:dict ts:timestamp[us]@ dt:date32 dec:decimal(10,2) l:list<int64> v:vector[3] du:duration[us]
true 1 -5 7 1.5 é "" abc x 100 3 1.25 [1,2] [1,2,3] 5
null null null null NaN null null null null null null null null null null
false -1 6 8 -0 "日本 語" long-string z y 200 4 -0.50 [] [4,5,6] -7`),
		columnartest.Batch(t, mem, `
b:bool i8:int8 i64:int64 u16:uint16 f:float64! s:utf8 ls:large_utf8 bin:binary d:dict ts:timestamp[us]@ dt:date32 dec:decimal(10,2) l:list<int64> v:vector[3] du:duration[us]
true 2 9 1 0 a b c x 300 5 0.00 [null,3] [7,8,9] 0`),
	}
}

func encode(t testing.TB, file bool, opts ...ipc.Option) []byte {
	t.Helper()
	mem := memory.NewGoAllocator()
	recs := sample(t, mem)
	opts = append(opts, ipc.WithSchema(recs[0].Schema()), ipc.WithDictionaryDeltas(!file))
	var buf bytes.Buffer
	var w interface {
		Write(arrow.Record) error
		Close() error
	} = ipc.NewWriter(&buf, opts...)
	if file {
		tmp, err := os.Create(filepath.Join(t.TempDir(), "x.arrow"))
		if err != nil {
			t.Fatal(err)
		}
		defer tmp.Close()
		if w, err = ipc.NewFileWriter(tmp, opts...); err != nil {
			t.Fatal(err)
		}
		recs = recs[:1] // the library refuses replaced dictionaries in files
		for _, r := range recs {
			if err := w.Write(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(tmp.Name())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, r := range recs {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for name, opts := range map[string][]ipc.Option{"plain": nil, "zstd": {ipc.WithZstd()}, "lz4": {ipc.WithLZ4()}} {
		for _, file := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/file=%t", name, file), func(t *testing.T) {
				mem := columnartest.Allocator(t)
				want := sample(t, mem)
				data := encode(t, file, opts...)
				stream, isFile, err := Messages(bytes.NewReader(data), bytes.NewReader(data), int64(len(data)))
				if err != nil || isFile != file {
					t.Fatal(isFile, err)
				}
				rd, err := NewReader("test", stream, mem, Limits{Allocator: mem})
				if err != nil {
					t.Fatal(err)
				}
				defer rd.Release()
				for i := 0; ; i++ {
					rec, err := rd.Read()
					if err == io.EOF {
						if file && i != 1 || !file && i != 2 {
							t.Errorf("%d batches", i)
						}
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					columnartest.Equal(t, rec, want[i])
					rec.Release()
				}
			})
		}
	}
}

// Every prefix of a stream and every flipped byte gives rows or an error, and
// no memory is lost.
func TestDamage(t *testing.T) {
	for _, opts := range [][]ipc.Option{nil, {ipc.WithZstd()}} {
		data := encode(t, false, opts...)
		mem := columnartest.Allocator(t)
		for n := 0; n < len(data); n += 7 {
			if _, err := readAll(bytes.NewReader(data[:n]), nil, -1, mem); err == nil && n < len(data)/2 {
				t.Errorf("a stream cut at %d of %d reads without an error", n, len(data))
			}
		}
		for i := range data {
			for _, flip := range []byte{0x01, 0x80, 0xFF} {
				data[i] ^= flip
				_, _ = readAll(bytes.NewReader(data), nil, -1, mem)
				data[i] ^= flip
			}
		}
	}
}

func TestValidateRejects(t *testing.T) {
	mem := memory.NewGoAllocator()
	buf := func(b []byte) *memory.Buffer { return memory.NewBufferBytes(b) }
	i32 := func(v ...int32) *memory.Buffer { return buf(columnar.AsBytes(v)) }
	values := func() arrow.ArrayData {
		b := array.NewInt64Builder(mem)
		b.AppendValues([]int64{1, 2, 3}, nil)
		return b.NewArray().Data()
	}
	str := func(off *memory.Buffer, data string) arrow.ArrayData {
		return array.NewData(arrow.BinaryTypes.String, 2, []*memory.Buffer{nil, off, buf([]byte(data))}, nil, 0, 0)
	}
	dict := func(codes ...int32) arrow.ArrayData {
		d := array.NewData(columnar.Dict, len(codes), []*memory.Buffer{nil, i32(codes...)}, nil, 0, 0)
		d.SetDictionary(str(i32(0, 1, 2), "ab").(*array.Data))
		return d
	}
	for name, c := range map[string]struct {
		d  arrow.ArrayData
		ok bool
	}{
		"string":               {str(i32(0, 2, 4), "éé"), true},
		"string inside rune":   {str(i32(0, 1, 4), "éé"), false},
		"string descending":    {str(i32(0, 3, 2), "abc"), false},
		"string past the end":  {str(i32(0, 1, 9), "abc"), false},
		"string negative":      {str(i32(-1, 1, 2), "abc"), false},
		"string few offsets":   {str(i32(0, 1), "abc"), false},
		"string not utf-8":     {str(i32(0, 1, 2), "a\xff"), false},
		"short values":         {array.NewData(arrow.PrimitiveTypes.Int64, 3, []*memory.Buffer{nil, buf(make([]byte, 23))}, nil, 0, 0), false},
		"values after offset":  {array.NewData(arrow.PrimitiveTypes.Int64, 2, []*memory.Buffer{nil, buf(make([]byte, 24))}, nil, 0, 2), false},
		"null count":           {array.NewData(arrow.PrimitiveTypes.Int64, 2, []*memory.Buffer{buf([]byte{1}), buf(make([]byte, 16))}, nil, 2, 0), false},
		"no bitmap":            {array.NewData(arrow.PrimitiveTypes.Int64, 2, []*memory.Buffer{nil, buf(make([]byte, 16))}, nil, 2, 0), false},
		"dictionary":           {dict(0, 1, 1), true},
		"dictionary high":      {dict(0, 2), false},
		"dictionary negative":  {dict(-1), false},
		"list":                 {array.NewData(arrow.ListOf(arrow.PrimitiveTypes.Int64), 2, []*memory.Buffer{nil, i32(0, 1, 3)}, []arrow.ArrayData{values()}, 0, 0), true},
		"list past the end":    {array.NewData(arrow.ListOf(arrow.PrimitiveTypes.Int64), 2, []*memory.Buffer{nil, i32(0, 1, 4)}, []arrow.ArrayData{values()}, 0, 0), false},
		"vector":               {array.NewData(arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Int64), 1, []*memory.Buffer{nil}, []arrow.ArrayData{values()}, 0, 0), true},
		"vector short":         {array.NewData(arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int64), 2, []*memory.Buffer{nil}, []arrow.ArrayData{values()}, 0, 0), false},
		"struct short":         {array.NewData(arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int64}), 4, []*memory.Buffer{nil}, []arrow.ArrayData{values()}, 0, 0), false},
		"bool short":           {array.NewData(arrow.FixedWidthTypes.Boolean, 9, []*memory.Buffer{nil, buf([]byte{1})}, nil, 0, 0), false},
		"list view past":       {array.NewData(arrow.ListViewOf(arrow.PrimitiveTypes.Int64), 1, []*memory.Buffer{nil, i32(2), i32(2)}, []arrow.ArrayData{values()}, 0, 0), false},
		"sparse union type id": {array.NewData(arrow.SparseUnionOf([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}}, []arrow.UnionTypeCode{5}), 1, []*memory.Buffer{nil, buf([]byte{4})}, []arrow.ArrayData{values()}, 0, 0), false},
	} {
		if err := validate(c.d, maxNesting); (err == nil) != c.ok {
			t.Errorf("%s: %v, want valid=%t", name, err, c.ok)
		}
	}
}

func TestLimits(t *testing.T) {
	data := encode(t, false)
	mem := columnartest.Allocator(t)
	for name, l := range map[string]Limits{
		"metadata": {Metadata: 100}, "body": {Body: 100}, "buffer": {Buffer: 20}, "rows": {Rows: 2}, "fields": {Fields: 3}, "depth": {Depth: 1},
	} {
		rd, err := NewReader("test", bytes.NewReader(data), mem, l)
		for err == nil {
			var rec arrow.Record
			if rec, err = rd.Read(); err == nil {
				rec.Release()
			}
		}
		if rd != nil {
			rd.Release()
		}
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error %v, want ErrMalformed", name, err)
		}
	}
}

// TestBombs reads compressed batches that become far more than they are.
func TestBombs(t *testing.T) {
	compressed := func(rows int, opt ipc.Option) []byte {
		mem := memory.NewGoAllocator()
		b := array.NewInt64Builder(mem)
		b.AppendValues(make([]int64, rows), nil)
		rec := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil), []arrow.Array{b.NewArray()}, int64(rows))
		var buf bytes.Buffer
		w := ipc.NewWriter(&buf, ipc.WithSchema(rec.Schema()), opt)
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	const most = inflatedFree / 8
	for name, c := range map[string]struct {
		data   []byte
		limits Limits
		ok     bool
	}{
		"zstd":                {compressed(most, ipc.WithZstd()), Limits{}, true},
		"zstd, too much":      {compressed(most+1, ipc.WithZstd()), Limits{}, false},
		"lz4, 250 times":      {compressed(most+1, ipc.WithLZ4()), Limits{}, true},
		"lz4, above the body": {compressed(most+1, ipc.WithLZ4()), Limits{Body: inflatedFree}, false},
	} {
		rd, err := NewReader(name, bytes.NewReader(c.data), memory.NewGoAllocator(), c.limits)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := rd.Read()
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s, %d bytes: %v", name, len(c.data), err)
		}
		if rec != nil {
			rec.Release()
		}
		rd.Release()
	}
}

func FuzzReader(f *testing.F) {
	f.Add(encode(f, false))
	f.Add(encode(f, false, ipc.WithZstd()))
	f.Add(encode(f, false, ipc.WithLZ4()))
	f.Add(encode(f, true))
	for _, dir := range []string{"arrow-ipc-file", "arrow-ipc-stream"} {
		for b := range hostiletest.Seeds("bad", "arrow-testing", "data", dir) {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		hostiletest.Within(t, len(data), func() {
			mem := memory.NewCheckedAllocator(columnar.Pool)
			budget := columnar.NewBudget(48<<20, mem).Account("fuzz")
			_, _ = readAll(bytes.NewReader(data), bytes.NewReader(data), int64(len(data)), budget)
			mem.AssertSize(t, 0)
		})
	})
}

func BenchmarkValidate(b *testing.B) {
	mem := memory.NewGoAllocator()
	sb := array.NewStringBuilder(mem)
	ib := array.NewInt64Builder(mem)
	for i := range 65536 {
		sb.Append(fmt.Sprintf("user-%d", i*7919))
		ib.Append(int64(i))
	}
	rec := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String}, {Name: "i", Type: arrow.PrimitiveTypes.Int64}}, nil),
		[]arrow.Array{sb.NewArray(), ib.NewArray()}, -1)
	b.ReportAllocs()
	for b.Loop() {
		if err := Validate(rec); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(65536*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
