package simd

import (
	"fmt"
	"math"
)

// Panels hold centers eight side by side, so that the features of rows in
// columns and the panels are the two operands of a matrix multiplication. Panel
// p has 1+d rows of eight numbers: the biases of centers 8p to 8p+7, then their
// features one by one. A bias is where the distance to a center starts: 0, or
// +Inf for those that are missing of the last eight, which so are nearest to
// nothing.

// PanelsLen is the length of the panels of k centers of d features.
func PanelsLen(k, d int) int { return (k + 7) / 8 * 8 * (d + 1) }

// ClearPanels makes all centers of panels of d features missing.
func ClearPanels(panels []float64, d int) {
	clear(panels)
	for at := 0; at < len(panels); at += 8 * (d + 1) {
		for lane := range 8 {
			panels[at+lane] = math.Inf(1)
		}
	}
}

// PutCenter gives center j of the panels its bias and features.
func PutCenter(panels []float64, j int, bias float64, center []float64) {
	p := panels[j/8*8*(len(center)+1)+j%8:]
	p[0] = bias
	for f, v := range center {
		p[8+8*f] = v
	}
}

// NearestSquared writes the number of the nearest center of each row of the
// tile to class, the first on ties, and how far it is to dist: the bias of the
// center plus the square of the Euclidean distance, summed over the features in
// order, each by a fused multiplication of x-c by itself. NaN and +Inf are
// nearest to nothing: a row with nothing else belongs to center 0, at +Inf.
//
// A product |c|²/2-x·c ([NearestDot]) has half the operations. It loses as many
// bits of a distance as the rows are farther from the origin than from their
// center; differences lose none, and CPUs with units for additions beside those
// for products, as Zen 3, take little longer.
func NearestSquared(class *[TileRows]int32, dist *[TileRows]float64, tile, panels []float64) {
	d := checkNearest("NearestSquared", tile, panels)
	for first := 0; len(panels) > 0; {
		part := nearestPart(panels, d)
		nearestSquared(class, dist, tile, d, part, first)
		panels = panels[len(part):]
		first += len(part) / (d + 1)
	}
}

// NearestManhattan is [NearestSquared] for the sum of the absolute differences.
func NearestManhattan(class *[TileRows]int32, dist *[TileRows]float64, tile, panels []float64) {
	d := checkNearest("NearestManhattan", tile, panels)
	for first := 0; len(panels) > 0; {
		part := nearestPart(panels, d)
		nearestManhattan(class, dist, tile, d, part, first)
		panels = panels[len(part):]
		first += len(part) / (d + 1)
	}
}

// NearestDot is [NearestSquared] for the bias minus the dot product, fused. With
// centers of length 1 it finds the nearest by cosine, at a distance of 1 plus
// dist over the length of the row. With half the squares of the lengths of the
// centers as biases it finds the nearest by Euclidean distance, up to rounding.
func NearestDot(class *[TileRows]int32, dist *[TileRows]float64, tile, panels []float64) {
	d := checkNearest("NearestDot", tile, panels)
	for first := 0; len(panels) > 0; {
		part := nearestPart(panels, d)
		nearestDot(class, dist, tile, d, part, first)
		panels = panels[len(part):]
		first += len(part) / (d + 1)
	}
}

// nearestWork is how many numbers of panels a kernel is given in one call.
const nearestWork = 1 << 17

// nearestPart is the panels of the next call.
func nearestPart(panels []float64, d int) []float64 {
	if len(panels) <= nearestWork {
		return panels
	}
	size := 8 * (d + 1)
	return panels[:min(len(panels), max(size, nearestWork/size*size))]
}

// checkNearest returns the number of features.
func checkNearest(name string, tile, panels []float64) int {
	d := len(tile) / TileRows
	if len(tile)%TileRows != 0 || len(panels) == 0 || len(panels)%(8*(d+1)) != 0 {
		panic(fmt.Sprintf("simd: %s: lengths %d and %d", name, len(tile), len(panels)))
	}
	return d
}

func nearestSquaredGo(class *[TileRows]int32, dist *[TileRows]float64, tile []float64, d int, panels []float64, first int) {
	nearestGo(class, dist, tile, d, panels, first, squaredSums)
}

func nearestManhattanGo(class *[TileRows]int32, dist *[TileRows]float64, tile []float64, d int, panels []float64, first int) {
	nearestGo(class, dist, tile, d, panels, first, manhattanSums)
}

func nearestDotGo(class *[TileRows]int32, dist *[TileRows]float64, tile []float64, d int, panels []float64, first int) {
	nearestGo(class, dist, tile, d, panels, first, dotSums)
}

// nearestGo takes the distances of a row to the centers of a panel from sums.
func nearestGo(class *[TileRows]int32, dist *[TileRows]float64, tile []float64, d int, panels []float64, first int, sums func(x, panel []float64, stride int) [8]float64) {
	if first == 0 {
		clear(class[:])
		for r := range dist {
			dist[r] = math.Inf(1)
		}
	}
	for size := 8 * (d + 1); len(panels) > 0; panels = panels[size:] {
		for r := range class {
			for l, v := range sums(tile[min(r, len(tile)):], panels[:size], TileRows) {
				if v < dist[r] {
					class[r], dist[r] = int32(first+l), v
				}
			}
		}
		first += 8
	}
}

// squaredSums are the biases of a panel plus the squares of the differences to
// the row whose features are stride apart in x. About 0.4 ns per center and feature.
func squaredSums(x, panel []float64, stride int) [8]float64 {
	b := (*[8]float64)(panel)
	s0, s1, s2, s3, s4, s5, s6, s7 := b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]
	for panel = panel[8:]; len(panel) >= 8 && len(x) > 0; panel = panel[8:] {
		c, v := (*[8]float64)(panel), x[0]
		d0, d1, d2, d3 := v-c[0], v-c[1], v-c[2], v-c[3]
		s0, s1, s2, s3 = math.FMA(d0, d0, s0), math.FMA(d1, d1, s1), math.FMA(d2, d2, s2), math.FMA(d3, d3, s3)
		d4, d5, d6, d7 := v-c[4], v-c[5], v-c[6], v-c[7]
		s4, s5, s6, s7 = math.FMA(d4, d4, s4), math.FMA(d5, d5, s5), math.FMA(d6, d6, s6), math.FMA(d7, d7, s7)
		x = x[min(stride, len(x)):]
	}
	return [8]float64{s0, s1, s2, s3, s4, s5, s6, s7}
}

func manhattanSums(x, panel []float64, stride int) [8]float64 {
	s := [8]float64(panel)
	for f := 8; f < len(panel); f += 8 {
		for l, c := range panel[f : f+8] {
			s[l] += math.Abs(x[(f/8-1)*stride] - c)
		}
	}
	return s
}

func dotSums(x, panel []float64, stride int) [8]float64 {
	s := [8]float64(panel)
	for f := 8; f < len(panel); f += 8 {
		for l, c := range panel[f : f+8] {
			s[l] = math.FMA(-x[(f/8-1)*stride], c, s[l])
		}
	}
	return s
}
