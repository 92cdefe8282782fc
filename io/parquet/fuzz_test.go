package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/hostiletest"
	"github.com/arrowstream/arrowstream/internal/safe"
)

// FuzzHybrid decodes any bytes at once, in parts, and with parts passed over:
// the values are the same.
func FuzzHybrid(f *testing.F) {
	f.Add([]byte{3, 0x88, 0xc6, 0xfa, 20, 5}, uint8(3), uint8(3), uint8(2))
	f.Add(appendHybrid(nil, []int32{1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 9}, 4), uint8(4), uint8(1), uint8(5))
	f.Add([]byte{9, 0xff, 0, 1}, uint8(1), uint8(7), uint8(9))
	f.Fuzz(func(t *testing.T, b []byte, width, read, pass uint8) {
		hostiletest.Within(t, len(b), func() {
			var h hybrid
			if h.reset(padded(b, int(read)%2*slack), int(width)) != nil {
				return
			}
			const most = 2000
			var all []int32
			for len(all) < most {
				var one [1]int32
				if h.ints(one[:]) != nil {
					break
				}
				all = append(all, one[0])
			}
			if h.reset(b, int(width)) != nil {
				t.Fatal("a width that is refused the second time")
			}
			for at := 0; at < len(all); {
				got := make([]int32, min(int(read)+1, len(all)-at))
				if err := h.ints(got); err != nil || !slices.Equal(got, all[at:at+len(got)]) {
					t.Fatalf("values from %d: %v, %v; want %v", at, got, err, all[at:at+len(got)])
				}
				at += len(got)
				n := min(int(pass), len(all)-at)
				if err := h.skip(n); err != nil {
					t.Fatalf("pass over %d values from %d: %v", n, at, err)
				}
				at += n
			}
			if width != 1 {
				return
			}
			ones := 0
			for _, x := range all {
				ones += int(x & 1)
			}
			var a, c hybrid
			_ = a.reset(b, 1)
			_ = c.reset(b, 1)
			bits := make([]byte, columnar.BitmapBytes(len(all))+bitSlack)
			n1, err1 := a.bits(bits, 0, len(all))
			n2, err2 := c.skipBits(len(all))
			if n1 != ones || n2 != ones || err1 != nil || err2 != nil {
				t.Fatalf("%d ones are counted as %d and %d: %v, %v", ones, n1, n2, err1, err2)
			}
		})
	})
}

// FuzzDelta decodes any bytes in the delta encodings within their limits.
func FuzzDelta(f *testing.F) {
	f.Add([]byte{0x80, 1, 4, 2, 2, 2, 0, 0, 0, 0}, uint16(10))
	f.Fuzz(func(t *testing.T, b []byte, limit uint16) {
		hostiletest.Within(t, len(b), func() {
			for _, size := range []int{4, 8} {
				if v, _, err := decodeDelta(nil, b, int(limit), size); err == nil && len(v) > int(limit) {
					t.Fatalf("%d values where %d are due", len(v), limit)
				}
			}
			if off, data, err := decodeDeltaLengths(b, int(limit)); err == nil && (len(off) > int(limit)+1 || off[len(off)-1] > int64(len(data))) {
				t.Fatalf("%d texts, the last ends at %d of %d", len(off)-1, off[len(off)-1], len(data))
			}
			if off, data, err := decodeDeltaStrings(b, int(limit), 1<<20); err == nil && (len(off) > int(limit)+1 || off[len(off)-1] != int64(len(data))) {
				t.Fatalf("%d texts, the last ends at %d of %d", len(off)-1, off[len(off)-1], len(data))
			}
		})
	})
}

// FuzzThrift scans any bytes as a footer and as the header of a page: what the
// scan lets through, the decoder of the library reads without a panic and
// without memory beyond the bytes.
func FuzzThrift(f *testing.F) {
	b := small(f, "none")
	n := int(binary.LittleEndian.Uint32(b[len(b)-8:]))
	f.Add(b[len(b)-8-n : len(b)-8])
	f.Add(b[4:64])
	f.Add([]byte{0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00})
	f.Add(bytes.Repeat([]byte{0x1c}, 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		hostiletest.Within(t, len(b), func() {
			if n, err := scanFooter(b); err == nil {
				if n > len(b) {
					t.Fatalf("%d of %d bytes", n, len(b))
				}
				var meta format.FileMetaData
				_ = thrift.Unmarshal(new(thrift.CompactProtocol), b[:n], &meta)
			}
			if _, n, err := readPageHeader(b); err == nil && n > len(b) {
				t.Fatalf("%d of %d bytes", n, len(b))
			}
		})
	})
}

// fuzzFile is b as a file in dir, one per process.
func fuzzFile(t *testing.T, dir string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, fmt.Sprintf("%d.parquet", os.Getpid()))
	// A file that is written over would be flushed to the disk.
	_ = os.Remove(path)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// FuzzSieve reads any file under predicates on its first columns: no panic of
// the runtime, no memory beyond the budget.
func FuzzSieve(f *testing.F) {
	for _, codec := range []string{"zstd", "none", "snappy"} {
		f.Add(small(f, codec), int64(2), "a")
	}
	for _, dir := range [][]string{{"bad", "parquet-testing", "bad_data"}, {"bad", "arrow-testing", "data", "parquet", "fuzzing"}} {
		for b := range hostiletest.Seeds(dir...) {
			f.Add(b, int64(1), "x")
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte, n int64, text string) {
		hostiletest.Within(t, len(b), func() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			path := fuzzFile(t, dir, b)
			mem := memory.NewCheckedAllocator(columnar.Pool)
			defer mem.AssertSize(t, 0)
			s := &Source{Path: path}
			schema, err := s.Schema()
			if err != nil {
				return
			}
			for i, field := range schema.Fields()[:min(4, schema.NumFields())] {
				p := Predicate{Column: field.Name, Op: []string{">=", "<", "=", "is not null"}[(i+int(n&3))&3], Value: n}
				if field.Type.ID() == columnar.Dict.ID() || field.Type.ID() == columnar.Dict.ValueType.ID() {
					p.Value = text
				}
				s.Predicates = append(s.Predicates, p)
			}
			err = drainAll(ctx, s, testEnv(columnar.NewBudget(32<<20, mem).Account("fuzz"), 0, 2))
			if caught, byRuntime := safe.IsPanic(err); caught && byRuntime {
				t.Fatal(err)
			}
		})
	})
}

// drainAll reads a source to its end.
func drainAll(ctx context.Context, s *Source, env arrowstream.SourceEnv) (err error) {
	parts, err := s.Open(ctx, env)
	if err != nil {
		return err
	}
	for _, p := range parts {
		defer func() { err = errors.Join(err, p.Close()) }()
		for rows := int64(0); rows < fuzzRows; {
			b, err := p.Read(ctx)
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			rows += b.NumRows()
			b.Release()
		}
	}
	return nil
}
