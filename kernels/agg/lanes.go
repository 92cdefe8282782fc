package agg

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/arrowstream/arrowstream/internal/simd"
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

// add takes the next len(vals) rows, of which only the valid ones count; bits
// nil stands for all. The lanes are rotated to where the rows begin, so that
// the kernel starts with its first lane.
func (l *lanes) add(vals []float64, bits []byte) {
	row := int(l.rows & 31)
	simd.RotateLanes(&l.v, row)
	if bits == nil {
		simd.SumFloat64(&l.v, vals)
	} else {
		simd.SumFloat64Valid(&l.v, vals, bits)
	}
	simd.RotateLanes(&l.v, -row)
	l.rows += uint64(len(vals))
}

// addOne is a row with value x.
func (l *lanes) addOne(x float64) {
	l.v[l.rows&31] += x
	l.rows++
}

func (l *lanes) value() float64 { return simd.LanesValue(&l.v) }

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
