package ipc_test

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/io/ipc"
)

// A stream that was written by a sink is read with all checks.
func ExampleNewReader() {
	mem := memory.NewGoAllocator()
	values := array.NewInt64Builder(mem)
	values.AppendValues([]int64{1, 2, 3}, nil)
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)
	rec := array.NewRecord(schema, []arrow.Array{values.NewArray()}, 3)

	var stream bytes.Buffer
	sink := &ipc.Sink{Path: "-", Stdio: arrowstream.Stdio{Out: &stream}}
	_ = sink.Bind(schema, arrowstream.Env{Allocator: mem})
	_ = sink.Write(context.Background(), rec)
	_ = sink.Close()

	r, err := ipc.NewReader(&stream, mem, ipc.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Release()
	for {
		rec, err := r.Read()
		if err == io.EOF {
			break
		}
		fmt.Println(rec.NumRows(), rec.Column(0), err)
	}
	// Output: 3 [1 2 3] <nil>
}
