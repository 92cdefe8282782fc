package memory_test

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/io/memory"
)

// Batches the program holds already go through a pipeline and come back.
func Example() {
	schema := arrow.NewSchema([]arrow.Field{{Name: "clicks", Type: arrow.PrimitiveTypes.Int64}}, nil)
	rows := array.NewRecordBuilder(columnar.Pool, schema)
	defer rows.Release()
	rows.Field(0).(*array.Int64Builder).AppendValues([]int64{3, 1, 2}, nil)
	batch := rows.NewRecord()
	defer batch.Release()

	sink := &memory.Sink{}
	defer sink.Release()
	p := arrowstream.New(arrowstream.Options{})
	p.From("clicks", memory.From(batch)).To(sink, "out")
	if _, err := p.Run(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range sink.Batches() {
		fmt.Println(b.Column(0))
	}
	// Output: [3 1 2]
}
