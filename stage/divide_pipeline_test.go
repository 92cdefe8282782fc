package stage_test

import (
	"context"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/columnar/columnartest"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

var keyed = arrow.NewSchema([]arrow.Field{
	{Name: "k", Type: arrow.PrimitiveTypes.Int64},
	{Name: "x", Type: arrow.PrimitiveTypes.Float64},
}, nil)

// draws is a bounded source of rows with a random one of many keys.
type draws struct {
	rows, keys int
	r          *rand.Rand
}

func (d *draws) Schema() (*arrow.Schema, error) { return keyed, nil }
func (d *draws) Bounded() bool                  { return true }
func (d *draws) Open(context.Context, arrowstream.SourceEnv) ([]arrowstream.Partition, error) {
	return []arrowstream.Partition{d}, nil
}
func (d *draws) Close() error { return nil }

func (d *draws) Read(context.Context) (arrowstream.Batch, error) {
	if d.rows <= 0 {
		return nil, io.EOF
	}
	b := array.NewRecordBuilder(columnar.Pool, keyed)
	defer b.Release()
	n := min(d.rows, 5000)
	d.rows -= n
	for range n {
		b.Field(0).(*array.Int64Builder).Append(int64(d.r.IntN(d.keys)) * 1e12)
		b.Field(1).(*array.Float64Builder).Append(d.r.NormFloat64())
	}
	return b.NewRecord(), nil
}

// rowSink keeps the text of every row.
type rowSink struct{ rows *[]string }

func (s rowSink) Bind(*arrow.Schema, arrowstream.Env) error { return nil }
func (s rowSink) Write(_ context.Context, b arrowstream.Batch) error {
	*s.rows = append(*s.rows, columnartest.Rows(b)...)
	return nil
}
func (s rowSink) Takes() arrowstream.Delivery { return arrowstream.Changelog }
func (s rowSink) Flush(context.Context) error { return nil }
func (s rowSink) Close() error                { return nil }

// TestAggregateIsDividedInPipeline has so many groups that two workers divide
// them half way: the rows are the same, in the same order, to the bit.
func TestAggregateIsDividedInPipeline(t *testing.T) {
	x := []expr.Expr{col("x")}
	for _, updates := range []bool{false, true} {
		run := func(workers int) (rows []string) {
			p := arrowstream.New(arrowstream.Options{Workers: workers, Allocator: columnartest.Allocator(t)})
			p.From("draws", &draws{rows: 150_000, keys: 60_000, r: rand.New(rand.NewPCG(1, 1))}).
				Via(&stage.Aggregate{By: []string{"k"}, Aggs: []stage.Agg{{Name: "n", Func: "count"}, {Name: "s", Func: "sum", Args: x}}, Updates: updates}).
				To(rowSink{&rows})
			if _, err := p.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			return rows
		}
		want := run(1)
		for _, workers := range []int{2, 3, 4} {
			got := run(workers)
			if len(got) != len(want) {
				t.Fatalf("%d workers give %d rows, one gives %d", workers, len(got), len(want))
			}
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("%d workers, updates %v: row %d is %s, want %s", workers, updates, i, got[i], want[i])
				}
			}
		}
	}
}
