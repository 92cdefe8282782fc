package console_test

import (
	"context"
	"fmt"
	"os"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/console"
)

func Example() {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "city", Type: arrow.BinaryTypes.String}, {Name: "clicks", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	b.Field(0).(*array.StringBuilder).AppendValues([]string{"Bern", "Oslo"}, nil)
	b.Field(1).(*array.Int64Builder).AppendValues([]int64{1200, 0}, []bool{true, false})

	sink := &console.Sink{Layout: "table", Stdio: arrowstream.Stdio{Out: os.Stdout}}
	_ = sink.Bind(schema, arrowstream.Env{})
	_ = sink.Write(context.Background(), b.NewRecord())
	if err := sink.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// city  clicks
	// ----  ------
	// Bern    1200
	// Oslo    NULL
	// (2 rows)
}
