package simd

import (
	"fmt"
	"math"
)

// NearestRow is [NearestSquared] for one row, whose features are side by side:
// the number of the nearest center and the square of its distance. Cost: with
// few centers the latency of one fused multiplication per feature, 4 cycles,
// with many 0.04 ns per center and feature.
func NearestRow(x, panels []float64) (best int, dist float64) {
	if len(panels) == 0 || len(panels)%(8*(len(x)+1)) != 0 {
		panic(fmt.Sprintf("simd: NearestRow: lengths %d and %d", len(x), len(panels)))
	}
	return nearestRow(x, panels)
}

func nearestRowGo(x, panels []float64) (best int, dist float64) {
	dist = math.Inf(1)
	size := 8 * (len(x) + 1)
	for j := 0; len(panels) > 0; j += 8 {
		for l, v := range squaredSums(x, panels[:size], 1) {
			if v < dist {
				best, dist = j+l, v
			}
		}
		panels = panels[size:]
	}
	return best, dist
}

// FollowRows learns the rows of x, one after another, len(class) of them side
// by side: it finds the nearest center of a row, which goes to class and the
// square of its distance to dist as by [NearestRow], and moves it towards the
// row. With w = weight*decay + 1 and rate = 1/w each feature c becomes
// rate*x + (1-rate)*c, the second product rounded before it is added; then all
// weights are multiplied by decay, and 1 is added to that of the center.
//
// It returns early, with the number of rows learned so far, after a row by
// which the least weight is below 1e-8 of the most and not 0, and before a
// center that would not be finite moves; class and dist of that row are
// written, and ok is false. There is a weight for each place in the panels, NaN
// where a center is missing, which is neither least nor most. undo is scratch
// as long as panels and weights together.
//
// A row waits for the one before, 4 cycles per feature, and 25 more with one
// panel, some 100 with several. With one it asks meanwhile for the rows ahead,
// as many as it learns.
func FollowRows(class []int32, dist, x, panels, weights []float64, decay float64, undo []float64, ahead Ahead) (done int, ok bool) {
	d := len(panels)/max(1, len(weights)) - 1
	size := 8 * (d + 1)
	if len(class) != len(dist) || len(x) != d*len(class) || d < 1 || len(panels)%size != 0 || len(weights) != len(panels)/(d+1) || len(undo) < len(panels)+len(weights) {
		panic(fmt.Sprintf("simd: FollowRows: lengths %d, %d, %d, %d, %d and %d", len(class), len(dist), len(x), len(panels), len(weights), len(undo)))
	}
	ahead.check("FollowRows")
	for done < len(class) {
		n := min(len(class)-done, max(1, nearestWork*TileRows/len(panels)))
		part, failed := 0, 0
		if class, dist, x := class[done:done+n], dist[done:done+n], x[done*d:(done+n)*d]; len(panels) == size && n >= 8 {
			part, failed = followOne(class, dist, x, panels, weights, decay, undo, ahead)
		} else {
			part, failed = followRows(class, dist, x, panels, weights, decay, undo[:4*d])
		}
		if done += part; part < n || failed != 0 {
			return done, failed == 0
		}
	}
	return done, true
}

// followOne is followRows for one panel. What is not finite once stays so: then
// it goes back to where it began and takes a closer look.
func followOne(class []int32, dist, x, panel, weights []float64, decay float64, undo []float64, ahead Ahead) (done, failed int) {
	n := copy(undo, panel)
	copy(undo[n:], weights)
	done = followPanel(class, dist, x, panel, weights, decay, ahead.X, ahead.From, ahead.Rows)
	rest := 0.0 // is 0 while everything is finite
	for _, v := range panel[8:] {
		rest += v - v
	}
	if rest == 0 {
		return done, 0
	}
	copy(panel, undo)
	copy(weights, undo[n:])
	clear(class)
	clear(dist)
	return followRows(class, dist, x, panel, weights, decay, undo[:4*(len(panel)/8-1)])
}

func followPanelGo(class []int32, dist, x, panel, weights []float64, decay float64, _ [][]float64, _, _ int) (done int) {
	d := len(panel)/8 - 1
	for r := range class {
		row := x[r*d : (r+1)*d]
		best, square := nearestRowGo(row, panel)
		class[r], dist[r] = int32(best), square
		rate := 1 / (float64(weights[best]*decay) + 1)
		keep, center := 1-rate, panel[8+best:]
		for f, v := range row {
			center[8*f] = math.FMA(rate, v, float64(keep*center[8*f]))
		}
		least, most := addWeight(weights, best, decay)
		if least != 0 && least < 1e-8*most {
			return r + 1
		}
	}
	return len(class)
}

func followRowsGo(class []int32, dist, x, panels, weights []float64, decay float64, undo []float64) (done, failed int) {
	d := len(undo) / 4
	for r := range class {
		row := x[r*d : (r+1)*d]
		best, square := nearestRowGo(row, panels)
		class[r], dist[r] = int32(best), square
		rate := 1 / (float64(weights[best]*decay) + 1)
		if !moveCenter(panels[best/8*8*(d+1)+8+best%8:], row, 1-rate, rate, undo) {
			return r, 1
		}
		least, most := addWeight(weights, best, decay)
		if least != 0 && least < 1e-8*most {
			return r + 1, 0
		}
	}
	return len(class), 0
}

// moveCenter changes every eighth number of center. It puts back what was
// there if one would not be finite.
func moveCenter(center, row []float64, keep, rate float64, undo []float64) bool {
	rest := 0.0 // is 0 while everything is finite
	for f, v := range row {
		c := center[8*f]
		undo[f] = c
		next := math.FMA(rate, v, float64(keep*c))
		center[8*f] = next
		rest += next - next
	}
	if rest == 0 {
		return true
	}
	for f := range row {
		center[8*f] = undo[f]
	}
	return false
}

// addWeight returns the least and the most of the weights.
func addWeight(weights []float64, j int, decay float64) (least, most float64) {
	least, most = math.Inf(1), math.Inf(-1)
	for i, w := range weights {
		w = float64(w * decay)
		if i == j {
			w++
		}
		weights[i] = w
		if w < least {
			least = w
		}
		if w > most {
			most = w
		}
	}
	return least, most
}
