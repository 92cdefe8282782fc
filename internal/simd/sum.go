package simd

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// maxRows is the most rows a kernel is given in one call: assembly cannot be
// preempted, and 64K rows take some 10 µs.
const maxRows = 1 << 16

// SumFloat64 adds x[i] to acc[i mod 32]. A lane that starts as +0 never
// becomes -0. With [RotateLanes] the lanes go on over later rows, so that the
// bits of the sum, [LanesValue], depend on no cut. NaN and infinities propagate.
// Cost: the read bandwidth of the level of memory x is in.
func SumFloat64(acc *[32]float64, x []float64) {
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		sumFloat64(acc, x[:n])
		x = x[n:]
	}
	for i, v := range x {
		acc[i] += v
	}
}

// SumFloat64Valid is [SumFloat64] of the rows whose bit in valid is set; the
// others add nothing, whatever stands in them.
func SumFloat64Valid(acc *[32]float64, x []float64, valid []byte) {
	enoughBits("SumFloat64Valid", valid, len(x))
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		sumFloat64Valid(acc, x[:n], valid)
		x, valid = x[n:], valid[n/8:]
	}
	for i, v := range x {
		if valid[i>>3]>>(i&7)&1 != 0 {
			acc[i] += v
		}
	}
}

// SumFloat32 is [SumFloat64] of float64(x[i]).
func SumFloat32(acc *[32]float64, x []float32) {
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		sumFloat32(acc, x[:n])
		x = x[n:]
	}
	for i, v := range x {
		acc[i] += float64(v)
	}
}

// SumFloat32Valid is [SumFloat64Valid] of float64(x[i]).
func SumFloat32Valid(acc *[32]float64, x []float32, valid []byte) {
	enoughBits("SumFloat32Valid", valid, len(x))
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		sumFloat32Valid(acc, x[:n], valid)
		x, valid = x[n:], valid[n/8:]
	}
	for i, v := range x {
		if valid[i>>3]>>(i&7)&1 != 0 {
			acc[i] += float64(v)
		}
	}
}

// sumFloat64Go goes over pieces that stay in the first-level cache once per
// eight lanes: so many fit the registers.
func sumFloat64Go(acc *[32]float64, x []float64) {
	for len(x) > 0 {
		piece := x[:min(len(x), 1024)]
		for q := 0; q < 32; q += 8 {
			addOctet((*[8]float64)(acc[q:]), piece[q:])
		}
		x = x[len(piece):]
	}
}

// sumFloat64ValidGo adds +0 for nulls, which to a lane that is not -0 is the
// same as nothing.
func sumFloat64ValidGo(acc *[32]float64, x []float64, valid []byte) {
	var masked [512]float64
	for len(x) > 0 {
		piece := masked[:min(len(x), len(masked))]
		for at := 0; at < len(piece); at += 32 {
			word := uint64(binary.LittleEndian.Uint32(valid[at/8:]))
			in, out := (*[32]float64)(x[at:]), (*[32]float64)(piece[at:])
			for i, v := range in {
				out[i] = math.Float64frombits(math.Float64bits(v) & -(word & 1))
				word >>= 1
			}
		}
		sumFloat64Go(acc, piece)
		x, valid = x[len(piece):], valid[len(piece)/8:]
	}
}

func sumFloat32Go(acc *[32]float64, x []float32) {
	var wide [512]float64
	for len(x) > 0 {
		piece := wide[:min(len(x), len(wide))]
		for i := range piece {
			piece[i] = float64(x[i])
		}
		sumFloat64Go(acc, piece)
		x = x[len(piece):]
	}
}

func sumFloat32ValidGo(acc *[32]float64, x []float32, valid []byte) {
	var wide [512]float64
	for len(x) > 0 {
		piece := wide[:min(len(x), len(wide))]
		for i := range piece {
			piece[i] = float64(x[i])
		}
		sumFloat64ValidGo(acc, piece, valid)
		x, valid = x[len(piece):], valid[len(piece)/8:]
	}
}

// addOctet adds rows 0 to 7 of every 32 rows to eight lanes.
func addOctet(l *[8]float64, x []float64) {
	a, b, c, d, e, f, g, h := l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7]
	for len(x) >= 8 {
		v := (*[8]float64)(x)
		a += v[0]
		b += v[1]
		c += v[2]
		d += v[3]
		e += v[4]
		f += v[5]
		g += v[6]
		h += v[7]
		x = x[min(32, len(x)):]
	}
	*l = [8]float64{a, b, c, d, e, f, g, h}
}

// RotateLanes moves lane (i + row) mod 32 to lane i, so that a kernel can go on
// with row number row of the stream as its first; -row turns them back.
func RotateLanes(lanes *[32]float64, row int) {
	old := *lanes
	r := row & 31
	copy(lanes[:32-r], old[r:])
	copy(lanes[32-r:], old[:r])
}

// LanesValue adds the lanes at distance 16, 8, 4, 2 and 1.
func LanesValue(lanes *[32]float64) float64 {
	v := *lanes
	for d := 16; d > 0; d /= 2 {
		for i := range d {
			v[i] += v[i+d]
		}
	}
	return v[0]
}

// SumInt32 is the sum of x, exact for fewer than 2^32 rows.
func SumInt32(x []int32) int64 {
	var sum int64
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		sum += sumInt32(x[:n])
		x = x[n:]
	}
	return sum + sumInt32Go(x)
}

// SumInt32Valid is [SumInt32] of the rows whose bit in valid is set.
func SumInt32Valid(x []int32, valid []byte) int64 {
	enoughBits("SumInt32Valid", valid, len(x))
	var sum int64
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		sum += sumInt32Valid(x[:n], valid)
		x, valid = x[n:], valid[n/8:]
	}
	return sum + sumInt32ValidGo(x, valid)
}

func sumInt32Go(x []int32) (sum int64) {
	for _, v := range x {
		sum += int64(v)
	}
	return sum
}

func sumInt32ValidGo(x []int32, valid []byte) (sum int64) {
	for i, v := range x {
		sum += int64(v) & -int64(valid[i>>3]>>(i&7)&1)
	}
	return sum
}

// Total is an integer of 128 bits in two's complement.
type Total struct{ High, Low uint64 }

// add adds what a kernel says about at most 65,536 numbers: their sum modulo
// 2^64 and the sum of their upper 16 bits, high. The lower 48 bits of all of
// them sum up to less than 2^64, so both tell that sum, and it the total.
func (t *Total) add(sum uint64, high int64) {
	var carry uint64
	t.Low, carry = bits.Add64(t.Low, uint64(high)<<48, 0)
	t.High, _ = bits.Add64(t.High, uint64(high>>16), carry)
	t.Low, carry = bits.Add64(t.Low, sum-uint64(high)<<48, 0)
	t.High += carry
}

// SumInt64 is the exact sum of x.
func SumInt64(x []int64) (t Total) {
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		t.add(sumInt64(x[:n]))
		x = x[n:]
	}
	t.add(sumInt64Go(x))
	return t
}

// SumInt64Valid is [SumInt64] of the rows whose bit in valid is set.
func SumInt64Valid(x []int64, valid []byte) (t Total) {
	enoughBits("SumInt64Valid", valid, len(x))
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		t.add(sumInt64Valid(x[:n], valid))
		x, valid = x[n:], valid[n/8:]
	}
	t.add(sumInt64ValidGo(x, valid))
	return t
}

// SumUint64 is the exact sum of x.
func SumUint64(x []uint64) (t Total) {
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		t.add(sumUint64(x[:n]))
		x = x[n:]
	}
	t.add(sumUint64Go(x))
	return t
}

// SumUint64Valid is [SumUint64] of the rows whose bit in valid is set.
func SumUint64Valid(x []uint64, valid []byte) (t Total) {
	enoughBits("SumUint64Valid", valid, len(x))
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		t.add(sumUint64Valid(x[:n], valid))
		x, valid = x[n:], valid[n/8:]
	}
	t.add(sumUint64ValidGo(x, valid))
	return t
}

func sumInt64Go(x []int64) (sum uint64, high int64) {
	for _, v := range x {
		sum += uint64(v)
		high += v >> 48
	}
	return sum, high
}

func sumInt64ValidGo(x []int64, valid []byte) (sum uint64, high int64) {
	for i, v := range x {
		v &= -int64(valid[i>>3] >> (i & 7) & 1)
		sum += uint64(v)
		high += v >> 48
	}
	return sum, high
}

func sumUint64Go(x []uint64) (sum uint64, high int64) {
	for _, v := range x {
		sum += v
		high += int64(v >> 48)
	}
	return sum, high
}

func sumUint64ValidGo(x []uint64, valid []byte) (sum uint64, high int64) {
	for i, v := range x {
		v &= -uint64(valid[i>>3] >> (i & 7) & 1)
		sum += v
		high += int64(v >> 48)
	}
	return sum, high
}
