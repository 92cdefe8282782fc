package stage

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/grouped"
	"github.com/arrowstream/arrowstream/kernels"
	"github.com/arrowstream/arrowstream/kernels/expr"
)

// timeline holds rows until the watermark has passed them and gives them back
// in the order of event time, then of further keys, then of arrival. It is what
// [TimeOrder], [Over] and [Pattern] share.
//
// What comes in is kept as runs, each in order; a batch that is not is sorted
// when it comes. A run that overlaps no other one goes out as a slice of what
// came in, so that input in order costs a comparison per row.
type timeline struct {
	what     string
	mem      memory.Allocator
	instance int
	in       *arrow.Schema
	lateOut  *arrow.Schema
	time     int // input column, -1 if all rows go out at the end
	untimed  bool
	mul, div int64
	by       []SortKey
	keys     []*expr.Bound
	// whole tells that the rows of one time go out in one record.
	whole bool
	// final tells that all rows go out at the end: the time is any number.
	final bool

	runs     []run
	event    int64 // the watermark, microseconds
	mark     int64 // rows before it have gone out, in units of the time column
	done     bool
	rows     int64
	late     int64
	lateness arrowstream.Lateness
}

// run is rows in order.
type run struct {
	rec   arrow.Record
	ts    []int64
	saved bool // is in the last checkpoint
}

// open binds l to the input. name is the time column, the event time of the
// input if empty; by are further keys.
func (l *timeline) open(what string, in *arrow.Schema, env arrowstream.Env, name string, by []SortKey) error {
	l.what, l.mem, l.instance, l.in, l.by = what, env.Allocator, env.Instance, in, by
	l.event, l.mark = arrowstream.NoEventTime, math.MinInt64
	if err := grouped.AppendOnly(what, in); err != nil {
		return err
	}
	var err error
	if l.keys, err = bindOrder(what, in, by); err != nil {
		return err
	}
	if l.time = -1; l.untimed {
		l.mul, l.div = 1, 1
		return nil
	}
	if l.time = columnar.EventTime(in); name != "" {
		if l.time, err = grouped.Column(what, in, name); err != nil {
			return err
		}
	}
	if l.time < 0 {
		return planError("AS1403", what+": the input has no event time", "name the time column, or declare a watermark on the source")
	}
	if l.final {
		l.mul, l.div = 1, 1
		return nil
	}
	var ok bool
	if l.mul, l.div, ok = columnar.Micros(in.Field(l.time).Type); !ok {
		return planError("AS1403", fmt.Sprintf("%s: column %q is %s and no time", what, in.Field(l.time).Name, kernels.SQLName(in.Field(l.time).Type)), "rows are ordered by a timestamp or a date")
	}
	l.lateOut = grouped.LateSchema(in, in.Field(l.time).Type)
	return nil
}

// openKeyed is open for stages that look at the rows of each key: in an order of
// time, key and then, those of one time together.
func (l *timeline) openKeyed(what string, in *arrow.Schema, env arrowstream.Env, time string, by []string, then []SortKey) (*grouped.Keys, error) {
	if err := l.open(what, in, env, time, append(keysOf(by), then...)); err != nil {
		return nil, err
	}
	l.whole = true
	return grouped.BindKeys(what, in, by)
}

// bindOrder binds the keys of an order.
func bindOrder(what string, in *arrow.Schema, by []SortKey) ([]*expr.Bound, error) {
	var keys []*expr.Bound
	for i, k := range by {
		b, err := expr.Bind(k.Expr, in)
		if err != nil {
			return nil, grouped.Error(fmt.Sprintf("%s: key %d", what, i+1), err)
		}
		if !kernels.Ordered(b.Type()) {
			return nil, planError("AS1301", fmt.Sprintf("%s: key %d is %s, which has no order", what, i+1, kernels.SQLName(b.Type())), "")
		}
		keys = append(keys, b)
	}
	return keys, nil
}

// add takes the rows of b; those behind the watermark are counted and go to the
// side output. Cost: a comparison per row in order.
func (l *timeline) add(b arrow.Record, emit arrowstream.Emit) error {
	n := int(b.NumRows())
	if n == 0 {
		return nil
	}
	if l.time >= 0 && b.Column(l.time).NullN() > 0 {
		return &arrowstream.DataError{
			Column: l.in.Field(l.time).Name,
			Err:    &arrowstream.Error{Code: "AS4006", Msg: l.what + ": event time is NULL", Hint: "leave such rows out before"},
		}
	}
	ts := l.times(b)
	var early, late []int32
	if slices.Min(ts) < l.mark {
		for i, t := range ts {
			if t < l.mark {
				late = append(late, int32(i))
			} else {
				early = append(early, int32(i))
			}
		}
		if err := l.emitLate(b, ts, late, emit); err != nil || len(early) == 0 {
			return err
		}
		kept, err := kernels.TakeRecord(l.mem, b, early)
		if err != nil {
			return err
		}
		defer kept.Release()
		b = kept
	}
	return l.keep(b, false)
}

func (l *timeline) emitLate(b arrow.Record, ts []int64, idx []int32, emit arrowstream.Emit) error {
	l.late += int64(len(idx))
	rows, err := kernels.TakeRecord(l.mem, b, idx)
	if err != nil {
		return err
	}
	defer rows.Release()
	micros := make([]int64, len(idx))
	for i, k := range idx {
		micros[i] = l.micros(ts[k])
	}
	out := grouped.LateRows(l.mem, l.lateOut, rows, micros, l.event, &l.lateness)
	defer out.Release()
	return emit(out, 1)
}

// keep makes a run of the rows of b, of which there are some.
func (l *timeline) keep(b arrow.Record, saved bool) error {
	r, err := l.sorted(b)
	if err != nil {
		return err
	}
	r.saved = saved
	l.runs, l.rows = append(l.runs, r), l.rows+b.NumRows()
	return nil
}

// sorted is b in order; the caller releases it.
func (l *timeline) sorted(b arrow.Record) (run, error) {
	ts := l.times(b)
	if l.untimed || inOrder(ts, len(l.keys) > 0) {
		b.Retain()
		return run{rec: b, ts: ts}, nil
	}
	idx, err := l.order(b)
	if err != nil {
		return run{}, err
	}
	rec, err := kernels.TakeRecord(l.mem, b, idx)
	if err != nil {
		return run{}, err
	}
	return run{rec: rec, ts: l.times(rec)}, nil
}

// inOrder reports whether ts ascends, with further keys without two that are
// equal.
func inOrder(ts []int64, strictly bool) bool {
	least := int64(0)
	if strictly {
		least = 1
	}
	for i := 1; i < len(ts); i++ {
		if ts[i] < ts[i-1] || least > 0 && ts[i] == ts[i-1] {
			return false
		}
	}
	return true
}

// order is the order of the rows of b.
func (l *timeline) order(b arrow.Record) ([]int32, error) {
	n := int(b.NumRows())
	var keys []kernels.SortKey
	if !l.untimed {
		keys = append(keys, kernels.SortKey{Col: b.Column(l.time)})
	}
	cols, err := evalAll(l.mem, l.what, l.keys, b)
	if err != nil {
		return nil, err
	}
	defer grouped.Release(cols)
	for i, c := range cols {
		keys = append(keys, kernels.SortKey{Col: c, Desc: l.by[i].Desc, NullsLast: l.by[i].NullsLast})
	}
	defer columnar.Charge(l.mem, int64(n)*kernels.SortRowBytes)()
	idx, err := kernels.SortIndices(keys, n)
	if err != nil {
		return nil, grouped.Error(l.what, err)
	}
	return idx, nil
}

// evalAll evaluates expressions over b; the caller releases the columns.
func evalAll(mem memory.Allocator, what string, of []*expr.Bound, b arrow.Record) ([]arrow.Array, error) {
	cols := make([]arrow.Array, 0, len(of))
	for _, e := range of {
		col, err := e.Eval(mem, b)
		if err != nil {
			grouped.Release(cols)
			return nil, &arrowstream.DataError{Err: grouped.Error(what, err)}
		}
		cols = append(cols, col)
	}
	return cols, nil
}

// advance gives the rows that w has passed to each, in order, borrowed.
func (l *timeline) advance(w arrowstream.Watermark, each func(b arrow.Record, ts []int64) error) error {
	l.event, l.done = max(l.event, w.Event), w.Done()
	l.mark = max(l.mark, l.bound(w.Event))
	due := l.cut()
	defer releaseRuns(due)
	// The first time of what follows a run, of all runs that came after it.
	follows := make([]int64, len(due)+1)
	follows[len(due)] = math.MaxInt64
	for i, r := range slices.Backward(due) {
		follows[i] = min(follows[i+1], r.ts[0])
	}
	ties := l.whole || len(l.keys) > 0
	for from := 0; from < len(due); {
		// A cluster is runs that overlap, up to where all that follows is later.
		to, latest := from, int64(math.MinInt64)
		for to == from || to < len(due) && (follows[to] < latest || ties && follows[to] == latest) {
			latest = max(latest, due[to].ts[len(due[to].ts)-1])
			to++
		}
		if err := l.emitCluster(due[from:to], each); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// cut takes the rows before the mark out of the runs.
func (l *timeline) cut() []run {
	var due []run
	kept := l.runs[:0]
	for _, r := range l.runs {
		n := len(r.ts)
		if !l.done && r.ts[n-1] >= l.mark {
			n, _ = slices.BinarySearch(r.ts, l.mark)
		}
		if n == 0 {
			kept = append(kept, r)
			continue
		}
		l.rows -= int64(n)
		due = append(due, r.slice(0, n))
		if n < len(r.ts) {
			kept = append(kept, r.slice(n, len(r.ts)))
		}
		r.rec.Release()
	}
	clear(l.runs[len(kept):])
	l.runs = kept
	return due
}

func (r run) slice(from, to int) run {
	return run{rec: r.rec.NewSlice(int64(from), int64(to)), ts: r.ts[from:to], saved: r.saved}
}

// emitCluster gives the rows of overlapping runs to each.
func (l *timeline) emitCluster(runs []run, each func(arrow.Record, []int64) error) error {
	if len(runs) == 1 && !l.untimed {
		return each(runs[0].rec, runs[0].ts)
	}
	recs := make([]arrow.Record, len(runs))
	for i, r := range runs {
		recs[i] = r.rec
	}
	all, err := kernels.Concat(l.mem, recs)
	if err != nil {
		return grouped.Error(l.what, err)
	}
	defer all.Release()
	idx, err := l.order(all)
	if err != nil {
		return err
	}
	ts := l.times(all)
	for len(idx) > 0 {
		n := min(len(idx), sortedRows)
		if l.whole {
			last := ts[idx[n-1]]
			n += sort.Search(len(idx)-n, func(i int) bool { return ts[idx[n+i]] > last })
		}
		out, err := kernels.TakeRecord(l.mem, all, idx[:n])
		if err != nil {
			return err
		}
		err = each(out, l.times(out))
		out.Release()
		if err != nil {
			return err
		}
		idx = idx[n:]
	}
	return nil
}

// bound is the least time, in units of the time column, that is not before the
// watermark.
func (l *timeline) bound(event int64) int64 {
	switch {
	case event == arrowstream.NoEventTime, (l.untimed || l.final) && event != arrowstream.EndOfTime:
		return math.MinInt64
	case event == arrowstream.EndOfTime, l.div > 1 && event > math.MaxInt64/l.div:
		return math.MaxInt64
	case l.div > 1:
		return max(event, math.MinInt64/l.div) * l.div
	}
	return -columnar.FloorDiv(-event, l.mul)
}

// micros is t units in microseconds, rounded down, never one of the marks that
// stand for no and for the end of time.
func (l *timeline) micros(t int64) int64 {
	if l.div > 1 {
		return columnar.FloorDiv(t, l.div)
	}
	const end = math.MaxInt64 - 1
	return max(min(t, end/l.mul), -end/l.mul) * l.mul
}

// times are the times of the rows of b, all the same without a time column.
func (l *timeline) times(b arrow.Record) []int64 {
	if l.untimed {
		return make([]int64, b.NumRows())
	}
	return timesOf(b.Column(l.time))
}

// timesOf are the values of a time column without NULLs.
func timesOf(col arrow.Array) []int64 {
	if columnar.FixedWidth(col.DataType()) == 8 {
		return columnar.Values[int64](col)
	}
	days := columnar.Values[int32](col)
	wide := make([]int64, len(days))
	for i, d := range days {
		wide[i] = int64(d)
	}
	return wide
}

func (l *timeline) bytes() (n int64) {
	for _, r := range l.runs {
		n += recordBytes(r.rec)
	}
	return n
}

func (l *timeline) release() {
	releaseRuns(l.runs)
	l.runs, l.rows = nil, 0
}

func releaseRuns(runs []run) {
	for _, r := range runs {
		r.rec.Release()
	}
}
