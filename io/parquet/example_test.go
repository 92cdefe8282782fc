package parquet_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/io/parquet"
)

// Example writes a file and reads one of its columns.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, env := context.Background(), arrowstream.Env{Allocator: columnar.Pool, Name: "trades"}

	schema := arrow.NewSchema([]arrow.Field{{Name: "price", Type: arrow.PrimitiveTypes.Float64}, {Name: "qty", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := array.NewRecordBuilder(columnar.Pool, schema)
	defer b.Release()
	b.Field(0).(*array.Float64Builder).AppendValues([]float64{10.5, 11, 10.75}, nil)
	b.Field(1).(*array.Int64Builder).AppendValues([]int64{1, 2, 3}, nil)
	rec := b.NewRecord()
	defer rec.Release()

	sink := &parquet.Sink{Path: dir}
	if err := sink.Bind(schema, env); err != nil {
		log.Fatal(err)
	}
	if err := sink.Write(ctx, rec); err != nil {
		log.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		log.Fatal(err)
	}

	source := &parquet.Source{Path: filepath.Join(dir, "*.parquet"), Columns: []string{"price"}}
	parts, err := source.Open(ctx, arrowstream.SourceEnv{Env: env})
	if err != nil {
		log.Fatal(err)
	}
	defer parts[0].Close()
	for {
		batch, err := parts[0].Read(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(batch.Column(0))
		batch.Release()
	}
	// Output: [10.5 11 10.75]
}
