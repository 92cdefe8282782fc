package mlkernels

import (
	"math"

	"github.com/arrowstream/arrowstream/internal/simd"
)

// tiles are some rows of a matrix with the nearest center of each.
type tiles struct {
	values []float64 // of simd.LoadTiles
	class  [mostTiles * simd.TileRows]int32
	dist   [mostTiles * simd.TileRows]float64
}

const mostTiles = 10

// tilesRows is how many rows of d features tiles hold: 24 while the processor
// foresees the next rows of all columns, with more of them 240, which memory
// gives in half the time (50 features: 27 ns per row, not 55) and which stay in
// the second-level cache.
func tilesRows(d int) int {
	if d <= 16 {
		return simd.TileRows
	}
	return max(1, min(mostTiles, blockBytes/8/(simd.TileRows*d))) * simd.TileRows
}

// assign finds the nearest centers of rows from to from+n-1 of x, n at most
// tilesRows, after they are scaled by s unless that is nil.
func (t *tiles) assign(c *centers, s *Scaler, x *Matrix, from, n int) {
	size := simd.TileRows * c.d
	t.values = grow(t.values, (n+simd.TileRows-1)/simd.TileRows*size)
	simd.LoadTiles(t.values, x.Dense, from, n)
	for r := 0; r < n; r += simd.TileRows {
		tile := t.tile(r, c.d)
		if s != nil {
			for f, mean := range s.mean {
				inv, col := s.inv[f], tile[f*simd.TileRows:(f+1)*simd.TileRows]
				for i, v := range col {
					col[i] = (v - mean) * inv
				}
			}
		}
		simd.NearestSquared((*[simd.TileRows]int32)(t.class[r:]), (*[simd.TileRows]float64)(t.dist[r:]), tile, c.panels)
	}
}

// tile is that of d features which begins with row r.
func (t *tiles) tile(r, d int) []float64 { return t.values[r*d : (r+simd.TileRows)*d] }

// put writes the predictions for the rows of assign.
func (t *tiles) put(x *Matrix, from, n int, out *Scores) {
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
	size := tilesRows(m.d)
	for from := 0; from < x.Rows; from += size {
		n := min(size, x.Rows-from)
		scratch.tiles.assign(&m.centers, m.scaler, x, from, n)
		scratch.tiles.put(x, from, n, out)
	}
}

// stepTiles is stepRows for groups of rows, which are compared with the same
// centers: it goes up to the end of the group. Rows that are not learned count
// for a cluster of their own.
func (m *kmeans) stepTiles(x *Matrix, weight []float64, from int, out *Scores) int {
	n := min(tilesRows(m.d), x.Rows-from)
	var skip [mostTiles * simd.TileRows]bool
	learned := 0
	for r := range n {
		if skip[r] = !x.Usable(from+r) || !m.learns(weight, from+r); !skip[r] {
			if learned++; m.group+learned >= m.opt.BatchRows {
				n = r + 1
				break
			}
		}
	}
	t := &m.scratch.tiles
	t.assign(&m.centers, nil, x, from, n)
	t.put(x, from, n, out)
	for r := range n {
		out.Version[from+r] = m.version
		if skip[r] {
			t.class[r] = int32(m.k)
		}
		m.counts[t.class[r]]++
	}
	for r := 0; r < n; r += simd.TileRows {
		simd.AddTile(m.sums, t.class[r:min(r+simd.TileRows, n)], t.tile(r, m.d))
	}
	m.learned += int64(learned)
	if m.group += learned; m.group >= m.opt.BatchRows {
		m.EndGroup()
	}
	return n
}
