package mlkernels

// judgeRun is rows of one judgement that it has not taken in yet: metrics are
// cheaper for many rows at once.
type judgeRun struct {
	into  *judgement
	rows  []Judged
	probs []float64
	logs  []float64
}

// runRows is the most rows of a run.
const runRows = 128

// room is where the next rows of into go, at least one.
func (r *judgeRun) room(into *judgement) []Judged {
	if r.into != into || len(r.rows) == runRows {
		r.flush()
		r.into = into
	}
	return r.rows[len(r.rows):runRows]
}

// add takes in the first n rows of the room.
func (r *judgeRun) add(n int) { r.rows = r.rows[:len(r.rows)+n] }

// flush has the judgement take in the rows.
func (r *judgeRun) flush() {
	switch {
	case len(r.rows) == 0:
	case r.into.class != nil:
		r.into.class.addRun(r.rows, r.probs, r.logs)
	default:
		for _, j := range r.rows {
			r.into.regression.Add(j)
		}
	}
	r.into, r.rows = nil, r.rows[:0]
}

// judgeRows takes in rows [from, to), all of one judgement.
func (e *Evaluate) judgeRows(from, to int, into *judgement) {
	for from < to {
		n := 0
		if e.classify {
			n = e.judgeKnown(from, to, into)
		}
		if n == 0 {
			e.judge(from, into)
			n = 1
		}
		from += n
	}
}

// judgeKnown takes in rows from the given one on until one has a class that is
// new or none, or the run is full, and returns how many. About 6 ns per row.
func (e *Evaluate) judgeKnown(from, to int, into *judgement) int {
	rows := e.run.room(into)
	n := min(to-from, len(rows))
	label, pred := e.rows.label.class[from:from+n], e.rows.pred.class[from:from+n]
	for k, truth := range label {
		if truth < 0 || pred[k] < 0 {
			n = k
			break
		}
		j := &rows[k]
		j.Pred, j.Truth, j.Prob, j.Score, j.Positive = float64(pred[k]), float64(truth), nan, nan, false
		j.Last, j.Usual = e.base.Predict()
		e.base.Learn(j.Truth)
	}
	e.probabilities(from, rows[:n])
	e.run.add(n)
	into.seen += int64(n)
	into.scored += int64(n)
	return n
}

// judge takes in row i.
func (e *Evaluate) judge(i int, into *judgement) {
	into.seen++
	var y, pred float64
	var truth int32
	var known, scored bool
	if e.classify {
		truth = e.rows.label.see(i, &e.ids)
		guess := e.rows.pred.see(i, &e.ids)
		y, known, pred, scored = float64(truth), truth >= 0, float64(guess), guess >= 0
	} else {
		y, known = e.rows.label.value(i)
		pred, scored = e.rows.pred.value(i)
	}
	switch {
	case !known:
		into.skipped++
		e.counts.Skipped++
		return
	case !scored:
		into.unscored++
	default:
		into.scored++
		j := &e.run.room(into)[0]
		e.run.add(1)
		*j = Judged{Pred: pred, Truth: y, Prob: nan, Score: nan}
		j.Last, j.Usual = e.base.Predict()
		if e.classify {
			e.probability(i, truth, j)
		}
	}
	e.base.Learn(y)
}
