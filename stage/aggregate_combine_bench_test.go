//go:build linux

package stage_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/kernels/expr"
	"github.com/arrowstream/arrowstream/stage"
)

// onePhase is an Aggregate that sees every row.
type onePhase struct{ *stage.Aggregate }

func (onePhase) Combiner() arrowstream.Parallel { return nil }

// BenchmarkTwoPhases runs a pipeline of an aggregate over 8M rows with and without
// its first phase, in turn. It reports the least time per row of the way with it,
// and how many times as long and as much processor time the other way takes.
func BenchmarkTwoPhases(b *testing.B) {
	const rows, batch = 8 << 20, 16 << 10
	x := []expr.Expr{expr.Col{Name: "x"}}
	aggs := []stage.Agg{{Name: "n", Func: "count"}, {Name: "s", Func: "sum", Args: x}, {Name: "lo", Func: "min", Args: x}, {Name: "hi", Func: "max", Args: x}}
	r := rand.New(rand.NewPCG(1, 2))
	for _, key := range []string{"int64", "utf8"} {
		for _, groups := range []int64{16, 256, 1_000_000} {
			keyType, by := arrow.DataType(arrow.PrimitiveTypes.Int64), []string{"k"}
			if key == "utf8" {
				keyType = arrow.BinaryTypes.String
			}
			rb := array.NewRecordBuilder(columnar.Pool, arrow.NewSchema([]arrow.Field{{Name: "k", Type: keyType}, {Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil))
			src := &batches{}
			for range rows / batch {
				for range batch {
					k := r.Int64N(groups)
					if key == "utf8" {
						rb.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("customer-%d", k))
					} else {
						rb.Field(0).(*array.Int64Builder).Append(k)
					}
					rb.Field(1).(*array.Int64Builder).Append(r.Int64N(1000))
				}
				src.list = append(src.list, rb.NewRecord())
			}
			for _, workers := range []int{4} {
				b.Run(fmt.Sprintf("key=%s/groups=%d/workers=%d", key, groups, workers), func(b *testing.B) {
					var wall, cpu [2]float64
					for b.Loop() {
						for way, st := range []arrowstream.Stage{&stage.Aggregate{By: by, Aggs: aggs}, onePhase{&stage.Aggregate{By: by, Aggs: aggs}}} {
							p := arrowstream.New(arrowstream.Options{Workers: workers})
							p.From("t", src).Via(st).To(textSink{})
							from, used := time.Now(), processTime(b)
							if _, err := p.Run(b.Context()); err != nil {
								b.Fatal(err)
							}
							if took := float64(time.Since(from)); wall[way] == 0 || took < wall[way] {
								wall[way] = took
							}
							if took := processTime(b) - used; cpu[way] == 0 || took < cpu[way] {
								cpu[way] = took
							}
						}
					}
					b.ReportMetric(wall[0]/rows, "least-ns/row")
					b.ReportMetric(wall[1]/wall[0], "x-time")
					b.ReportMetric(cpu[1]/cpu[0], "x-cpu")
				})
			}
			for _, x := range src.list {
				x.Release()
			}
			rb.Release()
		}
	}
}
