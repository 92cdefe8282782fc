package mlkernels

import (
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/arrowstream/arrowstream/columnar"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// numbers are the loops that widen the numeric types, but bool and decimal.
var numbers = map[arrow.Type]func(out []float64, a arrow.Array){
	arrow.INT8: widenFrom[int8], arrow.INT16: widenFrom[int16], arrow.INT32: widenFrom[int32], arrow.INT64: widenFrom[int64],
	arrow.UINT8: widenFrom[uint8], arrow.UINT16: widenFrom[uint16], arrow.UINT32: widenFrom[uint32], arrow.UINT64: widenFrom[uint64],
	arrow.FLOAT32: widenFrom[float32], arrow.FLOAT64: widenFrom[float64],
}

// widen writes the values of a as float64; slots of nulls get anything.
func widen(out []float64, a arrow.Array) {
	switch a := a.(type) {
	case *array.Boolean:
		v := columnar.Bools(a)
		for w := range v.Words() {
			x := v.Word(w)
			part := out[64*w : min(64*w+64, len(out))]
			for i := range part {
				part[i] = float64(int64(x & 1))
				x >>= 1
			}
		}
		return
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		for i, v := range a.Values() {
			out[i] = v.ToFloat64(scale)
		}
		return
	}
	numbers[a.DataType().ID()](out, a)
}

func widenFrom[T columnar.Fixed](out []float64, a arrow.Array) {
	in := columnar.Values[T](a)
	out = out[:len(in)]
	for i, v := range in {
		out[i] = float64(v)
	}
}

// column is a as float64: its own values if it has them, else in buf, which
// is grown as needed and returned.
func column(buf []float64, a arrow.Array) (col, grown []float64) {
	if a.DataType().ID() == arrow.FLOAT64 {
		return columnar.Values[float64](a), buf
	}
	buf = grow(buf, a.Len())
	widen(buf, a)
	return buf, buf
}

// allFinite reports whether no value is NaN or infinite: zero times any other is
// zero. Costs a read of x.
func allFinite(x []float64) bool {
	var lanes [32]float64
	for len(x) > 0 {
		n := min(len(x), len(zeros))
		simd.Dot(&lanes, x[:n], zeros[:n])
		x = x[n:]
	}
	return simd.LanesValue(&lanes) == 0
}

var zeros [1024]float64

// clearBits yields the positions of the clear bits of b in order. It costs
// nothing to speak of where all are set.
func clearBits(b columnar.Bitmap) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		if b.All() {
			return
		}
		for w := range b.Words() {
			n := min(64, b.N-64*w)
			for x := ^b.Word(w) & (^uint64(0) >> (64 - n)); x != 0; x &= x - 1 {
				if !yield(64*w + bits.TrailingZeros64(x)) {
					return
				}
			}
		}
	}
}
