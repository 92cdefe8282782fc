package parquet

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	pq "github.com/parquet-go/parquet-go"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// runs are n values below 2^width, some repeated.
func runs(r *rand.Rand, n, width int) []int32 {
	var out []int32
	for len(out) < n {
		x := int32(r.Uint64() & (1<<width - 1))
		k := 1
		if r.IntN(3) == 0 {
			k = r.IntN(40) + 1
		}
		for range k {
			out = append(out, x)
		}
	}
	return out[:n]
}

// padded copies b with slack behind it, or none.
func padded(b []byte, room int) []byte { return append(make([]byte, 0, len(b)+room), b...) }

func TestHybrid(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for width := 1; width <= 31; width++ {
		for _, n := range []int{0, 1, 7, 8, 9, 63, 64, 65, 1000} {
			want := runs(r, n, width)
			other, err := (&rle.Encoding{BitWidth: width}).EncodeInt32(nil, want)
			if err != nil {
				t.Fatal(err)
			}
			for name, b := range map[string][]byte{"own": appendHybrid(nil, want, width), "other": other} {
				for _, room := range []int{0, slack} {
					var h hybrid
					if err := h.reset(padded(b, room), width); err != nil {
						t.Fatal(err)
					}
					var got []int32
					for len(got) < n {
						part := make([]int32, min(r.IntN(20)+1, n-len(got)))
						if err := h.ints(part); err != nil {
							t.Fatalf("width %d, %d values, %s: %v", width, n, name, err)
						}
						got = append(got, part...)
					}
					if !slices.Equal(got, want) {
						t.Fatalf("width %d, %d values, %s:\ngot  %v\nwant %v", width, n, name, got, want)
					}
				}
			}
		}
	}
}

func TestHybridBitsAndBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, n := range []int{1, 8, 13, 64, 300, 5000} {
		levels := make([]uint8, n)
		for i, x := range runs(r, n, 1) {
			levels[i] = uint8(x)
		}
		b := appendHybrid(nil, levels, 1)
		for _, off := range []int{0, 3, 64} {
			var h hybrid
			if err := h.reset(padded(b, slack), 1); err != nil {
				t.Fatal(err)
			}
			dst := make([]byte, columnar.BitmapBytes(off+n)+bitSlack)
			ones, at := 0, 0
			for at < n {
				k := min(r.IntN(90)+1, n-at)
				got, err := h.bits(dst, off+at, k)
				if err != nil {
					t.Fatal(err)
				}
				ones, at = ones+got, at+k
			}
			want := 0
			for i, l := range levels {
				want += int(l)
				if got := dst[(off+i)>>3] >> ((off + i) & 7) & 1; got != l {
					t.Fatalf("%d values at bit %d: bit %d is %d", n, off, i, got)
				}
			}
			if ones != want {
				t.Fatalf("%d ones, want %d", ones, want)
			}
		}
		var h hybrid
		if err := h.reset(b, 1); err != nil {
			t.Fatal(err)
		}
		got := make([]uint8, n)
		if err := h.bytes(got); err != nil || !slices.Equal(got, levels) {
			t.Fatalf("levels %v, %v", got, err)
		}
		if err := h.bytes(make([]uint8, 8)); err == nil {
			t.Fatal("more levels than there are")
		}
	}
}

func TestHybridMalformed(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty": nil, "header only": {0x80}, "long header": {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, "empty runs": {0, 5, 0, 5}, "packed without data": {9}, "run without value": {8},
	} {
		var h hybrid
		if err := h.reset(b, 7); err != nil {
			t.Fatal(err)
		}
		if err := h.ints(make([]int32, 100)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	var h hybrid
	if h.reset(nil, 33) == nil || h.reset(nil, -1) == nil {
		t.Error("bit width out of range is accepted")
	}
}

// TestAppendDelta reads what is written here, wrapped differences included,
// with the decoder above and with the one of the library.
func TestAppendDelta(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, n := range []int{1, 2, 32, 33, 128, 129, 130, 1000, 4096} {
		for bits := range 65 {
			v64, v32 := make([]int64, n), make([]int32, n)
			for i := range n {
				if bits > 0 {
					v64[i] = int64(r.Uint64() >> (64 - bits))
				}
				v32[i] = int32(v64[i] << min(32, max(0, 32-bits)))
			}
			if b, ok := appendDelta([]byte("x"), v64, 8); ok {
				got, rest, err := decodeDelta(nil, b[1:], n, 8)
				if err != nil || !slices.Equal(got, v64) || len(rest) != 0 {
					t.Fatalf("%d values of %d bits: %v, %d bytes left", n, bits, err, len(rest))
				}
				if other, err := new(delta.BinaryPackedEncoding).DecodeInt64(nil, b[1:]); err != nil || !slices.Equal(other, v64) {
					t.Fatalf("%d values of %d bits: %v", n, bits, err)
				}
			} else if n >= 128 && bits < 40 {
				t.Errorf("%d values of %d bits are left plain", n, bits)
			}
			if b, ok := appendDelta(nil, v32, 4); ok {
				if other, err := new(delta.BinaryPackedEncoding).DecodeInt32(nil, b); err != nil || !slices.Equal(other, v32) {
					t.Fatalf("%d values of %d bits: %v", n, bits, err)
				}
			}
		}
	}
	wrap := make([]int64, 1024)
	for i := range wrap {
		wrap[i] = math.MaxInt64 - 5
		if i%2 == 0 {
			wrap[i] = math.MinInt64 + 5
		}
	}
	b, ok := appendDelta(nil, wrap, 8)
	if got, _, err := decodeDelta(nil, b, len(wrap), 8); !ok || err != nil || !slices.Equal(got, wrap) {
		t.Fatalf("wrapped differences: %t, %v", ok, err)
	}
}

func TestDelta(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{0, 1, 2, 31, 32, 33, 127, 128, 129, 1000} {
		for _, bits := range []int{1, 8, 40, 64} {
			v64, v32 := make([]int64, n), make([]int32, n)
			for i := range n {
				v64[i] = int64(r.Uint64() >> (64 - bits))
				v32[i] = int32(v64[i])
			}
			b64, err := new(delta.BinaryPackedEncoding).EncodeInt64(nil, v64)
			if err != nil {
				t.Fatal(err)
			}
			got, rest, err := decodeDelta(nil, b64, n, 8)
			if err != nil || !slices.Equal(got, v64) || len(rest) != 0 {
				t.Fatalf("%d values of %d bits: %v, %d bytes left", n, bits, err, len(rest))
			}
			b32, err := new(delta.BinaryPackedEncoding).EncodeInt32(nil, v32)
			if err != nil {
				t.Fatal(err)
			}
			if got, _, err = decodeDelta(nil, b32, n, 4); err != nil {
				t.Fatal(err)
			}
			for i, x := range got {
				if int32(x) != v32[i] {
					t.Fatalf("value %d is %d, want %d", i, x, v32[i])
				}
			}
			for cut := range b64 {
				// The padding of the last part may be missing, values may not.
				if got, _, err := decodeDelta(nil, b64[:cut], n, 8); err == nil && !slices.Equal(got, v64) {
					t.Fatalf("%d of %d bytes are read as other values", cut, len(b64))
				}
			}
			if n > 0 {
				if _, _, err := decodeDelta(nil, b64, n-1, 8); err == nil {
					t.Fatal("more values than due are accepted")
				}
			}
		}
	}
}

func TestThriftScan(t *testing.T) {
	meta := format.FileMetaData{
		Version: 1, Schema: []format.SchemaElement{{Name: "root"}, {Name: "ü"}}, CreatedBy: "x",
		RowGroups:        []format.RowGroup{{Columns: []format.ColumnChunk{{MetaData: format.ColumnMetaData{PathInSchema: []string{"a", "b"}}}}}},
		KeyValueMetadata: []format.KeyValue{{Key: "k", Value: "v"}},
	}
	b, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := scanFooter(append(b, 1, 2, 3)); err != nil || n != len(b) {
		t.Fatalf("%d of %d bytes, %v", n, len(b), err)
	}
	for cut := range b {
		if _, err := scanFooter(b[:cut]); !errors.Is(err, errShort) {
			t.Fatalf("%d of %d bytes: %v", cut, len(b), err)
		}
	}
	deep := make([]byte, 100)
	for i := range deep {
		deep[i] = 1<<4 | thriftStruct
	}
	if _, err := scanFooter(deep); err == nil || errors.Is(err, errShort) {
		t.Fatalf("100 nested structs: %v", err)
	}
}

func TestPageHeader(t *testing.T) {
	for _, kind := range []format.PageType{format.DataPage, format.DictionaryPage} {
		b := appendPageHeader(nil, kind, 1000, 10, 77, format.RLEDictionary, 0xdeadbeef)
		h, n, err := readPageHeader(append(b, 9, 9))
		if err != nil || n != len(b) || h.kind != kind || h.inflated != 1000 || h.stored != 10 || h.values != 77 || h.crc != 0xdeadbeef || !h.hasCRC || h.encoding != format.RLEDictionary {
			t.Errorf("%v: %+v, %d of %d bytes, %v", kind, h, n, len(b), err)
		}
		for cut := range b {
			if _, _, err := readPageHeader(b[:cut]); !errors.Is(err, errShort) {
				t.Fatalf("%d of %d bytes: %v", cut, len(b), err)
			}
		}
	}
	for _, h := range []format.PageHeader{
		{Type: format.DataPage, UncompressedPageSize: -1, DataPageHeader: thrift.New(format.DataPageHeader{})},
		{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{NumValues: -1})},
		{Type: format.DataPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: 1})},
		{Type: format.DataPageV2, DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{DefinitionLevelsByteLength: -4})},
	} {
		b, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := readPageHeader(b); err == nil {
			t.Errorf("%+v is read as %+v", h, got)
		}
	}
}

// TestFilesOfAnotherWriter reads files of another library, in encodings that
// the sink does not write.
func TestFilesOfAnotherWriter(t *testing.T) {
	type row struct {
		A int64    `parquet:"a,delta"`
		B string   `parquet:"b,delta"`
		C float64  `parquet:"c,split"`
		D *int32   `parquet:"d,optional,dict"`
		E []string `parquet:"e,list,dict"`
		F string   `parquet:"f,dict"`
		G struct {
			H *string `parquet:"h,optional"`
		} `parquet:"g"`
	}
	r := rand.New(rand.NewPCG(8, 8))
	var rows []row
	var want []string
	for i := range 3000 {
		v := row{A: r.Int64(), B: fmt.Sprintf("prefix-%d", r.IntN(1e6)), C: r.Float64(), F: fmt.Sprintf("f%d", r.IntN(9))}
		text := fmt.Sprintf("%d %s %s ", v.A, v.B, columnartest.Cell(float(v.C), 0))
		if i%5 != 0 {
			d := int32(r.IntN(100))
			v.D = &d
			text += fmt.Sprint(d)
		} else {
			text += "null"
		}
		text += " ["
		for j := range i % 4 {
			v.E = append(v.E, fmt.Sprintf("e%d", j))
			if j > 0 {
				text += ","
			}
			text += v.E[j]
		}
		text += "] " + v.F + " {"
		if i%3 != 0 {
			h := fmt.Sprint("h", i)
			v.G.H = &h
			text += h + "}"
		} else {
			text += "null}"
		}
		rows, want = append(rows, v), append(want, text)
	}
	for _, version := range []int{1, 2} {
		path := filepath.Join(t.TempDir(), "a.parquet")
		if err := pq.WriteFile(path, rows, pq.DataPageVersion(version), pq.PageBufferSize(1000), pq.MaxRowsPerRowGroup(1100), pq.Compression(&pq.Snappy)); err != nil {
			t.Fatal(err)
		}
		mem := columnartest.Allocator(t)
		s := &Source{Path: path, Columns: []string{"a", "b", "c", "d", "e", "f", "g"}}
		for _, batch := range []int{100, 0} {
			equalRows(t, mustRead(t, s, testEnv(mem, batch, 2)), want)
		}
	}
}

func TestCheckIndices(t *testing.T) {
	for _, n := range []int{0, 1, 5, 100, 1 << 20} {
		for width := range 33 {
			d := dense{c: &chunk{dict: &dictionary{n: n}}, index: hybrid{width: width}}
			for _, x := range []int64{0, 1, 4, 5, 99, 100, 1<<20 - 1, 1 << 20, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
				if x >= 1<<width {
					continue
				}
				for _, size := range []int{1, 2, 3, 8, 9} {
					for at := range size {
						idx := make([]int32, size)
						idx[at] = int32(uint32(x))
						if err := d.checkIndices(idx); (err != nil) != (x >= int64(n) || n == 0) {
							t.Fatalf("index %d of %d values, width %d, place %d of %d: %v", x, n, width, at, size, err)
						}
					}
				}
			}
		}
	}
}
