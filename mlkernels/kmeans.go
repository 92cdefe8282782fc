package mlkernels

import (
	"fmt"
	"math"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// kmeans is streaming k-means with forgetting and the revival of dying
// clusters (Spark: StreamingKMeans.scala). per_row applies the rule to groups
// of one row.
type kmeans struct {
	opt     KMeansOptions
	d, k    int
	centers centers
	weights []float64
	places  []float64 // weights, and NaN for every center that misses in the panels
	ready   bool
	version int64
	learned int64
	failed  int64
	split   bool // the last update revived a cluster

	pending rowBuffer // distinct rows before there are centers; w is how often each came
	waiting int       // rows in pending, counting repetitions
	group   int
	sums    []float64 // of the rows of the group; k rows of d, and one for rows not learned
	counts  []float64
	scaler  *Scaler

	scratch Scratch
	rows    []float64 // of a run, one after another
	z       []float64
	undo    []float64
}

func newKMeans(options map[string]string) (Learner, error) {
	o, err := decodeKMeans(options)
	if err != nil {
		return nil, err
	}
	return &kmeans{opt: o, k: o.K}, nil
}

// Task implements [Learner].
func (m *kmeans) Task() Task { return Clustering }

// Bind implements [Learner].
func (m *kmeans) Bind(s Shape) error {
	if s.Width > 0 {
		return &arrowstream.Error{Code: "AS7004", Msg: "k-means: string features have no distance", Hint: "leave them out of the features, or encode them as numbers"}
	}
	m.d = s.Dense
	if n := len(m.opt.InitCenters); n > 0 && n != m.k*m.d {
		return optionError("init_centers", fmt.Sprintf("%d numbers for %d clusters of %d features", n, m.k, m.d), fmt.Sprint(m.k*m.d))
	}
	m.centers, m.places = newCenters(m.k, m.d), make([]float64, (m.k+7)/8*8)
	m.weights = m.places[:m.k]
	for j := m.k; j < len(m.places); j++ {
		m.places[j] = nan
	}
	m.sums, m.counts = make([]float64, (m.k+1)*m.d), make([]float64, m.k+1)
	m.z, m.undo = make([]float64, m.d), make([]float64, len(m.centers.panels)+len(m.places))
	if m.opt.Standardize {
		m.scaler = NewScaler(m.d)
	}
	switch m.opt.Init {
	case "centers":
		m.start(m.opt.InitCenters)
	case "random":
		g, rows := newXORShift(int64(m.opt.Seed)), make([]float64, m.k*m.d)
		for i := range rows {
			rows[i] = g.gaussian()
		}
		m.start(rows)
	}
	return nil
}

// start makes centers those of the model, with the declared weights.
func (m *kmeans) start(rows []float64) {
	m.centers.set(rows)
	for j := range m.weights {
		switch len(m.opt.InitWeights) {
		case 0:
			m.weights[j] = 0
		case 1:
			m.weights[j] = m.opt.InitWeights[0]
		default:
			m.weights[j] = m.opt.InitWeights[j]
		}
	}
	m.ready = true
}

// Step implements [Learner]. y is not used; rows whose weight is NaN are not
// learned, other weights are not used.
func (m *kmeans) Step(x *Matrix, _, weight []float64, out *Scores) int {
	out.reset(x.Rows)
	before := m.learned
	for from := 0; from < x.Rows; {
		switch {
		case !m.ready || m.scaler != nil:
			from += m.stepRows(x, weight, from, out)
		case m.opt.UpdateMode == perRow:
			from += m.stepRun(x, weight, from, out)
		default:
			from += m.stepTiles(x, weight, from, out)
		}
	}
	return int(m.learned - before)
}

// stepRows goes through some rows from row from on one by one, up to the one
// that the model starts with, and returns how many.
func (m *kmeans) stepRows(x *Matrix, weight []float64, from int, out *Scores) int {
	n := min(blockRows(len(x.Dense)), x.Rows-from)
	m.scratch.block.load(x, from, n)
	ready := m.ready
	for r := range n {
		i := from + r
		out.Version[i] = m.version
		if !x.Usable(i) {
			continue
		}
		row := m.scratch.block.row(r)
		best := -1
		if m.ready {
			best = m.score(row, out, i)
			if m.scaler != nil {
				best = -1
			}
		}
		if m.learns(weight, i) {
			m.learn(row, best)
		}
		if m.ready != ready {
			return r + 1
		}
	}
	return n
}

// stepRun is stepRows for a model that learns each row at once, with its
// features as they are.
func (m *kmeans) stepRun(x *Matrix, weight []float64, from int, out *Scores) int {
	n := min(blockRows(m.d), x.Rows-from)
	m.rows = grow(m.rows, n*m.d)
	simd.Transpose(m.rows, m.d, x.Dense, from, n)
	for r := 0; r < n; {
		end := r
		for end < n && x.Usable(from+end) && m.learns(weight, from+end) {
			end++
		}
		if r == end { // a row that is scored at most
			out.Version[from+r] = m.version
			if x.Usable(from + r) {
				m.score(m.rows[r*m.d:(r+1)*m.d], out, from+r)
			}
			r++
			continue
		}
		first, version := from+r, m.version
		done, ok := m.follow(out.Class[first:from+end], out.Value[first:from+end], m.rows[r*m.d:end*m.d], x.ahead(from+end, end-r))
		m.learned += int64(done)
		r += done
		if !ok {
			m.learned++
			m.failed = m.learned
			r++
		}
		for i := first; i < from+r; i++ {
			out.Valid[i], out.Value[i], out.Version[i] = true, math.Sqrt(out.Value[i]), version+int64(i-first)
		}
	}
	return n
}

// learns reports whether row i, which is usable, is learned.
func (m *kmeans) learns(weight []float64, i int) bool {
	return m.failed == 0 && (weight == nil || weight[i] == weight[i])
}

// score writes the nearest center of row i and returns it.
func (m *kmeans) score(row []float64, out *Scores, i int) int {
	if m.scaler != nil {
		m.scaler.Transform(m.z, row)
		row = m.z
	}
	best, dist := simd.NearestRow(row, m.centers.panels)
	out.Valid[i] = true
	out.Class[i] = int32(best)
	out.Value[i] = math.Sqrt(dist)
	return best
}

// learn takes in a row; best is its nearest center, -1 if not known.
func (m *kmeans) learn(row []float64, best int) {
	m.learned++
	if m.scaler != nil {
		m.scaler.Update(row)
	}
	if !m.ready {
		m.buffer(row)
		return
	}
	m.absorb(row, best)
}

// absorb learns a row of a model that has centers.
func (m *kmeans) absorb(row []float64, best int) {
	if m.scaler != nil {
		m.scaler.Transform(m.z, row)
		row = m.z
	}
	if m.opt.UpdateMode == perRow {
		m.absorbOne(row)
		return
	}
	if best < 0 {
		best, _ = simd.NearestRow(row, m.centers.panels)
	}
	sums := m.sums[best*m.d : (best+1)*m.d]
	for f, v := range row {
		sums[f] += v
	}
	m.counts[best]++
	if m.group++; m.group >= m.opt.BatchRows {
		m.EndGroup()
	}
}

// absorbOne is the rule for a group of one row.
func (m *kmeans) absorbOne(row []float64) {
	var class [1]int32
	var dist [1]float64
	if _, ok := m.follow(class[:], dist[:], row, simd.Ahead{}); !ok {
		m.failed = m.learned
	}
}

// follow applies the rule to rows one after another and returns how many it
// has learned: it stops after one that revived a cluster and before one that
// would move a center out of the numbers, when ok is false. The rows ahead come
// next.
func (m *kmeans) follow(class []int32, dist, rows []float64, ahead simd.Ahead) (done int, ok bool) {
	done, ok = simd.FollowRows(class, dist, rows, m.centers.panels, m.places, m.opt.DecayFactor, m.undo, ahead)
	if m.version += int64(done); done > 0 {
		m.revive()
	}
	return done, ok
}

// EndGroup implements [Learner]. With time_unit batches a group without rows
// decays the weights too.
func (m *kmeans) EndGroup() {
	if m.opt.UpdateMode == perRow || !m.ready || m.failed > 0 {
		return
	}
	if m.group == 0 && m.opt.TimeUnit == "points" {
		return
	}
	decay := m.opt.DecayFactor
	if m.opt.TimeUnit == "points" {
		decay = powInt(decay, int64(m.group))
	}
	m.applyGroup(decay)
	m.group = 0
}

// applyGroup is the rule for the rows whose sums and counts are collected.
func (m *kmeans) applyGroup(decay float64) {
	for j := range m.weights {
		m.weights[j] *= decay
	}
	for j, n := range m.counts[:m.k] {
		if n == 0 {
			continue
		}
		w := m.weights[j] + n
		rate := n / max(w, 1e-16)
		m.centers.shift(j, 1-rate, rate/n, m.sums[j*m.d:(j+1)*m.d])
		m.weights[j] = w
	}
	clear(m.sums)
	clear(m.counts)
	m.version++
	m.revive()
}

// dying reports whether the lightest cluster has all but died.
func dying(least, most float64) bool { return least < 1e-8*most }

// revive splits the heaviest cluster in two when the lightest is dying. In mode
// per_row a weight of 0 is a cluster that had no row yet.
func (m *kmeans) revive() {
	large, small := 0, 0
	most, least := m.weights[0], m.weights[0]
	for j, w := range m.weights {
		if w > most {
			large, most = j, w
		}
		if w < least {
			small, least = j, w
		}
	}
	m.split = dying(least, most)
	if m.opt.UpdateMode == perRow && least == 0 {
		m.split = false
	}
	if !m.split {
		return
	}
	w := (m.weights[large] + m.weights[small]) / 2
	m.weights[large], m.weights[small] = w, w
	m.centers.part(large, small)
}

// Progress implements [Learner].
func (m *kmeans) Progress() Progress {
	return Progress{Version: m.version, Ready: m.ready, Waiting: m.group + m.waiting, Failed: m.failed}
}

// Weights implements [Learner].
func (m *kmeans) Weights() []Weight {
	if !m.ready {
		return nil
	}
	out := make([]Weight, 0, m.k*m.d)
	for i, v := range m.centers.rows() {
		out = append(out, Weight{Class: i / m.d, Feature: i % m.d, Category: -1, Value: v, Mass: m.weights[i/m.d]})
	}
	return out
}

// MarshalBinary implements [Learner].
func (m *kmeans) MarshalBinary() ([]byte, error) {
	w := &stateWriter{}
	w.bool(m.ready)
	for _, n := range []int64{m.version, m.learned, m.failed, int64(m.group), int64(m.waiting)} {
		w.int(n)
	}
	for _, x := range [][]float64{m.centers.rows(), m.weights, m.sums[:m.k*m.d], m.counts[:m.k]} {
		w.floats(x)
	}
	m.pending.save(w)
	if m.scaler != nil {
		m.scaler.save(w)
	}
	return w.buf, nil
}

// UnmarshalBinary implements [Learner].
func (m *kmeans) UnmarshalBinary(data []byte) error {
	r := &stateReader{buf: data}
	m.ready = r.bool()
	m.version, m.learned, m.failed, m.group, m.waiting = r.int(), r.int(), r.int(), int(r.int()), int(r.int())
	rows, weights := r.sized("centers", m.k*m.d), r.sized("cluster weights", m.k)
	sums, counts := r.sized("sums", m.k*m.d), r.sized("counts", m.k)
	if r.err == nil {
		m.centers.set(rows)
		copy(m.weights, weights)
		copy(m.sums, sums)
		copy(m.counts, counts)
	}
	m.pending.load(r, m.d, 0)
	if m.scaler != nil {
		m.scaler.load(r)
	}
	return r.close()
}
