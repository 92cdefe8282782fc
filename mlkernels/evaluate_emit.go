package mlkernels

import (
	"errors"
	"sort"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

// schemas are those of the metrics and of the counts by class.
func (e *Evaluate) schemas() (metrics, classes *arrow.Schema) {
	var fields []arrow.Field
	if e.Window > 0 {
		for _, name := range []string{"window_start", "window_end", "window_time"} {
			fields = append(fields, arrow.Field{Name: name, Type: e.timeType})
		}
	}
	var counts []arrow.Field
	for _, name := range []string{"rows_seen", "rows_scored", "rows_unscored", "rows_skipped"} {
		counts = append(counts, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int64})
	}
	names := []string{"mae", "rmse", "r2", "no_change_mae", "mean_mae"}
	if e.classify {
		names = []string{"accuracy", "precision", "recall", "f1", "log_loss", "auc", "kappa", "kappa_t", "kappa_m", "no_change_accuracy", "majority_accuracy"}
	}
	all := append(append([]arrow.Field{}, fields...), counts...)
	for _, name := range names {
		all = append(all, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float64, Nullable: true})
	}
	byClass := append(append([]arrow.Field{}, fields...), counts[0],
		arrow.Field{Name: "class", Type: arrow.BinaryTypes.String},
		arrow.Field{Name: "support", Type: arrow.PrimitiveTypes.Float64},
		arrow.Field{Name: "predicted", Type: arrow.PrimitiveTypes.Float64},
		arrow.Field{Name: "correct", Type: arrow.PrimitiveTypes.Float64})
	for _, name := range []string{"precision", "recall", "f1"} {
		byClass = append(byClass, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float64, Nullable: true})
	}
	metrics, classes = arrow.NewSchema(all, nil), arrow.NewSchema(byClass, nil)
	if e.Window > 0 {
		metrics, classes = columnar.WithEventTime(metrics, "window_time"), columnar.WithEventTime(classes, "window_time")
	}
	return metrics, classes
}

// emit sends the metrics of runs of rows; starts are those of their windows.
func (e *Evaluate) emit(runs []*judgement, starts []int64, emit arrowstream.Emit) error {
	main, side := e.main, e.side
	size := e.Window.Microseconds()
	for k, run := range runs {
		var window []int64
		if starts != nil {
			window = []int64{starts[k], starts[k] + size, starts[k] + size - 1}
		}
		main.times(window)
		main.ints(run.seen, run.scored, run.unscored, run.skipped)
		if !e.classify {
			r := run.regression.Report()
			main.floats(r.MAE, r.RMSE, r.R2, r.NoChangeMAE, r.MeanMAE)
			continue
		}
		r := run.class.Report(e.ids.positive(e.Positive))
		main.floats(r.Accuracy, r.Precision, r.Recall, r.F1, r.LogLoss, r.AUC, r.Kappa, r.KappaT, r.KappaM, r.NoChangeAccuracy, r.MajorityAccuracy)
		for _, class := range e.ids.ordered() {
			if class >= len(r.Class) || r.Class[class].Support+r.Class[class].Predicted == 0 {
				continue
			}
			c := r.Class[class]
			side.times(window)
			side.ints(run.seen)
			side.text(e.ids.names[class])
			side.floats(c.Support, c.Predicted, c.Correct, c.Precision, c.Recall, c.F1)
		}
	}
	err := main.send(emit)
	if e.classify {
		err = errors.Join(err, side.send(emit, 1))
	}
	return err
}

// rowWriter appends rows cell by cell. It has no memory after send.
type rowWriter struct {
	b   *array.RecordBuilder
	col int
}

func newRowWriter(env arrowstream.Env, schema *arrow.Schema) *rowWriter {
	return &rowWriter{b: array.NewRecordBuilder(env.Allocator, schema)}
}

func (w *rowWriter) next() array.Builder {
	f := w.b.Field(w.col)
	w.col = (w.col + 1) % len(w.b.Fields())
	return f
}

func (w *rowWriter) times(ts []int64) {
	for _, t := range ts {
		w.next().(*array.TimestampBuilder).Append(arrow.Timestamp(t))
	}
}

func (w *rowWriter) ints(xs ...int64) {
	for _, x := range xs {
		w.next().(*array.Int64Builder).Append(x)
	}
}

func (w *rowWriter) text(s string) { w.next().(*array.StringBuilder).Append(s) }

// floats appends numbers, NaN as NULL.
func (w *rowWriter) floats(xs ...float64) {
	for _, x := range xs {
		b := w.next().(*array.Float64Builder)
		if x != x {
			b.AppendNull()
		} else {
			b.Append(x)
		}
	}
}

// send emits the rows, if there are any.
func (w *rowWriter) send(emit arrowstream.Emit, port ...int) error {
	b := w.b.NewRecord()
	defer b.Release()
	if b.NumRows() == 0 {
		return nil
	}
	return emit(b, port...)
}

// sortBy sorts class numbers.
func sortBy(x []int, less func(a, b int) bool) {
	sort.SliceStable(x, func(i, j int) bool { return less(x[i], x[j]) })
}
