package mlkernels

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

const benchRows = 8192

// benchMatrix is benchRows rows of d features and labels that depend on them.
func benchMatrix(d int) (*Matrix, []float64) {
	g := rand.New(rand.NewPCG(1, 1))
	x, y := &Matrix{Rows: benchRows}, make([]float64, benchRows)
	for j := range d {
		col := make([]float64, benchRows)
		for i := range col {
			col[i] = g.NormFloat64()
			y[i] += col[i] * float64(j%3-1)
		}
		x.Dense = append(x.Dense, col)
	}
	for i, v := range y {
		y[i] = 0
		if v+0.5*g.NormFloat64() > 0 {
			y[i] = 1
		}
	}
	return x, y
}

func reportRows(b *testing.B) {
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds()/1e6, "Mrows/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
}

func BenchmarkSGD(b *testing.B) {
	for _, c := range []struct {
		d       int
		options map[string]string
	}{
		{6, nil},
		{10, nil},
		{20, nil},
		{32, nil},
		{50, nil},
		{100, nil},
		{10, map[string]string{"penalty": "none"}},
		{10, map[string]string{"penalty": "l1", "l1_reg": "0.0001"}},
		{10, map[string]string{"standardize": "true"}},
		{10, map[string]string{"update_mode": "mini_batch", "batch_rows": "256"}},
	} {
		b.Run(fmt.Sprintf("d=%d/%v", c.d, c.options), func(b *testing.B) {
			x, y := benchMatrix(c.d)
			l := mustNew(b, "LOGISTIC_REG", c.options, Shape{Dense: c.d, Classes: 2})
			var out Scores
			b.ReportAllocs()
			for b.Loop() {
				l.Step(x, y, nil, &out)
			}
			reportRows(b)
		})
	}
}

func BenchmarkScore(b *testing.B) {
	for _, d := range []int{10, 20, 100} {
		b.Run(fmt.Sprintf("d=%d", d), func(b *testing.B) {
			x, y := benchMatrix(d)
			l := mustNew(b, "LOGISTIC_REG", nil, Shape{Dense: d, Classes: 2})
			var out Scores
			l.Step(x, y, nil, &out)
			var scratch Scratch
			b.ReportAllocs()
			for b.Loop() {
				l.Score(x, &scratch, &out)
			}
			reportRows(b)
		})
	}
}

// BenchmarkKMeans learns and scores, row by row and in groups, and scores
// alone.
func BenchmarkKMeans(b *testing.B) {
	for _, c := range []struct{ d, k int }{{10, 8}, {16, 8}, {10, 64}, {50, 8}, {50, 64}, {64, 64}} {
		for _, mode := range []string{perRow, miniBatch, "score"} {
			for _, level := range simd.Levels() {
				b.Run(fmt.Sprintf("d=%d/k=%d/mode=%s/level=%s", c.d, c.k, mode, level), func(b *testing.B) {
					defer simd.Use(simd.Use(level))
					x, _ := benchMatrix(c.d)
					options := map[string]string{"k": fmt.Sprint(c.k)}
					if mode != "score" {
						options["update_mode"] = mode
					}
					l := mustNew(b, "KMEANS", options, Shape{Dense: c.d})
					var out Scores
					var scratch Scratch
					l.Step(x, nil, nil, &out)
					b.ReportAllocs()
					for b.Loop() {
						if mode == "score" {
							l.Score(x, &scratch, &out)
						} else {
							l.Step(x, nil, nil, &out)
						}
					}
					reportRows(b)
				})
			}
		}
	}
}

// benchRecord is benchMatrix as a record of columns x0, x1, ... and the label
// y of integers; nulls makes one value in 256 of every column NULL.
func benchRecord(d int, nulls bool) arrow.Record {
	x, y := benchMatrix(d)
	var fields []arrow.Field
	var cols []arrow.Array
	for j, c := range x.Dense {
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		for i, v := range c {
			if nulls && i%256 == 17*j {
				b.AppendNull()
			} else {
				b.Append(v)
			}
		}
		fields = append(fields, arrow.Field{Name: fmt.Sprint("x", j), Type: arrow.PrimitiveTypes.Float64, Nullable: nulls})
		cols = append(cols, b.NewArray())
	}
	b := array.NewInt64Builder(memory.DefaultAllocator)
	for _, v := range y {
		b.Append(int64(v))
	}
	fields = append(fields, arrow.Field{Name: "y", Type: arrow.PrimitiveTypes.Int64})
	cols = append(cols, b.NewArray())
	return array.NewRecord(arrow.NewSchema(fields, nil), cols, benchRows)
}

// BenchmarkPrequential is the whole way from a record to a record, without the
// runtime.
func BenchmarkPrequential(b *testing.B) {
	for _, c := range []struct {
		spec  Spec
		d     int
		nulls bool
	}{
		{Spec{Type: "LOGISTIC_REG", Label: "y"}, 10, false},
		{Spec{Type: "LOGISTIC_REG", Label: "y"}, 12, true},
		{Spec{Type: "LINEAR_REG", Label: "y"}, 10, false},
		{Spec{Type: "KMEANS", Options: map[string]string{"k": "8"}}, 10, false},
		{Spec{Type: "KMEANS", Options: map[string]string{"k": "8", "half_life": "100000"}}, 12, true},
	} {
		for _, mode := range []string{"step", "predict"} {
			b.Run(fmt.Sprintf("%s/d=%d/nulls=%v/%s", c.spec.Type, c.d, c.nulls, mode), func(b *testing.B) {
				rec := benchRecord(c.d, c.nulls)
				spec := c.spec
				for j := range c.d {
					spec.Features = append(spec.Features, fmt.Sprint("x", j))
				}
				m, err := NewModel(spec)
				if err != nil {
					b.Fatal(err)
				}
				if err := m.Bind(rec.Schema()); err != nil {
					b.Fatal(err)
				}
				out, err := m.Step(columnar.Pool, rec, false)
				if err != nil {
					b.Fatal(err)
				}
				releaseAll(out)
				p, err := m.NewPredictor(rec.Schema())
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if mode == "step" {
						out, err = m.Step(columnar.Pool, rec, false)
					} else {
						out, err = p.Predict(columnar.Pool, rec, false)
					}
					if err != nil {
						b.Fatal(err)
					}
					releaseAll(out)
				}
				reportRows(b)
			})
		}
	}
}

// BenchmarkEvaluate judges predictions with probabilities as Prequential makes
// them, in windows of 10 s of rows 300 µs apart.
func BenchmarkEvaluate(b *testing.B) {
	for _, form := range []string{"bool", "int64", "utf8", "dict"} {
		for _, probability := range []bool{true, false} {
			b.Run(fmt.Sprintf("label=%s/probs=%v", form, probability), func(b *testing.B) {
				rec := judgedRecord(form, probability)
				e := &Evaluate{Label: "y", Window: 10 * time.Second}
				if _, err := e.Bind(rec.Schema(), arrowstream.Env{Allocator: columnar.Pool}); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if err := e.Process(b.Context(), rec, nil); err != nil {
						b.Fatal(err)
					}
				}
				reportRows(b)
			})
		}
	}
}

// judgedRecord is an event time, a label of the given form and its prediction.
func judgedRecord(form string, probability bool) arrow.Record {
	types := map[string]arrow.DataType{
		"bool": arrow.FixedWidthTypes.Boolean, "int64": arrow.PrimitiveTypes.Int64, "utf8": arrow.BinaryTypes.String,
		"dict": &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String},
	}
	label, entry := types[form], types[form]
	if form == "dict" {
		entry = arrow.BinaryTypes.String
	}
	fields := []arrow.Field{
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: "y", Type: label},
		{Name: "predicted_y", Type: entry},
	}
	if probability {
		fields = append(fields, arrow.Field{Name: "predicted_y_probs", Type: probsType(entry)})
	}
	rb := array.NewRecordBuilder(memory.DefaultAllocator, columnar.WithEventTime(arrow.NewSchema(fields, nil), "ts"))
	put := func(b array.Builder, class int) {
		switch b := b.(type) {
		case *array.BooleanBuilder:
			b.Append(class == 1)
		case *array.Int64Builder:
			b.Append(int64(class))
		case *array.StringBuilder:
			b.Append([]string{"no", "yes"}[class])
		case *array.BinaryDictionaryBuilder:
			if err := b.AppendString([]string{"no", "yes"}[class]); err != nil {
				panic(err)
			}
		}
	}
	g := rand.New(rand.NewPCG(1, 1))
	for i := range benchRows {
		p := g.Float64()
		truth, pred := 0, 0
		if g.Float64() < p {
			truth = 1
		}
		if p > 0.5 {
			pred = 1
		}
		rb.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(300 * i))
		put(rb.Field(1), truth)
		put(rb.Field(2), pred)
		if probability {
			list := rb.Field(3).(*array.ListBuilder)
			list.Append(true)
			pair := list.ValueBuilder().(*array.StructBuilder)
			for class, prob := range []float64{1 - p, p} {
				pair.Append(true)
				put(pair.FieldBuilder(0), class)
				pair.FieldBuilder(1).(*array.Float64Builder).Append(prob)
			}
		}
	}
	return rb.NewRecord()
}

// BenchmarkHashed is logistic regression on twelve string columns.
func BenchmarkHashed(b *testing.B) {
	g := rand.New(rand.NewPCG(1, 1))
	rb := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(func() (f []arrow.Field) {
		for j := range 12 {
			f = append(f, arrow.Field{Name: fmt.Sprint("k", j), Type: arrow.BinaryTypes.String})
		}
		return append(f, arrow.Field{Name: "y", Type: arrow.FixedWidthTypes.Boolean})
	}(), nil))
	for range benchRows {
		for j := range 12 {
			rb.Field(j).(*array.StringBuilder).Append(fmt.Sprint("value", g.IntN(1000)))
		}
		rb.Field(12).(*array.BooleanBuilder).Append(g.IntN(2) == 0)
	}
	rec := rb.NewRecord()
	m, err := NewModel(Spec{Type: "LOGISTIC_REG", Label: "y", Encoding: "hash"})
	if err != nil {
		b.Fatal(err)
	}
	if err := m.Bind(rec.Schema()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		out, err := m.Step(columnar.Pool, rec, false)
		if err != nil {
			b.Fatal(err)
		}
		releaseAll(out)
	}
	reportRows(b)
}
