package mlkernels

import (
	"fmt"
	"math"

	"github.com/arrowstream/arrowstream"
)

// kmeans is streaming k-means with forgetting and the revival of dying
// clusters (Spark: StreamingKMeans.scala). per_row applies the rule to groups
// of one row.
type kmeans struct {
	opt     KMeansOptions
	d, k    int
	centers []float64 // k rows of d
	panels  panels    // the same, for nearest
	weights []float64
	ready   bool
	version int64
	learned int64
	failed  int64
	split   bool // the last update revived a cluster

	pending rowBuffer // distinct rows before there are centers; w is how often each came
	waiting int       // rows in pending, counting repetitions
	group   int
	sums    []float64
	counts  []float64
	scaler  *Scaler

	scratch Scratch
	z       []float64
	next    []float64
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
	m.centers, m.weights = make([]float64, m.k*m.d), make([]float64, m.k)
	m.sums, m.counts = make([]float64, m.k*m.d), make([]float64, m.k)
	m.z, m.next = make([]float64, m.d), make([]float64, m.d)
	if m.opt.Standardize {
		m.scaler = NewScaler(m.d)
	}
	switch m.opt.Init {
	case "centers":
		m.start(m.opt.InitCenters)
	case "random":
		g := newXORShift(int64(m.opt.Seed))
		for i := range m.centers {
			m.centers[i] = g.gaussian()
		}
		m.start(m.centers)
	}
	return nil
}

// start makes centers those of the model, with the declared weights.
func (m *kmeans) start(centers []float64) {
	copy(m.centers, centers)
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
	m.panels = newPanels(m.centers, m.k, m.d)
	m.ready = true
}

// Step implements [Learner]. y is not used; rows whose weight is NaN are not
// learned, other weights are not used.
func (m *kmeans) Step(x *Matrix, _, weight []float64, out *Scores) int {
	out.reset(x.Rows)
	before := m.learned
	size := blockRows(len(x.Dense))
	for from := 0; from < x.Rows; from += size {
		n := min(size, x.Rows-from)
		m.scratch.block.load(x, from, n)
		for r := range n {
			i := from + r
			out.Version[i] = m.version
			if !x.Usable(i) {
				continue
			}
			row := m.scratch.block.row(r)
			best := -1
			if m.ready {
				best = m.score(row, m.z, out, i)
				if m.scaler != nil {
					best = -1
				}
			}
			if m.failed == 0 && (weight == nil || weight[i] == weight[i]) {
				m.learn(row, best)
			}
		}
	}
	return int(m.learned - before)
}

// Score implements [Learner].
func (m *kmeans) Score(x *Matrix, scratch *Scratch, out *Scores) {
	out.reset(x.Rows)
	z := make([]float64, m.d)
	size := blockRows(len(x.Dense))
	for from := 0; from < x.Rows; from += size {
		n := min(size, x.Rows-from)
		scratch.block.load(x, from, n)
		for r := range n {
			i := from + r
			out.Version[i] = m.version
			if m.ready && x.Usable(i) {
				m.score(scratch.block.row(r), z, out, i)
			}
		}
	}
}

// score writes the nearest center of row i and returns it.
func (m *kmeans) score(row, z []float64, out *Scores, i int) int {
	if m.scaler != nil {
		m.scaler.Transform(z, row)
		row = z
	}
	best, dist := m.nearest(row)
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
	if best < 0 {
		best, _ = m.nearest(row)
	}
	if m.opt.UpdateMode == perRow {
		m.absorbOne(row, best)
		return
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
func (m *kmeans) absorbOne(row []float64, best int) {
	decay := m.opt.DecayFactor
	w := float64(m.weights[best]*decay) + 1
	rate := 1 / w
	center := m.centers[best*m.d : (best+1)*m.d]
	next, row := m.next[:len(center)], row[:len(center)]
	keep, rest := 1-rate, 0.0 // rest stays 0 while the center is finite
	for f, c := range center {
		v := math.FMA(rate, row[f], float64(keep*c))
		next[f] = v
		rest += v - v
	}
	if rest != 0 {
		m.failed = m.learned
		return
	}
	copy(center, next)
	m.panels.put(best, next)
	for j := range m.weights {
		m.weights[j] *= decay
	}
	m.weights[best] = w
	m.version++
	m.revive()
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
	for j, n := range m.counts {
		if n == 0 {
			continue
		}
		w := m.weights[j] + n
		rate := n / max(w, 1e-16)
		for f := j * m.d; f < (j+1)*m.d; f++ {
			m.centers[f] = math.FMA(rate/n, m.sums[f], float64((1-rate)*m.centers[f]))
		}
		m.weights[j] = w
	}
	clear(m.sums)
	clear(m.counts)
	m.panels.fill(m.centers, m.k, m.d)
	m.version++
	m.revive()
}

// revive splits the heaviest cluster in two when the lightest has all but
// died. In mode per_row a weight of 0 is a cluster that had no row yet.
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
	m.split = least < 1e-8*most
	if m.opt.UpdateMode == perRow && least == 0 {
		m.split = false
	}
	if !m.split {
		return
	}
	w := (m.weights[large] + m.weights[small]) / 2
	m.weights[large], m.weights[small] = w, w
	for f := range m.d {
		x := m.centers[large*m.d+f]
		e := float64(1e-14 * max(math.Abs(x), 1))
		m.centers[large*m.d+f] = x + e
		m.centers[small*m.d+f] = x - e
	}
	m.panels.fill(m.centers, m.k, m.d)
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
	out := make([]Weight, 0, len(m.centers))
	for i, v := range m.centers {
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
	for _, x := range [][]float64{m.centers, m.weights, m.sums, m.counts} {
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
	m.centers, m.weights = r.sized("centers", m.k*m.d), r.sized("cluster weights", m.k)
	m.sums, m.counts = r.sized("sums", m.k*m.d), r.sized("counts", m.k)
	if r.err == nil {
		m.panels = newPanels(m.centers, m.k, m.d)
	}
	m.pending.load(r, m.d, 0)
	if m.scaler != nil {
		m.scaler.load(r)
	}
	return r.close()
}
