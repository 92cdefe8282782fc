package agg

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/arrowstream/arrowstream/columnar"
)

// lanes is a sum of float64 over an ungrouped stream of rows: row i of the
// stream goes to lane i mod 32, and the value is a fixed tree over the lanes.
// Since the lanes live as long as the stream, its bits do not depend on how the
// rows were cut into batches; and 32 independent chains are what vector units
// and out-of-order cores want. A lane is never -0, so leaving a null out is
// the same as adding +0 for it.
type lanes struct {
	rows uint64 // rows so far, nulls too
	v    [32]float64
}

// add takes the next len(vals) rows, of which only the valid ones count: the
// others become +0. Cost: 0.3 ns per row, 1 with nulls.
func (l *lanes) add(vals []float64, valid columnar.Bitmap) {
	row := l.rows
	l.rows += uint64(len(vals))
	if valid.All() {
		l.addRun(row, vals)
		return
	}
	var masked [512]float64
	for lo := 0; lo < len(vals); lo += len(masked) {
		part := vals[lo:min(lo+len(masked), len(vals))]
		for at := 0; at < len(part); at += 64 {
			word := valid.Word((lo + at) / 64)
			in := part[at:min(at+64, len(part))]
			out := masked[at:][:len(in)]
			for i, x := range in {
				out[i] = math.Float64frombits(math.Float64bits(x) & -(word & 1))
				word >>= 1
			}
		}
		l.addRun(row+uint64(lo), masked[:len(part)])
	}
}

// addRun adds vals, the first of which is row number row.
func (l *lanes) addRun(row uint64, vals []float64) {
	for len(vals) > 0 && row&31 != 0 {
		l.v[row&31] += vals[0]
		vals, row = vals[1:], row+1
	}
	// Eight lanes at a time fit the registers; a piece of 1024 rows stays in
	// the first-level cache for the four passes over it.
	for len(vals) >= 32 {
		piece := vals[:min(len(vals)&^31, 1024)]
		for q := 0; q < 32; q += 8 {
			addOctet((*[8]float64)(l.v[q:]), piece[q:])
		}
		vals = vals[len(piece):]
	}
	for i, x := range vals {
		l.v[i&31] += x
	}
}

// addOctet adds rows 0 to 7 of every 32 rows to eight lanes.
func addOctet(l *[8]float64, vals []float64) {
	a, b, c, d, e, f, g, h := l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7]
	for len(vals) >= 8 {
		x := (*[8]float64)(vals)
		a += x[0]
		b += x[1]
		c += x[2]
		d += x[3]
		e += x[4]
		f += x[5]
		g += x[6]
		h += x[7]
		vals = vals[min(32, len(vals)):]
	}
	*l = [8]float64{a, b, c, d, e, f, g, h}
}

// addOne is a row with value x.
func (l *lanes) addOne(x float64) {
	l.v[l.rows&31] += x
	l.rows++
}

// value adds lanes at distance 16, 8, 4, 2, 1.
func (l *lanes) value() float64 {
	v := l.v
	for d := 16; d > 0; d /= 2 {
		for i := range d {
			v[i] += v[i+d]
		}
	}
	return v[0]
}

// append writes the state: the number of rows and the lanes, little endian.
func (l *lanes) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, l.rows)
	for _, x := range l.v {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
	}
	return dst
}

// parse reads what append wrote.
func (l *lanes) parse(src []byte) error {
	if len(src) != 33*8 {
		return fmt.Errorf("agg: sum state of %d bytes, want %d", len(src), 33*8)
	}
	l.rows = binary.LittleEndian.Uint64(src)
	for i := range l.v {
		l.v[i] = math.Float64frombits(binary.LittleEndian.Uint64(src[8+8*i:]))
	}
	return nil
}
