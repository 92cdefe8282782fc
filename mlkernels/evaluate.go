package mlkernels

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
)

var (
	_ arrowstream.Stateful = (*Evaluate)(nil)
	_ arrowstream.Sided    = (*Evaluate)(nil)
	_ arrowstream.Counted  = (*Evaluate)(nil)
)

// Evaluate is the stage that judges predictions against labels, row by row as
// they come: the metrics of prequential evaluation. With Window it emits one
// row per event-time window when the watermark closes it, with EveryRows one
// row after every so many rows, and else one row at the end of the stream.
// Side output 1, "classes", has the counts of every class at the same moments.
//
// The baselines (the label before; the majority class or the mean so far) go
// on across windows. A row whose label is NULL is not scored (rows_skipped),
// neither is one without prediction (rows_unscored).
type Evaluate struct {
	// Label is the label column.
	Label string
	// Prediction is the column judged; predicted_<label>.
	Prediction string
	// Probability is a column of probabilities, {label, prob} lists as
	// [Prequential] makes them or numbers, the probability of the positive
	// class; predicted_<label>_probs if there is such a column.
	Probability string
	// Task is "classification" or "regression"; left out, a label or prediction
	// of floats without probabilities is regression.
	Task string
	// Positive is the class precision, recall and F1 are of. Left out it is
	// the greater of two classes; of more, the mean over classes is taken.
	Positive string
	// Window is the length of tumbling event-time windows; 0 for none.
	Window time.Duration
	// EveryRows emits after every so many rows that came; not with Window.
	EveryRows int64
	// Metrics say which rows count.
	Metrics MetricsOptions

	env      arrowstream.Env
	classify bool
	cols     judgeColumns
	timeCol  int
	timeType *arrow.TimestampType
	schema   *arrow.Schema
	classes  *arrow.Schema
	main     *rowWriter // of schema
	side     *rowWriter // of classes

	ids     classIDs
	rows    judgeRows // the batch
	starts  []int32   // scratch of it
	times   []int64   // alike
	run     judgeRun
	base    *Baselines
	whole   *judgement           // without Window
	windows map[int64]*judgement // by start
	closed  int64                // windows that end here or before are closed
	counts  arrowstream.Counts

	positive   int // the positive class when there were positiveOf classes
	positiveOf int
}

// judgement is the metrics over one run of rows.
type judgement struct {
	seen, scored, unscored, skipped int64
	class                           *ClassMetrics
	regression                      *RegressionMetrics
}

func (e *Evaluate) newJudgement() *judgement {
	if e.classify {
		return &judgement{class: NewClassMetrics(e.Metrics)}
	}
	return &judgement{regression: NewRegressionMetrics(e.Metrics)}
}

// Bind implements [arrowstream.Stage].
func (e *Evaluate) Bind(in *arrow.Schema, env arrowstream.Env) (*arrow.Schema, error) {
	e.env = env
	if err := e.validate(); err != nil {
		return nil, err
	}
	if err := e.findColumns(in); err != nil {
		return nil, err
	}
	e.timeCol = columnar.EventTime(in)
	e.timeType = &arrow.TimestampType{Unit: arrow.Microsecond}
	if e.Window > 0 {
		if e.timeCol < 0 {
			return nil, &arrowstream.Error{Code: "AS7016", Msg: "evaluation in windows needs an event time", Hint: "declare a WATERMARK on the input, or leave the window out"}
		}
		if t, ok := in.Field(e.timeCol).Type.(*arrow.TimestampType); ok {
			e.timeType.TimeZone = t.TimeZone
		}
	}
	if e.classify {
		e.ids = newClassIDs()
	}
	e.base = NewBaselines(e.classify)
	e.windows = map[int64]*judgement{}
	e.closed = arrowstream.NoEventTime
	e.whole = e.newJudgement()
	e.run = judgeRun{rows: make([]Judged, 0, runRows), probs: make([]float64, runRows), logs: make([]float64, runRows)}
	e.positiveOf = -1
	e.schema, e.classes = e.schemas()
	e.main, e.side = newRowWriter(env, e.schema), newRowWriter(env, e.classes)
	return e.schema, nil
}

func (e *Evaluate) validate() error {
	switch {
	case e.Label == "":
		return &arrowstream.Error{Code: "AS7013", Msg: "evaluation needs a label", Hint: "name the label column"}
	case e.Window < 0 || e.Window%time.Microsecond != 0:
		return optionError("window", e.Window.String(), "whole microseconds > 0")
	case e.Window > 0 && e.EveryRows > 0:
		return &arrowstream.Error{Code: "AS7016", Msg: "evaluation either in windows or every so many rows, not both"}
	case e.EveryRows < 0:
		return optionError("every_rows", fmt.Sprint(e.EveryRows), "a number >= 0")
	case e.Metrics.Last < 0 || e.Metrics.AUCRows < 0:
		return optionError("last", fmt.Sprint(e.Metrics.Last), "a number >= 0")
	case !(e.Metrics.Fading >= 0 && e.Metrics.Fading <= 1):
		return optionError("fading", fmt.Sprint(e.Metrics.Fading), "from 0 to 1")
	}
	return oneOf("task", e.Task, "", "classification", "regression")
}

// Sides implements [arrowstream.Sided].
func (e *Evaluate) Sides() []arrowstream.Side {
	if !e.classify {
		return nil
	}
	return []arrowstream.Side{{Name: "classes", Schema: e.classes}}
}

// Process implements [arrowstream.Stage].
func (e *Evaluate) Process(_ context.Context, b arrowstream.Batch, emit arrowstream.Emit) error {
	if err := e.read(b); err != nil {
		return err
	}
	var timed columnar.Bitmap
	if e.Window > 0 {
		e.times = eventTimes(e.times, b.Column(e.timeCol))
		timed = columnar.Validity(b.Column(e.timeCol))
	}
	// The window of the row before, [start, end), is that of most rows.
	into, start, end := e.whole, int64(0), int64(0)
	defer e.run.flush()
	for i, n := 0, int(b.NumRows()); i < n; i++ {
		if e.Window > 0 {
			at := e.times[i]
			if !timed.Get(i) {
				e.counts.Unwindowed++
				continue
			}
			if at < start || at >= end {
				size := e.Window.Microseconds()
				start = columnar.FloorDiv(at, size) * size
				end = start + size
				into = e.windowOf(start, end)
			}
			if into == nil {
				e.counts.Late++
				continue
			}
		}
		if e.EveryRows == 0 {
			to := n
			if e.Window > 0 {
				to = i + 1
				for to < n && e.times[to] >= start && e.times[to] < end && timed.Get(to) {
					to++
				}
			}
			e.judgeRows(i, to, into)
			i = to - 1
			continue
		}
		e.judge(i, into)
		if into.seen%e.EveryRows == 0 {
			e.run.flush()
			if err := e.emit([]*judgement{into}, nil, emit); err != nil {
				return err
			}
		}
	}
	return nil
}

// windowOf is the window from start to end, nil if it is closed.
func (e *Evaluate) windowOf(start, end int64) *judgement {
	if end <= e.closed {
		return nil
	}
	w, ok := e.windows[start]
	if !ok {
		w = e.newJudgement()
		e.windows[start] = w
	}
	return w
}

// Advance implements [arrowstream.Stage].
func (e *Evaluate) Advance(_ context.Context, w arrowstream.Watermark, emit arrowstream.Emit) (arrowstream.Watermark, error) {
	if e.Window == 0 {
		if w.Done() && (e.EveryRows == 0 || e.whole.seen%e.EveryRows != 0) {
			return w, e.emit([]*judgement{e.whole}, nil, emit)
		}
		return w, nil
	}
	if w.Event == arrowstream.NoEventTime {
		return w, nil
	}
	size := e.Window.Microseconds()
	var starts []int64
	for start := range e.windows {
		if w.Done() || start+size <= w.Event {
			starts = append(starts, start)
		}
	}
	e.closed = w.Event
	if len(starts) == 0 {
		return w, nil
	}
	slices.Sort(starts)
	var done []*judgement
	for _, start := range starts {
		done = append(done, e.windows[start])
		delete(e.windows, start)
	}
	return w, e.emit(done, starts, emit)
}

// Counts implements [arrowstream.Counted].
func (e *Evaluate) Counts() arrowstream.Counts {
	c := e.counts
	c.StateRows = int64(len(e.windows))
	return c
}

// Snapshot implements [arrowstream.Stateful].
func (e *Evaluate) Snapshot(context.Context) (arrowstream.State, error) {
	w := &stateWriter{}
	e.ids.save(w)
	e.base.save(w)
	w.ints([]int64{e.closed, e.counts.Late, e.counts.Skipped, e.counts.Unwindowed})
	e.whole.save(w)
	starts := make([]int64, 0, len(e.windows))
	for start := range e.windows {
		starts = append(starts, start)
	}
	slices.Sort(starts)
	w.ints(starts)
	for _, start := range starts {
		e.windows[start].save(w)
	}
	return arrowstream.State{"metrics": stateBatch(e.env.Allocator, w.buf)}, nil
}

// Restore implements [arrowstream.Stateful].
func (e *Evaluate) Restore(_ context.Context, st arrowstream.State) error {
	data, err := stateBytes(st, "metrics")
	if err != nil {
		return err
	}
	r := &stateReader{buf: data}
	e.ids.load(r)
	e.positiveOf = -1
	e.base.load(r)
	pos := r.ints()
	if r.err != nil || len(pos) != 4 {
		return fmt.Errorf("mlkernels: restore: %w", errState)
	}
	e.closed, e.counts.Late, e.counts.Skipped, e.counts.Unwindowed = pos[0], pos[1], pos[2], pos[3]
	e.whole.load(r)
	for _, start := range r.ints() {
		e.windows[start] = e.newJudgement()
		e.windows[start].load(r)
	}
	return r.close()
}

func (j *judgement) save(w *stateWriter) {
	w.ints([]int64{j.seen, j.scored, j.unscored, j.skipped})
	if j.class != nil {
		j.class.save(w)
		return
	}
	j.regression.save(w)
}

func (j *judgement) load(r *stateReader) {
	n := r.ints()
	if len(n) != 4 {
		r.fail()
		return
	}
	j.seen, j.scored, j.unscored, j.skipped = n[0], n[1], n[2], n[3]
	if j.class != nil {
		j.class.load(r)
		return
	}
	j.regression.load(r)
}
