package flight

import (
	"fmt"
	"io"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
)

// BenchmarkStream sends batches of 16,384 rows of two columns (256 KiB)
// through the loopback to one reader.
func BenchmarkStream(b *testing.B) {
	const rows, batches = 16384, 128
	mem := memory.NewGoAllocator()
	rb := array.NewRecordBuilder(mem, arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "x", Type: arrow.PrimitiveTypes.Float64},
	}, nil))
	defer rb.Release()
	for i := range rows {
		rb.Field(0).(*array.Int64Builder).Append(int64(i))
		rb.Field(1).(*array.Float64Builder).Append(float64(i) / 3)
	}
	rec := rb.NewRecord()
	defer rec.Release()
	h := &Hub{}
	defer h.Close()
	b.ReportAllocs()
	b.SetBytes(rows * batches * 16)
	n := 0
	for b.Loop() {
		n++
		s := &Sink{Stream: fmt.Sprint("bench", n), Hub: h, Listen: "127.0.0.1:0"}
		if err := s.Bind(rec.Schema(), arrowstream.Env{Allocator: mem}); err != nil {
			b.Fatal(err)
		}
		for range batches {
			if err := s.Write(b.Context(), rec); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		p := open(b, &Source{URI: s.server.URI(), Stream: s.Stream}, mem, 0)
		for {
			got, err := p.Read(b.Context())
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			got.Release()
		}
		p.Close()
	}
	b.ReportMetric(float64(n*rows*batches)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkPublish publishes epochs of 16,384 rows of two columns (256 KiB),
// kept in memory or in a folder.
func BenchmarkPublish(b *testing.B) {
	for _, where := range []string{"memory", "folder"} {
		b.Run("retain="+where, func(b *testing.B) {
			mem := memory.NewGoAllocator()
			rb := array.NewRecordBuilder(mem, arrow.NewSchema([]arrow.Field{
				{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "x", Type: arrow.PrimitiveTypes.Float64},
			}, nil))
			defer rb.Release()
			for i := range 16384 {
				rb.Field(0).(*array.Int64Builder).Append(int64(i))
				rb.Field(1).(*array.Float64Builder).Append(float64(i) / 3)
			}
			rec := rb.NewRecord()
			defer rec.Release()
			s := Sink{}
			if where == "folder" {
				s.RetainPath = b.TempDir()
			}
			e := exporter(b, mem, s, rec.Schema())
			b.SetBytes(16384 * 16)
			b.ReportAllocs()
			epoch := arrowstream.Epoch(0)
			for b.Loop() {
				epoch++
				publish(b, e, publication("job", epoch, 1, rec))
			}
		})
	}
}
