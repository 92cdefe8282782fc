package mlkernels

import (
	"math"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// descend is full_batch: up to num_iterations gradient steps over the buffered
// group, with the step size eta0/√i, until the weights move by less than tol
// times their norm (Spark: GradientDescent.runMiniBatchSGD). The scale of
// categories is 1 throughout.
func (s *sgd) descend() {
	n := len(s.buffer.y)
	s.steps = 0
	for k, p := range s.problems {
		copy(p.next, p.w)
		copy(p.catsBefore, p.cats)
		b := p.b
		for i := 1; i <= s.opt.NumIterations; i++ {
			s.steps = max(s.steps, i)
			gradB := s.gradient(p, k)
			eta := s.schedule.at(int64(i))
			shrink := 1 - float64(s.l2*eta)
			step := eta / float64(n)
			var move, norm float64
			soft := float64(s.l1 * eta)
			one := func(w, g float64) float64 {
				v := float64(w*shrink) - float64(step*g)
				if soft > 0 {
					v = math.Copysign(max(0, math.Abs(v)-soft), v)
				}
				move = math.FMA(v-w, v-w, move)
				norm = math.FMA(v, v, norm)
				return v
			}
			for j := range p.w {
				p.w[j] = one(p.w[j], p.grad[j])
			}
			for j := range p.cats {
				p.cats[j] = one(p.cats[j], p.gradCat[j])
			}
			if s.opt.FitIntercept {
				v := p.b - float64(step*gradB)
				move = math.FMA(v-p.b, v-p.b, move)
				norm = math.FMA(v, v, norm)
				p.b = v
			}
			if !finite(norm) {
				copy(p.w, p.next)
				copy(p.cats, p.catsBefore)
				p.b, s.failed = b, s.learned
				return
			}
			if i > 1 && math.Sqrt(move) < s.opt.Tol*max(math.Sqrt(norm), 1) {
				break
			}
		}
	}
	s.buffer.reset()
	s.t++
}

// gradient sums the gradients of problem k over the buffered rows, in lanes, to
// p.grad and p.gradCat and returns that of the intercept.
func (s *sgd) gradient(p *problem, k int) float64 {
	b, t := &s.buffer, &s.tile
	clear(p.lanes)
	clear(p.gradCat)
	n := len(b.y)
	size := tileRows(len(p.w))
	t.g = grow(t.g, size)
	for from := 0; from < n; from += size {
		to := min(from+size, n)
		g := t.g[:to-from]
		matVec(g, b.x, from, p.w)
		for i := range g {
			if len(b.cats) > 0 {
				g[i] = math.FMA(p.scale, sumCats(p.cats, b.rowCats(from+i)), g[i])
			}
			g[i] += p.b
		}
		s.residuals(k, g, b.y[from:to], b.w[from:to])
		addGradient(p.lanes, b.x, from, g, from)
		if len(b.cats) == 0 {
			continue
		}
		for i, v := range g {
			for _, c := range b.rowCats(from + i) {
				if c >= 0 {
					p.gradCat[c] += v
				}
			}
		}
	}
	simd.LanesValues(p.grad, p.lanes[:len(p.grad)])
	return simd.LanesValue(&p.lanes[len(p.grad)])
}
