package mlkernels

import (
	"math"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// Score implements [Learner]: one fused multiply-add per value, straight from
// the columns.
func (s *sgd) Score(x *Matrix, scratch *Scratch, out *Scores) {
	out.reset(x.Rows)
	for from := 0; from < x.Rows; from += scoreRows {
		s.scoreRows(x, from, min(from+scoreRows, x.Rows), scratch, out)
	}
}

const scoreRows = 256 // most rows that are scored at a time

// scoreRows scores rows [from, to), at most scoreRows, and leaves the margins
// of problem j at j*scoreRows in the panel of the scratch.
func (s *sgd) scoreRows(x *Matrix, from, to int, scratch *Scratch, out *Scores) {
	k, n := len(s.problems), to-from
	scratch.panel, scratch.margins = grow(scratch.panel, k*scoreRows), grow(scratch.margins, k)
	for i := range out.Version[from:to] {
		out.Version[from+i] = s.t - 1
	}
	if !s.ready() {
		for i := from; i < to; i++ {
			out.endRow(i)
		}
		return
	}
	for j, p := range s.problems {
		s.panel(p, x, from, scratch.panel[j*scoreRows:][:n], scratch)
	}
	if !s.oneVsRest() && (s.loss == LogLoss || s.task == Regression) {
		s.predictRows(scratch.panel[:n], x, from, out)
		return
	}
	for r := range n {
		i := from + r
		if x.Usable(i) {
			for j := range scratch.margins {
				scratch.margins[j] = scratch.panel[j*scoreRows+r]
			}
			s.predict(scratch.margins, out, i)
		}
		out.endRow(i)
	}
}

// predictRows is predict for the rows behind from of a regression or a binary
// log_loss.
func (s *sgd) predictRows(margins []float64, x *Matrix, from int, out *Scores) {
	value, valid, class := out.Value[from:][:len(margins)], out.Valid[from:][:len(margins)], out.Class[from:][:len(margins)]
	if s.task == Regression {
		copy(value, margins)
	} else {
		simd.Sigmoids(value, margins)
		for i, v := range value {
			class[i] = int32(oneIf(v > 0.5))
		}
	}
	for i := range valid {
		if valid[i] = x.Usable(from + i); !valid[i] {
			value[i], class[i] = 0, 0
		}
	}
}

// panel writes the margins of rows [from, from+len(m)) to m, with the bits of
// problem.margin row by row.
func (s *sgd) panel(p *problem, x *Matrix, from int, m []float64, scratch *Scratch) {
	w, b, scale, catW := p.w, p.b, p.scale, p.cats
	if s.averaging() {
		w, b, scale, catW = p.avgW, p.avgB, 1, p.avgCat
	}
	if s.scaler == nil {
		matVec(m, x.Dense, from, w)
	} else {
		matVec(m, s.scaler.columns(x, from, len(m), scratch), 0, w)
	}
	if len(x.Cats) > 0 {
		for i := range m {
			scratch.cats = scratch.cats[:0]
			for _, c := range x.Cats {
				scratch.cats = append(scratch.cats, c[from+i])
			}
			m[i] = math.FMA(scale, sumCats(catW, scratch.cats), m[i])
		}
	}
	for i := range m {
		m[i] += b
	}
}

// matVec writes the products of rows of x with w, in the fixed order of dot, to
// out.
func matVec(out []float64, x [][]float64, from int, w []float64) {
	if len(w) <= simd.InOrder {
		simd.MatVec(out, x, from, w)
	} else {
		simd.MatVecLanes(out, x, from, w)
	}
}

// Weights implements [Learner]: the averages when they are in use.
func (s *sgd) Weights() []Weight {
	var out []Weight
	for k, p := range s.problems {
		class := k
		switch {
		case s.task == Regression:
			class = -1
		case !s.oneVsRest():
			class = 1
		}
		w, b, scale, cats := p.w, p.b, p.scale, p.cats
		if s.averaging() {
			w, b, scale, cats = p.avgW, p.avgB, 1, p.avgCat
		}
		for j, v := range w {
			out = append(out, Weight{Class: class, Feature: j, Category: -1, Value: v})
		}
		for j, v := range cats {
			if v != 0 {
				out = append(out, Weight{Class: class, Feature: -1, Category: j, Value: v * scale})
			}
		}
		if s.opt.FitIntercept {
			out = append(out, Weight{Class: class, Feature: -1, Category: -1, Value: b})
		}
	}
	return out
}

// MarshalBinary implements [Learner].
func (s *sgd) MarshalBinary() ([]byte, error) {
	w := &stateWriter{}
	for _, n := range []int64{s.t, s.learned, s.failed, int64(s.group), int64(len(s.problems))} {
		w.int(n)
	}
	for _, p := range s.problems {
		p.save(w, s.opt.UpdateMode == miniBatch)
	}
	if s.scaler != nil {
		s.scaler.save(w)
	}
	s.buffer.save(w)
	return w.buf, nil
}

// UnmarshalBinary implements [Learner].
func (s *sgd) UnmarshalBinary(data []byte) error {
	r := &stateReader{buf: data}
	s.t, s.learned, s.failed, s.group = r.int(), r.int(), r.int(), int(r.int())
	n := r.length(1)
	if !s.oneVsRest() && n != 1 {
		r.fail()
	}
	s.problems = nil
	for range n {
		if r.err != nil {
			break
		}
		p := newProblem(s.shape.Dense, s.shape.Width, &s.opt, s.l1)
		p.load(r, s.opt.UpdateMode == miniBatch)
		s.problems = append(s.problems, p)
	}
	s.margins = make([]float64, len(s.problems))
	if s.scaler != nil {
		s.scaler.load(r)
	}
	s.buffer.load(r, s.shape.Dense, s.shape.Width)
	return r.close()
}
