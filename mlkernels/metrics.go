package mlkernels

import (
	"slices"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// Judged is one prediction and what it was to be: what a metric sees of a row.
type Judged struct {
	// Pred and Truth are class numbers, or in regression values.
	Pred, Truth float64
	// Last and Usual are what the baselines predict: the label before and the
	// most frequent class (in regression the mean) so far; NaN if none.
	Last, Usual float64
	// Prob is the probability given to the true class, Score that of the
	// positive class; NaN if the model has none.
	Prob, Score float64
	// Positive tells whether the true class is the positive one.
	Positive bool
}

// MetricsOptions say over which rows metrics are taken.
type MetricsOptions struct {
	// Last looks at the last so many scored rows only; 0 at all.
	Last int
	// Fading multiplies what was counted before every row, for instance by
	// 0.999; 0 and 1 count all rows alike.
	Fading float64
	// AUCRows is the number of rows the area under the ROC curve is taken
	// over: the last 1,000.
	AUCRows int
}

// ClassMetrics judge a classifier. Classes are small numbers from 0. Formulas:
// Bifet et al. 2015, "Efficient online evaluation of big data stream
// classifiers"; Kappa after Cohen.
type ClassMetrics struct {
	opt  MetricsOptions
	sum  classSums
	ring []Judged // the last rows, for Last
	at   int
	auc  []ranked // the last rows with a score, for the area under the curve
	aucN int
}

// ranked is a row with a score.
type ranked struct {
	score    float64
	positive bool
}

type classSums struct {
	n, correct     float64
	withLast, last float64 // rows with a label before, and those the no-change baseline got right
	withUsual      float64
	usual          float64
	withProb, loss float64
	matrix         [][]float64 // [truth][pred]
}

// NewClassMetrics returns metrics of no rows.
func NewClassMetrics(opt MetricsOptions) *ClassMetrics {
	if opt.AUCRows == 0 {
		opt.AUCRows = 1000
	}
	return &ClassMetrics{opt: opt}
}

// Add judges one row.
func (m *ClassMetrics) Add(j Judged) {
	if j.Score == j.Score {
		keepLast(&m.auc, &m.aucN, m.opt.AUCRows, ranked{j.Score, j.Positive})
	}
	if m.opt.Last > 0 {
		keepLast(&m.ring, &m.at, m.opt.Last, j)
		return
	}
	if f := m.opt.Fading; f > 0 && f != 1 {
		m.sum.fade(f)
	}
	m.sum.add(j)
}

// addRun judges rows one after another, with the bits of Add. probs and logs
// are scratch as long as rows. About 8 ns per row.
func (m *ClassMetrics) addRun(rows []Judged, probs, logarithms []float64) {
	if f := m.opt.Fading; m.opt.Last > 0 || f > 0 && f != 1 {
		for _, j := range rows {
			m.Add(j)
		}
		return
	}
	probs, logarithms = probs[:len(rows)], logarithms[:len(rows)]
	for i := range rows {
		j := &rows[i]
		if j.Score == j.Score {
			keepLast(&m.auc, &m.aucN, m.opt.AUCRows, ranked{j.Score, j.Positive})
		}
		probs[i] = 1
		if j.Prob == j.Prob {
			probs[i] = clampProb(j.Prob)
		}
	}
	simd.Logs(logarithms, probs)
	m.sum.countRun(rows)
	withProb, loss := 0, m.sum.loss
	for i, x := range logarithms {
		if rows[i].Prob == rows[i].Prob {
			withProb++
			loss -= x
		}
	}
	m.sum.withProb += float64(withProb)
	m.sum.loss = loss
}

// keepLast appends to a ring of at most n.
func keepLast[T any](ring *[]T, at *int, n int, j T) {
	if len(*ring) < n {
		*ring = append(*ring, j)
		return
	}
	(*ring)[*at] = j
	if *at++; *at == n {
		*at = 0
	}
}

func (s *classSums) add(j Judged) {
	s.count(&j)
	if j.Prob == j.Prob {
		s.withProb++
		s.loss -= simd.Log(clampProb(j.Prob))
	}
}

// clampProb keeps the logarithm of a probability finite.
func clampProb(p float64) float64 { return max(1e-15, min(1-1e-15, p)) }

// count takes in all but the loss. Whether a prediction is right is not
// predictable, so nothing branches on it.
func (s *classSums) count(j *Judged) {
	truth, pred := int(j.Truth), int(j.Pred)
	s.hold(max(truth, pred))
	s.matrix[truth][pred]++
	s.n++
	s.correct += float64(int64(oneIf(truth == pred)))
	if j.Last == j.Last {
		s.withLast++
		s.last += float64(int64(oneIf(j.Last == j.Truth)))
	}
	if j.Usual == j.Usual {
		s.withUsual++
		s.usual += float64(int64(oneIf(j.Usual == j.Truth)))
	}
}

// countRun is count for many rows: whole numbers may be added up apart.
func (s *classSums) countRun(rows []Judged) {
	const few = 8 // classes
	var cells [few][few]uint32
	var correct, withLast, last, withUsual, usual uint64
	most := 0
	for i := range rows {
		j := &rows[i]
		truth, pred := int(j.Truth), int(j.Pred)
		if truth|pred >= few {
			s.hold(max(truth, pred))
			s.matrix[truth][pred]++
		} else {
			cells[truth&(few-1)][pred&(few-1)]++
			most = max(most, truth, pred)
		}
		withLast += oneIf(j.Last == j.Last)
		last += oneIf(j.Last == j.Truth)
		withUsual += oneIf(j.Usual == j.Usual)
		usual += oneIf(j.Usual == j.Truth)
		correct += oneIf(truth == pred)
	}
	s.n += float64(len(rows))
	s.correct += float64(correct)
	s.withLast += float64(withLast)
	s.last += float64(last)
	s.withUsual += float64(withUsual)
	s.usual += float64(usual)
	s.hold(most)
	for truth := range most + 1 {
		for pred := range most + 1 {
			s.matrix[truth][pred] += float64(cells[truth][pred])
		}
	}
}

// hold makes the matrix large enough for a class.
func (s *classSums) hold(class int) {
	for len(s.matrix) <= class {
		for k := range s.matrix {
			s.matrix[k] = append(s.matrix[k], 0)
		}
		s.matrix = append(s.matrix, make([]float64, len(s.matrix)+1))
	}
}

func (s *classSums) fade(f float64) {
	for _, x := range []*float64{&s.n, &s.correct, &s.withLast, &s.last, &s.withUsual, &s.usual, &s.withProb, &s.loss} {
		*x *= f
	}
	for _, row := range s.matrix {
		for k := range row {
			row[k] *= f
		}
	}
}

// sums are the sums the metrics are computed from now.
func (m *ClassMetrics) sums() *classSums {
	if m.opt.Last == 0 {
		return &m.sum
	}
	var s classSums
	for i := range m.ring {
		s.add(m.ring[(m.at+i)%len(m.ring)])
	}
	return &s
}

// ClassReport are the metrics of a classifier; NaN where there is none because
// a denominator is 0.
type ClassReport struct {
	Rows, Accuracy, LogLoss, AUC       float64
	NoChangeAccuracy, MajorityAccuracy float64
	Kappa, KappaT, KappaM              float64
	Precision, Recall, F1              float64 // of the positive class, or the mean over the classes
	Class                              []ClassCounts
}

// ClassCounts are the counts of one class.
type ClassCounts struct {
	Support, Predicted, Correct float64
	Precision, Recall, F1       float64
}

// Report computes the metrics. positive is the class precision, recall and F1
// are of; -1 takes their mean over the classes that occurred.
func (m *ClassMetrics) Report(positive int) ClassReport {
	s := m.sums()
	r := ClassReport{
		Rows: s.n, Accuracy: ratio(s.correct, s.n), LogLoss: ratio(s.loss, s.withProb), AUC: area(m.auc),
		NoChangeAccuracy: ratio(s.last, s.withLast), MajorityAccuracy: ratio(s.usual, s.withUsual),
	}
	chance := 0.0
	var precision, recall, f1, classes float64
	for k := range s.matrix {
		c := ClassCounts{Correct: s.matrix[k][k]}
		for j := range s.matrix {
			c.Support += s.matrix[k][j]
			c.Predicted += s.matrix[j][k]
		}
		c.Precision, c.Recall = ratio(c.Correct, c.Predicted), ratio(c.Correct, c.Support)
		c.F1 = ratio(2*c.Correct, c.Support+c.Predicted)
		r.Class = append(r.Class, c)
		chance += float64((c.Support / s.n) * (c.Predicted / s.n))
		if c.Support+c.Predicted > 0 {
			classes++
			precision, recall, f1 = precision+orZero(c.Precision), recall+orZero(c.Recall), f1+orZero(c.F1)
		}
	}
	r.Kappa = ratio(r.Accuracy-chance, 1-chance)
	r.KappaT = ratio(r.Accuracy-r.NoChangeAccuracy, 1-r.NoChangeAccuracy)
	r.KappaM = ratio(r.Accuracy-r.MajorityAccuracy, 1-r.MajorityAccuracy)
	if positive < 0 {
		r.Precision, r.Recall, r.F1 = ratio(precision, classes), ratio(recall, classes), ratio(f1, classes)
		return r
	}
	r.Precision, r.Recall, r.F1 = nan, nan, nan
	if positive < len(r.Class) {
		c := r.Class[positive]
		r.Precision, r.Recall, r.F1 = c.Precision, c.Recall, c.F1
	}
	return r
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return nan
	}
	return a / b
}

func orZero(x float64) float64 {
	if x != x {
		return 0
	}
	return x
}

// area is the area under the ROC curve: the share of pairs of a positive and a
// negative row in which the positive one has the higher score, ties counting
// half.
func area(rows []ranked) float64 {
	points := slices.Clone(rows)
	positives := 0.0
	for _, p := range points {
		if p.positive {
			positives++
		}
	}
	slices.SortFunc(points, func(a, b ranked) int {
		switch {
		case a.score < b.score:
			return -1
		case a.score > b.score:
			return 1
		}
		return 0
	})
	pairs, below := 0.0, 0.0
	for i := 0; i < len(points); {
		same, sameNegative := 0.0, 0.0
		j := i
		for ; j < len(points) && points[j].score == points[i].score; j++ {
			if points[j].positive {
				same++
			} else {
				sameNegative++
			}
		}
		pairs += float64(same * (below + sameNegative/2))
		below += sameNegative
		i = j
	}
	return ratio(pairs, positives*(float64(len(points))-positives))
}

func (m *ClassMetrics) save(w *stateWriter) {
	s := &m.sum
	w.floats([]float64{s.n, s.correct, s.withLast, s.last, s.withUsual, s.usual, s.withProb, s.loss})
	w.int(int64(len(s.matrix)))
	for _, row := range s.matrix {
		w.floats(row)
	}
	saveJudged(w, m.ring, m.at)
	scores := make([]Judged, len(m.auc))
	for i, p := range m.auc {
		scores[i] = Judged{Score: p.score, Positive: p.positive}
	}
	saveJudged(w, scores, m.aucN)
}

func (m *ClassMetrics) load(r *stateReader) {
	s := &m.sum
	x := r.sized("metrics", 8)
	s.n, s.correct, s.withLast, s.last, s.withUsual, s.usual, s.withProb, s.loss = x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
	classes := r.length(1)
	s.matrix = nil
	for range classes {
		s.matrix = append(s.matrix, r.sized("confusion counts", classes))
	}
	m.ring, m.at = loadJudged(r, m.opt.Last)
	scores, at := loadJudged(r, m.opt.AUCRows)
	m.auc, m.aucN = nil, at
	for _, j := range scores {
		m.auc = append(m.auc, ranked{j.Score, j.Positive})
	}
}

func saveJudged(w *stateWriter, ring []Judged, at int) {
	w.int(int64(at))
	w.int(int64(len(ring)))
	for _, j := range ring {
		for _, x := range []float64{j.Pred, j.Truth, j.Last, j.Usual, j.Prob, j.Score} {
			w.float(x)
		}
		w.bool(j.Positive)
	}
}

func loadJudged(r *stateReader, most int) (ring []Judged, at int) {
	at = int(r.int())
	for range r.length(49) {
		ring = append(ring, Judged{Pred: r.float(), Truth: r.float(), Last: r.float(), Usual: r.float(), Prob: r.float(), Score: r.float(), Positive: r.bool()})
	}
	if at < 0 || at > 0 && at >= len(ring) || len(ring) > most {
		r.fail()
	}
	return ring, at
}
