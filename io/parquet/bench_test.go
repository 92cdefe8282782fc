package parquet

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
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

// scored is a table as the main job writes it: event time, user, category,
// label, predicted label, list of (label, probability), segment.
func scored(b testing.TB) arrow.Record {
	r := rand.New(rand.NewPCG(1, 1))
	i64 := arrow.PrimitiveTypes.Int64
	fields := []arrow.Field{
		{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "user", Type: i64},
		{Name: "category", Type: columnar.Dict},
		{Name: "label", Type: i64},
		{Name: "predicted", Type: i64, Nullable: true},
		{Name: "probs", Nullable: true, Type: arrow.ListOf(arrow.StructOf(
			arrow.Field{Name: "label", Type: i64, Nullable: true},
			arrow.Field{Name: "prob", Type: arrow.PrimitiveTypes.Float64, Nullable: true}))},
		{Name: "segment", Type: i64, Nullable: true},
	}
	rb := array.NewRecordBuilder(columnar.Pool, arrow.NewSchema(fields, nil))
	defer rb.Release()
	list := rb.Field(5).(*array.ListBuilder)
	pair := list.ValueBuilder().(*array.StructBuilder)
	for i := range benchRows {
		rb.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000_000 + int64(i)*300 + r.Int64N(300)))
		rb.Field(1).(*array.Int64Builder).Append(r.Int64N(10_000))
		if err := rb.Field(2).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprintf("cat%d", r.IntN(8))); err != nil {
			b.Fatal(err)
		}
		rb.Field(3).(*array.Int64Builder).Append(r.Int64N(2))
		if r.IntN(100) == 0 {
			for _, c := range []int{4, 5, 6} {
				rb.Field(c).AppendNull()
			}
			continue
		}
		rb.Field(4).(*array.Int64Builder).Append(r.Int64N(2))
		list.Append(true)
		p := r.Float64()
		for l, p := range []float64{1 - p, p} {
			pair.Append(true)
			pair.FieldBuilder(0).(*array.Int64Builder).Append(int64(l))
			pair.FieldBuilder(1).(*array.Float64Builder).Append(p)
		}
		rb.Field(6).(*array.Int64Builder).Append(r.Int64N(8))
	}
	rec := rb.NewRecord()
	b.Cleanup(rec.Release)
	return rec
}

func BenchmarkWrite(b *testing.B) {
	for _, c := range []struct {
		table string
		rec   arrow.Record
	}{{"ticks", ticks(b, 4)}, {"scored", scored(b)}} {
		for _, codec := range []string{"none", "snappy", "zstd"} {
			b.Run("table="+c.table+"/codec="+codec, func(b *testing.B) {
				b.ReportAllocs()
				path := filepath.Join(b.TempDir(), "a.parquet")
				for b.Loop() {
					s := &Sink{Path: path, Compression: codec, Overwrite: true}
					if err := s.Bind(c.rec.Schema(), arrowstream.Env{Allocator: columnar.Pool}); err != nil {
						b.Fatal(err)
					}
					for from := int64(0); from < benchRows; from += 16384 {
						part := c.rec.NewSlice(from, from+16384)
						if err := s.Write(b.Context(), part); err != nil {
							b.Fatal(err)
						}
						part.Release()
					}
					if err := s.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchRows), "ns/row")
				info, err := os.Stat(path)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(info.Size())/benchRows, "file-B/row")
			})
		}
	}
}
