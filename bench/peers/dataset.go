package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
	"github.com/arrowstream/arrowstream/io/parquet"
)

// events is the schema of the rows that the whole queries read. Keys are spread
// over all 64 bits, so that no engine can use them as an index; k1m and s10k
// are NULL in one row of 1,000, x in one of 100. ts goes up by a millisecond a
// row, up to half a second out of order.
var events = arrow.NewSchema([]arrow.Field{
	{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
	{Name: "k100", Type: arrow.PrimitiveTypes.Int64},
	{Name: "k1k", Type: arrow.PrimitiveTypes.Int64},
	{Name: "k100k", Type: arrow.PrimitiveTypes.Int64},
	{Name: "k1m", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "s10k", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "y", Type: arrow.PrimitiveTypes.Float64},
}, nil)

const (
	eventsStart = 1_704_067_200_000_000 // 2024-01-01 in microseconds
	eventsBatch = 1 << 16
)

// noise is draw j of row i: uniform 64 bits.
func noise(i, j int) uint64 {
	return simd.Mix(simd.Mix(uint64(i)*16+uint64(j)+1) + 0x9e3779b97f4a7c15)
}

// spread is key number n of a column with count keys, out of a draw.
func spread(draw, count uint64) int64 { return int64(simd.Mix(draw%count + count<<32)) }

// fraction is a draw as a number in [0, 1).
func fraction(draw uint64) float64 { return float64(draw>>11) / (1 << 53) }

// eventsFile is the Parquet file of so many rows in dir. It is written once, by
// our own writer in row groups of its default size.
func eventsFile(ctx context.Context, dir string, rows int, codec string) (string, error) {
	path := filepath.Join(dir, fmt.Sprintf("events-%d-%s.parquet", rows, codec))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	fmt.Fprintf(os.Stderr, "writing %s\n", path)
	sink := &parquet.Sink{Path: path, Compression: codec}
	if err := sink.Bind(events, arrowstream.Env{Allocator: columnar.Pool, Name: "events"}); err != nil {
		return "", err
	}
	err := writeEvents(ctx, sink, rows)
	if err != nil {
		sink.Abort(err)
	}
	if closed := sink.Close(); err == nil {
		err = closed
	}
	return path, err
}

func writeEvents(ctx context.Context, sink *parquet.Sink, rows int) error {
	b := array.NewRecordBuilder(columnar.Pool, events)
	defer b.Release()
	for i := 0; i < rows; i += eventsBatch {
		for row := i; row < min(rows, i+eventsBatch); row++ {
			appendEvent(b, row)
		}
		rec := b.NewRecord()
		err := sink.Write(ctx, rec)
		rec.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func appendEvent(b *array.RecordBuilder, i int) {
	at := eventsStart + int64(i)*1000 + int64(noise(i, 0)%500_000)
	b.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
	for column, count := range []uint64{100, 1_000, 100_000, 1_000_000} {
		keys := b.Field(1 + column).(*array.Int64Builder)
		if count == 1_000_000 && noise(i, 5)%1000 == 0 {
			keys.AppendNull()
		} else {
			keys.Append(spread(noise(i, 1+column), count))
		}
	}
	if draw := noise(i, 6); draw%1000 == 0 {
		b.Field(5).AppendNull()
	} else {
		b.Field(5).(*array.StringBuilder).Append(word(draw>>10, 10_000))
	}
	if draw := noise(i, 7); draw%100 == 0 {
		b.Field(6).AppendNull()
	} else {
		b.Field(6).(*array.Float64Builder).Append(1000 * (fraction(noise(i, 8)) - 0.25))
	}
	b.Field(7).(*array.Float64Builder).Append(fraction(noise(i, 9)))
}

// word is string key number n of a column with count of them: 7 to 17 bytes.
func word(draw, count uint64) string {
	n := draw % count
	return fmt.Sprintf("%06d/%.*x", n, 1+int(n%11), simd.Mix(n))
}
