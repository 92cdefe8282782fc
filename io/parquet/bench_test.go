package parquet

import (
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

const benchRows = 1 << 20

// ticks is a table of features: event time, symbol, n float64 columns, label.
func ticks(b testing.TB, floats int) arrow.Record {
	r := rand.New(rand.NewPCG(1, 1))
	fields := []arrow.Field{{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us}, {Name: "sym", Type: columnar.Dict}}
	for i := range floats {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("f%02d", i), Type: arrow.PrimitiveTypes.Float64})
	}
	fields = append(fields, arrow.Field{Name: "label", Type: arrow.PrimitiveTypes.Float64})
	rb := array.NewRecordBuilder(columnar.Pool, arrow.NewSchema(fields, nil))
	defer rb.Release()
	sym := rb.Field(1).(*array.BinaryDictionaryBuilder)
	for i := range benchRows {
		rb.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000_000 + int64(i)*250))
		if err := sym.AppendString(fmt.Sprintf("SYM%02d", r.IntN(50))); err != nil {
			b.Fatal(err)
		}
		for c := range floats {
			rb.Field(2 + c).(*array.Float64Builder).Append(float64(int(r.NormFloat64()*1000)) / 100)
		}
		rb.Field(2 + floats).(*array.Float64Builder).Append(float64(r.IntN(2)))
	}
	rec := rb.NewRecord()
	b.Cleanup(rec.Release)
	return rec
}

func BenchmarkRead(b *testing.B) {
	for _, floats := range []int{0, 12} {
		rec := ticks(b, floats)
		for _, codec := range []string{"none", "snappy", "zstd"} {
			path := filepath.Join(b.TempDir(), "a.parquet")
			write(b, columnar.Pool, &Sink{Path: path, Compression: codec}, rec)
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("columns=%d/codec=%s/workers=%d", floats+3, codec, workers), func(b *testing.B) {
					b.ReportAllocs()
					mem := columnar.NewBudget(0, nil).Account("bench")
					for b.Loop() {
						s := &Source{Path: path}
						parts, err := s.Open(b.Context(), testEnv(mem, 16384, workers))
						if err != nil {
							b.Fatal(err)
						}
						rows := int64(0)
						for {
							batch, err := parts[0].Read(b.Context())
							if err == io.EOF {
								break
							}
							if err != nil {
								b.Fatal(err)
							}
							rows += batch.NumRows()
							batch.Release()
						}
						if err := parts[0].Close(); err != nil || rows != benchRows {
							b.Fatal(rows, err)
						}
					}
					b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
				})
			}
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	rec := ticks(b, 4) // seven columns
	for _, codec := range []string{"none", "snappy", "zstd"} {
		b.Run("columns=7/codec="+codec, func(b *testing.B) {
			b.ReportAllocs()
			dir := b.TempDir()
			for b.Loop() {
				s := &Sink{Path: filepath.Join(dir, "a.parquet"), Compression: codec, Overwrite: true}
				if err := s.Bind(rec.Schema(), arrowstream.Env{Allocator: columnar.Pool}); err != nil {
					b.Fatal(err)
				}
				for from := int64(0); from < benchRows; from += 16384 {
					part := rec.NewSlice(from, from+16384)
					if err := s.Write(b.Context(), part); err != nil {
						b.Fatal(err)
					}
					part.Release()
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
