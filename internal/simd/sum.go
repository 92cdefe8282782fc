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
	for i := range lanes {
		lanes[i] = old[(i+row)&31]
	}
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
		sum += int64(sumInt32(x[:n]) - uint64(n)<<31)
		x = x[n:]
	}
	for _, v := range x {
		sum += int64(v)
	}
	return sum
}

// SumInt32Valid is [SumInt32] of the rows whose bit in valid is set.
func SumInt32Valid(x []int32, valid []byte) int64 {
	enoughBits("SumInt32Valid", valid, len(x))
	var sum int64
	for len(x) >= 32 {
		n := min(len(x)&^31, maxRows)
		sum += int64(sumInt32Valid(x[:n], valid) - uint64(n)<<31)
		x, valid = x[n:], valid[n/8:]
	}
	for i, v := range x {
		sum += int64(v) & -int64(valid[i>>3]>>(i&7)&1)
	}
	return sum
}

func sumInt32Go(x []int32) (biased uint64) {
	for _, v := range x {
		biased += uint64(uint32(v) ^ 1<<31)
	}
	return biased
}

func sumInt32ValidGo(x []int32, valid []byte) (biased uint64) {
	for i, v := range x {
		biased += uint64(uint32(v)&-uint32(valid[i>>3]>>(i&7)&1) ^ 1<<31)
	}
	return biased
}

// Total is an integer of 128 bits in two's complement.
type Total struct{ High, Low uint64 }

// plus adds the number with the words high and low.
func (t Total) plus(high, low uint64) Total {
	var carry uint64
	t.Low, carry = bits.Add64(t.Low, low, 0)
	t.High, _ = bits.Add64(t.High, high, carry)
	return t
}

// SumInt64 is the exact sum of x.
func SumInt64(x []int64) Total { return sumWide(x, 1<<63, nil) }

// SumInt64Valid is [SumInt64] of the rows whose bit in valid is set.
func SumInt64Valid(x []int64, valid []byte) Total {
	enoughBits("SumInt64Valid", valid, len(x))
	return sumWide(x, 1<<63, valid)
}

// SumUint64 is the exact sum of x.
func SumUint64(x []uint64) Total { return sumWide(as[int64](x), 0, nil) }

// SumUint64Valid is [SumUint64] of the rows whose bit in valid is set.
func SumUint64Valid(x []uint64, valid []byte) Total {
	enoughBits("SumUint64Valid", valid, len(x))
	return sumWide(as[int64](x), 0, valid)
}

// sumWide adds x[i]^flip, which is x[i]+2^63 of signed numbers, as unsigned
// numbers. Their sum is that of the upper halves times 2^32 plus that of the
// lower ones, which is less than 2^64 and thus known from the sum modulo 2^64.
func sumWide(x []int64, flip uint64, valid []byte) Total {
	var t Total
	for len(x) > 0 {
		n := min(len(x), maxRows)
		if n > 32 {
			n &^= 31
		}
		var low, high uint64
		switch block := n&31 == 0; {
		case block && valid == nil:
			low, high = sumHalves64(x[:n], flip)
		case block:
			low, high = sumHalves64Valid(x[:n], flip, valid)
		case valid == nil:
			low, high = sumHalves64Go(x[:n], flip)
		default:
			low, high = sumHalves64ValidGo(x[:n], flip, valid)
		}
		t = t.plus(high>>32, high<<32).plus(0, low-high<<32)
		if flip != 0 { // minus n*2^63
			t = t.plus(-uint64((n+1)/2), uint64(n)<<63)
		}
		x = x[n:]
		if valid != nil {
			valid = valid[bytesOf(n):]
		}
	}
	return t
}

func sumHalves64Go(x []int64, flip uint64) (low, high uint64) {
	for _, v := range x {
		u := uint64(v) ^ flip
		low += u
		high += u >> 32
	}
	return low, high
}

func sumHalves64ValidGo(x []int64, flip uint64, valid []byte) (low, high uint64) {
	for i, v := range x {
		u := uint64(v)&-uint64(valid[i>>3]>>(i&7)&1) ^ flip
		low += u
		high += u >> 32
	}
	return low, high
}
