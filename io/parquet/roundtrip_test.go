package parquet

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream/columnar/columnartest"
)

func TestRoundTripOfAllTypes(t *testing.T) {
	for _, nullable := range []bool{true, false} {
		for _, codec := range []string{"zstd", "snappy", "none", "gzip", "lz4"} {
			for _, nulls := range []float64{0, 0.3, 1} {
				if !nullable && nulls > 0 {
					continue
				}
				t.Run(fmt.Sprintf("nullable=%v/%s/nulls=%v", nullable, codec, nulls), func(t *testing.T) {
					mem := columnartest.Allocator(t)
					r := rand.New(rand.NewPCG(1, 2))
					b := randomBatch(t, mem, r, allTypes(nullable), 3000, nulls)
					slice := b.NewSlice(7, 2507)
					defer slice.Release()
					empty := b.NewSlice(5, 5)
					defer empty.Release()
					path := filepath.Join(t.TempDir(), "a.parquet")
					write(t, mem, &Sink{Path: path, Compression: codec, RowGroupRows: 2048}, empty, slice, b)
					src := &Source{Path: path}
					schema, err := src.Schema()
					if err != nil {
						t.Fatal(err)
					}
					want := rowsOf(slice, b)
					for i, f := range schema.Fields() {
						if !arrow.TypeEqual(f.Type, b.Schema().Field(i).Type) {
							t.Errorf("column %s is %s, was %s", f.Name, f.Type, b.Schema().Field(i).Type)
						}
						if f.Nullable != nullable {
							t.Errorf("column %s: nullable %v", f.Name, f.Nullable)
						}
					}
					for _, batch := range []int{0, 100, 4096} {
						for _, workers := range []int{1, 3} {
							equalRows(t, mustRead(t, &Source{Path: path}, testEnv(mem, batch, workers)), want)
						}
					}
				})
			}
		}
	}
}

func TestFilesDoNotDependOnBatches(t *testing.T) {
	mem := columnartest.Allocator(t)
	r := rand.New(rand.NewPCG(3, 4))
	b := randomBatch(t, mem, r, allTypes(true), 5000, 0.1)
	var first []byte
	for _, cut := range []int{1, 777, 1024, 5000} {
		path := filepath.Join(t.TempDir(), "a.parquet")
		var parts []arrow.Record
		for from := 0; from < 5000; from += cut {
			part := b.NewSlice(int64(from), int64(min(from+cut, 5000)))
			defer part.Release()
			parts = append(parts, part)
		}
		write(t, mem, &Sink{Path: path, RowGroupRows: 3000}, parts...)
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
		} else if string(first) != string(got) {
			t.Errorf("batches of %d rows make another file: %d bytes, %d bytes", cut, len(got), len(first))
		}
	}
}
