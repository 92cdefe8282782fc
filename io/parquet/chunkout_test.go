package parquet

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

// TestEncodings writes one column and looks how its first chunk is encoded and
// whether it is compressed. Two row groups: the second starts afresh.
func TestEncodings(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, c := range []struct {
		name, typ string
		value     func(i int) any
		want      string
	}{
		{"few integers", "int64", func(int) any { return r.IntN(7) }, "PLAIN RLE_DICTIONARY UNCOMPRESSED"},
		{"one value", "int32", func(int) any { return 7 }, "PLAIN RLE_DICTIONARY UNCOMPRESSED"},
		{"few floats", "float64", func(int) any { return float64(r.IntN(50)) / 4 }, "PLAIN RLE_DICTIONARY UNCOMPRESSED"},
		{"noise", "float64", func(int) any { return r.Float64() }, "PLAIN UNCOMPRESSED"},
		{"small integers", "int64", func(int) any { return r.IntN(1 << 20) }, "DELTA_BINARY_PACKED UNCOMPRESSED"},
		{"a counter", "int64", func(i int) any { return i }, "DELTA_BINARY_PACKED ZSTD"},
		{"hashes", "int64", func(int) any { return int64(r.Uint64()) }, "PLAIN UNCOMPRESSED"},
		{"few, later many", "float64", func(i int) any {
			if i < 40000 {
				return i % 16
			}
			return r.Float64()
		}, "PLAIN RLE_DICTIONARY ZSTD"},
		{"texts", "utf8", func(i int) any { return fmt.Sprintf("t%d", i/100) }, "PLAIN RLE_DICTIONARY ZSTD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mem := columnartest.Allocator(t)
			var text strings.Builder
			fmt.Fprintf(&text, "x:%s!\n", c.typ)
			for i := range 100000 {
				fmt.Fprintln(&text, c.value(i))
			}
			in := columnartest.Batch(t, mem, text.String())
			path := filepath.Join(t.TempDir(), "a.parquet")
			write(t, mem, &Sink{Path: path, RowGroupRows: 60000}, in)
			equalRows(t, mustRead(t, &Source{Path: path}, testEnv(mem, 1000, 1)), rowsOf(in))
			f, err := openFile(nil, path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.close()
			if len(f.meta.RowGroups) != 2 {
				t.Fatalf("%d row groups", len(f.meta.RowGroups))
			}
			m := f.meta.RowGroups[0].Columns[0].MetaData
			var got []string
			for _, e := range m.Encoding {
				if e != format.RLE {
					got = append(got, e.String())
				}
			}
			if s := strings.Join(append(got, m.Codec.String()), " "); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
}
