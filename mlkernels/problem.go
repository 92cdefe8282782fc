package mlkernels

import (
	"math"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// problem is one linear function and what learning it needs: a whole
// regression or binary classifier, or one class against the rest.
type problem struct {
	w, next []float64 // weights of dense features; next is scratch of the same length
	b       float64
	avgW    []float64 // averages, when averaging
	avgB    float64
	staleB  float64   // intercept that average_stale_intercept starts calls from
	u       float64   // cumulative L1
	q       []float64 // L1 taken so far per dense feature

	cats   []float64 // weights of categories, divided by scale
	scale  float64
	catQ   []float64
	avgCat []float64

	lanes   [][32]float64 // sums of the group per dense feature, last the intercept
	grad    []float64     // scratch: the values of the lanes
	gradCat []float64     // sums of the group per category
	touched []int32       // the categories of the group

	catsBefore []float64 // scratch
}

func newProblem(d, width int, o *LinearOptions, l1 float64) *problem {
	p := &problem{w: newRow(d), next: newRow(d), cats: make([]float64, width), scale: 1}
	if o.Average > 0 {
		p.avgW, p.avgCat = newRow(d), make([]float64, width)
	}
	if l1 > 0 && o.UpdateMode == perRow {
		p.q, p.catQ = make([]float64, d), make([]float64, width)
	}
	if o.UpdateMode != perRow {
		p.lanes, p.grad, p.gradCat = make([][32]float64, d+1), newRow(d), make([]float64, width)
	}
	if o.UpdateMode == fullBatch {
		p.catsBefore = make([]float64, width)
	}
	return p
}

// margin is w·x + b. cats are the category indices of the row.
func (p *problem) margin(x []float64, cats []int32) float64 {
	m := dot(p.w, x)
	if len(cats) > 0 {
		m = math.FMA(p.scale, sumCats(p.cats, cats), m)
	}
	return m + p.b
}

// margins are those of rows of x behind from, without categories.
func (p *problem) margins(out []float64, x [][]float64, from int) {
	matVec(out, x, from, p.w)
	for i := range out {
		out[i] += p.b
	}
}

// averaged is the margin of the averaged weights.
func (p *problem) averaged(x []float64, cats []int32) float64 {
	m := dot(p.avgW, x)
	if len(cats) > 0 {
		m += sumCats(p.avgCat, cats)
	}
	return m + p.avgB
}

func sumCats(w []float64, cats []int32) float64 {
	s := 0.0
	for _, c := range cats {
		if c >= 0 {
			s += w[c]
		}
	}
	return s
}

// add takes one step: w = shrink·w + u·x, b += ub. It reports false, and
// changes nothing, if a weight would not be finite.
func (p *problem) add(x []float64, cats []int32, shrink, u, ub float64) bool {
	bad := !simd.Step(padded(p.next), padded(p.w), padded(x), shrink, u) || !finite(p.b+ub)
	if len(p.cats) > 0 {
		if shrink != 1 {
			p.shrinkCats(shrink)
		}
		for _, c := range cats {
			if c >= 0 && !finite(p.cats[c]+u/p.scale) {
				bad = true
			}
		}
	}
	if bad {
		return false
	}
	p.w, p.next = p.next, p.w
	p.b += ub
	if u != 0 {
		for _, c := range cats {
			if c >= 0 {
				p.cats[c] += u / p.scale
			}
		}
	}
	return true
}

// shrinkCats multiplies all category weights by f through their scale.
func (p *problem) shrinkCats(f float64) {
	p.scale *= f
	if p.scale < 1e-9 {
		for i := range p.cats {
			p.cats[i] *= p.scale
		}
		p.scale = 1
	}
}

// truncate applies the cumulative L1 penalty (Tsuruoka et al. 2009) to the
// dense features and to the categories of the row.
func (p *problem) truncate(cats []int32, step float64) {
	p.u += step
	for j, z := range p.w {
		p.w[j] = truncated(z, p.u, &p.q[j])
	}
	for _, c := range cats {
		if c >= 0 {
			p.cats[c] = truncated(float64(p.cats[c]*p.scale), p.u, &p.catQ[c]) / p.scale
		}
	}
}

func truncated(z, u float64, q *float64) float64 {
	w := z
	if z > 0 {
		w = max(0, z-(u+*q))
	} else if z < 0 {
		w = min(0, z+(u-*q))
	}
	*q += w - z
	return w
}

// soft moves every weight towards 0 by at most step (the L1 updater of Spark).
func (p *problem) soft(step float64) {
	for j, w := range p.w {
		p.w[j] = math.Copysign(max(0, math.Abs(w)-step), w)
	}
	for j, v := range p.cats {
		w := float64(v * p.scale)
		p.cats[j] = math.Copysign(max(0, math.Abs(w)-step), w) / p.scale
	}
}

// average moves the averages by 1/n towards the weights.
func (p *problem) average(n float64) {
	for j, w := range p.w {
		p.avgW[j] += (w - p.avgW[j]) / n
	}
	for j, v := range p.cats {
		p.avgCat[j] += (float64(v*p.scale) - p.avgCat[j]) / n
	}
	p.avgB += (p.b - p.avgB) / n
}

// save writes the state; the lanes only of an incomplete group of mini_batch.
func (p *problem) save(w *stateWriter, partial bool) {
	for _, x := range [][]float64{p.w, p.avgW, p.q, p.cats, p.catQ, p.avgCat} {
		w.floats(x)
	}
	for _, x := range []float64{p.b, p.avgB, p.staleB, p.u, p.scale} {
		w.float(x)
	}
	if !partial {
		return
	}
	for i := range p.lanes {
		w.floats(p.lanes[i][:])
	}
	w.floats(p.gradCat)
	w.int(int64(len(p.touched)))
	for _, c := range p.touched {
		w.int(int64(c))
	}
}

func (p *problem) load(r *stateReader, partial bool) {
	for _, x := range [][]float64{p.w, p.avgW, p.q, p.cats, p.catQ, p.avgCat} {
		copy(x, r.sized("weights", len(x)))
	}
	for _, x := range []*float64{&p.b, &p.avgB, &p.staleB, &p.u, &p.scale} {
		*x = r.float()
	}
	if !partial {
		return
	}
	for i := range p.lanes {
		copy(p.lanes[i][:], r.sized("sums", 32))
	}
	copy(p.gradCat, r.sized("sums", len(p.gradCat)))
	p.touched = p.touched[:0]
	for range r.length(1) {
		c := r.int()
		if c < 0 || c >= int64(len(p.gradCat)) {
			r.fail()
			return
		}
		p.touched = append(p.touched, int32(c))
	}
}
