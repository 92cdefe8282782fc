package databasetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/internal/iotest"
)

// Benchmark writes and reads rows of a number, a float, a text of 20 bytes and
// a time: appended, upserted, and read in order and without.
func (d Database) Benchmark(b *testing.B, unordered func(s arrowstream.Source)) {
	const rows = 100_000
	var sb strings.Builder
	sb.WriteString("k:int64 x:float64 s:utf8 ts:timestamp[us]\n")
	for i := range rows {
		fmt.Fprintf(&sb, "%d %g text-%015d %d\n", i, float64(i)/7, i, 1_700_000_000_000_000+int64(i)*1000)
	}
	batch, err := columnartest.Parse(memory.DefaultAllocator, sb.String())
	if err != nil {
		b.Fatal(err)
	}
	defer batch.Release()
	write := func(b *testing.B, key ...string) string {
		table := fmt.Sprintf("bench%d", time.Now().UnixNano())
		b.Cleanup(func() { d.Run(b, d.URL(b), "DROP TABLE IF EXISTS "+table) })
		s := d.Sink(d.URL(b), table, key...)
		if err := s.Bind(batch.Schema(), arrowstream.Env{Allocator: columnar.Pool, Name: "bench"}); err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		n, epoch := 0, uint64(0)
		for b.Loop() {
			epoch++
			p := arrowstream.Publication{Job: job, Sink: table, Epoch: arrowstream.Epoch(epoch), Incarnation: 1, Rows: seq([]arrowstream.Batch{batch}), Count: rows}
			if err := s.Publish(b.Context(), p); err != nil {
				b.Fatal(err)
			}
			n += rows
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
		return table
	}
	b.Run("append", func(b *testing.B) { write(b) })
	b.Run("upsert", func(b *testing.B) { write(b, "k") })
	for _, name := range []string{"ordered", "unordered"} {
		b.Run("read="+name, func(b *testing.B) {
			table := fmt.Sprintf("bench%d", time.Now().UnixNano())
			b.Cleanup(func() { d.Run(b, d.URL(b), "DROP TABLE IF EXISTS "+table) })
			if err := iotest.Write(b, d.Sink(d.URL(b), table, "k"), batch); err != nil {
				b.Fatal(err)
			}
			iotest.BenchmarkSource(b, func() arrowstream.Source {
				s := d.Source(d.URL(b), table)
				if name == "unordered" {
					unordered(s)
				}
				return s
			})
		})
	}
}
