package bench

import (
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/mlkernels"
)

const batchRows = 8192

// points is a batch of d standard normal features and a label that follows
// them.
func points(d int) arrowstream.Batch {
	fields := make([]arrow.Field, 0, d+1)
	for j := range d {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("x%d", j), Type: arrow.PrimitiveTypes.Float64})
	}
	fields = append(fields, arrow.Field{Name: "y", Type: arrow.PrimitiveTypes.Int64})
	rows := array.NewRecordBuilder(columnar.Pool, arrow.NewSchema(fields, nil))
	defer rows.Release()
	state := uint64(1)
	uniform := func() float64 {
		state = state*6364136223846793005 + 1442695040888963407
		return float64(state>>11) / (1 << 53)
	}
	for range batchRows {
		z := 0.0
		for j := range d {
			x := uniform() + uniform() + uniform() + uniform() - 2
			z += x * float64(j%3-1)
			rows.Field(j).(*array.Float64Builder).Append(x)
		}
		y := int64(0)
		if z+uniform() > 0.5 {
			y = 1
		}
		rows.Field(d).(*array.Int64Builder).Append(y)
	}
	return rows.NewRecord()
}

// learn scores and learns the same batch again and again in one stage, on the
// goroutine of the benchmark: what one core does.
func learn(b *testing.B, d int, options map[string]string) {
	rows := points(d)
	defer rows.Release()
	spec, err := mlkernels.ParseSpec(options)
	if err != nil {
		b.Fatal(err)
	}
	stage := &mlkernels.Prequential{Spec: spec}
	if _, err := stage.Bind(rows.Schema(), arrowstream.Env{Allocator: columnar.Pool, Name: "model"}); err != nil {
		b.Fatal(err)
	}
	emitted := 0
	emit := func(out arrowstream.Batch, port ...int) error {
		if len(port) == 0 || port[0] == 0 { // 1 are publications of the model
			emitted += int(out.NumRows())
		}
		return nil
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		if err := stage.Process(b.Context(), rows, emit); err != nil {
			b.Fatal(err)
		}
		if _, err := stage.Advance(b.Context(), arrowstream.Watermark{Event: arrowstream.NoEventTime}, emit); err != nil {
			b.Fatal(err)
		}
		n += batchRows
	}
	if emitted != n {
		b.Fatalf("%d rows scored, want %d", emitted, n)
	}
	perRow(b, n)
}

// BenchmarkSGD is logistic regression that predicts each row and then learns
// it, one update per row.
func BenchmarkSGD(b *testing.B) {
	for _, d := range []int{10, 100} {
		b.Run(fmt.Sprintf("d=%d", d), func(b *testing.B) {
			learn(b, d, map[string]string{"model_type": "LOGISTIC_REG", "label": "y"})
		})
	}
}

// BenchmarkKMeans is streaming k-means that finds the center of each row and
// then moves it.
func BenchmarkKMeans(b *testing.B) {
	for _, k := range []int{8, 64} {
		b.Run(fmt.Sprintf("k=%d/d=10", k), func(b *testing.B) {
			features := ""
			for j := range 10 {
				features += fmt.Sprintf(",x%d", j)
			}
			learn(b, 10, map[string]string{"model_type": "KMEANS", "num_clusters": fmt.Sprint(k), "half_life": "100000", "time_unit": "points", "features": features[1:]})
		})
	}
}
