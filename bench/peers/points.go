package main

import (
	"path/filepath"
)

const (
	learnBatch = 16_384
	learnTurn  = 6 * learnBatch // rows of one measurement
	learnRows  = 5 * learnTurn  // what both sides hold in memory; then again from the start
	blobs      = 64
)

// points are rows around blobs centers in d dimensions, the first ones around
// one each, with a label that follows a line through them, one in ten of which
// is wrong.
type points struct {
	x [][]float64 // by column
	y []float64   // 0 or 1
}

func newPoints(d int) *points {
	p := &points{x: make([][]float64, d), y: make([]float64, learnRows)}
	margin := make([]float64, learnRows)
	for j := range p.x {
		p.x[j] = make([]float64, learnRows)
		weight := 2*fraction(noise(j, 11)) - 1
		for i := range p.x[j] {
			blob := i
			if i >= blobs {
				blob = int(noise(i, 10) % blobs)
			}
			center := 4 * (fraction(noise(blob*1000+j, 12)) - 0.5)
			draw := noise(i*d+j, 13)
			// The sum of four uniform numbers of 16 bits is near enough to normal.
			v := center + float64(draw&0xffff+draw>>16&0xffff+draw>>32&0xffff+draw>>48)/0x10000 - 2
			p.x[j][i] = v
			margin[i] += weight * v
		}
	}
	for i, m := range margin {
		if (m > 0) != (noise(i, 14)%10 == 0) {
			p.y[i] = 1
		}
	}
	return p
}

// hand gives the points to the child as its arrays "x" and "y".
func (p *points) hand(py *python, dir string) error {
	x, y := filepath.Join(dir, "x.npy"), filepath.Join(dir, "y.npy")
	if err := writeNPY(x, p.x...); err != nil {
		return err
	}
	if err := writeNPY(y, p.y); err != nil {
		return err
	}
	if _, err := py.Ask(request{"do": "load", "name": "x", "file": x}); err != nil {
		return err
	}
	_, err := py.Ask(request{"do": "load", "name": "y", "file": y})
	return err
}
