//go:build linux

package stage_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/stage"
)

// BenchmarkShared is a filter and a projection that both read a value out of a
// JSON text, each for itself and computed once, in processor time; half of the
// rows pass.
func BenchmarkShared(b *testing.B) {
	const rows = 16 << 10
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.BinaryTypes.String}}, nil)
	rb := array.NewRecordBuilder(columnar.Pool, schema)
	defer rb.Release()
	for i := range rows {
		rb.Field(0).(*array.StringBuilder).Append(fmt.Sprintf(`{"id": %d, "kind": "k%d", "more": [1, 2, 3]}`, i, i%2))
	}
	in := rb.NewRecord()
	defer in.Release()
	kind := call("json_value", col("x"), lit("$.kind"))
	for _, c := range []struct {
		name    string
		filter  stage.Filter
		project stage.Project
	}{
		{"alone", stage.Filter{Where: call("eq", kind, lit("k1"))}, stage.Project{Columns: []stage.Column{{Name: "kind", Expr: kind}}}},
		{
			"once",
			stage.Filter{Also: []stage.Column{{Name: "k", Expr: kind}}, Where: call("eq", col("k"), lit("k1")), Columns: []string{"k"}},
			stage.Project{Columns: []stage.Column{{Name: "kind", Expr: col("k")}}},
		},
	} {
		b.Run(c.name, func(b *testing.B) {
			ctx, env := context.Background(), arrowstream.Env{Allocator: columnar.Pool}
			filter, project := c.filter.Clone(), c.project.Clone()
			mid, err := filter.Bind(schema, env)
			if err == nil {
				_, err = project.Bind(mid, env)
			}
			if err != nil {
				b.Fatal(err)
			}
			none := func(arrowstream.Batch, ...int) error { return nil }
			pass := func(r arrowstream.Batch, _ ...int) error { return project.Process(ctx, r, none) }
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			start := threadTime(b)
			for b.Loop() {
				if err := filter.Process(ctx, in, pass); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((threadTime(b)-start)/float64(b.N)/rows, "ns/row")
		})
	}
}
