package mlkernels

import "math"

// rowBuffer keeps the rows of an incomplete group, row after row.
type rowBuffer struct {
	x    []float64
	cats []int32
	y    []float64
	w    []float64
}

func (b *rowBuffer) add(row []float64, cats []int32, y, w float64) {
	b.x = append(b.x, row...)
	b.cats = append(b.cats, cats...)
	b.y = append(b.y, y)
	b.w = append(b.w, w)
}

func (b *rowBuffer) reset() {
	b.x, b.cats, b.y, b.w = b.x[:0], b.cats[:0], b.y[:0], b.w[:0]
}

// row returns the features of row i of a buffer of n rows.
func (b *rowBuffer) row(i int) ([]float64, []int32) {
	n := len(b.y)
	d, c := len(b.x)/n, len(b.cats)/n
	return b.x[i*d : (i+1)*d], b.cats[i*c : (i+1)*c]
}

func (b *rowBuffer) save(w *stateWriter) {
	w.floats(b.x)
	w.floats(b.y)
	w.floats(b.w)
	w.int(int64(len(b.cats)))
	for _, c := range b.cats {
		w.int(int64(c))
	}
}

func (b *rowBuffer) load(r *stateReader, d, width int) {
	b.x, b.y, b.w = r.floats(), r.floats(), r.floats()
	b.cats = b.cats[:0]
	for range r.length(1) {
		c := r.int()
		if c < -1 || c >= int64(width) {
			r.fail()
			return
		}
		b.cats = append(b.cats, int32(c))
	}
	n := len(b.y)
	if len(b.x) != n*d || len(b.w) != n || n == 0 && len(b.cats) > 0 || n > 0 && len(b.cats)%n != 0 {
		r.fail()
	}
}

// descend is full_batch: up to num_iterations gradient steps over the buffered
// group, with the step size eta0/√i, until the weights move by less than tol
// times their norm (Spark: GradientDescent.runMiniBatchSGD). The scale of
// categories is 1 throughout.
func (s *sgd) descend() {
	n := len(s.buffer.y)
	s.steps = 0
	for k, p := range s.problems {
		grad := make([]float64, len(p.w))
		gradCat := make([]float64, len(p.cats))
		w, cats, b := append([]float64{}, p.w...), append([]float64{}, p.cats...), p.b
		for i := 1; i <= s.opt.NumIterations; i++ {
			s.steps = max(s.steps, i)
			gradB := s.gradient(p, k, grad, gradCat)
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
				p.w[j] = one(p.w[j], grad[j])
			}
			for j := range p.cats {
				p.cats[j] = one(p.cats[j], gradCat[j])
			}
			if s.opt.FitIntercept {
				v := p.b - float64(step*gradB)
				move = math.FMA(v-p.b, v-p.b, move)
				norm = math.FMA(v, v, norm)
				p.b = v
			}
			if !finite(norm) {
				copy(p.w, w)
				copy(p.cats, cats)
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

// gradient sums the gradients of problem k over the buffered rows and returns
// that of the intercept.
func (s *sgd) gradient(p *problem, k int, grad, gradCat []float64) float64 {
	clear(grad)
	clear(gradCat)
	gradB := 0.0
	for i, y := range s.buffer.y {
		row, cats := s.buffer.row(i)
		g := float64(clip(s.loss.gradient(p.margin(row, cats), s.target(y, k), s.opt.Epsilon)) * s.buffer.w[i])
		for j, v := range row {
			grad[j] = math.FMA(g, v, grad[j])
		}
		for _, c := range cats {
			if c >= 0 {
				gradCat[c] += g
			}
		}
		gradB += g
	}
	return gradB
}
