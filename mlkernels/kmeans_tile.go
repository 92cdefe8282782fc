package mlkernels

import (
	"math"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// tile is some rows of a matrix with the nearest center of each.
type tile struct {
	values []float64
	class  [simd.TileRows]int32
	dist   [simd.TileRows]float64
}

// assign finds the nearest centers of rows from to from+n-1 of x, n at most
// simd.TileRows, after they are scaled by s unless that is nil.
func (t *tile) assign(c *centers, s *Scaler, x *Matrix, from, n int) {
	t.values = grow(t.values, simd.TileRows*c.d)
	simd.LoadTile(t.values, x.Dense, from, n)
	if s != nil {
		for f, mean := range s.mean {
			inv, col := s.inv[f], t.values[f*simd.TileRows:(f+1)*simd.TileRows]
			for i, v := range col {
				col[i] = (v - mean) * inv
			}
		}
	}
	simd.NearestSquared(&t.class, &t.dist, t.values, c.panels)
}

// put writes the predictions for the rows of assign.
func (t *tile) put(x *Matrix, from, n int, out *Scores) {
	valid, class, value := out.Valid[from:from+n], out.Class[from:from+n], out.Value[from:from+n]
	for r := range valid {
		if x.Usable(from + r) {
			valid[r], class[r], value[r] = true, t.class[r], math.Sqrt(t.dist[r])
		}
	}
}

// Score implements [Learner].
func (m *kmeans) Score(x *Matrix, scratch *Scratch, out *Scores) {
	out.reset(x.Rows)
	for i := range out.Version {
		out.Version[i] = m.version
	}
	if !m.ready {
		return
	}
	for from := 0; from < x.Rows; from += simd.TileRows {
		n := min(simd.TileRows, x.Rows-from)
		scratch.tile.assign(&m.centers, m.scaler, x, from, n)
		scratch.tile.put(x, from, n, out)
	}
}

// stepTile is stepRows for groups of rows, which are compared with the same
// centers: it goes up to the end of the group. Rows that are not learned count
// for a cluster of their own.
func (m *kmeans) stepTile(x *Matrix, weight []float64, from int, out *Scores) int {
	n := min(simd.TileRows, x.Rows-from)
	var skip [simd.TileRows]bool
	learned := 0
	for r := range n {
		if skip[r] = !x.Usable(from+r) || !m.learns(weight, from+r); !skip[r] {
			if learned++; m.group+learned >= m.opt.BatchRows {
				n = r + 1
				break
			}
		}
	}
	t := &m.scratch.tile
	t.assign(&m.centers, nil, x, from, n)
	t.put(x, from, n, out)
	for r := range n {
		out.Version[from+r] = m.version
		if skip[r] {
			t.class[r] = int32(m.k)
		}
		m.counts[t.class[r]]++
	}
	simd.AddTile(m.sums, t.class[:n], t.values)
	m.learned += int64(learned)
	if m.group += learned; m.group >= m.opt.BatchRows {
		m.EndGroup()
	}
	return n
}
