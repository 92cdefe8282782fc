package mlkernels

import (
	"math"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// grouped reports whether stepGroups learns: groups of rows straight from their
// columns. Rows that are scaled, have categories, or whose classes appear as
// the stream goes on, go one by one.
func (s *sgd) grouped() bool {
	return s.opt.UpdateMode != perRow && s.scaler == nil && s.shape.Width == 0 && (!s.oneVsRest() || s.shape.Classes > 0)
}

// groupTile is the memory of stepGroups: the rows of a tile that are learned.
type groupTile struct {
	rows    []int
	columns [][]float64 // as in the batch, or compacted
	flat    []float64
	y, w    []float64
	g       []float64 // margins, then residuals
	p, one  []float64 // scratch of residuals
}

// tileRows is how many rows of d features are scored and then learned from
// before they leave the first-level cache.
func tileRows(d int) int { return max(64, min(256, 4096/max(1, d)&^31)) }

// stepGroups is Step for groups of rows: a tile, which ends with its group at
// the latest, is scored, then added to the group.
func (s *sgd) stepGroups(x *Matrix, y, weight []float64, out *Scores) {
	size := tileRows(len(x.Dense))
	for from := 0; from < x.Rows; {
		t := &s.tile
		t.rows = t.rows[:0]
		to := from
		for ; to < min(from+size, x.Rows) && s.group+len(t.rows) < s.opt.BatchRows; to++ {
			if s.failed == 0 && x.Usable(to) && y[to] == y[to] && (weight == nil || weight[to] == weight[to]) {
				t.rows = append(t.rows, to)
			}
		}
		s.scoreRows(x, from, to, &s.scratch, out)
		if len(t.rows) > 0 {
			s.learnTile(x, y, weight, from, to)
		}
		from = to
	}
}

// learnTile adds the rows of the tile to the group. The margins of rows
// [from, to) are in the scratch, problem by problem.
func (s *sgd) learnTile(x *Matrix, y, weight []float64, from, to int) {
	t, n := &s.tile, len(s.tile.rows)
	first := from
	if n == to-from {
		t.columns = append(t.columns[:0], x.Dense...)
	} else {
		first = 0
		t.compact(x.Dense)
	}
	t.y, t.w = grow(t.y, n), grow(t.w, n)
	for k, i := range t.rows {
		t.y[k], t.w[k] = y[i], 1
		if weight != nil {
			t.w[k] = weight[i]
		}
		if len(s.opt.ClassWeights) > 0 {
			t.w[k] *= s.opt.ClassWeights[int(y[i])]
		}
	}
	s.learned += int64(n)
	if s.opt.UpdateMode == fullBatch {
		s.buffer.addColumns(t.columns, first, t.y, t.w)
		s.grow(n)
		return
	}
	t.g = grow(t.g, n)
	for j, p := range s.problems {
		margins := s.scratch.panel[j*scoreRows:][:to-from]
		if !s.ready() || s.averaging() { // not scored by these weights
			p.margins(margins, x.Dense, from)
		}
		for k, i := range t.rows {
			t.g[k] = margins[i-from]
		}
		s.residuals(j, t.g, t.y, t.w)
		addGradient(p.lanes, t.columns, first, t.g, s.group)
	}
	s.grow(n)
}

// compact copies the rows of the tile, so that none stands between them.
func (t *groupTile) compact(dense [][]float64) {
	n := len(t.rows)
	t.flat = grow(t.flat, n*len(dense))
	t.columns = t.columns[:0]
	for j, col := range dense {
		c := t.flat[j*n : (j+1)*n : (j+1)*n]
		for k, i := range t.rows {
			c[k] = col[i]
		}
		t.columns = append(t.columns, c)
	}
}

// residuals turns the margins of problem k, in g, into the derivatives of the
// loss times the weights of the rows.
func (s *sgd) residuals(k int, g, y, w []float64) {
	t := &s.tile
	if s.oneVsRest() {
		t.one = grow(t.one, len(y))
		for i, v := range y {
			t.one[i] = float64(int64(oneIf(int(v) == k)))
		}
		y = t.one
	}
	switch s.loss {
	case LogLoss:
		t.p = grow(t.p, len(g))
		simd.LogisticResiduals(t.p, g, g, y)
	case Hinge:
		simd.HingeResiduals(g, g, y)
	case SquaredError:
		simd.SquaredResiduals(g, g, y)
	default:
		for i, v := range g {
			g[i] = clip(s.loss.gradient(v, s.binaryTarget(y[i]), s.opt.Epsilon))
		}
	}
	for i, v := range w {
		g[i] *= v
	}
}

// binaryTarget is the label of a problem as the loss sees it: y itself in
// regression, else 1 for 1 and -1.
func (s *sgd) binaryTarget(y float64) float64 {
	if s.task == Regression || y == 1 {
		return y
	}
	return -1
}

// addGradient adds the rows from row from on, times g, to the lanes of every
// column, and g itself to those of the intercept, which are the last. Row i
// adds to lane (row + i) mod 32.
func addGradient(lanes [][32]float64, x [][]float64, from int, g []float64, row int) {
	last := len(lanes) - 1
	head := min(len(g), -row&31)
	for j, col := range x {
		l := &lanes[j]
		for i, v := range g[:head] {
			l[(row+i)&31] = math.FMA(v, col[from+i], l[(row+i)&31])
		}
	}
	for i, v := range g[:head] {
		lanes[last][(row+i)&31] += v
	}
	simd.MatTVec(lanes[:last], x, from+head, g[head:])
	simd.SumFloat64(&lanes[last], g[head:])
}

// accumulate adds a row to the group of mini_batch.
func (s *sgd) accumulate(row []float64, y, sw float64, scored bool) {
	lane := s.group & 31
	for k, p := range s.problems {
		g := float64(clip(s.gradientAt(p, k, row, y, scored)) * sw)
		for j, v := range row {
			p.lanes[j][lane] = math.FMA(g, v, p.lanes[j][lane])
		}
		p.lanes[len(row)][lane] += g
		for _, c := range s.cats {
			if c >= 0 {
				p.gradCat[c] += g
				p.touched = append(p.touched, c)
			}
		}
	}
}

// applyGroup is the update of mini_batch: the mean gradient of the group.
func (s *sgd) applyGroup() {
	eta := s.schedule.at(s.t)
	step := -eta / float64(s.group)
	for _, p := range s.problems {
		simd.LanesValues(p.grad, p.lanes[:len(p.grad)])
		gradB := simd.LanesValue(&p.lanes[len(p.grad)])
		if !p.add(p.grad, nil, s.shrink(eta), step, s.interceptStep(float64(step*gradB), gradB/float64(s.group))) {
			s.failed = s.learned
			return
		}
		for _, c := range p.touched {
			p.cats[c] += step * p.gradCat[c] / p.scale
			p.gradCat[c] = 0
		}
		p.touched = p.touched[:0]
		clear(p.lanes)
		if s.l1 > 0 {
			p.soft(float64(s.l1 * eta))
		}
		if s.opt.Average > 0 && int64(s.opt.Average) <= s.t {
			p.average(float64(s.t - int64(s.opt.Average) + 1))
		}
	}
	s.t++
}
