package simd

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Min is the least of x in the order where NaN is greater than every number;
// of no rows it is the greatest value there is, NaN for floats. Zero comes out
// as +0, so the result depends on no order of rows.
// Cost: the read bandwidth.
func Min[T Fixed](x []T) T { return least(x, nil) }

// MinValid is [Min] of the rows whose bit in valid is set.
func MinValid[T Fixed](x []T, valid []byte) T {
	enoughBits("MinValid", valid, len(x))
	return least(x, valid)
}

// Max is the greatest of x in the order of [Min]; of no rows it is the least
// value there is, -Inf for floats. Zero comes out as +0.
func Max[T Fixed](x []T) T { return greatest(x, nil) }

// MaxValid is [Max] of the rows whose bit in valid is set.
func MaxValid[T Fixed](x []T, valid []byte) T {
	enoughBits("MaxValid", valid, len(x))
	return greatest(x, valid)
}

// lanes are what kernels keep in registers: 256 bytes.
type lanes[T Fixed] [256]T

// of is the part in use, all start.
func (l *lanes[T]) of(start T) []T {
	acc := l[:256/unsafe.Sizeof(start)]
	for i := range acc {
		acc[i] = start
	}
	return acc
}

// least skips NaN. Only when nothing less than +Inf is found it matters whether
// there were numbers.
func least[T Fixed](x []T, valid []byte) T {
	var l lanes[T]
	_, start := limits[T]()
	acc := l.of(start)
	rest, bits := x, valid
	for n := len(rest) &^ (len(acc) - 1); n > 0; n = len(rest) &^ (len(acc) - 1) {
		n = min(n, maxRows)
		minBlocks(acc, rest[:n], bits)
		if rest = rest[n:]; valid != nil {
			bits = bits[n/8:]
		}
	}
	if valid != nil {
		minValidGo(acc, rest, bits)
	} else {
		minGo(acc, rest)
	}
	m := acc[0]
	for _, v := range acc {
		if v < m {
			m = v
		}
	}
	if m == start && isReal[T]() && !hasNumber(x, valid) {
		return m - m // NaN
	}
	return m + 0
}

// hasNumber tells whether a row, whose bit is set, is not NaN.
func hasNumber[T Fixed](x []T, valid []byte) bool {
	for i, v := range x {
		if v == v && (valid == nil || valid[i>>3]>>(i&7)&1 != 0) {
			return true
		}
	}
	return false
}

func greatest[T Fixed](x []T, valid []byte) T {
	var l lanes[T]
	start, _ := limits[T]()
	acc := l.of(start)
	for n := len(x) &^ (len(acc) - 1); n > 0; n = len(x) &^ (len(acc) - 1) {
		n = min(n, maxRows)
		maxBlocks(acc, x[:n], valid)
		if x = x[n:]; valid != nil {
			valid = valid[n/8:]
		}
	}
	if valid != nil {
		maxValidGo(acc, x, valid)
	} else {
		maxGo(acc, x)
	}
	m := acc[0]
	for _, v := range acc {
		if v > m || v != v {
			m = v
		}
	}
	return m + 0
}

func minBlocks[T Fixed](acc, x []T, valid []byte) {
	switch x := any(x).(type) {
	case []int32:
		if acc := any(acc).([]int32); valid != nil {
			minInt32Valid(acc, x, valid)
		} else {
			minInt32(acc, x)
		}
	case []int64:
		if acc := any(acc).([]int64); valid != nil {
			minInt64Valid(acc, x, valid)
		} else {
			minInt64(acc, x)
		}
	case []float32:
		if acc := any(acc).([]float32); valid != nil {
			minFloat32Valid(acc, x, valid)
		} else {
			minFloat32(acc, x)
		}
	case []float64:
		if acc := any(acc).([]float64); valid != nil {
			minFloat64Valid(acc, x, valid)
		} else {
			minFloat64(acc, x)
		}
	case []T:
		if valid != nil {
			minValidGo(acc, x, valid)
		} else {
			minGo(acc, x)
		}
	}
}

func maxBlocks[T Fixed](acc, x []T, valid []byte) {
	switch x := any(x).(type) {
	case []int32:
		if acc := any(acc).([]int32); valid != nil {
			maxInt32Valid(acc, x, valid)
		} else {
			maxInt32(acc, x)
		}
	case []int64:
		if acc := any(acc).([]int64); valid != nil {
			maxInt64Valid(acc, x, valid)
		} else {
			maxInt64(acc, x)
		}
	case []float32:
		if acc := any(acc).([]float32); valid != nil {
			maxFloat32Valid(acc, x, valid)
		} else {
			maxFloat32(acc, x)
		}
	case []float64:
		if acc := any(acc).([]float64); valid != nil {
			maxFloat64Valid(acc, x, valid)
		} else {
			maxFloat64(acc, x)
		}
	case []T:
		if valid != nil {
			maxValidGo(acc, x, valid)
		} else {
			maxGo(acc, x)
		}
	}
}

// minGo uses four lanes; which lane a row meets does not show.
func minGo[T Fixed](acc, x []T) {
	a, b, c, d := acc[0], acc[1], acc[2], acc[3]
	for ; len(x) >= 4; x = x[4:] {
		p := (*[4]T)(x)
		if p[0] < a {
			a = p[0]
		}
		if p[1] < b {
			b = p[1]
		}
		if p[2] < c {
			c = p[2]
		}
		if p[3] < d {
			d = p[3]
		}
	}
	for _, v := range x {
		if v < a {
			a = v
		}
	}
	acc[0], acc[1], acc[2], acc[3] = a, b, c, d
}

// maxGo keeps NaN: nothing is greater.
func maxGo[T Fixed](acc, x []T) {
	a, b, c, d := acc[0], acc[1], acc[2], acc[3]
	for ; len(x) >= 4; x = x[4:] {
		p := (*[4]T)(x)
		if p[0] > a || p[0] != p[0] {
			a = p[0]
		}
		if p[1] > b || p[1] != p[1] {
			b = p[1]
		}
		if p[2] > c || p[2] != p[2] {
			c = p[2]
		}
		if p[3] > d || p[3] != p[3] {
			d = p[3]
		}
	}
	for _, v := range x {
		if v > a || v != v {
			a = v
		}
	}
	acc[0], acc[1], acc[2], acc[3] = a, b, c, d
}

// minValidGo walks the bits of words that are not all set.
func minValidGo[T Fixed](acc, x []T, valid []byte) {
	for ; len(x) >= 64; x, valid = x[64:], valid[8:] {
		word := binary.LittleEndian.Uint64(valid)
		if word == ^uint64(0) {
			minGo(acc, x[:64])
			continue
		}
		m := acc[0]
		for ; word != 0; word &= word - 1 {
			if v := x[bits.TrailingZeros64(word)]; v < m {
				m = v
			}
		}
		acc[0] = m
	}
	for i := range x {
		if valid[i>>3]>>(i&7)&1 != 0 {
			minGo(acc, x[i:i+1])
		}
	}
}

func maxValidGo[T Fixed](acc, x []T, valid []byte) {
	for ; len(x) >= 64; x, valid = x[64:], valid[8:] {
		word := binary.LittleEndian.Uint64(valid)
		if word == ^uint64(0) {
			maxGo(acc, x[:64])
			continue
		}
		m := acc[0]
		for ; word != 0; word &= word - 1 {
			if v := x[bits.TrailingZeros64(word)]; v > m || v != v {
				m = v
			}
		}
		acc[0] = m
	}
	for i := range x {
		if valid[i>>3]>>(i&7)&1 != 0 {
			maxGo(acc, x[i:i+1])
		}
	}
}
