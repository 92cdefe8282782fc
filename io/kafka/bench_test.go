package kafka

import (
	"bytes"
	"io"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/arrowstream/arrowstream"
)

// blobFormat keeps values as they are: what is measured is the connector.
type blobFormat struct{}

type blobDecoder struct {
	b    *array.BinaryBuilder
	s    *arrow.Schema
	rows int
}

func (blobFormat) Name() string { return "blob" }

func (blobFormat) NewDecoder(s *arrow.Schema, mem memory.Allocator) (arrowstream.Decoder, error) {
	return &blobDecoder{b: array.NewBinaryBuilder(mem, arrow.BinaryTypes.Binary), s: s}, nil
}

func (blobFormat) NewEncoder(*arrow.Schema) (arrowstream.Encoder, error) { return blobEncoder{}, nil }

func (d *blobDecoder) Append(v []byte) error { d.b.Append(v); d.rows++; return nil }
func (d *blobDecoder) Rows() int             { return d.rows }
func (d *blobDecoder) Release()              { d.b.Release() }

func (d *blobDecoder) Flush() (arrowstream.Batch, error) {
	if d.rows == 0 {
		return nil, nil
	}
	col := d.b.NewArray()
	defer col.Release()
	n := int64(d.rows)
	d.rows = 0
	return array.NewRecord(d.s, []arrow.Array{col}, n), nil
}

type blobEncoder struct{}

func (blobEncoder) Encode(b arrowstream.Batch, yield func(int, []byte) error) error {
	col := b.Column(0).(*array.Binary)
	for i := range col.Len() {
		if err := yield(i, col.Value(i)); err != nil {
			return err
		}
	}
	return nil
}

const benchRows = 200_000

func blobs(rows int) arrow.Record {
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	defer b.Release()
	for range rows {
		b.Append(bytes.Repeat([]byte("x"), 100))
	}
	col := b.NewArray()
	defer col.Release()
	s := arrow.NewSchema([]arrow.Field{{Name: "v", Type: arrow.BinaryTypes.Binary}}, nil)
	return array.NewRecord(s, []arrow.Array{col}, int64(rows))
}

// BenchmarkSink writes rows of 100 bytes to a broker in the same process that
// throws them away.
func BenchmarkSink(b *testing.B) {
	c := cluster(b, kfake.SeedTopics(2, "t"), kfake.BlackholeProduce())
	rows := blobs(10_000)
	defer rows.Release()
	s := &Sink{Brokers: c.ListenAddrs(), Topic: "t", Format: blobFormat{}}
	if err := s.Bind(rows.Schema(), arrowstream.Env{}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := s.Write(b.Context(), rows); err != nil {
			b.Fatal(err)
		}
		n += 10_000
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkSource reads rows of 100 bytes from a broker in the same process
// that makes them up.
func BenchmarkSource(b *testing.B) {
	c := cluster(b, kfake.SeedTopics(1, "t"), kfake.SyntheticFetch(kfake.SyntheticBatch{}))
	s := &Source{
		Brokers: c.ListenAddrs(), Topics: []string{"t"}, Columns: arrow.NewSchema([]arrow.Field{{Name: "v", Type: arrow.BinaryTypes.Binary}}, nil),
		Format: blobFormat{},
	}
	p := open(b, s, memory.DefaultAllocator, 0)[0]
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for got := 0; got < benchRows; {
			rows, err := p.Read(b.Context())
			if err == io.EOF {
				b.Fatal("end")
			}
			if err != nil {
				b.Fatal(err)
			}
			got += int(rows.NumRows())
			n += int(rows.NumRows())
			rows.Release()
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
